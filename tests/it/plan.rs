//! `sidestage plan`: what each pipeline runs. (What is triggered is in the suites of the emitted scripts and of the rules.)

use serde_json::{Value, json};

use crate::harness::repository::Repository;

fn planned(config: &str, pipeline: &str) -> Value {
    let repository = Repository::with_config(config);
    let plan = repository.run(&["plan", "--format", "json", "--pipeline", pipeline]).json();
    let schema: Value = serde_json::from_str(&repository.run(&["schema", "plan"]).stdout).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let faults: Vec<String> = validator.iter_errors(&plan).map(|error| error.to_string()).collect();
    assert_eq!(faults, Vec::<String>::new());
    plan
}

/// A stage without its script.
fn stages(plan: &Value) -> Vec<Value> {
    let mut stages = plan["runs"][0]["stages"].as_array().unwrap().clone();
    for stage in &mut stages {
        stage.as_object_mut().unwrap().remove("script");
    }
    stages
}

#[test]
fn stages_of_format_1_with_all_their_keys() {
    let config = "version: '1'\nsetup:\n  image: base:1\n  image_pull_policy: Always\n  script: trigger-task scan\n\
                  deploy:\n  dind: true\n  dind_image: dind:2\n  abort_on_failure: false\n  script: echo\n  configmap: settings\n  secret: $name\n  runtimeClassName: large\n\
                  acceptance-test:\n  skip: true\n\
                  release:\n  runAfter: deploy\n  script: echo\nfinish:\n  script: echo\nscan:\n  script: echo\n";
    let plan = planned(config, "ci");
    assert_eq!(
        json!(stages(&plan)),
        json!([
            { "id": "setup", "name": "setup", "line": 2, "image": "base:1", "image-pull-policy": "Always", "triggers": ["scan"] },
            {
                "id": "deploy", "name": "deploy", "line": 6, "after": ["setup"], "may-fail": true, "include": ["dind"], "dind-image": "dind:2",
                "runtime-class-name": "large", "configmap": "settings", "secret": "$name",
            },
            { "id": "acceptance-test", "name": "acceptance-test", "line": 14, "after": ["deploy"], "skip": true },
            { "id": "release", "name": "release", "line": 16, "after": ["acceptance-test"], "run-after": ["deploy"] },
            { "id": "finish", "name": "finish", "line": 19, "after": ["release"], "always": true },
        ])
    );
    assert_eq!(plan["runs"][0]["stages"][0]["script"], "trigger-task scan");
    let targets: Vec<&str> = plan["targets"].as_array().unwrap().iter().map(|target| target["id"].as_str().unwrap()).collect();
    assert_eq!(targets, ["acceptance-test", "deploy", "finish", "release", "scan", "setup"], "whatever a run may name");
    let rollback = planned("version: '1'\ndeploy:\n  script: echo\nrollback:\n  script: echo\n", "cd");
    assert_eq!(rollback["runs"][0]["stages"][1]["on-failure"], true);
}

#[test]
fn tasks_and_steps_of_format_2_with_all_their_keys() {
    let config = "version: '2'\ntasks:\n  code-build:\n    when: pipeline == 'ci'\n    timeout: 1h\n    runtimeClassName: medium\n    include: [dind]\n    steps:\n      \
                  - name: setup\n        image: base:1\n        when: 'true'\n        timeout: 5m\n        include: [docker-socket]\n        onError: continue\n        script: trigger-task scan\n      \
                  - name: unit-test\n        when: 'false'\n        script: echo\n  own:\n    from: deploy-checks\n    runAfter: [code-build]\n    steps:\n      - name: c\n        script: echo\n  \
                  async-stage:\n    steps:\n      - name: scan\n        script: echo\nfinally:\n  code-ci-finish:\n    steps:\n      - name: prepare\n        script: echo\n";
    let plan = planned(config, "ci");
    let common = |id: &str, name: &str, line: u32| json!({ "id": id, "name": name, "task": id.split('/').next(), "line": line });
    let with = |mut stage: Value, more: Value| {
        stage.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        stage
    };
    let of_task = json!({ "when": ["pipeline == 'ci'"], "task-timeout": "1h", "runtime-class-name": "medium" });
    assert_eq!(
        json!(stages(&plan)),
        json!([
            with(
                with(common("code-build/setup", "setup", 9), of_task.clone()),
                json!({ "may-fail": true, "timeout": "5m", "image": "base:1", "include": ["dind", "docker-socket"], "triggers": ["scan"] })
            ),
            with(
                with(common("code-build/unit-test", "unit-test", 16), of_task),
                json!({ "after": ["code-build/setup"], "skip": true, "include": ["dind"] })
            ),
            with(common("own/c", "c", 23), json!({ "after": ["code-build/unit-test"] })),
            with(common("code-ci-finish/prepare", "prepare", 32), json!({ "after": ["own/c"], "always": true })),
        ])
    );
    assert_eq!(plan["targets"][0]["id"], "scan");
}

/// `id < what it waits for`, a line each.
fn order(config: &str) -> Vec<String> {
    let line = |stage: &Value| {
        let after = stage["after"].as_array().into_iter().flatten().map(|id| id.as_str().unwrap());
        format!("{} < {}", stage["id"].as_str().unwrap(), after.collect::<Vec<_>>().join(" "))
    };
    stages(&planned(config, "ci")).iter().map(line).collect()
}

#[test]
fn steps_run_in_the_order_of_the_platform_and_a_copy_runs_beside_its_source() {
    let step = |name: &str| format!("      - name: {name}\n        script: echo\n");
    let task = |name: &str, more: &str, steps: &[&str]| {
        let steps: String = steps.iter().map(|name| step(name)).collect();
        format!("  {name}:\n{more}{}{steps}", if steps.is_empty() { "" } else { "    steps:\n" })
    };
    // The file has them the other way round.
    let build = task("code-build", "", &["build-artifact", "setup"]);
    assert_eq!(
        order(&format!("version: '2'\ntasks:\n{build}{}", task("arm", "    from: code-build\n", &[]))),
        ["code-build/setup < ", "code-build/build-artifact < code-build/setup", "arm/setup < ", "arm/build-artifact < arm/setup"]
    );
    let config = format!(
        "version: '2'\ntasks:\n{build}{}{}finally:\n{}",
        task("arm", "    from: code-build\n", &[]),
        task("deploy-checks", "    runAfter: [code-build, arm]\n", &["deploy"]),
        task("code-ci-finish", "", &["evaluate"])
    );
    assert_eq!(
        order(&config),
        [
            "code-build/setup < ",
            "code-build/build-artifact < code-build/setup",
            "arm/setup < ",
            "arm/build-artifact < arm/setup",
            "deploy-checks/deploy < code-build/build-artifact arm/build-artifact",
            "code-ci-finish/evaluate < deploy-checks/deploy",
        ]
    );
    // A task that has steps of its own keeps those.
    let own = order(&format!("version: '2'\ntasks:\n{build}{}", task("arm", "    from: code-build\n", &["setup"])));
    assert_eq!(own.last().unwrap(), "arm/setup < ");
}

#[test]
fn code_that_cannot_be_followed_may_trigger() {
    let may = |script: &str| {
        let config = format!("version: '1'\ndeploy:\n  script: |\n    #!/usr/bin/env bash\n    {script}\nzap:\n  script: echo\n");
        planned(&config, "ci")["runs"][0]["stages"][0].get("may-trigger").is_some()
    };
    for script in ["trigger-task \"$(get_env stage)\"", "source \"$SOMEWHERE/x.sh\"", "source \"${COMMONS_PATH}/trigger-all.sh\""] {
        assert!(may(script), "{script}");
    }
    for script in ["trigger-task zap", "npm ci", "source ~/.nvm/nvm.sh", "source \"${COMMONS_PATH}/doi/publish.sh\""] {
        assert!(!may(script), "{script}");
    }
}

#[test]
fn people_read_the_same() {
    let config = "version: '1'\nsetup:\n  script: trigger-task scan\ndeploy:\n  abort_on_failure: false\n  image: x\nrelease:\n  skip: true\nfinish:\n  script: echo\nscan:\n  script: echo\n";
    let text = Repository::with_config(config).run(&["plan", "--pipeline", "ci"]).stdout;
    let part = text.split("The pipeline ci runs\n").nth(1).unwrap();
    let expected = "  setup    starts scan\n  deploy   the platform's own script; after setup; may fail\n  release  never: it is skipped; after deploy\n  finish   at the end, whatever happened\n";
    assert!(part.starts_with(expected), "{text}");
}
