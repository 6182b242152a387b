//! The laws on random inputs: the fixtures, changed at random places. `SIDESTAGE_RANDOM=100000` runs for longer,
//! `SIDESTAGE_SEED` begins elsewhere; a broken law prints the seed that repeats it.

use std::fs;
use std::path::Path;

use crate::harness::repository::project;
use fastrand::Rng;
use rayon::prelude::*;

/// How many inputs are made, unless more are asked for.
const CASES: u64 = 20_000;

/// One of so many is also made large, which costs more than all else.
const ENLARGED: u64 = 16;

/// What breaks readers, and what means something to them.
const PIECES: &[&str] = &[
    "\t",
    "\r\n",
    "\0",
    "\u{feff}",
    "ä",
    "'",
    "\"",
    "`",
    "$(",
    ")",
    "${",
    "}",
    "${x:-",
    "((",
    "[[ ",
    " ]]",
    "<<EOF\n",
    "EOF\n",
    "<<<",
    "|",
    "||",
    "&&",
    ";",
    "&",
    "#",
    "{",
    "if ",
    "then ",
    "fi\n",
    "for s in a b; do ",
    "done\n",
    "while true; do ",
    "case x in *) ",
    "esac\n",
    "f() { ",
    "function ",
    "exit 1\n",
    "return\n",
    "break\n",
    "trigger-task owasp-zap\n",
    "trigger-task \"$s\"\n",
    "export_env app-url\n",
    "set_env app-url 1\n",
    "get_env app-url\n",
    "get_secret k | ",
    "source scripts/x\n",
    "cd ..\n",
    ": |\n",
    "- ",
    "? ",
    "&a ",
    "*a",
    "<<: *a\n",
    "!!binary ",
    "---\n",
    "...\n",
    "%YAML 1.2\n",
    "version: '1'\n",
    "version: '2'\n",
    "tasks:\n",
    "  script: |\n",
    "runAfter: [a]\n",
    "from: a\n",
    "when: 'false'\n",
    "x-async:\n",
    "# sidestage: ignore[late-export]\n",
    "# sidestage: ignore[",
    "skip: true\n",
];

#[test]
fn no_input_breaks_a_law() {
    let number = |name: &str, default: u64| std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default);
    let (cases, seed) = (number("SIDESTAGE_RANDOM", CASES), number("SIDESTAGE_SEED", 1));
    let seeds = seeds();
    assert!(seeds.len() > 20, "the fixtures are there");
    (seed..seed + cases).into_par_iter().for_each(|case| {
        let mut rng = Rng::with_seed(case);
        let mut text = rng.choice(&seeds).unwrap().clone();
        for _ in 0..rng.usize(1..=6) {
            mutate(&mut text, &seeds, &mut rng);
        }
        let outcome = std::panic::catch_unwind(|| obey(&text, case % ENLARGED == 0));
        assert!(outcome.is_ok(), "SIDESTAGE_SEED={case} SIDESTAGE_RANDOM=1 repeats it, on this input:\n{text}");
    });
}

fn obey(text: &str, is_enlarged: bool) {
    crate::properties::yaml(text);
    let (config, scripts) = crate::properties::parted(text);
    for (_, script) in &scripts {
        crate::properties::shell(script.as_bytes());
    }
    let compilation = crate::properties::check(config.as_bytes(), &scripts);
    if compilation.findings.iter().any(|finding| finding.fix.is_some()) {
        crate::properties::fix(&config, &scripts);
    }
    if is_enlarged {
        crate::properties::size(&config, &scripts);
    }
}

fn mutate(text: &mut String, seeds: &[String], rng: &mut Rng) {
    let at = place(text, rng);
    match rng.usize(0..7) {
        0 => text.insert_str(at, rng.choice(PIECES).unwrap()),
        1 => {
            let end = place(text, rng);
            text.replace_range(at.min(end)..at.max(end).min(at.min(end) + boundary(text, at.min(end), 30)), "");
        }
        // A line goes, comes twice, or changes its place.
        kind @ 2..=4 => {
            let mut lines: Vec<&str> = text.split_inclusive('\n').collect();
            if lines.is_empty() {
                return;
            }
            let from = rng.usize(0..lines.len());
            let line = lines[from];
            if kind != 3 {
                lines.remove(from);
            }
            if kind != 2 {
                let to = rng.usize(0..=lines.len());
                lines.insert(to, line);
            }
            *text = lines.concat();
        }
        // A piece of another input.
        5 => {
            let other = rng.choice(seeds).unwrap();
            let from = place(other, rng);
            let piece = other[from..from + boundary(other, from, 200)].to_owned();
            text.insert_str(at, &piece);
        }
        _ => {
            let length = boundary(text, at, 8);
            text.replace_range(at..at + length, rng.choice(PIECES).unwrap());
        }
    }
}

fn place(text: &str, rng: &mut Rng) -> usize {
    let at = rng.usize(0..=text.len());
    (0..=at).rev().find(|at| text.is_char_boundary(*at)).unwrap()
}

/// The largest length of at most `most` bytes behind `at` that ends at a character.
fn boundary(text: &str, at: usize, most: usize) -> usize {
    (0..=most.min(text.len() - at)).rev().find(|length| text.is_char_boundary(at + length)).unwrap()
}

/// Each fixture as one text: its configuration, then its scripts behind `--- path`.
fn seeds() -> Vec<String> {
    let mut seeds = Vec::new();
    for fixture in fs::read_dir(project().join("fixtures")).unwrap() {
        let folder = fixture.unwrap().path();
        let Ok(mut text) = fs::read_to_string(folder.join(crate::properties::CONFIG)) else { continue };
        let mut scripts = Vec::new();
        below(&folder, &folder, &mut scripts);
        scripts.sort();
        for (path, script) in scripts {
            text.push_str(&format!("\n--- {path}\n{script}"));
        }
        seeds.push(text);
    }
    seeds.sort();
    seeds
}

fn below(root: &Path, folder: &Path, scripts: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            below(root, &path, scripts);
        } else if let Ok(text) = fs::read_to_string(&path)
            && !path.ends_with(crate::properties::CONFIG)
            && !path.ends_with("expected.txt")
        {
            scripts.push((path.strip_prefix(root).unwrap().to_str().unwrap().to_owned(), text));
        }
    }
}
