//! Real configurations, where `SIDESTAGE_CORPUS` names a folder of them: none may bring the program down, and none may be called
//! wrong that is right.

use std::fs;
use std::panic;
use std::path::PathBuf;

use sidestage_compiler::compilation::{Options, compile};
use sidestage_compiler::diagnostics::Severity;
use sidestage_compiler::source::MemoryFiles;

/// Errors that are real mistakes in the file: file, rule, and why.
const MISTAKES: &[(&str, &str, &str)] = &[
    (
        "instana+nodejs@cbc6f1635__.pipeline-config.yaml",
        "invalid-config",
        "`code-build` is a list of steps, and a stage of format 1 is a mapping",
    ),
    ("Dazza65+DH-Pipeline__.pipeline-config.yaml", "invalid-config", "another tool's file, which was named as a configuration"),
    ("siongsheng+dokima__.pipeline-config.yaml", "invalid-config", "another tool's file, which was named as a configuration"),
];

#[test]
#[allow(clippy::print_stderr)] // whoever runs the tests should know what was left out
fn real_configurations_have_no_errors_but_their_own() {
    let Some(folder) = std::env::var_os("SIDESTAGE_CORPUS") else {
        eprintln!("skipped: SIDESTAGE_CORPUS names no folder with real configurations");
        return;
    };
    let entries = fs::read_dir(folder).expect("SIDESTAGE_CORPUS is a folder");
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "yaml"));
    paths.sort();
    assert!(!paths.is_empty(), "the folder holds configurations");

    let mut faults = Vec::new();
    let mut confirmed = vec![false; MISTAKES.len()];
    for path in paths {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let bytes = fs::read(&path).unwrap();
        // Only the configurations are here: each stands in a repository without scripts.
        let compiled = panic::catch_unwind(|| compile(&name, bytes.as_slice(), &MemoryFiles::default(), &Options::default()));
        let Ok(compiled) = compiled else {
            faults.push(format!("{name}: panics"));
            continue;
        };
        for finding in compiled.findings.iter().filter(|finding| finding.severity == Severity::Error) {
            let rule = finding.rule.name();
            match MISTAKES.iter().position(|(file, mistake, _)| *file == name && *mistake == rule) {
                Some(known) => confirmed[known] = true,
                None => {
                    let line = compiled.sources.get(finding.at.file).position(finding.at.span.start).line;
                    faults.push(format!("{name}:{line}: error[{rule}] {}", finding.message));
                }
            }
        }
    }
    let missed = MISTAKES.iter().zip(confirmed).filter(|(_, confirmed)| !confirmed);
    faults.extend(missed.map(|((file, rule, why), _)| format!("{file}: no error[{rule}] any more, though {why}")));
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
