//! The beginning of a rule: all that is the same for each, so that what is left fails until its author has written it.

use std::fs;
use std::path::Path;
use std::process::ExitCode;

use crate::Error;

const CATALOGUE: &str = "crates/compiler/src/diagnostics/catalogue.rs";
const RULES: &str = "crates/compiler/src/rules/mod.rs";
const FIXTURES: &str = "tests/it/fixtures.rs";

/// A file, and its new text.
type Written = (String, String);

/// Writes a rule's files and its lines in the lists.
pub(crate) fn begin(project: &Path, name: &str, area: &str) -> Result<ExitCode, Error> {
    let read = |path: &str| fs::read_to_string(project.join(path)).map_err(|error| format!("{path}: {error}").into());
    let written = rule(name, area, &read)?;
    if let Some((path, _)) = written.iter().find(|(path, _)| !is_list(path) && project.join(path).exists()) {
        return Err(format!("{path} is there already").into());
    }
    for (path, text) in &written {
        let file = project.join(path);
        fs::create_dir_all(file.parent().unwrap_or(project))?;
        fs::write(file, text)?;
        println!("{path}");
    }
    println!("\nNow write the page, the check and the fixtures; then `cargo xtask bless {name}`, `{name}-v2` and `{name}-near-miss`.");
    Ok(ExitCode::SUCCESS)
}

fn is_list(path: &str) -> bool {
    [CATALOGUE, RULES, FIXTURES].contains(&path) || path.ends_with("/mod.rs")
}

/// All texts of a new rule.
fn rule(name: &str, area: &str, read: &dyn Fn(&str) -> Result<String, Error>) -> Result<Vec<Written>, Error> {
    check(name)?;
    let module = name.replace('-', "_");
    let area_list = format!("crates/compiler/src/rules/{area}/mod.rs");
    let area_text = read(&area_list).map_err(|error| format!("there is no area `{area}` ({error})"))?;
    let entry = format!("    {} = {area}::{module},\n", id(name));
    let line = format!("    {} \"{name}\" Warning Never \"0.1.0\"\n        \"TODO: when it fires\",\n", id(name));
    let mut tests = read(FIXTURES)?;
    for fixture in fixtures(name) {
        tests = sorted_into(&tests, "fixtures! {\n", &format!("    {}\n", fixture.0.replace('-', "_")))?;
    }
    let mut written = vec![
        (format!("crates/compiler/src/rules/{area}/{module}.rs"), code(name)),
        (CATALOGUE.to_owned(), before(&read(CATALOGUE)?, "    UnusedIgnore \"", &line)?),
        (RULES.to_owned(), before(&read(RULES)?, "    UnusedIgnore = ", &entry)?),
        (area_list, declared(&area_text, &format!("pub(super) mod {module};\n"))),
        (FIXTURES.to_owned(), tests),
    ];
    written.extend(fixtures(name).map(|(fixture, config)| (format!("fixtures/{fixture}/.pipeline-config.yaml"), config.to_owned())));
    Ok(written)
}

/// Names are written as in the catalogue.
fn check(name: &str) -> Result<(), Error> {
    let is_word = |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase());
    if name.split('-').all(is_word) { Ok(()) } else { Err(format!("`{name}` is not of the form `late-export`").into()) }
}

/// `late-export` as `LateExport`.
fn id(name: &str) -> String {
    let capital = |word: &str| word[..1].to_uppercase() + &word[1..];
    name.split('-').map(capital).collect()
}

/// A text with something put before the one place where a mark stands.
fn before(text: &str, mark: &str, new: &str) -> Result<String, Error> {
    let (head, tail) = text.split_once(mark).ok_or_else(|| format!("there is no `{mark}` to write before"))?;
    Ok(format!("{head}{new}{mark}{tail}"))
}

/// The modules of an area with one more, in the order of rustfmt.
fn declared(area: &str, line: &str) -> String {
    let is_after = |other: &str| other.starts_with("pub(super) mod ") && other > line;
    let at = area.split_inclusive('\n').take_while(|other| !is_after(other)).map(str::len).sum();
    let (head, tail) = area.split_at(at);
    format!("{head}{line}{tail}")
}

/// A text with a line put into the sorted list that begins behind a mark and ends with `}`.
fn sorted_into(text: &str, mark: &str, line: &str) -> Result<String, Error> {
    let (head, rest) = text.split_once(mark).ok_or_else(|| format!("there is no `{mark}` to write behind"))?;
    let (list, tail) = rest.split_once("}\n").ok_or("the list does not end")?;
    let mut lines: Vec<&str> = list.split_inclusive('\n').chain([line]).collect();
    lines.sort_unstable();
    Ok(format!("{head}{mark}{}}}\n{tail}", lines.concat()))
}

const V1: &str = "\
version: '1'
deploy:
  image: icr.io/example/pipeline-base:1
  script: |
    #!/usr/bin/env bash
    set_env app-url \"https://web.example.com\"
";

const V2: &str = "\
version: '2'
tasks:
  deploy-checks:
    steps:
      - name: deploy
        image: icr.io/example/pipeline-base:1
        script: |
          #!/usr/bin/env bash
          set_env app-url \"https://web.example.com\"
";

/// A fixture in each format, and a near miss.
fn fixtures(name: &str) -> [(String, &'static str); 3] {
    [(name.to_owned(), V1), (format!("{name}-v2"), V2), (format!("{name}-near-miss"), V1)]
}

/// The rule's file. It compiles, and finds nothing.
fn code(name: &str) -> String {
    let example = format!("```yaml .pipeline-config.yaml\n{V1}```");
    format!(
        "//! `{name}`: TODO, when it fires.

use crate::diagnostics::Finding;
use crate::rules::Context;

pub(crate) const PAGE: &str = r#\"## What it does
TODO

## Why is this bad
TODO

## How to fix
TODO

## Example
{example}

## Use instead
{example}

## In the other format
TODO

## When to ignore
TODO
\"#;

pub(crate) fn check(_context: &Context<'_>, _findings: &mut Vec<Finding>) {{}}
"
    )
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // a test that panics has failed, as it should
mod tests {
    use super::{CATALOGUE, Error, FIXTURES, RULES, Written, check, declared, id, rule, sorted_into};

    /// The project's own lists.
    fn read(path: &str) -> Result<String, Error> {
        Ok(std::fs::read_to_string(crate::project().join(path))?)
    }

    fn text<'a>(written: &'a [Written], path: &str) -> &'a str {
        &written.iter().find(|(written, _)| written == path).unwrap().1
    }

    #[test]
    fn a_rule_has_its_file_its_lines_and_its_fixtures() {
        let written = rule("forgotten-data", "exports", &read).unwrap();
        let code = text(&written, "crates/compiler/src/rules/exports/forgotten_data.rs");
        let headings: Vec<&str> = code.lines().filter_map(|line| line.split_once("## ")).map(|(_, heading)| heading).collect();
        assert_eq!(
            headings,
            ["What it does", "Why is this bad", "How to fix", "Example", "Use instead", "In the other format", "When to ignore"]
        );
        assert!(text(&written, CATALOGUE).contains("    ForgottenData \"forgotten-data\" Warning Never \"0.1.0\"\n"));
        assert!(text(&written, RULES).contains("    ForgottenData = exports::forgotten_data,\n    UnusedIgnore = "));
        assert!(text(&written, "crates/compiler/src/rules/exports/mod.rs").contains("pub(super) mod forgotten_data;\n"));
        assert!(text(&written, FIXTURES).contains("    forgotten_data\n    forgotten_data_near_miss\n    forgotten_data_v2\n"));
        assert!(text(&written, "fixtures/forgotten-data-v2/.pipeline-config.yaml").starts_with("version: '2'\n"));
        assert_eq!(written.len(), 8);
    }

    #[test]
    fn what_was_in_the_lists_stays() {
        for (path, new) in rule("forgotten-data", "exports", &read).unwrap() {
            if let Ok(old) = read(&path) {
                let lost: Vec<&str> = old.lines().filter(|line| !new.contains(line)).collect();
                assert!(lost.is_empty() && new.len() > old.len(), "{path}: {lost:?}");
            }
        }
    }

    #[test]
    fn a_name_of_another_form_and_an_unknown_area_are_refused() {
        for name in ["", "LateExport", "late_export", "-late", "late--export", "../late"] {
            assert!(check(name).is_err(), "{name}");
        }
        assert!(rule("late", "elsewhere", &read).unwrap_err().to_string().starts_with("there is no area `elsewhere`"));
        assert_eq!(id("late-export"), "LateExport");
    }

    #[test]
    fn a_line_goes_where_it_sorts() {
        assert_eq!(sorted_into("l {\n a\n c\n}\nrest", "l {\n", " b\n").unwrap(), "l {\n a\n b\n c\n}\nrest");
        let (first, last) = ("//! Area.\n\nmod helper;\n", "pub(super) mod late;\n");
        assert_eq!(declared(&format!("{first}{last}"), "pub(super) mod early;\n"), format!("{first}pub(super) mod early;\n{last}"));
        assert_eq!(declared(&format!("{first}{last}"), "pub(super) mod later;\n"), format!("{first}{last}pub(super) mod later;\n"));
        assert!(sorted_into("rest", "l {\n", " b\n").is_err());
    }
}
