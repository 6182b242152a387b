//! A violation of each wall, and a near miss: what is refused, and what is not.

use std::collections::BTreeSet;

use super::imports::{Imports, Name, against_the_order, circles, imports};
use super::layout::{
    Fixture, MOST_LINES, formats_without_fixture, is_default_member, left_behind, lengths, rule_files, without_lints, words_of_one_machine,
};
use super::modules::{Files, modules, order};

fn files<const N: usize>(files: [(&str, &str); N]) -> Files {
    files.into_iter().map(|(path, text)| (path.to_owned(), text.to_owned())).collect()
}

fn name(path: &str) -> Name {
    path.split("::").map(str::to_owned).collect()
}

fn named(module: &str, text: &str) -> Vec<String> {
    imports(&name(module), text).iter().map(|name| name.join("::")).collect()
}

fn imports_of<const N: usize>(modules: [(&str, &str); N]) -> Imports {
    modules.into_iter().map(|(module, text)| (name(module), imports(&name(module), text))).collect()
}

#[test]
fn what_a_module_names_is_found_however_it_is_written() {
    let cases: &[(&str, &[&str])] = &[
        ("use crate::flow::Flow;", &["flow::Flow"]),
        ("use crate::{flow::{Flow, state::{self, State}}, graph};", &["flow::Flow", "flow::state", "flow::state::State", "graph"]),
        ("use super::super::report::*;", &["report"]),
        ("use super::sibling::Thing as Other;", &["config::sibling::Thing"]),
        ("fn f() -> crate::plan::Plan { crate::plan::make::<u8>() }", &["plan::Plan", "plan::make"]),
        ("macro_rules! m { () => { $crate::emit::write() } }", &["emit::write"]),
        ("mod inner { use super::x::Y; }", &["config::read::x::Y"]),
        ("#[cfg(feature = \"test\")] use crate::emit::Out;", &["emit::Out"]),
        // Neither words, nor what is visible where, nor tests.
        ("// crate::plan::Plan\nconst A: &str = \"crate::plan\"; /// [`crate::plan`]\npub(crate) fn f() {}", &[]),
        ("#[cfg(test)] mod tests { use crate::plan::Plan; } use crate::flow::Flow;", &["flow::Flow"]),
        ("#[cfg(test)] use crate::{plan::Plan}; use crate::flow::Flow;", &["flow::Flow"]),
        ("#[cfg(test)]\n#[allow(unused)]\nfn f() { crate::plan::make(); }", &[]),
        ("use other::crate_name::X;", &[]),
    ];
    for (text, expected) in cases {
        assert_eq!(named("config::read", text), *expected, "{text}");
    }
}

#[test]
fn an_import_from_below_is_refused() {
    let order = order("pub mod source;\npub mod syntax;\n#[cfg(test)] mod flow;");
    assert_eq!(order, ["source", "syntax", "flow"]);
    let wrong = imports_of([("syntax::yaml", "use crate::flow::Flow;")]);
    assert_eq!(against_the_order(&order, &wrong), ["syntax::yaml imports flow::Flow, which is below it"]);
    let right = imports_of([("syntax::yaml", "use crate::source::Span; use super::shell::Word; use crate::unknown::X;")]);
    assert!(against_the_order(&order, &right).is_empty());
}

#[test]
fn folders_that_import_each_other_are_refused() {
    let folders: BTreeSet<Name> = ["a", "a::x", "b", "c"].map(name).into_iter().collect();
    let wrong = imports_of([("a::x::one", "use crate::b::B;"), ("b::two", "use crate::c::C;"), ("c", "use crate::a::A;")]);
    assert_eq!(circles(&folders, &wrong).len(), 3);
    // A folder and its parts, and two files of one folder, may.
    let right = imports_of([
        ("a", "use self::x::X;"),
        ("a::x", "use super::A; use crate::b::B;"),
        ("b::one", "use super::two::T;"),
        ("b::two", "use super::one::O;"),
    ]);
    assert!(circles(&folders, &right).is_empty());
}

#[test]
fn a_file_that_only_a_macro_declares_is_lost() {
    let files = files([
        ("src/lib.rs", "mod a;\nmacro_rules! m { ($x:ident) => { mod $x; } }\nm! { mod lost; }\n#[cfg(test)]\nmod tests;"),
        ("src/a.rs", "mod inner;"),
        ("src/a/inner.rs", "#[path = \"../elsewhere.rs\"] mod other;"),
        ("src/elsewhere.rs", ""),
        ("src/lost.rs", ""),
        ("src/tests/mod.rs", "mod more;"),
        ("src/tests/more.rs", ""),
    ]);
    let found: Vec<(String, String, bool)> =
        modules("src/lib.rs", &files).into_iter().map(|module| (module.file, module.name.join("::"), module.is_test)).collect();
    let expected = [
        ("src/lib.rs", "", false),
        ("src/a.rs", "a", false),
        ("src/tests/mod.rs", "tests", true),
        ("src/a/inner.rs", "a::inner", false),
        ("src/tests/more.rs", "tests::more", true),
        ("src/elsewhere.rs", "a::inner::other", false),
    ];
    assert_eq!(found, expected.map(|(file, name, is_test)| (file.to_owned(), name.to_owned(), is_test)));
}

#[test]
fn long_files_and_needless_exceptions_are_refused() {
    let (most, more) = ("\n".repeat(MOST_LINES), "\n".repeat(MOST_LINES + 1));
    let files = files([("short.rs", &most), ("long.rs", &more), ("page.md", &more)]);
    assert_eq!(lengths(&files, &[]), ["long.rs has 601 lines, and 600 are allowed"]);
    assert!(lengths(&files, &[("long.rs", "a reason")]).is_empty());
    assert_eq!(lengths(&files, &[("long.rs", ""), ("short.rs", ""), ("gone.rs", "")]).len(), 2);
}

#[test]
fn a_rule_without_a_file_and_a_page_without_a_rule_are_refused() {
    const PAGE: &str = "pub(crate) const PAGE: &str = r#\"\"#;";
    let one = ("crates/compiler/src/rules/exports/late_export.rs", PAGE);
    let helper = ("crates/compiler/src/rules/exports/before_trigger.rs", "fn f() {}");
    assert!(rule_files(&["late-export"], &files([one, helper])).is_empty());
    assert_eq!(rule_files(&["late-export", "one-way-data"], &files([one])).len(), 1, "no file");
    assert_eq!(rule_files(&[], &files([one])).len(), 1, "no rule");
    let twice = ("crates/compiler/src/rules/isolation/late_export.rs", PAGE);
    assert_eq!(rule_files(&["late-export"], &files([one, twice])).len(), 1, "two files");
    assert_eq!(rule_files(&["late-export"], &files([("crates/compiler/src/rules/late_export.rs", PAGE)])).len(), 1, "no area");
}

#[test]
fn a_rule_that_no_fixture_of_a_format_shows_is_refused() {
    const FOUND: &str = "error[late-export]: `app-url` is exported after it\n";
    let fixture = |configs: &[&str], expected: &str| Fixture {
        configs: configs.iter().map(|config| (*config).to_owned()).collect(),
        expected: expected.to_owned(),
    };
    let (first, second) = (fixture(&["version: '1'\n"], FOUND), fixture(&["rules: {}\n", "version: \"2\"\n"], FOUND));
    let missing = |fixtures: &[Fixture]| formats_without_fixture(&["late-export"], fixtures).len();
    assert_eq!(missing(&[]), 2);
    // The name alone, and a finding in one of several formats, prove nothing.
    assert_eq!(missing(&[fixture(&["version: '1'"], "ignore[late-export]"), fixture(&["version: 1", "version: 2"], FOUND)]), 2);
    assert_eq!(missing(std::slice::from_ref(&first)), 1);
    assert_eq!(missing(&[first, second]), 0);
}

#[test]
fn a_crate_with_lints_of_its_own_is_refused() {
    let manifests = files([
        ("a/Cargo.toml", "[package]\n\n[lints]\nworkspace = true\n"),
        ("b/Cargo.toml", "[package]\n"),
        ("c/Cargo.toml", "[package]\nworkspace = true\n[lints]\nrust.unsafe_code = \"allow\"\n"),
    ]);
    assert_eq!(without_lints(&manifests), ["b/Cargo.toml does not inherit the lints", "c/Cargo.toml does not inherit the lints"]);
}

#[test]
fn a_tool_among_the_default_members_is_refused() {
    assert!(is_default_member("default-members = [\n  \".\", \"xtask\"]", "xtask"));
    assert!(!is_default_member("members = [\"xtask\"]\ndefault-members = [\".\"]", "xtask"));
    assert!(!is_default_member("members = [\"xtask\"]", "xtask"));
}

#[test]
fn a_path_of_one_machine_is_refused_at_its_line() {
    let files = files([("a.md", "fine\nsee /mine/notes\n"), ("b.md", "/workspace/notes, mine/\n")]);
    assert_eq!(words_of_one_machine(&files, &["/mine/"]), ["a.md:2: `/mine/`"]);
}

#[test]
fn what_a_trial_leaves_is_found() {
    let listed = "100644 a 0\tsrc/main.rs\n100644 a 0\tx.pipeline-config.yaml\n120000 a 0\tsrc/link\n120000 a 0\tfixtures/a/link\n";
    let faults = left_behind(listed, &["src", "fixtures"]);
    assert_eq!(faults, ["x.pipeline-config.yaml is no part of the project", "src/link is no part of the project"]);
}
