//! What the shell parser accepts, against what `bash -n` accepts, on scripts of the fixtures that are broken at random.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use sidestage_compiler::source::ScriptMap;
use sidestage_compiler::syntax::{shell, yaml};

use crate::Error;

/// What is put into a script: the words and marks that the grammar hangs on.
const PIECES: &[&str] = &[
    "if ",
    "then ",
    "elif ",
    "else ",
    "fi",
    "for i in ",
    "while ",
    "do ",
    "done",
    "case ",
    " in ",
    "esac",
    "{ ",
    "}",
    "(",
    ")",
    "[[ ",
    " ]]",
    "$(",
    "${",
    "${a:-",
    "\"",
    "'",
    "\\",
    "\n",
    "; ",
    ";; ",
    "& ",
    "&& ",
    "|| ",
    "| ",
    "> ",
    "2>&1 ",
    "=",
    "a=(",
    "!",
    "# ",
    "f() ",
];

/// Compares for so many seconds, and prints what differs.
pub(crate) fn compare(project: &Path, seconds: u64, seed: u64) -> Result<ExitCode, Error> {
    let scripts = scripts(&project.join("fixtures"))?;
    println!("seed {seed}: {} scripts, {seconds} s", scripts.len());
    let mut random = fastrand::Rng::with_seed(seed);
    let (start, time) = (Instant::now(), Duration::from_secs(seconds));
    let (mut compared, mut differences) = (0, 0);
    while start.elapsed() < time {
        let script = broken(&scripts[random.usize(..scripts.len())], &mut random);
        let (ours, bash) = (accepts(&script), bash_accepts(&script)?);
        compared += 1;
        if ours != bash {
            differences += 1;
            println!("\n{}:\n{}", verdict(ours), String::from_utf8_lossy(&script));
        }
    }
    println!("\n{compared} scripts compared, {differences} differences");
    Ok(if differences == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn verdict(ours: bool) -> &'static str {
    if ours { "accepted here, refused by bash" } else { "refused here, accepted by bash" }
}

/// The shell scripts below a folder: files with a shebang of a shell, and the `script` keys of configurations.
fn scripts(folder: &Path) -> Result<Vec<Vec<u8>>, Error> {
    let mut scripts = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "yaml") {
                scripts.extend(embedded(&fs::read(&path)?));
            } else {
                scripts.push(fs::read(&path)?);
            }
        }
    }
    scripts.retain(|script| is_shell(script));
    scripts.sort();
    scripts.dedup();
    if scripts.is_empty() { Err("there are no scripts below fixtures/".into()) } else { Ok(scripts) }
}

fn embedded(bytes: &[u8]) -> Vec<Vec<u8>> {
    let Ok(text) = std::str::from_utf8(bytes) else { return Vec::new() };
    let document = yaml::read(text);
    let script = |key, value| {
        let (name, _) = document.script(text, key)?;
        let (script, _) = document.script(text, value).filter(|_| name == "script")?;
        Some(script.into_owned().into_bytes())
    };
    let entries = document.nodes().flat_map(|(id, _)| document.entries(id).to_vec());
    entries.filter_map(|entry| script(entry.key, entry.value)).collect()
}

fn is_shell(script: &[u8]) -> bool {
    let first = script.split(|byte| *byte == b'\n').next().unwrap_or_default();
    first.starts_with(b"#!") && first.ends_with(b"sh")
}

/// A script with one to three places taken out, put in or doubled.
fn broken(script: &[u8], random: &mut fastrand::Rng) -> Vec<u8> {
    let mut script = script.to_vec();
    for _ in 0..random.usize(1..4) {
        let at = random.usize(..=script.len());
        let end = (at + random.usize(..6)).min(script.len());
        let new = match random.u8(..3) {
            0 => Vec::new(),
            1 => PIECES[random.usize(..PIECES.len())].into(),
            _ => script[at..end].repeat(2),
        };
        script.splice(at..end, new);
    }
    script
}

fn accepts(script: &[u8]) -> bool {
    shell::parse(script, &ScriptMap::verbatim(0)).errors.is_empty()
}

fn bash_accepts(script: &[u8]) -> Result<bool, Error> {
    let mut bash = Command::new("bash");
    bash.args(["--norc", "-n"]).env("LC_ALL", "C.UTF-8").stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = bash.spawn()?;
    if let Some(mut input) = child.stdin.take() {
        // bash may stop reading at an error; what it says fits its pipe.
        let _ = input.write_all(script);
    }
    let output = child.wait_with_output()?;
    // An error in `[[ ]]` is told without a status.
    let said = String::from_utf8_lossy(&output.stderr);
    Ok(output.status.success() && said.lines().all(|line| line.contains("warning")))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // a test that panics has failed, as it should
mod tests {
    use super::{accepts, bash_accepts, broken, embedded, is_shell, scripts};

    #[test]
    fn both_judges_accept_and_refuse() {
        for (script, expected) in [("if a; then b; fi\n", true), ("if a; then b\n", false), ("[[ a\n", false)] {
            assert_eq!((accepts(script.as_bytes()), bash_accepts(script.as_bytes()).unwrap()), (expected, expected), "{script}");
        }
    }

    #[test]
    fn scripts_of_a_shell_are_taken_from_files_and_keys() {
        let config = "deploy:\n  image: x\n  script: |\n    #!/bin/sh\n    a\n";
        assert_eq!(embedded(config.as_bytes()), [b"#!/bin/sh\na\n"]);
        assert!(is_shell(b"#!/usr/bin/env bash\n") && !is_shell(b"#!/usr/bin/env python3\n") && !is_shell(b"echo sh"));
        assert!(scripts(&crate::project().join("fixtures")).unwrap().len() > 50);
    }

    #[test]
    fn a_seed_repeats_its_mutations() {
        let of = |seed| broken(b"if a; then b; fi\n", &mut fastrand::Rng::with_seed(seed));
        assert_eq!(of(7), of(7));
        assert!((0..9).any(|seed| of(seed) != of(7)));
    }
}
