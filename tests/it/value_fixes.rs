//! Values that are right in another form, and how `check --fix` writes them.

use crate::fixes::fixes;

#[test]
fn a_value_in_another_form_is_written_as_its_key_wants_it() {
    let task = |lines: &str| {
        format!(
            "version: '2'\ntasks:\n  deploy-checks:\n{lines}    steps:\n      - name: deploy\n        image: x\n        script: echo # stays\n"
        )
    };
    fixes(
        &task("    include: dind\n    runAfter: code-build # first\n    timeout: 600\n"),
        &task("    include: [dind]\n    runAfter: [code-build] # first\n    timeout: '600s'\n"),
    );
    let stage = |lines: &str| format!("version: '1'\ndeploy:\n  image: x\n{lines}  script: echo\n");
    fixes(&stage("  abort_on_failure: no\n"), &stage("  abort_on_failure: false\n"));
    fixes(&stage("").replace("'1'", "'1.0'"), &stage(""));
    // What is meant by these is for people to say.
    for unclear in ["  abort_on_failure: maybe\n", "  abort_on_failure: [no]\n"] {
        let ran = fixes(&stage(unclear), &stage(unclear));
        assert_eq!(ran.code, Some(1));
    }
}

#[test]
fn a_fix_that_brings_an_error_is_refused_also_beside_one_that_takes_one_away() {
    let twice = |trigger: &str| {
        format!("version: '1'\ndeploy:\n  imgae: a\n  image: b\n  script: trigger-task {trigger}\nscan: {{image: a, script: echo}}\n")
    };
    let ran = fixes(&twice("scna"), &twice("scan"));
    assert!(ran.stderr.contains("[unknown-key]") && ran.stderr.contains("[duplicate-key]"), "{}", ran.stderr);
    let task = |include: &str| {
        format!(
            "version: '2'\ntasks:\n  deploy-checks:\n    include: {include}\n    steps:\n      - name: deploy\n        image: x\n        onerror: true\n        script: echo\n"
        )
    };
    fixes(&task("docker"), &task("[docker]"));
}
