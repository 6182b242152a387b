//! The walls of `ARCHITECTURE.md`, held by reading the project. Each wall is a function from paths and texts to what
//! breaks it; `samples.rs` shows for each that it is no painted one.

mod imports;
mod layout;
mod modules;
mod samples;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use sidestage_compiler::diagnostics::RuleId;

use self::imports::{Imports, Name};
use self::layout::Fixture;
use self::modules::{Files, Module};
use crate::harness::repository::{EXPECTED, project};

/// The root files of the crates whose modules have an order or form layers.
const CRATES: [&str; 4] = ["crates/compiler/src/lib.rs", "crates/runtime/src/lib.rs", "crates/engine/src/lib.rs", "src/lib.rs"];

/// Files of more than 600 lines, and why they may.
const LONG: &[(&str, &str)] = &[];

/// What only one machine has; in two pieces, so that this file does not hold it.
const OF_ONE_MACHINE: &[&str] = &[
    concat!("/wor", "k/"),
    concat!("/hom", "e/"),
    concat!("/Use", "rs/"),
    concat!("static.crates", ".io"),
    concat!("index.crates", ".io"),
    concat!("registry.npmjs", ".org"),
    concat!("pypi.org/", "simple"),
];

/// Folders that are no part of the project.
const NOT_OURS: [&str; 7] = [".git", "target", "demo", "node_modules", "corpus", "artifacts", "coverage"];

/// What would give the compiler a file, the environment, a clock, the network or a process.
const DISALLOWED: &[&str] = &[
    "std::fs::read",
    "std::fs::read_to_string",
    "std::fs::write",
    "std::fs::read_dir",
    "std::fs::metadata",
    "std::fs::File",
    "std::fs::OpenOptions",
    "std::path::Path::exists",
    "std::path::Path::is_file",
    "std::path::Path::is_dir",
    "std::path::Path::canonicalize",
    "std::env::var",
    "std::env::vars",
    "std::env::args",
    "std::env::current_dir",
    "std::process::Command",
    "std::process::exit",
    "std::time::Instant",
    "std::time::SystemTime",
    "std::thread::sleep",
    "std::net::TcpStream",
    "std::net::TcpListener",
    "std::net::UdpSocket",
    "std::io::stdin",
    "std::io::stdout",
    "std::io::stderr",
];

#[test]
fn modules_import_only_from_modules_above_them() {
    let files = files();
    let root = CRATES[0];
    holds(&imports::against_the_order(&modules::order(&files[root]), &imports_of(&modules::modules(root, &files), &files)));
}

#[test]
fn no_folder_imports_itself_through_others() {
    let files = files();
    for root in CRATES {
        let modules = modules::modules(root, &files);
        holds(&imports::circles(&folders(&modules), &imports_of(&modules, &files)));
    }
}

#[test]
fn every_file_is_reached_by_plain_mod_lines() {
    let files = files();
    let reached: BTreeSet<String> =
        files.keys().filter(|path| is_root(path)).flat_map(|root| modules::modules(root, &files)).map(|module| module.file).collect();
    let lost: Vec<String> = files.keys().filter(|path| modules::is_rust(path) && !reached.contains(*path)).cloned().collect();
    holds(&lost);
}

/// What is at the top.
const TOP: &[&str] = &[
    ".cargo",
    ".ci",
    ".editorconfig",
    ".gitattributes",
    ".gitignore",
    ".pre-commit-hooks.yaml",
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE",
    "README.md",
    "SECURITY.md",
    "action.yml",
    "benches",
    "build.rs",
    "ci",
    "crates",
    "deny.toml",
    "docs",
    "fixtures",
    "fuzz",
    "mirror",
    "pyproject.toml",
    "rust-toolchain.toml",
    "rustfmt.toml",
    "schemas",
    "src",
    "test.sh",
    "tests",
    "xtask",
];

#[test]
fn files_have_at_most_600_lines() {
    holds(&layout::lengths(&files(), LONG));
}

#[test]
fn each_rule_has_one_file_in_one_area() {
    holds(&layout::rule_files(&rules(), &files()));
}

#[test]
fn each_rule_has_a_fixture_in_each_format() {
    holds(&layout::formats_without_fixture(&rules(), &fixtures()));
}

#[test]
fn every_crate_inherits_the_lints() {
    let mut files = files();
    // The fuzz targets are built by nightly, outside of the workspace.
    files.retain(|path, _| path.rsplit('/').next() == Some("Cargo.toml") && !path.starts_with("fuzz/"));
    assert!(files.len() >= 4, "the crates are there");
    holds(&layout::without_lints(&files));
}

#[test]
fn a_plain_build_leaves_out_the_tools_of_the_project() {
    assert!(!layout::is_default_member(&files()["Cargo.toml"], "xtask"));
}

#[test]
fn nothing_names_what_only_one_machine_has() {
    holds(&layout::words_of_one_machine(&files(), OF_ONE_MACHINE));
}

#[test]
fn what_a_trial_leaves_is_no_part_of_the_project() {
    let listed = Command::new("git").args(["ls-files", "-s"]).current_dir(project()).output().unwrap();
    let listed = String::from_utf8(listed.stdout).unwrap();
    holds(&layout::left_behind(&listed, TOP));
}

#[test]
fn the_compiler_is_kept_from_the_machine_by_clippy() {
    let files = files();
    let disallowed = &files["crates/compiler/clippy.toml"];
    let missing: Vec<String> =
        DISALLOWED.iter().filter(|name| !disallowed.contains(&format!("path = \"{name}\""))).map(|name| (*name).to_owned()).collect();
    holds(&missing);
    assert!(files[CRATES[0]].contains("#![deny(clippy::disallowed_methods, clippy::disallowed_types)]"), "they are errors");
}

fn holds(faults: &[String]) {
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

fn rules() -> Vec<&'static str> {
    RuleId::ALL.iter().map(|rule| rule.name()).collect()
}

/// Whether cargo compiles a file as the root of a crate.
fn is_root(path: &str) -> bool {
    let folder_and_name = path.rsplit_once('/');
    match folder_and_name {
        None => path == "build.rs",
        Some((_, "lib.rs" | "main.rs")) => true,
        Some((folder, _)) => ["benches", "examples", "fuzz_targets"].iter().any(|roots| folder.ends_with(roots)),
    }
}

fn imports_of(modules: &[Module], files: &Files) -> Imports {
    let code = modules.iter().filter(|module| !module.is_test);
    code.map(|module| (module.name.clone(), imports::imports(&module.name, &files[&module.file]))).collect()
}

/// The modules that have a folder.
fn folders(modules: &[Module]) -> BTreeSet<Name> {
    modules.iter().filter_map(|module| Some(module.name.split_last()?.1.to_vec())).collect()
}

/// The texts of the project.
fn files() -> Files {
    let mut files = Files::new();
    add(&project(), &mut files);
    files
}

fn add(folder: &Path, files: &mut Files) {
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let (path, kind) = (entry.path(), entry.file_type().unwrap());
        if kind.is_dir() && !NOT_OURS.iter().any(|name| entry.file_name() == *name) {
            add(&path, files);
        }
        // In a second worktree `.git` is a file.
        if kind.is_file()
            && entry.file_name() != ".git"
            && let Ok(text) = fs::read_to_string(&path)
        {
            files.insert(path.strip_prefix(project()).unwrap().to_str().unwrap().replace('\\', "/"), text);
        }
    }
}

fn fixtures() -> Vec<Fixture> {
    let folders = fs::read_dir(project().join("fixtures")).unwrap().map(|entry| entry.unwrap().path());
    folders.filter(|folder| folder.is_dir()).map(|folder| fixture(&folder)).collect()
}

fn fixture(folder: &Path) -> Fixture {
    let mut files = Files::new();
    add(folder, &mut files);
    let is_config = |path: &str| Path::new(path).extension().is_some_and(|extension| extension == "yaml" || extension == "yml");
    let expected = fs::read_to_string(folder.join(EXPECTED)).unwrap_or_default();
    Fixture { configs: files.into_iter().filter(|(path, _)| is_config(path)).map(|(_, text)| text).collect(), expected }
}
