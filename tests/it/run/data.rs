//! What a run sees: its files, its environment, properties and secrets; and what nobody sees.

use std::fs;

use serde_json::Value;

use super::Project;

fn one_stage(lines: &str) -> String {
    let lines: String = lines.lines().map(|line| format!("    {line}\n")).collect();
    format!("version: '1'\nsetup:\n  script: |\n    #!/usr/bin/env bash\n{lines}")
}

#[test]
fn the_working_tree_comes_along_and_is_never_touched() {
    let project = Project::with_config(&one_stage("cat known new 'with blank/ä'\nls -A\ngit status --short\nrm -rf * .git\n"))
        .file("known", "committed\n")
        .file(".gitignore", "ignored\n")
        .committed()
        .file("ignored", "x\n");
    project.write("known", "changed\n");
    project.write("new", "untracked\n");
    project.write("with blank/ä", "names\n");
    let checksum = || {
        let listed = std::process::Command::new("bash")
            .args(["-c", "find . -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum; find . | LC_ALL=C sort; git -c core.fsmonitor=false rev-parse HEAD"])
            .current_dir(project.root())
            .output()
            .unwrap();
        String::from_utf8_lossy(&listed.stdout).into_owned()
    };
    let before = checksum();
    let ran = project.run(&[]);
    assert_eq!(ran.code, Some(0), "{}", ran.transcript());
    assert_eq!(
        project.log("last", "setup"),
        "changed\nuntracked\nnames\n.git\n.gitignore\n.pipeline-config.yaml\nknown\nnew\nwith blank\n"
    );
    assert_eq!(checksum(), before);
    let committed = project.run(&["--committed"]);
    assert_eq!(committed.code, Some(0), "{}", committed.transcript());
    assert!(project.log("last", "setup").starts_with("committed\n"));
}

#[test]
fn a_folder_without_git_and_one_without_a_commit_run_too() {
    let bare = Project::with_config(&one_stage("cat file"));
    bare.write("file", "here\n");
    assert_eq!(bare.run(&[]).code, Some(0));
    assert_eq!(bare.log("last", "setup"), "here\n");
    let none = bare.run(&["--committed"]);
    assert!(none.code == Some(2) && none.stderr.contains("has no commit yet"), "{}", none.transcript());
    fs::remove_dir_all(bare.root().join(".git")).unwrap();
    let ran = bare.run(&[]);
    assert_eq!(ran.code, Some(0), "{}", ran.transcript());
}

#[test]
fn the_environment_is_what_is_documented_and_nothing_of_this_shell() {
    let project = Project::with_config(&one_stage("env -0 | sort -z | tr '\\0' '\\n'; pwd; ls -A \"$HOME\" \"$TMPDIR\""));
    let mut command = project.command(&["run", "--yes", "--env", "GIVEN", "--env", "SET=by hand"]);
    command.env("GIVEN", "from the shell").env("AWS_SECRET_ACCESS_KEY", "no").env("TERM", "xterm").env("LANG", "C.UTF-8");
    let ran = super::ended(command);
    assert_eq!(ran.code, Some(0), "{}", ran.transcript());
    let log = project.log("last", "setup");
    let names: Vec<&str> = log.lines().filter_map(|line| line.split_once('=')).map(|(name, _)| name).collect();
    assert_eq!(
        names,
        [
            "BUILD_NUMBER",
            "CD_TEKTON_PIPELINE_APIKEY",
            "CD_TEKTON_PIPELINE_AUTH_URL",
            "CD_TEKTON_PIPELINE_URL",
            "CONFIG_DIR",
            "GIVEN",
            "HOME",
            "LANG",
            "ONE_PIPELINE_PATH",
            "PATH",
            "PIPELINECTL_STATE",
            "PIPELINE_CONFIG_PATH",
            "PIPELINE_CONFIG_REPO_PATH",
            "PIPELINE_ID",
            "PIPELINE_NAME",
            "PIPELINE_RUN_ID",
            "PIPELINE_RUN_NAME",
            "PIPELINE_RUN_URL",
            "PWD",
            "SECRET_CONFIG_DIR",
            "SET",
            "SHLVL",
            "SIDESTAGE_RUN_FOLDER",
            "STAGE",
            "TERM",
            "TMPDIR",
            "TRIGGERED_BY",
            "TRIGGER_NAME",
            "TRIGGER_TYPE",
            "WORKSPACE",
            "_",
        ],
        "{log}"
    );
    let value = |name: &str| log.lines().find_map(|line| line.strip_prefix(&format!("{name}="))).unwrap().to_owned();
    assert_eq!((value("GIVEN"), value("SET"), value("STAGE")), ("from the shell".to_owned(), "by hand".to_owned(), "setup".to_owned()));
    assert_eq!(value("PIPELINE_CONFIG_REPO_PATH"), "app");
    // The folder of the configuration's repository, where relative paths of scripts begin.
    assert!(log.contains(&format!("\n{}/app\n", value("WORKSPACE"))), "{log}");
    assert_eq!(value("CD_TEKTON_PIPELINE_APIKEY"), "***", "the key of the service is a secret too");
}

#[test]
fn properties_parameters_and_secrets_are_where_scripts_look_for_them() {
    let project = Project::with_config(&one_stage(
        "get_env a; echo; get_env b; echo; get_env pipeline_namespace; echo; cat \"$CONFIG_DIR/a\"; echo\n\
         [ \"$(get_secret token)\" = 'hunter 22' ] && echo secret is right\n\
         stat -c %a \"$SECRET_CONFIG_DIR/token\"\nload_repo app-repo path; echo; load_repo app-repo commit; echo",
    ))
    .committed();
    project.write("../values", "# more\nproperty a=1\nparameter b=x=y\nsecret token=TOKEN\n");
    let mut command = project.command(&["run", "--yes", "--pipeline", "cc", "--values", "../values", "--property", "a=2"]);
    command.env("TOKEN", "hunter 22");
    let ran = super::ended(command);
    assert_eq!(ran.code, Some(0), "{}", ran.transcript());
    let head = project.git(&["rev-parse", "HEAD"]);
    assert_eq!(project.log("last", "setup"), format!("2\nx=y\ncc\n2\nsecret is right\n600\napp\n{head}\n"));
    for (option, value, expected) in [
        ("--property", "novalue", "write --property NAME=VALUE"),
        ("--property", "a/b=1", "`a/b` is not a name of a property"),
        ("--secret", "missing", "put it into the environment variable MISSING"),
        ("--env", "NOT_THERE", "write --env NOT_THERE=VALUE"),
    ] {
        let refused = project.run(&[option, value]);
        assert!(refused.code == Some(2) && refused.stderr.contains(expected), "{option} {value}: {}", refused.transcript());
    }
}

#[test]
fn secrets_are_in_no_log_and_in_no_file_that_stays() {
    let script = "s=$(get_secret token)\necho \"one $s two\"\nfor ((i = 0; i < ${#s}; i++)); do printf %s \"${s:i:1}\"; sleep 0.01; done; echo\n\
                  made=$(echo hsifdrows | rev)\nset_secret made-here \"$made\"\necho \"$made\"\nget_secret many; echo\necho \"$CD_TEKTON_PIPELINE_APIKEY\"\n\
                  echo \"$made\" > kept\nset_env x 1; export_env x; trigger-task beside";
    let config = format!("{}beside:\n  script: |\n    #!/usr/bin/env bash\n    get_env x; get_secret token\n", one_stage(script));
    let project = Project::with_config(&config);
    let mut command = project.command(&["run", "--yes", "--format", "json", "--secret", "token", "--secret", "many"]);
    command.env("TOKEN", "hunter22").env("MANY", "first line of it\nsecond line of it");
    let ran = super::ended(command);
    assert_eq!(ran.code, Some(0), "{}", ran.transcript());
    let log = project.log("last", "setup");
    assert!(log.starts_with("one *** two\n***\n***\n***\n***\n***\n"), "{log}");
    let everything =
        std::process::Command::new("grep").args(["-rlE", "hunter22|swordfish|line of it"]).arg(project.state()).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&everything.stdout), "", "in no file of the runs");
    for text in [&ran.stdout, &ran.stderr] {
        assert!(!text.contains("hunter22") && !text.contains("swordfish") && !text.contains("line of it"), "{text}");
    }
    assert!(project.async_log("beside").starts_with("1***"));
}

#[test]
fn events_are_lines_of_json_as_the_schema_has_them() {
    let project = Project::with_config(&one_stage("echo hello; printf 'no end'"));
    let ran = project.run(&["--format", "json"]);
    assert_eq!(ran.code, Some(0), "{}", ran.transcript());
    let schema: Value = serde_json::from_str(&project.sidestage(&["schema", "run-events"]).stdout).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let events: Vec<Value> = ran.stdout.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"))).collect();
    for event in &events {
        assert!(validator.is_valid(event), "{event}");
    }
    let told: Vec<String> = events
        .iter()
        .map(|event| format!("{} {}", event["event"].as_str().unwrap(), event["text"].as_str().or(event["stage"].as_str()).unwrap_or("-")))
        .collect();
    assert_eq!(told, ["started -", "stage-started setup", "output hello", "output no end", "stage-ended setup", "ended -"]);
    let runs: Value = serde_json::from_str(&project.sidestage(&["schema", "runs"]).stdout).unwrap();
    assert!(jsonschema::validator_for(&runs).unwrap().is_valid(&project.sidestage(&["runs", "--format", "json"]).json()));
    assert!(jsonschema::validator_for(&runs).unwrap().is_valid(&project.sidestage(&["runs", "show", "--format", "json"]).json()));
}

#[test]
fn output_of_any_size_and_kind_is_kept_whole() {
    let project = Project::with_config(&one_stage(
        "seq 200000\nhead -c 3000000 /dev/zero | tr '\\0' x\nprintf '\\r10%%\\r20%%\\n'\nprintf '\\377\\376\\n'\n>&2 echo errors too",
    ));
    let ran = project.run(&["-q"]);
    assert_eq!(ran.code, Some(0));
    let runs = project.runs();
    let log = fs::read(project.state().join("runs").join(runs[0]["id"].as_str().unwrap()).join("logs/001-setup.log")).unwrap();
    let expected: Vec<u8> = (1..=200_000).flat_map(|number| format!("{number}\n").into_bytes()).collect();
    assert!(log.starts_with(&expected), "order and number of lines");
    assert_eq!(log.len(), expected.len() + 3_000_000 + "\r10%\r20%\n".len() + 3 + "errors too\n".len());
}

#[test]
fn folders_that_only_the_platform_has_are_named() {
    let project =
        Project::with_config(&one_stage(". scripts/x")).file("scripts/x", "# /workspace in a comment\ncd /workspace/app || true\n");
    let ran = project.run(&[]);
    assert!(ran.stderr.contains("`scripts/x:2` names /workspace, which is not there on this machine"), "{}", ran.stderr);
}

#[test]
fn the_tools_of_the_platform_are_there() {
    let project = Project::with_config(&one_stage(
        "source \"${ONE_PIPELINE_PATH}\"/tools/get_repo_params\nget_repo_params https://github.com/octo/repo.git x\n\
         get_repo_params git@git.example.com:group/sub/repo.git x\n\
         source \"${ONE_PIPELINE_PATH}\"/tools/retry\ncount=0\nflaky() { count=$((count + 1)); [ $count -ge 3 ]; }\nretry 5 0 flaky; echo $? $count\n\
         retry 2 0 false; echo $?\n\"${ONE_PIPELINE_PATH}\"/tools/retry 1 0 echo as a program\n\
         . \"${ONE_PIPELINE_PATH}\"/iam/get_token\n[ -n \"$IAM_ACCESS_TOKEN\" ] && echo token\n\
         curl --silent --fail --output /dev/null --header \"Authorization: Bearer $IAM_ACCESS_TOKEN\" \"$CD_TEKTON_PIPELINE_URL/tekton_pipelines/$PIPELINE_ID\" && echo api",
    ));
    let ran = project.run(&[]);
    assert_eq!(ran.code, Some(0), "{}", ran.transcript());
    assert_eq!(
        project.log("last", "setup"),
        "repo octo github https://api.github.com\nrepo group/sub gitlab https://git.example.com/api/v4\n0 3\n\
         retry: gave up after 2 of 2 attempts: false\n1\nas a program\ntoken\napi\n"
    );
}
