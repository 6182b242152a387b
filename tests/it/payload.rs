//! What crosses to an async stage, as the webhook receives it from the emitted script.

use std::fs;

use serde_json::{Value, json};

use crate::harness::site::Site;

#[test]
fn a_stage_is_started_with_what_was_exported_for_it() {
    let site = Site::new();
    let parent = site.parent("first");
    parent.ctl(&["set_env", "hidden", "not for the stage"]);
    parent.succeeds(parent.trigger());
    let runs = site.runs();
    assert_eq!(runs.len(), 1);
    let payload = &site.payloads()[0];
    let schema = serde_json::from_str(sidestage_compiler::config::schema::named("payload").expect("a schema").text).unwrap();
    let errors: Vec<String> = jsonschema::validator_for(&schema).unwrap().iter_errors(payload).map(|error| error.to_string()).collect();
    assert_eq!(errors, Vec::<String>::new());
    assert_eq!((&payload["stage"], &payload["state"]["env"]), (&json!("scan"), &json!({ "app-url": "https://app.example" })));
    assert_eq!(parent.registered(), [("accepted".to_owned(), runs[0]["id"].as_str().unwrap().to_owned())]);
    assert_eq!(parent.nonces(), [payload["nonce"].as_str().unwrap()]);
    let listed = parent.succeeds(parent.script("list-async-runs.sh"));
    assert!(listed.contains("scan") && listed.contains("queued"), "{listed}");
}

#[test]
fn the_commit_of_a_folder_is_that_of_its_own_branch() {
    let site = Site::new();
    let parent = site.parent("first");
    let git = parent.folder.join("workspace/one-pipeline-config-repo/.git");
    fs::create_dir_all(&git).unwrap();
    let [of_main, of_other] = ["1", "2"].map(|digit| digit.repeat(40));
    fs::write(git.join("packed-refs"), format!("# pack-refs with: peeled\n{of_main} refs/heads/main\n{of_other} refs/heads/mai-other\n"))
        .unwrap();
    parent.ctl(&["set_env", "pipeline-config-repo", "https://git.example/config.git"]);
    for (head, commit) in [("ref: refs/heads/main", of_main.as_str()), ("ref: refs/heads/mai", ""), (of_other.as_str(), of_other.as_str())]
    {
        fs::write(git.join("HEAD"), format!("{head}\n")).unwrap();
        parent.succeeds(parent.trigger());
        let payload = &site.payloads()[0];
        assert_eq!(payload["config"]["commit"], commit, "{head}");
    }
}

#[test]
fn three_hundred_variables_arrive_and_names_that_the_webhook_reserves_are_names_like_others() {
    let names: Vec<String> =
        (0..297).map(|number| format!("variable-{number}")).chain(["description", "properties", "state"].map(Into::into)).collect();
    let lines = |each: &dyn Fn(&str) -> String| names.iter().map(|name| format!("    {}\n", each(name))).collect::<String>();
    let config = format!(
        "version: '1'\ndeploy:\n  image: icr.io/example/base:1\n  script: |\n    #!/usr/bin/env bash\n{}    trigger-task scan\n\
         scan:\n  image: icr.io/example/base:1\n  script: |\n    #!/usr/bin/env bash\n{}",
        lines(&|name| format!("set_env {name} 'value of {name}'\n    export_env {name}")),
        lines(&|name| format!("get_env {name}")),
    );
    let site = Site::of(&config);
    let parent = site.parent("first");
    for name in &names {
        parent.ctl(&["set_env", name, &format!("value of {name}")]);
        parent.ctl(&["export_env", name]);
    }
    parent.succeeds(parent.trigger());
    let runs = site.runs();
    let payload = &site.payloads()[0];
    let mut expected: serde_json::Map<String, Value> = names.iter().map(|name| (name.clone(), format!("value of {name}").into())).collect();
    // The run has exported it, though no line of this configuration does.
    expected.insert("app-url".to_owned(), "https://app.example".into());
    assert_eq!(payload["state"]["env"], Value::Object(expected));
    let reserved = ["description", "properties"].map(|name| payload.get(name));
    assert_eq!((runs.len(), reserved), (1, [None, None]));
}

#[test]
fn a_password_in_an_address_stays_behind() {
    let site = Site::new();
    let parent = site.parent("first");
    let commit = "0123456789abcdef0123456789abcdef01234567";
    for (name, url) in [
        ("app", "https://user:hunter2@git.example/app.git"),
        ("odd", "HTTPS://hunter2:p@hunter2@git.example/a@b.git"),
        ("token", "https://hunter2@git.example/token.git"),
        ("ssh", "ssh://git:hunter2@git.example/ssh.git"),
        ("plain", "ssh://git@git.example/plain.git"),
        ("scp", "git@git.example:scp.git"),
        ("plus", "git+https://hunter2@git.example/plus.git"),
    ] {
        parent.ctl(&["save_repo", name, &format!("url={url}"), &format!("path={name}"), &format!("commit={commit}")]);
    }
    parent.ctl(&["save_repo", "app", "clone_url=see https://user:hunter2@git.example/app.git"]);
    parent.ctl(&["save_artifact", "image", "name=icr.io/app@sha256:0", "source=https://user:hunter2@git.example/app.git#main"]);
    parent.ctl(&["set_env", "pipeline-config-repo", "https://user:hunter2@git.example/config.git"]);
    let ended = parent.run(parent.trigger());
    assert_eq!(ended.code, Some(0), "{}", ended.printed);
    assert!(!ended.printed.contains("hunter2"), "{}", ended.printed);
    assert!(ended.printed.contains("an address in \"app\" holds a password"), "{}", ended.printed);
    assert!(!ended.printed.contains("\"plain\"") && !ended.printed.contains("\"scp\""), "{}", ended.printed);
    let payload = &site.payloads()[0];
    assert!(!payload.to_string().contains("hunter2"), "{payload}");
    let urls = ["app", "odd", "token", "ssh", "plain", "scp", "plus"]
        .map(|name| payload["state"]["repos"][name]["url"].as_str().unwrap().to_owned());
    let expected = [
        "https://git.example/app.git",
        "HTTPS://git.example/a@b.git",
        "https://git.example/token.git",
        "ssh://git@git.example/ssh.git",
        "ssh://git@git.example/plain.git",
        "git@git.example:scp.git",
        "git+https://git.example/plus.git",
    ];
    assert_eq!(urls, expected);
    let image = json!({ "name": "icr.io/app@sha256:0", "source": "https://git.example/app.git#main" });
    assert_eq!(
        (&payload["state"]["repos"]["app"]["clone_url"], &payload["state"]["artifacts"]["image"]),
        (&json!("see https://git.example/app.git"), &image)
    );
    assert_eq!(payload["config"]["url"], "https://git.example/config.git");
}

#[test]
fn paths_are_sent_relative_to_the_workspace() {
    let site = Site::new();
    let parent = site.parent("first");
    let commit = "0123456789abcdef0123456789abcdef01234567";
    let workspace = parent.folder.join("workspace").to_str().unwrap().to_owned();
    for (name, path) in [("a", "./a//b/"), ("b", &format!("{workspace}/b")), ("c", "c")] {
        parent.ctl(&["save_repo", name, "url=https://git.example/x.git", &format!("path={path}"), &format!("commit={commit}")]);
    }
    let with = |config: &str| {
        let mut command = parent.trigger();
        command.env("PIPELINE_CONFIG_REPO_PATH", config).env("WORKSPACE", format!("{workspace}/"));
        parent.run(command)
    };
    let configs = ["./c", &format!("{workspace}//c/"), "c", &workspace, "."];
    for config in configs {
        let ended = with(config);
        assert_eq!(ended.code, Some(0), "{config}: {}", ended.printed);
    }
    let payloads = site.payloads();
    let sent: Vec<[&str; 3]> =
        payloads.iter().rev().map(|payload| ["path", "url", "commit"].map(|name| payload["config"][name].as_str().unwrap())).collect();
    let known = ["c", "https://git.example/x.git", commit];
    // The workspace itself is no repository.
    let unknown = [".", "", ""];
    assert_eq!(sent, [known, known, known, unknown, unknown]);
    assert_eq!(["a", "b", "c"].map(|name| payloads[4]["state"]["repos"][name]["path"].as_str().unwrap()), ["a/b", "b", "c"]);
    for config in ["/elsewhere", "../c"] {
        let ended = with(config);
        assert_eq!(ended.code, Some(2), "{config}: {}", ended.printed);
        assert!(ended.printed.contains("is not below the workspace") && ended.printed.contains(config), "{}", ended.printed);
    }
    assert_eq!(site.runs().len(), configs.len());
}

#[test]
fn a_repository_that_the_stage_could_not_clone_is_refused_before_the_call() {
    let site = Site::new();
    let parent = site.parent("first");
    let good = ["url=https://git.example/x.git", "path=app", "commit=0123456789abcdef"];
    let cases = [
        ("path=/elsewhere", "its path is none below the workspace: /elsewhere"),
        ("path=../up", "its path is none below the workspace: ../up"),
        ("path=app/.git/hooks", "its path is none below the workspace: app/.git/hooks"),
        ("path=", "it has no path below the workspace"),
        ("url=", "it has no url"),
        ("commit=main", "it has no commit, or one that is no hash"),
    ];
    for (bad, words) in cases {
        parent.ctl(&["save_repo", "shop", good[0], good[1], good[2]]);
        parent.ctl(&["save_repo", "shop", bad]);
        let ended = parent.run(parent.trigger());
        assert_eq!(ended.code, Some(3), "{bad}: {}", ended.printed);
        assert!(ended.printed.contains(&format!("repository \"shop\": {words}")), "{bad}: {}", ended.printed);
    }
    assert_eq!((site.runs().len(), parent.nonces().len()), (0, 0));
    parent.ctl(&["save_repo", "shop", good[0], good[1], good[2]]);
    parent.succeeds(parent.trigger());
}

#[test]
fn values_of_any_kind_arrive_as_they_are() {
    let site = Site::new();
    let parent = site.parent("first");
    let pwned = parent.folder.join("pwned");
    let value =
        format!("\"quotes\" 'single' \\ $(touch {0}) `touch {0}`\nsecond line\n\ntab\t ünï ☃ {{\"description\": 1}}\n", pwned.display());
    parent.ctl(&["set_env", "app-url", &value]);
    parent.succeeds(parent.trigger());
    parent.ctl(&["set_env", "app-url", &"x".repeat(100 * 1024)]);
    parent.succeeds(parent.trigger());
    let sent = site.payloads().into_iter().map(|payload| payload["state"]["env"]["app-url"].clone());
    assert_eq!(sent.rev().collect::<Vec<_>>(), [json!(value), json!("x".repeat(100 * 1024))]);
    assert!(!pwned.exists());
    let big = parent.folder.join("big");
    fs::write(&big, "x".repeat(600 * 1024)).unwrap();
    let mut command = parent.command("bash");
    command.args(["-c", "pipelinectl set_env app-url <big"]);
    parent.succeeds(command);
    let ended = parent.run(parent.trigger());
    assert_eq!((ended.code, site.runs().len()), (Some(6), 2), "{}", ended.printed);
    assert!(ended.printed.contains("app-url: 614400 bytes"), "{}", ended.printed);
}
