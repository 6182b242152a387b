//! `sidestage build`: what it writes, what it leaves, and what it removes.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::SystemTime;

use crate::harness::repository::Repository;

/// `deploy` starts these stages.
fn config(stages: &[&str]) -> String {
    let triggers: String = stages.iter().map(|stage| format!("    trigger-task {stage}\n")).collect();
    let bodies: String = stages
        .iter()
        .map(|stage| format!("{stage}:\n  image: icr.io/example/base:1\n  script: |\n    #!/usr/bin/env bash\n    get_env app-url\n"))
        .collect();
    format!(
        "version: '1'\ndeploy:\n  image: icr.io/example/base:1\n  script: |\n    #!/usr/bin/env bash\n    set_env app-url x\n    export_env app-url\n{triggers}{bodies}"
    )
}

fn repository(stages: &[&str]) -> Repository {
    Repository::with_config(config(stages))
}

fn write(repository: &Repository, path: &str, text: &str) {
    fs::write(repository.path().join(path), text).unwrap();
}

/// The files of a folder, with the time of their last change.
fn times(folder: &Path) -> Vec<(String, SystemTime)> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap().to_str().unwrap().to_owned();
                found.push((name, fs::symlink_metadata(&path).unwrap().modified().unwrap()));
            }
        }
    }
    found.sort();
    found
}

#[test]
fn only_what_has_changed_is_touched() {
    let repository = repository(&["scan"]);
    let out = repository.path().join("async");
    let ran = repository.run(&["build", "--out", "async"]);
    assert!(ran.code == Some(0) && ran.stdout.starts_with("Wrote 1"), "{ran:?}");
    let before = times(&out);
    let ran = repository.run(&["build", "--out", "async"]);
    assert_eq!((ran.code, ran.stdout.contains("are up to date")), (Some(0), true), "{ran:?}");
    assert_eq!(times(&out), before, "not a file was written");
    write(
        &repository,
        ".pipeline-config.yaml",
        &config(&["scan"]).replace("set_env app-url x", "set_env app-url x\n    set_env depth 3\n    export_env depth"),
    );
    let ran = repository.run(&["build", "--out", "async"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let changed: Vec<String> = times(&out).into_iter().zip(before).filter(|(now, then)| now.1 != then.1).map(|(now, _)| now.0).collect();
    assert_eq!(changed, [".sidestage-files", "plan.json", "stages.sh"]);
    // What can be run and should not be is mended too.
    fs::set_permissions(out.join("trigger/scan.sh"), fs::Permissions::from_mode(0o644)).unwrap();
    assert_eq!(repository.run(&["build", "--out", "async", "--check"]).code, Some(1));
    repository.run(&["build", "--out", "async"]);
    assert_eq!(fs::metadata(out.join("trigger/scan.sh")).unwrap().permissions().mode() & 0o777, 0o755);
}

#[test]
fn check_shows_the_difference_and_writes_nothing() {
    let repository = repository(&["scan"]);
    let ran = repository.run(&["build", "--out", "async", "--check"]);
    assert_eq!((ran.code, ran.stdout.contains("missing: async/lib.sh")), (Some(1), true), "{ran:?}");
    assert!(!repository.path().join("async").exists());
    repository.run(&["build", "--out", "async"]);
    let ran = repository.run(&["build", "--out", "async", "--check"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""), "{ran:?}");
    write(&repository, ".pipeline-config.yaml", &config(&["scan", "probe"]));
    let before = times(&repository.path().join("async"));
    let ran = repository.run(&["build", "--out", "async", "--check"]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    for words in ["missing: async/trigger/probe.sh", "+++ b/async/stages.sh", "-STAGES=(scan)", "+STAGES=(probe scan)"] {
        assert!(ran.stdout.contains(words), "{words}: {}", ran.stdout);
    }
    assert_eq!(times(&repository.path().join("async")), before);
}

#[test]
fn what_is_not_written_any_more_goes_unless_it_was_changed_or_is_called() {
    let repository = repository(&["scan", "probe", "audit"]);
    repository.run(&["build", "--out", "async"]);
    let exists = |path: &str| repository.path().join("async").join(path).exists();
    assert!(exists("trigger/probe.sh") && exists("stages/probe"));
    write(&repository, "async/trigger/audit.sh", "#!/bin/sh\n# my own\n");
    write(&repository, ".pipeline-config.yaml", &config(&["scan"]));
    let ran = repository.run(&["build", "--out", "async", "--check"]);
    assert!(ran.stdout.contains("not written any more: async/trigger/probe.sh"), "{ran:?}");
    let ran = repository.run(&["build", "--out", "async"]);
    assert!(ran.stdout.contains("trigger/probe.sh (removed)"), "{ran:?}");
    assert!(ran.stderr.contains("async/trigger/audit.sh is not written any more, and stays: it was changed"), "{ran:?}");
    assert_eq!(
        [exists("trigger/probe.sh"), exists("stages/probe"), exists("trigger/audit.sh"), exists("stages/audit")],
        [false, false, true, false]
    );
    // From then on it is the user's own.
    let ran = repository.run(&["build", "--out", "async"]);
    assert_eq!((ran.stderr.as_str(), exists("trigger/audit.sh")), ("", true), "{ran:?}");
    // Another transport lists no runs; a script that calls the list keeps it.
    let calls = config(&["scan"]).replace("    trigger-task scan\n", "    trigger-task scan\n    async/list-async-runs.sh\n");
    write(&repository, ".pipeline-config.yaml", &calls);
    for _ in 0..2 {
        let ran = repository.run(&["build", "--out", "async", "--transport", "platform"]);
        assert!(ran.stderr.contains("async/list-async-runs.sh is not written any more, and stays: a script calls it"), "{ran:?}");
    }
    assert_eq!([exists("list-async-runs.sh"), exists("setup-webhook.sh")], [true, false]);
}

#[test]
fn what_somebody_edited_is_written_again_and_told() {
    let repository = repository(&["scan"]);
    repository.run(&["build", "--out", "async"]);
    write(&repository, "async/stages.sh", "# edited\n");
    let ran = repository.run(&["build", "--out", "async"]);
    assert_eq!((ran.code, ran.stderr.contains("async/stages.sh was changed after it was written")), (Some(0), true), "{ran:?}");
    assert!(fs::read_to_string(repository.path().join("async/stages.sh")).unwrap().contains("STAGES=(scan)"));
}

#[test]
fn a_file_of_somebody_else_is_never_replaced() {
    let repository = repository(&["scan"]);
    repository.run(&["build", "--out", "async"]);
    fs::create_dir_all(repository.path().join("async/trigger")).unwrap();
    write(&repository, "async/trigger/probe.sh", "mine\n");
    write(&repository, "async/notes.txt", "mine too\n");
    write(&repository, ".pipeline-config.yaml", &config(&["scan", "probe"]));
    let before = times(&repository.path().join("async"));
    let ran = repository.run(&["build", "--out", "async"]);
    assert_eq!((ran.code, ran.stderr.contains("async/trigger/probe.sh")), (Some(2), true), "{ran:?}");
    assert_eq!(times(&repository.path().join("async")), before, "all, or nothing");
    fs::remove_file(repository.path().join("async/trigger/probe.sh")).unwrap();
    assert_eq!(repository.run(&["build", "--out", "async"]).code, Some(0));
    assert_eq!(fs::read_to_string(repository.path().join("async/notes.txt")).unwrap(), "mine too\n");
}

#[test]
fn a_list_that_names_files_elsewhere_removes_none_of_them() {
    let repository = repository(&["scan"]).file("precious", "x").file("async/.sidestage-files", "../precious\n/etc/hostname\nlib.sh\n");
    let ran = repository.run(&["build", "--out", "async"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(repository.path().join("precious").exists());
}

#[test]
fn the_folder_of_the_settings_is_written_to_and_its_files_are_understood_before_they_are_there() {
    let scripts = "set_env app-url x\n    export_env app-url\n    export PATH=\"$PWD/ci/async/bin:$PATH\"\n    source ci/async/tools/trigger-task\n    trigger-task scan\n    ci/async/bin/trigger-task probe\n    ci/async/list-async-runs.sh --wait\n";
    let config = config(&["scan", "probe"]);
    let start = config.find("    set_env").unwrap();
    let end = config.find("scan:\n").unwrap();
    let config = format!("{}    {scripts}{}", &config[..start], &config[end..]);
    let repository = Repository::with_config(&config).file(".sidestage.yaml", "out: ci/async\n");
    for _ in 0..2 {
        let ran = repository.check(&[]);
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(0), ""), "{ran:?}");
        let ran = repository.run(&["build"]);
        assert_eq!(ran.code, Some(0), "{ran:?}");
    }
    assert!(repository.path().join("ci/async/trigger/probe.sh").exists());
    // Near misses: without the setting nobody knows these files, and a folder outside of the repository is none.
    fs::remove_dir_all(repository.path().join("ci")).unwrap();
    write(&repository, ".sidestage.yaml", "{}\n");
    assert!(repository.check(&[]).stdout.contains("missing-script"));
    let ran = repository.run(&["build"]);
    assert_eq!((ran.code, ran.stderr.contains("--out DIR")), (Some(2), true), "{ran:?}");
    write(&repository, ".sidestage.yaml", "out: ../elsewhere\n");
    assert!(repository.check(&[]).stdout.contains("not a folder inside the repository"));
}

#[test]
fn the_platforms_function_after_the_emitted_one_is_told() {
    let with = |lines: &str| {
        let config = config(&["scan"]).replace("    trigger-task scan\n", &format!("{lines}    trigger-task scan\n"));
        Repository::with_config(config).file(".sidestage.yaml", "out: async\n").check(&[]).stdout
    };
    let (ours, theirs) = ("    source async/tools/trigger-task\n", "    source \"${ONE_PIPELINE_PATH}\"/tools/trigger-task\n");
    let told = with(&format!("{ours}{theirs}"));
    assert!(told.contains(":9:") && told.contains("suspicious-command") && told.contains("takes the place of the emitted one"), "{told}");
    // Alone, the other way round, and on another path, each is right.
    for lines in
        [ours.to_owned(), theirs.to_owned(), format!("{theirs}{ours}"), format!("    if test -d x; then\n{ours}    else\n{theirs}    fi\n")]
    {
        assert_eq!(with(&lines), "", "{lines}");
    }
}

#[test]
fn the_old_name_of_the_target_stays() {
    let repository = repository(&["scan"]);
    for option in ["--emit", "--target"] {
        let ran = repository.run(&["build", "--out", option.trim_start_matches('-'), option, "terraform,scripts"]);
        assert_eq!((ran.code, ran.stdout.contains("webhook.tf.json")), (Some(0), true), "{ran:?}");
    }
}
