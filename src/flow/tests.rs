//! What reaches a trigger: a parent's script, and what is known there of `x`.

use super::{Certainty, Detail};
use crate::compilation::{Options, compile};
use crate::source::MemoryFiles;

/// The configuration of a parent whose script is given, in format 1; the stage `a` reads `x`, `b` nothing.
fn config(parent: &str) -> String {
    let script: String = parent.lines().map(|line| format!("    {line}\n")).collect();
    format!(
        "version: '1'\ndeploy:\n  script: |\n{script}a:\n  script: |\n    get_env x\nb:\n  script: echo\nacceptance-test:\n  script: ./later\n"
    )
}

/// For each run: the stage, whether the trigger is certain, and whether `x` is exported: `a!=yes`, `a?=maybe`, `b!=no`.
fn runs(parent: &str, scripts: &[(&str, &str)]) -> Vec<String> {
    let text = config(parent);
    let files = MemoryFiles::new(scripts.iter().copied());
    let options = Options { pipelines: vec![crate::platform::PipelineKind::Ci], detail: Detail::Exports, ..Options::default() };
    let compilation = compile(".pipeline-config.yaml", text.as_bytes(), &files, &options);
    let runs = compilation.flow.pipelines.iter().flat_map(|pipeline| &pipeline.runs);
    runs.map(|run| {
        let exported = run.exports.iter().find(|(key, _)| key == "x").map(|(_, fact)| fact.certainty);
        let exported = match exported {
            Some(Certainty::Yes) => "yes",
            Some(Certainty::Maybe | Certainty::No) => "maybe",
            None => "no",
        };
        let certain = if run.certain { "!" } else { "?" };
        format!("{}{certain}={exported}", compilation.model.stage(run.target).name.name)
    })
    .collect()
}

#[track_caller]
fn check(parent: &str, expected: &[&str]) {
    assert_eq!(runs(parent, &[]), expected, "{parent}");
}

#[test]
fn what_comes_before_the_trigger_counts() {
    check("export_env x\ntrigger-task a", &["a!=yes"]);
    check("trigger-task a\nexport_env x", &["a!=no"]);
    check("pipelinectl export_env x; pipelinectl trigger-task \"a\" label", &["a!=yes"]);
    check("trigger-task nothing", &[]);
}

#[test]
fn branches_join() {
    check("if t; then export_env x; fi\ntrigger-task a", &["a!=maybe"]);
    check("if t; then export_env x; else export_env x; fi\ntrigger-task a", &["a!=yes"]);
    check("if t; then export_env x; elif u; then export_env x; else export_env x; fi\ntrigger-task a", &["a!=yes"]);
    check("if t; then export_env x; else exit 1; fi\ntrigger-task a", &["a?=yes"]);
    check("if t; then\n  export_env x\n  trigger-task a\nfi", &["a?=yes"]);
    check("case $v in p) export_env x;; *) export_env x;; esac\ntrigger-task a", &["a!=yes"]);
    check("case $v in p) export_env x;; q) export_env x;; esac\ntrigger-task a", &["a!=maybe"]);
    check("t && export_env x\ntrigger-task a", &["a!=maybe"]);
    check("t || export_env x\ntrigger-task a", &["a!=maybe"]);
    check("t || exit 1\nexport_env x\ntrigger-task a", &["a?=yes"]);
    check("export_env x || exit 1\ntrigger-task a", &["a?=yes"]);
    check("export_env x && trigger-task a || echo failed", &["a!=yes"]);
    check("exit 0\ntrigger-task a", &[]);
}

#[test]
fn tests_of_known_values_decide() {
    check("v=1\nif [ \"$v\" = 1 ]; then export_env x; fi\ntrigger-task a", &["a!=yes"]);
    check("v=1\nif [[ $v == 2 ]]; then export_env x; fi\ntrigger-task a", &["a!=no"]);
    check("v=\nif [[ -n $v ]]; then export_env x; fi\ntrigger-task a", &["a!=no"]);
    check("if [[ \"$(get_env pipeline_namespace)\" == *ci* ]]; then export_env x; fi\ntrigger-task a", &["a!=yes"]);
    check("if [[ \"$(get_env pipeline_namespace)\" == *cc* ]]; then export_env x; fi\ntrigger-task a", &["a!=no"]);
    check("case \"$(get_env pipeline_namespace)\" in *cc*) ;; *) export_env x;; esac\ntrigger-task a", &["a!=yes"]);
}

#[test]
fn loops_over_lists_are_unrolled_and_others_may_not_run() {
    check("for s in a b; do trigger-task $s; done", &["a!=no", "b!=no"]);
    check("E=(\"a\" \"b\")\nfor s in \"${E[@]}\"; do trigger-task \"$s\" || warn; done", &["a!=no", "b!=no"]);
    check("E='a b'\nfor s in $E; do trigger-task $s; done", &["a!=no", "b!=no"]);
    check("for s in a b; do [[ $s == a ]] && continue; trigger-task $s; done", &["b!=no"]);
    check("for s in a b; do trigger-task $s; break; done", &["a!=no"]);
    check("while read -r line; do export_env x; done < list\ntrigger-task a", &["a!=maybe"]);
    check("for f in *.txt; do export_env x; done\ntrigger-task a", &["a!=maybe"]);
    check("while true; do export_env x; break; done\ntrigger-task a", &["a!=yes"]);
}

#[test]
fn functions_are_followed_where_they_are_called() {
    check("f() { export_env x; }\ntrigger-task a\nf", &["a!=no"]);
    check("f() { export_env x; }\nf\ntrigger-task a", &["a!=yes"]);
    check("f() { export_env \"$1\"; trigger-task \"$2\"; }\nf x a", &["a!=yes"]);
    check("f() { local s=$1; shift; trigger-task \"$s\"; }\nf b", &["b!=no"]);
    check("f() { if t; then return; fi; export_env x; }\nf\ntrigger-task a", &["a!=maybe"]);
    check("f() { f; }\nf\ntrigger-task a", &["a!=no"]);
    check("f() { for s in \"$@\"; do trigger-task \"$s\"; done; }\nf a b", &["a!=no", "b!=no"]);
}

#[test]
fn the_store_crosses_processes_and_shell_variables_do_not() {
    check("( export_env x )\ntrigger-task a", &["a!=yes"]);
    check("echo | export_env x\ntrigger-task a", &["a!=yes"]);
    check("v=$(export_env x)\ntrigger-task a", &["a!=yes"]);
    check("( exit 0; export_env x )\ntrigger-task a", &["a!=no"]);
    check("( if t; then exit 0; fi; export_env x )\ntrigger-task a", &["a!=maybe"]);
    check("s=b\n( s=a )\ntrigger-task $s", &["b!=no"]);
    check("bash -c 'export_env x'\ntrigger-task a", &["a!=yes"]);
    check("s=a bash -c 'trigger-task \"$s\"'", &[]);
}

#[test]
fn names_are_followed_through_variables_and_defaults() {
    check("s=a\nt=$s\ntrigger-task \"${t}\"", &["a!=no"]);
    check("trigger-task \"${SCANNER:-a}\"", &["a!=no"]);
    check("trigger-task \"$(get_env stage a)\"", &["a?=no"]);
    check("set_env stage a\ntrigger-task \"$(get_env stage)\"", &["a!=no"]);
    check("s=$(echo a)\ntrigger-task $s", &["a!=no"]);
    check("if t; then s=a; else s=b; fi\ntrigger-task $s", &["a?=no", "b?=no"]);
    check("trigger-task \"$UNKNOWN\"", &[]);
}

#[test]
fn scripts_are_found_and_run_in_the_context_of_their_caller() {
    let scripts = [
        ("scripts/export", "export_env x"),
        ("scripts/trigger", "#!/bin/bash\ntrigger-task \"$s\""),
        ("scripts/nested/outer", "source \"$(dirname \"${BASH_SOURCE[0]}\")/inner\""),
        ("scripts/nested/inner", "export_env x"),
        ("scripts/loop", "source scripts/loop\nexport_env x"),
        ("scripts/tool.py", "#!/usr/bin/env python3\nprint()"),
    ];
    let check = |parent: &str, expected: &[&str]| assert_eq!(runs(parent, &scripts), expected, "{parent}");
    check("source scripts/export\ntrigger-task a", &["a!=yes"]);
    check(". \"$WORKSPACE/$PIPELINE_CONFIG_REPO_PATH/scripts/export\"\ntrigger-task a", &["a!=yes"]);
    check("cd \"$WORKSPACE/$(load_repo app-repo path)\"\n. ./scripts/export\ntrigger-task a", &["a!=yes"]);
    check("cd scripts && ./export\ntrigger-task a", &["a!=yes"]);
    check("cd ../\"$(load_repo app-repo path)\"\nbash scripts/export\ntrigger-task a", &["a!=yes"]);
    check("s=a\nsource scripts/trigger", &["a!=no"]);
    check("s=a\n./scripts/trigger", &[]);
    check("export s=a\n./scripts/trigger", &["a!=no"]);
    check("source scripts/nested/outer\ntrigger-task a", &["a!=yes"]);
    check("source scripts/loop\ntrigger-task a", &["a!=yes"]);
}

#[test]
fn what_cannot_be_read_may_export_anything() {
    let findings = |parent: &str, scripts: &[(&str, &str)]| -> Vec<String> {
        let files = MemoryFiles::new(scripts.iter().copied());
        let compilation = compile(".pipeline-config.yaml", config(parent).as_bytes(), &files, &Options::default());
        let findings = compilation.findings.iter().filter(|finding| finding.variable.is_some());
        findings.map(|finding| finding.rule.name().to_owned()).collect()
    };
    assert_eq!(findings("set_env x 1\ntrigger-task a", &[]), ["unexported-variable"]);
    assert_eq!(findings("set_env x 1\n./elsewhere\ntrigger-task a", &[]), [""; 0]);
    assert_eq!(findings("set_env x 1\n./tool\ntrigger-task a", &[("tool", "#!/usr/bin/env python3\n")]), [""; 0]);
    assert_eq!(findings("set_env x 1\nexport_env \"$KEY\"\ntrigger-task a", &[]), [""; 0]);
    assert_eq!(findings("set_env x 1\n\"${COMMONS_PATH}/x.sh\"\ntrigger-task a", &[]), ["unexported-variable"]);
    assert_eq!(findings("set_env x 1\ntrigger-task a\n./elsewhere", &[]), ["unexported-variable"], "it runs too late");
}

#[test]
fn deep_and_long_code_is_analysed_in_bounded_time() {
    let branches = "if t; then set_env y 1; fi\n".repeat(10_000);
    check(&format!("{branches}export_env x\ntrigger-task a"), &["a!=yes"]);
    let mut functions = "f0() { export_env x; }\n".to_owned();
    for level in 1..50 {
        functions.push_str(&format!("f{level}() {{ f{0}; f{0}; }}\n", level - 1));
    }
    check(&format!("{functions}f9\ntrigger-task a"), &["a!=yes"]);
    check(&format!("{functions}f49\ntrigger-task a"), &["a!=yes"]);
}
