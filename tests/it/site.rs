//! The site: pages that are generated are up to date, every block of every page runs or is sound, every link leads somewhere.
//!
//! `cargo xtask bless-site` writes the generated pages.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::harness::repository::{Repository, copied, project};

const SIDESTAGE: &str = env!("CARGO_BIN_EXE_sidestage");
/// Pages whose blocks are not for a scratch repository: `pages.rs` runs the first two; those of the third need a pipeline, and
/// what they do is run by the suites of the webhook.
const RUN_ELSEWHERE: [&str; 3] = ["start.md", "recipes.md", "webhook.md"];

fn docs() -> PathBuf {
    project().join("docs")
}

/// What the program prints, from a folder.
fn printed(folder: &Path, arguments: &[&str]) -> String {
    let output = Command::new(SIDESTAGE).args(arguments).current_dir(folder).env_clear().output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// The pages that are made of what the program says of itself, by their paths under `docs`.
fn generated() -> BTreeMap<String, String> {
    let folder = project();
    let mut pages = BTreeMap::new();
    let list: serde_json::Value = serde_json::from_str(&printed(&folder, &["rules", "--format", "json"])).unwrap();
    let mut table =
        "# Rules\n\nEvery finding has the name of its rule in brackets. `sidestage explain RULE` prints the same pages.\n".to_owned();
    let mut group = "";
    let mut rules: Vec<&serde_json::Value> = list["rules"].as_array().unwrap().iter().collect();
    let groups: Vec<&str> = rules.iter().map(|rule| rule["group"].as_str().unwrap()).collect();
    rules.sort_by_key(|rule| groups.iter().position(|group| rule["group"] == *group));
    for rule in rules {
        let text = |key: &str| rule[key].as_str().unwrap_or_default();
        if text("group") != group {
            group = text("group");
            table += &format!("\n## {group}\n\n| rule | level | fixable | reports |\n|---|---|---|---|\n");
        }
        let name = text("name");
        table += &format!("| [`{name}`]({name}.md) | {} | {} | {} |\n", text("severity"), text("fixable"), text("summary"));
        pages.insert(format!("rules/{name}.md"), printed(&folder, &["explain", name]));
    }
    pages.insert("rules/README.md".to_owned(), table);
    pages.insert("commands.md".to_owned(), commands(&folder));
    let sample = folder.join("fixtures/zap");
    pages.insert("images/zap.svg".to_owned(), printed(&sample, &["graph", "--pipeline", "ci", "--format", "svg"]));
    let faulty = folder.join("fixtures/zap-unexported");
    pages.insert("images/zap-unexported.svg".to_owned(), printed(&faulty, &["graph", "--pipeline", "ci", "--format", "svg"]));
    pages
}

/// The help of every command.
fn commands(folder: &Path) -> String {
    let help = printed(folder, &["--help"]);
    let mut page = format!("# Commands\n\nWhat `--help` prints.\n\n```text\n{}```\n", without_width(&help));
    for line in help.lines().take_while(|line| *line != "Help:").filter(|line| line.starts_with("  ")) {
        let name = line.split_whitespace().next().unwrap();
        if name != "pipelinectl" {
            page += &format!("\n## {name}\n\n```text\n{}```\n", without_width(&printed(folder, &[name, "--help"])));
        }
    }
    page + &format!("\n## pipelinectl\n\n```text\n{}```\n", without_width(&printed(folder, &["pipelinectl", "help"])))
}

fn without_width(help: &str) -> String {
    help.lines().map(|line| format!("{}\n", line.trim_end())).collect()
}

#[test]
fn generated_pages_are_what_the_program_says_now() {
    let is_blessed = std::env::var_os("SNAPSHOTS").is_some_and(|value| value == "overwrite");
    let pages = generated();
    for (path, text) in &pages {
        let file = docs().join(path);
        if is_blessed {
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(&file, text).unwrap();
        }
        let there = fs::read_to_string(&file).unwrap_or_default();
        assert!(there == *text, "docs/{path} is stale: `cargo xtask bless-site` writes it again");
    }
    let there = fs::read_dir(docs().join("rules")).unwrap().map(|entry| format!("rules/{}", entry.unwrap().file_name().display()));
    assert_eq!(there.filter(|path| !pages.contains_key(path)).collect::<Vec<_>>(), Vec::<String>::new());
}

/// The pages that people write, with their names.
fn written() -> Vec<(String, String)> {
    let entries = fs::read_dir(docs()).unwrap().map(|entry| entry.unwrap().path());
    let pages = entries.filter(|path| path.extension().is_some_and(|extension| extension == "md"));
    let mut pages: Vec<_> = pages
        .map(|path| (path.file_name().unwrap().to_str().unwrap().to_owned(), fs::read_to_string(&path).unwrap()))
        .filter(|(name, _)| name != "commands.md")
        .collect();
    pages.push(("README.md".to_owned(), fs::read_to_string(project().join("README.md")).unwrap()));
    pages.sort();
    pages
}

/// A fenced block: its language, its text, and the line before it.
struct Block<'a> {
    language: &'a str,
    text: &'a str,
    before: &'a str,
}

fn blocks(page: &str) -> Vec<Block<'_>> {
    let mut found = Vec::new();
    let mut rest = page;
    while let Some((above, inside)) = rest.split_once("```") {
        let (language, inside) = inside.split_once('\n').unwrap();
        let (text, after) = inside.split_once("```").expect("a block is closed");
        found.push(Block { language, text, before: above.trim_end().lines().last().unwrap_or_default() });
        rest = after;
    }
    found
}

#[test]
fn every_shell_block_runs_as_it_stands() {
    for (name, page) in written().iter().filter(|(name, _)| {
        !RUN_ELSEWHERE.contains(&name.as_str()) && name != "README.md" && name != "performance.md" && name != "trust.md"
    }) {
        let steps: String = blocks(page).iter().filter(|block| block.language == "sh").map(|block| block.text).collect();
        if steps.is_empty() {
            continue;
        }
        let folder = copied(&project().join("fixtures/zap"));
        fs::create_dir(folder.path().join(".tools")).unwrap();
        symlink(SIDESTAGE, folder.path().join(".tools/sidestage")).unwrap();
        let path = format!("{}:{}", folder.path().join(".tools").display(), std::env::var("PATH").unwrap());
        let mut command = Command::new("bash");
        command.args(["-c", &format!("set -eu\n{steps}")]).current_dir(folder.path()).env("PATH", path).env("HOME", folder.path());
        let output = command.output().unwrap();
        let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{name}: {said}");
        // What the page shows is what is printed; the README shows the same.
        for block in blocks(page).iter().filter(|block| name == "first-check.md" && block.text.starts_with("error[")) {
            let readme = fs::read_to_string(project().join("README.md")).unwrap();
            assert!(blocks(&readme).iter().any(|shown| block.text.starts_with(shown.text)), "README.md shows another finding");
            assert!(said.contains(block.text), "{name} shows\n{}\nand this is printed\n{said}", block.text);
        }
    }
}

#[test]
fn every_configuration_on_a_page_is_sound_or_finds_what_the_page_says() {
    let mut seen = 0;
    for (name, page) in written().iter().filter(|(name, _)| !RUN_ELSEWHERE.contains(&name.as_str())) {
        for Block { language, text, before } in blocks(page) {
            if language != "yaml" {
                continue;
            }
            seen += 1;
            let (path, repository) = match text.lines().next().unwrap_or_default() {
                line if line.starts_with("version:") => (".pipeline-config.yaml", Repository::with_config(text)),
                "# .sidestage.yaml" => {
                    (".sidestage.yaml", Repository::new().file(".sidestage.yaml", text).file("scripts/x", "").file("app/x", ""))
                }
                _ => {
                    let value = serde_yaml::from_str::<serde_yaml::Value>(text);
                    assert!(value.is_ok(), "{name}: {value:?}");
                    continue;
                }
            };
            let report = repository.run(&["check", path, "--format", "json"]).json();
            let found = report["findings"].as_array().unwrap().iter();
            let found: BTreeSet<&str> =
                found.filter(|finding| finding["severity"] == "error").map(|finding| finding["rule"].as_str().unwrap()).collect();
            let expected: BTreeSet<&str> =
                before.strip_prefix("<!-- finds: ").and_then(|rest| rest.strip_suffix(" -->")).into_iter().collect();
            assert_eq!(found, expected, "{name}:\n{text}");
        }
    }
    assert!(seen > 25, "{seen}");
}

/// The anchors of a page, as the site and code hosts make them from headings.
fn anchors(page: &str) -> BTreeSet<String> {
    let mut is_code = false;
    let mut found = BTreeSet::new();
    for line in page.lines() {
        is_code ^= line.starts_with("```");
        if let (false, Some(heading)) = (is_code, line.strip_prefix('#')) {
            let heading = heading.trim_start_matches('#').trim().to_lowercase();
            let kept = heading.chars().filter(|letter| letter.is_alphanumeric() || matches!(letter, ' ' | '-' | '_'));
            found.insert(kept.map(|letter| if letter == ' ' { '-' } else { letter }).collect());
        }
    }
    found
}

#[test]
fn every_link_leads_to_a_page_and_to_a_heading_on_it() {
    let mut pages: BTreeMap<PathBuf, String> = BTreeMap::new();
    for (name, text) in written() {
        let folder = if name == "README.md" { project() } else { docs() };
        pages.insert(folder.join(name), text);
    }
    for (path, text) in generated().into_iter().filter(|(path, _)| Path::new(path).extension().is_some_and(|extension| extension == "md")) {
        pages.insert(docs().join(path), text);
    }
    let mut faults = Vec::new();
    for (file, text) in &pages {
        let prose: String = text.split("```").step_by(2).collect();
        for link in prose.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            if link.contains("://") || link.starts_with("mailto:") {
                continue;
            }
            let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
            let target = if path.is_empty() { file.clone() } else { file.parent().unwrap().join(path) };
            let Ok(target) = target.canonicalize() else {
                faults.push(format!("{}: {link}", file.display()));
                continue;
            };
            let known = pages.iter().find(|(page, _)| page.canonicalize().is_ok_and(|page| page == target));
            if !anchor.is_empty() && !known.is_some_and(|(_, text)| anchors(text).contains(anchor)) {
                faults.push(format!("{}: {link} (no such heading)", file.display()));
            }
        }
    }
    assert_eq!(faults, Vec::<String>::new());
}

#[test]
fn every_page_is_in_the_table_of_contents() {
    let summary = fs::read_to_string(docs().join("SUMMARY.md")).unwrap();
    let linked: BTreeSet<&str> = summary.split("](").skip(1).filter_map(|rest| rest.split(')').next()).collect();
    let mut pages: BTreeSet<String> =
        written().into_iter().map(|(name, _)| name).filter(|name| name != "SUMMARY.md" && name != "README.md").collect();
    pages.insert("commands.md".to_owned());
    pages.extend(generated().into_keys().filter(|path| Path::new(path).extension().is_some_and(|extension| extension == "md")));
    assert_eq!(linked.into_iter().map(str::to_owned).collect::<BTreeSet<_>>(), pages);
}

#[test]
fn the_site_is_built_where_mdbook_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let built = Command::new("mdbook").arg("build").arg(docs()).arg("--dest-dir").arg(folder.path()).output();
    let Ok(output) = built else {
        // Said aloud, as a check that did not run.
        let said = "site: mdbook is not installed, so the site was not built: `cargo install mdbook`";
        fs::write(project().join("target/site-not-built.txt"), said).unwrap();
        return;
    };
    let _ = fs::remove_file(project().join("target/site-not-built.txt"));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    for page in ["index.html", "rules/unexported-variable.html", "commands.html"] {
        assert!(folder.path().join(page).exists(), "{page}");
    }
}
