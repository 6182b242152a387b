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
            Some(_) => "maybe",
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
fn every_place_of_a_word_is_walked() {
    let words = [
        "echo ${v#$(export_env x)}",
        "echo \"${v/$(export_env x)/}\"",
        "echo ${v:$(export_env x)}",
        "echo ${v[$(export_env x)]}",
        "echo ${HOME+$(export_env x)}${v:$(export_env x)}",
        "echo \"`export_env \\\"x\\\"`\"",
        "echo $(( $(export_env x) + 1 ))",
        "echo $((export_env x); echo)",
        "echo {a,$(export_env x)}",
        "echo @(a|$(export_env x))",
        "echo <(export_env x)",
        "echo ${ export_env x; }",
        "v=; : \"${v:=$(export_env x)}\"",
        ": <<END\n$(export_env x)\nEND",
        "v[$(export_env x)]=1",
        "v=([$(export_env x)]=1)",
        "declare -a v[1]=$(export_env x)",
        "A=$(export_env x) echo",
        "(( v = $(export_env x) ))",
        "echo a > \"$(export_env x)\"",
        "if v; then :; fi > \"$(export_env x)\"",
        "[[ -f $(export_env x) ]]",
        "[[ a -gt $(export_env x) ]]",
        "case $(export_env x) in a) ;; esac",
        "select v in $(export_env x); do break; done",
        "for ((i = $(export_env x); i < 2; i++)); do :; done",
        "time export_env x",
        "coproc export_env x",
    ];
    for word in words {
        check(&format!("{word}\ntrigger-task a"), &["a!=yes"]);
    }
    check("f() { return $(export_env x); }\nf\ntrigger-task a", &["a!=yes"]);
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
    check("for f in *.txt; do export_env x; done\ntrigger-task a", &["a!=yes"]);
    check("shopt -s nullglob; for f in *.txt; do export_env x; done\ntrigger-task a", &["a!=maybe"]);
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
    check("s=a bash -c 'trigger-task \"$s\"'", &["a!=no"]);
    check("s=a; bash -c 'trigger-task \"$s\"'", &[]);
}

#[test]
fn names_are_followed_through_variables_and_defaults() {
    check("s=a\nt=$s\ntrigger-task \"${t}\"", &["a!=no"]);
    check("trigger-task \"${SCANNER:-a}\"", &["a?=no"]);
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
    assert_eq!(findings("set_env x 1\n./elsewhere\ntrigger-task a", &[]), ["unproven-export"]);
    assert_eq!(
        findings("set_env x 1\n./tool\ntrigger-task a", &[("tool", "#!/usr/bin/env python3\nrun('export_env x')\n")]),
        ["unproven-export"]
    );
    assert_eq!(findings("set_env x 1\n./tool\ntrigger-task a", &[("tool", "#!/usr/bin/env python3\n")]), ["unexported-variable"]);
    assert_eq!(findings("set_env x 1\nexport_env \"$KEY\"\ntrigger-task a", &[]), ["unproven-export"]);
    assert_eq!(findings("set_env x 1\n\"${COMMONS_PATH}/x.sh\"\ntrigger-task a", &[]), ["unexported-variable"]);
    assert_eq!(findings("set_env x 1\ntrigger-task a\n./elsewhere", &[]), ["unexported-variable"], "it runs too late");
}

#[test]
fn arrays_grow_and_functions_print() {
    check("E=(a)\nE+=(b)\nfor s in \"${E[@]}\"; do trigger-task \"$s\"; done", &["a!=no", "b!=no"]);
    check("s=\ns+=a\ntrigger-task $s", &["a!=no"]);
    check("name() { echo a; }\ntrigger-task \"$(name)\"", &["a!=no"]);
    check("name() { local which=$1; echo \"$which\"; }\ntrigger-task \"$(name b)\"", &["b!=no"]);
    check("set_env stage a\nname() { get_env stage; }\ntrigger-task \"$(name)\"", &["a!=no"]);
    check("name() { if t; then echo a; fi; }\ntrigger-task \"$(name)\"", &[]);
    check("set_env stage <<< a\ntrigger-task \"$(get_env stage)\"", &["a!=no"]);
    check("echo b | set_env stage\ntrigger-task \"$(get_env stage)\"", &["b!=no"]);
    check("trigger-task \"$(echo a | cat)\"", &["a!=no"]);
    check("trigger-task \"$(echo a | base64)\"", &[]);
}

#[test]
fn loops_that_may_run_again_begin_with_what_they_did() {
    let both = &["a?=no", "a?=maybe"];
    check("while read -r line; do trigger-task a; export_env x; done < list", both);
    check("while read -r line; do export_env x; trigger-task a; done < list", &["a?=yes", "a?=yes"]);
}

/// What is known at the trigger of a pipeline of stages: `set/exported/unsent` of `x`, each `no`, `maybe` or `yes`.
fn crossing(config: &str, kind: crate::platform::PipelineKind) -> String {
    let options = Options { pipelines: vec![kind], ..Options::default() };
    let compilation = compile(".pipeline-config.yaml", config.as_bytes(), &MemoryFiles::default(), &options);
    let mut runs = compilation.flow.pipelines.iter().flat_map(|pipeline| &pipeline.runs);
    let Some(crossing) = runs.next().and_then(|run| run.crossings.first()) else { return "no run".to_owned() };
    let word = |fact: &Option<super::Fact>| match fact.as_ref().map(|fact| (fact.certainty, fact.is_beside)) {
        None | Some((Certainty::Revoked | Certainty::MaybeRevoked, _)) => "no",
        Some((Certainty::Maybe, true)) => "beside",
        Some((Certainty::Maybe, false)) => "maybe",
        Some((Certainty::Yes, _)) => "yes",
    };
    let unsent = if crossing.is_set_unsent { "unsent" } else { "sent" };
    format!("{}/{}/{unsent}", word(&crossing.set), word(&crossing.exported))
}

#[test]
fn stages_leave_what_they_surely_or_perhaps_did() {
    use crate::platform::PipelineKind::{Cc, Ci};
    let stages = |stages: &[(&str, &str)]| {
        let stages: String = stages.iter().map(|(name, script)| format!("{name}:\n  script: {script}\n")).collect();
        format!("version: '1'\n{stages}a:\n  script: get_env x\n")
    };
    let ci = |all: &[(&str, &str)]| crossing(&stages(all), Ci);
    assert_eq!(ci(&[("deploy", "set_env x 1"), ("dynamic-scan", "trigger-task a")]), "yes/no/unsent");
    assert_eq!(ci(&[("deploy", "set_env x 1; export_env x"), ("dynamic-scan", "trigger-task a")]), "yes/yes/sent");
    assert_eq!(ci(&[("deploy", "set_env x 1"), ("dynamic-scan", "export_env x; trigger-task a")]), "yes/yes/sent");
    assert_eq!(ci(&[("deploy", "set_env x 1"), ("dynamic-scan", "t && export_env x; trigger-task a")]), "yes/maybe/unsent");
    assert_eq!(ci(&[("deploy", "t && { set_env x 1; export_env x; }; true"), ("dynamic-scan", "trigger-task a")]), "maybe/maybe/sent");
    // A stage whose last command fails ends the pipeline, unless it may fail.
    let last = "t && { set_env x 1; export_env x; }";
    assert_eq!(ci(&[("deploy", last), ("dynamic-scan", "trigger-task a")]), "yes/yes/sent");
    let may_fail = format!("{last}\n  abort_on_failure: false");
    assert_eq!(ci(&[("deploy", &may_fail), ("dynamic-scan", "trigger-task a")]), "maybe/maybe/sent");
    assert_eq!(ci(&[("static-scan", "set_env x 1; export_env x"), ("deploy", "trigger-task a")]), "beside/beside/sent");
    assert_eq!(ci(&[("deploy", "set_env x 1; export_env x"), ("static-scan", "trigger-task a")]), "no/beside/sent");
    assert_eq!(ci(&[("acceptance-test", "set_env x 1; export_env x"), ("dynamic-scan", "trigger-task a")]), "no/no/sent");
    let cc = stages(&[("static-scan", "set_env x 1; export_env x"), ("dynamic-scan", "trigger-task a")]);
    assert_eq!(crossing(&cc, Cc), "beside/beside/sent");
    let skipped =
        "version: '1'\ndeploy:\n  skip: true\n  script: set_env x 1\ndynamic-scan:\n  script: trigger-task a\na:\n  script: get_env x\n";
    assert_eq!(crossing(skipped, Ci), "no/no/sent");
}

#[test]
fn tasks_leave_what_they_surely_or_perhaps_did() {
    use crate::platform::PipelineKind::Ci;
    let task =
        |name: &str, more: &str, script: &str| format!("  {name}:\n{more}    steps:\n      - name: in-{name}\n        script: {script}\n");
    let config = |first: String, second: String| {
        let target = "  async-stage:\n    steps:\n      - name: a\n        script: get_env x\n";
        format!("version: '2'\ntasks:\n{first}{second}{target}")
    };
    let (export, trigger) = ("set_env x 1; export_env x", "trigger-task a");
    let check = |first, second, expected: &str| assert_eq!(crossing(&config(first, second), Ci), expected);
    check(task("code-build", "", export), task("deploy-checks", "", trigger), "yes/yes/sent");
    check(task("code-checks", "", export), task("deploy-checks", "", trigger), "beside/beside/sent");
    check(task("code-checks", "", export), task("deploy-release", "", trigger), "yes/yes/sent");
    check(task("mine", "", export), task("code-build", "", trigger), "no/beside/sent");
    check(task("mine", "", export), task("code-build", "    runAfter: [mine]\n", trigger), "yes/yes/sent");
    check(task("code-build", "", export), task("mine", "    from: deploy-checks\n", trigger), "yes/yes/sent");
    check(task("code-build", "    when: 'false'\n", export), task("deploy-checks", "", trigger), "no/no/sent");
    check(task("code-build", "    when: $(params.x)\n", export), task("deploy-checks", "", trigger), "maybe/maybe/sent");
}

#[test]
fn secrets_are_followed_into_what_is_exported() {
    let leaks = |parent: &str| -> Vec<String> {
        let compilation = compile(".pipeline-config.yaml", config(parent).as_bytes(), &MemoryFiles::default(), &Options::default());
        let leaks = compilation.flow.pipelines.iter().take(1).flat_map(|pipeline| &pipeline.leaks);
        leaks.map(|leak| format!("{} of {}", leak.key, leak.secret.as_ref().map_or("itself", |secret| &secret.key))).collect()
    };
    let sends = |parent: &str, of: &str| assert_eq!(leaks(parent), [of], "{parent}");
    let keeps = |parent: &str| assert_eq!(leaks(parent), [""; 0], "{parent}");
    sends("set_env x \"$(get_secret k)\"\nexport_env x", "x of k");
    sends("export_env x\nset_env x \"$(get_secret k)\"\ntrigger-task a", "x of k");
    sends("v=$(get_secret k)\nset_env x \"Bearer $v\"\nexport_env x", "x of k");
    sends("get_secret k | set_env x\nexport_env x", "x of k");
    sends("set_env x \"$(get_secret k | base64 -w 0)\"\nexport_env x", "x of k");
    sends("f() { get_secret k; }\nset_env x \"$(f)\"\nexport_env x", "x of k");
    sends("set_env y \"$(get_secret k)\"\nset_env x \"$(get_env y)\"\nexport_env x", "x of k");
    sends("export_env cos-api-key", "cos-api-key of itself");
    sends("set_env x \"$(get_env cos-api-key)\"\nexport_env x", "x of cos-api-key");
    keeps("set_env x \"$(get_secret k | wc -c)\"\nexport_env x");
    keeps("set_env x \"$(curl -H \"$(get_secret k)\" example.com)\"\nexport_env x");
    keeps("set_env x \"$(get_secret k)\"\ntrigger-task a");
    keeps("set_env x \"$(get_secret k)\"\nset_env x plain\nexport_env x\ntrigger-task a");
    keeps("set_env cos-api-key none\nexport_env cos-api-key");
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
    // Stages that source the same script, in states that differ and that do not.
    let script = "if t; then set_env \"k$1\" 1; fi\n".repeat(2_000) + "export_env x\n";
    let stages: String = (0..1_000).map(|stage| format!("s{stage}:\n  script: source scripts/shared\n")).collect();
    let config = format!("version: '1'\ndeploy:\n  script: source scripts/shared; trigger-task s1\n{stages}");
    let files = MemoryFiles::new([("scripts/shared", script)]);
    let options = Options { detail: Detail::Exports, ..Options::default() };
    let compilation = compile(".pipeline-config.yaml", config.as_bytes(), &files, &options);
    let exports: Vec<_> = compilation.flow.pipelines.iter().flat_map(|pipeline| &pipeline.runs).map(|run| run.exports.len()).collect();
    assert_eq!(exports, [1, 1], "once in CI and once in CD");
    assert_eq!(compilation.flow.stages[999].exports().count(), 1);
}
