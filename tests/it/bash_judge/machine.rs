//! The machine itself: it sees what bash does.

use super::run::{Bash, Outcome};
use super::tree::{Asks, Node, Repository, Script};
use super::{grammar, shrink};

fn repository(stages: &[(&str, &str)], files: &[(&str, &str)]) -> Repository {
    let scripts = |scripts: &[(&str, &str)]| -> Vec<Script> {
        let script = |(name, text): &(&str, &str)| Script { name: (*name).to_owned(), body: vec![Node::line(*text)], succeeds: false };
        scripts.iter().map(script).collect()
    };
    let targets = scripts(&[("a", "get_env x\nget_env y default")]);
    Repository { stages: scripts(stages), targets, files: scripts(files), asks: Asks::Once }
}

/// Each trigger: `ENVIRONMENT: TARGET LABEL exported/set/lacked`, keys without spaces.
fn seen(outcomes: &[Outcome]) -> Vec<String> {
    let triggers = outcomes.iter().flat_map(|outcome| outcome.triggers.iter().map(move |trigger| (&outcome.environment, trigger)));
    triggers
        .map(|(environment, trigger)| {
            let keys = |keys: &std::collections::BTreeSet<String>| keys.iter().map(String::as_str).collect::<String>();
            let (exported, set, lacked) = (keys(&trigger.exported), keys(&trigger.set), keys(&trigger.lacked));
            format!("{environment}: {} {} {exported}/{set}/{lacked}", trigger.target, trigger.label)
        })
        .collect()
}

#[track_caller]
fn check(bash: &Bash, stages: &[&str], expected: &[&str]) {
    let names = ["setup", "deploy", "dynamic-scan"];
    let stages: Vec<(&str, &str)> = names.into_iter().zip(stages.iter().copied()).collect();
    let files = [("s/sourced.sh", "export_env \"${1-y}\""), ("s/child.sh", "v=q\nexport_env x")];
    let outcomes = bash.run(&repository(&stages, &files)).unwrap();
    assert_eq!(seen(&outcomes), expected, "{stages:?}");
}

#[test]
fn the_runner_sees_what_bash_does() {
    let bash = Bash::within(60);
    check(&bash, &["set_env x 1\nexport_env x y\ntrigger-task a L1"], &["nothing set: a L1 xy/x/y"]);
    check(&bash, &["trigger-task a L1\nset_env x 1\nexport_env x"], &["nothing set: a L1 //xy"]);
    check(&bash, &["if [ \"$E1\" = 1 ]; then export_env x; fi\ntrigger-task a L1"], &["nothing set: a L1 //xy", "E1=1: a L1 x//xy"]);
    check(
        &bash,
        &["[ \"$E1\" ] && [[ $E2 == y* ]] && export_env y\ntrigger-task a L1"],
        &["nothing set: a L1 //xy", "E1=1: a L1 //xy", "E2=yes: a L1 //xy", "E1=1 E2=yes: a L1 y//xy"],
    );
    // The store crosses stages, and a stage that fails ends the pipeline.
    check(&bash, &["echo 1 | set_env x", "export_env x", "trigger-task a L1"], &["nothing set: a L1 x/x/y"]);
    check(&bash, &["trigger-task a L1\nfalse", "trigger-task a L2"], &["nothing set: a L1 //xy"]);
    check(&bash, &["set_env x 1\nv=$(get_env x)\ntrigger-task \"p-$v\" L1"], &["nothing set: p-1 L1 /x/"]);
    check(&bash, &["source s/sourced.sh\n. s/sourced.sh x\ntrigger-task a L1"], &["nothing set: a L1 xy//xy"]);
    check(&bash, &["v=a\n./s/child.sh\npipelinectl trigger-task $v L1"], &["nothing set: a L1 x//xy"]);
    check(&bash, &["get_env x || exit 0\ntrigger-task a L1"], &[]);
    check(&bash, &["set_env x 1 y 2\nexport_env x\nexport_env y\ntrap 'trigger-task a L1' EXIT"], &["nothing set: a L1 xy/xy/"]);
}

#[test]
fn what_does_not_end_is_left_out() {
    let endless = repository(&[("deploy", "timeout 60 sleep 60")], &[]);
    assert!(Bash::within(1).run(&endless).is_none());
}

#[test]
fn the_shrinker_keeps_what_fails_and_nothing_else() {
    let large = (1..1_000).map(grammar::repository).find(|repository| repository.text().matches("export_env").count() > 5).unwrap();
    let small = shrink::shrink(large, &|repository| repository.stages.iter().any(|stage| stage.text().contains("export_env")));
    assert_eq!((small.stages.len(), small.targets.len(), small.files.len()), (1, 0, 0));
    assert_eq!(small.stages[0].body.len(), 1, "{}", small.text());
}
