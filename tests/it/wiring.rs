//! From a `trigger-task` in a user's script to the emitted one, and what calling or sourcing it changes: nothing.

use std::fs;
use std::io::{ErrorKind, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use crate::harness::repository::Repository;
use crate::harness::site::{SetUp, Site};

/// A parent that has its stage set up, and a shell script run by it.
fn runs(site: &Site, script: &str) -> (Option<i32>, String) {
    let parent = site.parent("parent");
    let mut command = parent.command("bash");
    command.arg("-c").arg(script).env("OUT", site.folder.path().join("out"));
    let ended = parent.run(command);
    (ended.code, ended.printed)
}

#[test]
fn an_unchanged_script_starts_the_emitted_stage() {
    let site = Site::new();
    let started = [
        r#"PATH=$OUT/bin:$PATH; trigger-task scan"#,
        r#"PATH=$OUT/bin:$PATH; trigger-task "scan" "an old label""#,
        r#"source "$OUT"/tools/trigger-task; cd /; trigger-task scan"#,
        r#"ln -sf "$OUT/bin/trigger-task" linked; ./linked scan"#,
        r#"cd "$OUT/trigger"; bash scan.sh"#,
        r#"set -eu; source "$OUT/trigger/scan.sh"; source "$OUT/trigger/scan.sh""#,
    ];
    let mut runs_before = 0;
    for script in started {
        let (code, printed) = runs(&site, script);
        assert_eq!(code, Some(0), "{script}: {printed}");
        assert!(printed.contains("started: stage scan"), "{script}: {printed}");
        assert!(site.runs().len() > runs_before, "{script}");
        runs_before = site.runs().len();
    }
    let refused = [
        (r#"PATH=$OUT/bin:$PATH; trigger-task scna"#, "the configuration has no async stage scna"),
        (r#"PATH=$OUT/bin:$PATH; trigger-task deploy"#, "The async stages of .pipeline-config.yaml are: scan"),
        (r#"PATH=$OUT/bin:$PATH; trigger-task"#, "which stage?"),
        (r#""$OUT/trigger/scan.sh" scan"#, "unknown argument: scan"),
    ];
    for (script, words) in refused {
        let (code, printed) = runs(&site, script);
        assert_eq!(code, Some(2), "{script}: {printed}");
        assert!(printed.contains(words), "{script}: {printed}");
    }
    assert_eq!(site.runs().len(), runs_before, "a refusal starts nothing");
}

#[test]
fn nothing_of_a_shell_changes_that_sources_an_emitted_file() {
    let site = Site::new();
    let state = r#"state() { set -o; shopt; umask; trap; pwd; declare -F; compgen -v | grep -vxE '_|BASH_.*|PIPESTATUS|LINENO|RANDOM|SRANDOM|SECONDS|EPOCH.*|FUNCNAME|_sidestage_folder'; }; umask 027; trap 'echo the end' EXIT; set -- scan label"#;
    for (source, may_add) in [("trigger/scan.sh", ""), ("setup-webhook.sh", ""), ("tools/trigger-task", "declare -f trigger-task")] {
        let script = format!(
            "{state}; before=$(state); source \"$OUT/{source}\"; after=$(state); diff <(echo \"$before\") <(echo \"$after\" | grep -vxF '{may_add}' | grep -vx 'before\\|after') && echo \"same $1 $2\""
        );
        let (code, printed) = runs(&site, &script);
        assert_eq!(code, Some(0), "{source}: {printed}");
        assert!(printed.contains("same scan label\nthe end\n"), "{source}: {printed}");
    }
}

/// Every command that is found by the path is noted, and then run.
fn noting(folder: &Path) {
    fs::create_dir(folder).expect("a folder");
    let path = std::env::var("PATH").expect("PATH");
    for name in ["bash", "curl", "cut", "date", "env", "jq", "mkdir", "mktemp", "od", "openssl", "readlink", "rm", "sed", "sleep", "sort"] {
        let real = path.split(':').map(|folder| Path::new(folder).join(name)).find(|real| real.is_file());
        let real = real.unwrap_or_else(|| panic!("{name} is not installed: `./test.sh` installs it"));
        let text = format!("#!/bin/sh\necho {name} >>\"$NOTED\"\nexec {} \"$@\"\n", real.display());
        fs::write(folder.join(name), text).expect("a file");
        fs::set_permissions(folder.join(name), fs::Permissions::from_mode(0o755)).expect("a mode");
    }
    let text = format!("#!/bin/sh\necho \"pipelinectl $1\" >>\"$NOTED\"\nexec {} pipelinectl \"$@\"\n", env!("CARGO_BIN_EXE_sidestage"));
    fs::write(folder.join("pipelinectl"), text).expect("a file");
    fs::set_permissions(folder.join("pipelinectl"), fs::Permissions::from_mode(0o755)).expect("a mode");
}

#[test]
fn a_trigger_that_finds_its_set_up_done_starts_few_processes() {
    let site = Site::new();
    let first = site.parent("first");
    first.succeeds(first.set_up(SetUp::Script));
    let parent = site.parent("second");
    parent.mount(&first.token());
    let (folder, noted) = (site.folder.path().join("noting"), site.folder.path().join("noted"));
    noting(&folder);
    let mut command = parent.command(site.folder.path().join("out/trigger/scan.sh"));
    command.env("PATH", &folder).env("NOTED", &noted).env("PIPELINE_NAME", "ci");
    parent.succeeds(command);
    let commands = fs::read_to_string(&noted).expect("the notes");
    // One more: the script calls the library by the path of bash.
    let count = commands.lines().count() + 1;
    assert!(count <= 25, "{count} processes:\n{commands}");
}

#[test]
fn calls_of_emitted_files_are_triggers_whatever_their_form() {
    let config = |call: &str| {
        format!(
            "version: '1'\ndeploy:\n  script: |\n    #!/usr/bin/env bash\n    set_env app-url x\n{call}\n\
             owasp-zap:\n  script: |\n    #!/usr/bin/env bash\n    get_env app-url\n"
        )
    };
    let calls = [
        "    async/trigger/owasp-zap.sh",
        "    DIR=async\n    \"$DIR/trigger/owasp-zap.sh\"",
        "    scan() { bash async/trigger/owasp-zap.sh; }\n    scan",
        "    source async/trigger/owasp-zap.sh",
        "    ./s/wrapper.sh",
        "    async/bin/trigger-task owasp-zap",
        "    STAGE=owasp-zap\n    async/bin/trigger-task \"$STAGE\" label",
        "    source async/tools/trigger-task\n    trigger-task owasp-zap",
    ];
    for is_built in [true, false] {
        for call in calls {
            if !is_built && call.contains("trigger-task") {
                continue; // a file that is not there may be anything, but for those whose path names a stage
            }
            let repository = Repository::with_config(config("    export_env app-url\n    trigger-task owasp-zap"));
            let repository = repository.file("s/wrapper.sh", "#!/usr/bin/env bash\nasync/trigger/owasp-zap.sh\n");
            if is_built {
                let built = repository.run(&["build", "--out", "async"]);
                assert_eq!(built.code, Some(0), "{}", built.transcript());
            }
            let forgotten = repository.file(".pipeline-config.yaml", config(call));
            let checked = forgotten.check(&[]);
            assert!(checked.stdout.contains("error[unexported-variable]"), "{call}, built: {is_built}: {}", checked.transcript());
            let exported = forgotten.file(".pipeline-config.yaml", config(&format!("    export_env app-url\n{call}")));
            let checked = exported.check(&[]);
            assert_eq!((checked.code, &*checked.stdout), (Some(0), ""), "{call}, built: {is_built}: {}", checked.transcript());
            if is_built {
                let again = exported.run(&["build", "--out", "async"]);
                assert_eq!(again.code, Some(0), "{}", again.transcript());
                assert!(exported.path().join("async/trigger/owasp-zap.sh").exists(), "{call}: what is called stays");
            }
        }
    }
}

#[test]
fn a_script_beside_the_emitted_ones_that_names_no_stage_is_missing() {
    let repository = Repository::with_config("version: '1'\ndeploy:\n  script: |\n    #!/usr/bin/env bash\n    async/trigger/other.sh\n");
    let checked = repository.check(&[]);
    assert!(checked.stdout.contains("missing-script"), "{}", checked.transcript());
}

#[test]
fn a_signal_ends_a_script_and_what_it_waits_for() {
    // The API, and the exchange of the key: neither ever answers.
    for is_signed_in in [true, false] {
        let site = Site::new();
        let parent = site.parent("parent");
        let silent = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = format!("http://{}", silent.local_addr().expect("an address"));
        let mut command = parent.command("bash");
        command.arg(site.folder.path().join("out/lib.sh")).args(["trigger/scan.sh", "trigger_stage", "scan"]);
        command.env("CD_TEKTON_PIPELINE_URL", format!("{address}/pipeline/v2")).env("CD_TEKTON_PIPELINE_AUTH_URL", &address);
        if is_signed_in {
            command.env("IAM_ACCESS_TOKEN", "a.token");
        }
        let child = command.spawn().expect("bash runs");
        let (mut held, _) = silent.accept().expect("a request");
        let ended = std::process::Command::new("kill").args(["-TERM", &child.id().to_string()]).status().expect("kill runs");
        assert!(ended.success());
        let ended = parent.ended(&child.wait_with_output().expect("it ends"));
        assert_eq!(ended.code, Some(143), "{}", ended.printed);
        // The caller has gone, long before it would have given up by itself.
        held.set_read_timeout(Some(Duration::from_secs(30))).expect("a time");
        let gone = held.read_to_end(&mut Vec::new());
        assert!(!gone.as_ref().is_err_and(|error| error.kind() == ErrorKind::WouldBlock), "signed in: {is_signed_in}: {gone:?}");
        assert_eq!(fs::read_dir(parent.folder.join("tmp")).expect("a folder").count(), 0, "nothing is left behind");
    }
}
