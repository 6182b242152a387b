//! The receiving side, executed: what `async-stage.sh` makes of a payload, with real bash, git and jq.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::{Value, json};

/// A workspace of a parent and one of an async run, with the scripts of `fixtures/zap`.
struct Site {
    folder: tempfile::TempDir,
}

const BINARY: &str = env!("CARGO_BIN_EXE_sidestage");

impl Site {
    fn new() -> Self {
        let site = Self { folder: tempfile::tempdir().expect("a folder") };
        for name in ["bin", "parent", "workspace", "state", "config"] {
            fs::create_dir(site.path(name)).unwrap();
        }
        symlink(BINARY, site.path("bin/pipelinectl")).unwrap();
        let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/zap");
        let output = Command::new(BINARY).arg("build").arg(fixture).arg("--out").arg(site.path("out")).output().expect("the binary runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        // The stage says what it sees.
        let probe = "#!/usr/bin/env bash\npwd\nfor name in \"${PROBE[@]:-app-url}\"; do printf '<%s>\\n' \"$(pipelinectl get_env \"$name\" unset)\"; done\n";
        fs::write(site.path("out/stages/owasp-zap"), probe).unwrap();
        site
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A command of one run: its state and its workspace.
    fn command(&self, program: &str, workspace: &str, state: &str) -> Command {
        let mut command = Command::new(program);
        let path = format!("{}:{}", self.path("bin").display(), std::env::var("PATH").unwrap());
        command.env_clear().env("PATH", path).env("HOME", self.folder.path()).env("LC_ALL", "C.UTF-8");
        command.env("WORKSPACE", self.path(workspace)).env("PIPELINECTL_STATE", self.path(state));
        command.env("CONFIG_DIR", self.path("config")).env("SECRET_CONFIG_DIR", self.path("config")).env("TMPDIR", self.folder.path());
        command.env("SIDESTAGE_RETRIES", "2").env("SIDESTAGE_RETRY_DELAY", "0.01");
        command
    }

    /// A command of pipelinectl in the parent run.
    fn parent(&self, arguments: &[&str]) -> String {
        let output = self.command("pipelinectl", "parent", "parent-state").args(arguments).output().expect("pipelinectl runs");
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("text")
    }

    /// A repository with two commits; gives its address and both commits.
    fn repository(&self, name: &str) -> (String, String, String) {
        let folder = self.path(name);
        fs::create_dir(&folder).unwrap();
        let git = |arguments: &[&str]| {
            let output =
                Command::new("git").current_dir(&folder).args(["-c", "user.name=a", "-c", "user.email=a@b.c"]).args(arguments).output();
            let output = output.expect("git: `./test.sh` installs it");
            assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
            String::from_utf8(output.stdout).unwrap().trim().to_owned()
        };
        git(&["init", "--quiet", "--initial-branch", "main"]);
        let commit = |text: &str| {
            fs::write(folder.join("file"), text).unwrap();
            git(&["add", "."]);
            git(&["commit", "--quiet", "--message", text]);
            git(&["rev-parse", "HEAD"])
        };
        let (first, second) = (commit("one"), commit("two"));
        (format!("file://{}", folder.display()), first, second)
    }

    /// What the parent would send.
    fn payload(&self, variables: &[&str]) -> Value {
        let mut arguments = vec!["serialize", "--all-repos", "--all-artifacts"];
        arguments.extend(variables);
        let state: Value = serde_json::from_str(&self.parent(&arguments)).expect("JSON");
        json!({
            "sidestage": 1, "stage": "owasp-zap", "nonce": "0123456789abcdef0123456789abcdef",
            "pipeline": {"id": "p", "name": "shop", "type": "ci", "run-id": "r", "run-url": "https://example.com/r", "debug": "1"},
            "config": {"url": "", "branch": "", "commit": "", "path": "app", "file": ".pipeline-config.yaml"},
            "state": state,
        })
    }

    fn receive(&self, payload: &str) -> Output {
        fs::write(self.path("payload"), payload).unwrap();
        let mut command = self.command("bash", "workspace", "state");
        command.arg(self.path("out/async-stage.sh")).env("TRIGGER_PAYLOAD_PATH", self.path("payload"));
        // What a caller's environment says of another repository means nothing here.
        command.env("GIT_DIR", self.path("elsewhere")).env("GIT_WORK_TREE", self.path("elsewhere"));
        command.output().expect("bash runs")
    }

    fn async_run(&self, arguments: &[&str]) -> Output {
        self.command("pipelinectl", "workspace", "state").args(arguments).output().expect("pipelinectl runs")
    }

    /// Nothing of a refused payload is left in the workspace.
    fn workspace(&self) -> Vec<String> {
        let mut names: Vec<String> =
            fs::read_dir(self.path("workspace")).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

fn ended(output: &Output) -> (i32, String) {
    (output.status.code().unwrap_or(-1), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn a_stage_starts_with_the_data_of_its_parent_and_every_repository_at_its_commit() {
    let site = Site::new();
    let (app, first, _) = site.repository("app-origin");
    let (inventory, _, second) = site.repository("inventory-origin");
    site.parent(&["save_repo", "app-repo", &format!("url={app}"), "path=app", &format!("commit={first}"), "branch=main"]);
    site.parent(&["save_repo", "inventory", &format!("url={inventory}"), "path=deep/inventory", &format!("commit={second}")]);
    site.parent(&["save_artifact", "image", "type=image", "name=shop:1", "digest=sha256:00"]);
    site.parent(&["set_env", "app-url", "https://example.com/a b?c=\"d\"&e='f'\n$(touch pwned)`touch pwned` ü"]);
    site.parent(&["set_env", "not-named", "stays"]);
    site.parent(&["set_secret", "key", "never"]);

    let output = site.receive(&site.payload(&["app-url"]).to_string());

    assert_eq!(ended(&output), (0, String::new()));
    let expected =
        format!("{}\n<https://example.com/a b?c=\"d\"&e='f'\n$(touch pwned)`touch pwned` ü>\n", site.path("workspace/app").display());
    assert_eq!(String::from_utf8(output.stdout).unwrap(), expected);
    assert_eq!(fs::read_to_string(site.path("workspace/app/file")).unwrap(), "one");
    assert_eq!(fs::read_to_string(site.path("workspace/deep/inventory/file")).unwrap(), "two");
    assert!(!site.path("workspace/app/pwned").exists() && !site.path("workspace/pwned").exists(), "a payload is data");
    let value = |arguments: &[&str]| String::from_utf8(site.async_run(arguments).stdout).unwrap().trim_end().to_owned();
    assert_eq!(value(&["load_artifact", "image", "digest"]), "sha256:00");
    assert_eq!(value(&["load_repo", "app-repo", "branch"]), "main");
    assert_eq!(value(&["get_env", "pipeline_namespace"]), "ci");
    assert_eq!(value(&["get_env", "pipeline-debug"]), "1");
    assert_eq!(value(&["get_env", "not-named", "unset"]), "unset");
    assert_eq!(value(&["get_secret", "key", "unset"]), "unset");
}

/// Each of these is refused with this code, in words that name the culprit, before any repository is cloned.
#[test]
fn a_payload_that_cannot_be_used_is_refused_in_words() {
    type Change = fn(&mut Value);
    let cases: &[(&str, Change, i32, &str)] = &[
        ("another version", |payload| payload["sidestage"] = json!(2), 3, "its version is 2"),
        ("no version", |payload| payload["sidestage"] = Value::Null, 3, "its version is null"),
        ("an unknown stage", |payload| payload["stage"] = json!("owasp"), 3, "it asks for the stage \"owasp\""),
        (
            "a stage that is a path",
            |payload| payload["stage"] = json!("../../bin/sh"),
            3,
            "which fixtures/zap/.pipeline-config.yaml does not have",
        ),
        ("a stage that is a list", |payload| payload["stage"] = json!(["owasp-zap"]), 3, "it asks for the stage"),
        ("no state", |payload| payload["state"] = Value::Null, 3, "it lacks state, config or pipeline"),
        (
            "a state of another shape",
            |payload| payload["state"] = json!({"env": ["a"]}),
            3,
            "pipelinectl deserialize does not take its state",
        ),
    ];
    let site = Site::new();
    for (name, change, code, words) in cases {
        let mut payload = site.payload(&[]);
        change(&mut payload);
        let (ended_with, said) = ended(&site.receive(&payload.to_string()));
        assert_eq!(ended_with, *code, "{name}: {said}");
        assert!(said.contains(words), "{name}: {said}");
        assert!(site.workspace().is_empty(), "{name}: {:?}", site.workspace());
    }
    for (name, text) in [("no JSON", "{"), ("nothing", ""), ("a list", "[]"), ("two objects", "{} {}")] {
        let (code, said) = ended(&site.receive(text));
        assert_eq!((code, said.contains("it is no JSON object")), (3, true), "{name}: {said}");
    }
}

#[test]
fn a_repository_that_is_refused_or_cannot_be_cloned_is_named() {
    let missing = "0123456789012345678901234567890123456789";
    let properties = |url: &str, path: &str, commit: &str| vec![format!("url={url}"), format!("path={path}"), format!("commit={commit}")];
    let site = Site::new();
    let (origin, commit, _) = site.repository("origin");
    let gone = format!("file://{}/gone", site.folder.path().display());
    let cases = [
        ("a path above the workspace", properties(&origin, "../outside", &commit), "its path leaves the workspace"),
        ("an absolute path", properties(&origin, "/etc", &commit), "its path leaves the workspace"),
        ("a path with .. inside", properties(&origin, "a/../../b", &commit), "its path leaves the workspace"),
        ("a path into .git", properties(&origin, "a/.git/hooks", &commit), "its path leaves the workspace"),
        ("no path", properties(&origin, "", &commit), "its path leaves the workspace, or is none"),
        ("a url that is an option", properties("--upload-pack=touch pwned", "app", &commit), "its url starts with '-'"),
        ("a url that runs a program", properties("ext::sh -c 'touch pwned'", "app", &commit), "its url would start another program"),
        ("no url", properties("", "app", &commit), "it has no url"),
        ("a commit that is a branch", properties(&origin, "app", "main"), "it has no commit, or one that is no hash"),
        ("a commit that is an option", properties(&origin, "app", "--force"), "it has no commit, or one that is no hash"),
        ("a commit that is not there", properties(&origin, "app", missing), "is not in file://"),
        ("a url that leads nowhere", properties(&gone, "app", &commit), "cannot clone file://"),
    ];
    for (name, properties, words) in cases {
        let mut arguments = vec!["save_repo", "shop"];
        arguments.extend(properties.iter().map(String::as_str));
        site.parent(&arguments);
        let (code, said) = ended(&site.receive(&site.payload(&[]).to_string()));
        assert_eq!(code, 4, "{name}: {said}");
        assert!(said.contains(words) && said.contains("repository shop"), "{name}: {said}");
        assert!(site.workspace().is_empty() && !site.path("outside").exists() && !site.path("pwned").exists(), "{name}");
    }
}

#[test]
fn a_link_in_the_workspace_leads_nowhere_else() {
    let site = Site::new();
    let (origin, commit, _) = site.repository("origin");
    fs::create_dir(site.path("elsewhere")).unwrap();
    symlink(site.path("elsewhere"), site.path("workspace/link")).unwrap();
    site.parent(&["save_repo", "shop", &format!("url={origin}"), "path=link/app", &format!("commit={commit}")]);
    let (code, said) = ended(&site.receive(&site.payload(&[]).to_string()));
    assert_eq!(code, 4, "{said}");
    assert!(said.contains("its path leaves the workspace through a link"), "{said}");
    assert_eq!(fs::read_dir(site.path("elsewhere")).unwrap().count(), 0);
}

#[test]
fn settings_that_are_missing_are_named() {
    let site = Site::new();
    let script = site.path("out/async-stage.sh");
    let cases = [
        ("TRIGGER_PAYLOAD_PATH", None, "TRIGGER_PAYLOAD_PATH is not set"),
        ("TRIGGER_PAYLOAD_PATH", Some("/nowhere/payload"), "cannot read the payload: /nowhere/payload"),
        ("WORKSPACE", Some("/nowhere"), "there is no workspace: /nowhere"),
    ];
    for (name, value, words) in cases {
        let mut command = site.command("bash", "workspace", "state");
        command.arg(&script).env("TRIGGER_PAYLOAD_PATH", site.path("payload")).env_remove(name).envs(value.map(|value| (name, value)));
        let (code, said) = ended(&command.output().expect("bash runs"));
        assert_eq!((code, said.contains(words)), (2, true), "{words}: {said}");
    }
}

#[test]
fn a_password_in_an_address_is_never_shown() {
    let site = Site::new();
    site.parent(&["save_repo", "shop", "url=http://user:hunter2@127.0.0.1:9/x.git", "path=app", "commit=0123456789abcdef"]);
    let output = site.receive(&site.payload(&[]).to_string());
    let (code, said) = ended(&output);
    assert_eq!(code, 4, "{said}");
    assert!(said.contains("repository shop") && said.contains("127.0.0.1:9/x.git"), "{said}");
    assert!(!said.contains("hunter2"), "{said}");
    let long = format!("url=http://user:{}@127.0.0.1:9/x.git", "hunter2".repeat(60));
    site.parent(&["save_repo", "shop", &long]);
    let (code, said) = ended(&site.receive(&site.payload(&[]).to_string()));
    assert_eq!((code, said.contains("hunter2")), (4, false), "{said}");
}

#[test]
fn the_stage_has_the_umask_of_its_caller_and_needs_no_realpath() {
    let site = Site::new();
    fs::write(site.path("out/stages/owasp-zap"), "#!/usr/bin/env bash\numask\n").unwrap();
    let (url, commit, _) = site.repository("origin");
    site.parent(&["save_repo", "shop", &format!("url={url}"), "path=app", &format!("commit={commit}")]);
    fs::write(site.path("payload"), site.payload(&[]).to_string()).unwrap();
    // Every tool of this machine but one.
    fs::create_dir(site.path("tools")).unwrap();
    for from in ["/bin", "/usr/bin"] {
        for entry in fs::read_dir(from).unwrap().flatten().filter(|entry| entry.file_name() != "realpath") {
            let _ = symlink(entry.path(), site.path("tools").join(entry.file_name()));
        }
    }
    let mut command = site.command("bash", "workspace", "state");
    let script = "umask 027; exec bash \"$1\"";
    command.args(["-c", script, "bash"]).arg(site.path("out/async-stage.sh")).env("TRIGGER_PAYLOAD_PATH", site.path("payload"));
    command.env("PATH", format!("{}:{}", site.path("bin").display(), site.path("tools").display()));
    let output = command.output().expect("bash runs");
    assert_eq!((ended(&output), String::from_utf8_lossy(&output.stdout).trim()), ((0, String::new()), "0027"));
    let mode = fs::metadata(site.path("workspace/app/file")).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode, 0o640, "the clones are made with it");
}

#[test]
fn the_path_of_a_configuration_is_no_code() {
    let site = Site::new();
    let folder = site.path("odd \" $(touch pwned) `touch pwned` ' \\ folder");
    fs::create_dir(&folder).unwrap();
    let config = "version: '1'\ndeploy:\n  image: i\n  script: trigger-task scan\nscan:\n  image: i\n  script: echo\n";
    fs::write(folder.join(".pipeline-config.yaml"), config).unwrap();
    let mut command = Command::new(BINARY);
    let output = command.current_dir(site.folder.path()).args(["build", "--out", "odd-out"]).arg(folder.file_name().unwrap()).output();
    let output = output.expect("the binary runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    for script in ["async-stage.sh", "setup-webhook.sh", "list-async-runs.sh", "trigger/scan.sh"] {
        let mut command = site.command("bash", "workspace", "state");
        let checked = command.arg("-n").arg(site.path("odd-out").join(script)).output().expect("bash runs");
        assert!(checked.status.success(), "{script}: {}", String::from_utf8_lossy(&checked.stderr));
    }
    let mut payload = site.payload(&[]);
    payload["stage"] = "nope".into();
    fs::write(site.path("payload"), payload.to_string()).unwrap();
    let mut command = site.command("bash", "workspace", "state");
    command.current_dir(site.folder.path()).arg(site.path("odd-out/async-stage.sh")).env("TRIGGER_PAYLOAD_PATH", site.path("payload"));
    let (code, said) = ended(&command.output().expect("bash runs"));
    assert_eq!((code, said.contains("$(touch pwned)"), site.path("pwned").exists()), (3, true, false), "{said}");
}

#[test]
fn a_folder_that_is_in_the_way_or_belongs_to_the_store_is_named() {
    let site = Site::new();
    fs::write(site.path("workspace/file"), "").unwrap();
    let (url, commit, _) = site.repository("origin");
    for (path, words) in
        [("file/below", "a file is in the way of file/below"), (".pipelinectl/secret", "its path leaves the workspace, or is none")]
    {
        site.parent(&["save_repo", "shop", &format!("url={url}"), &format!("path={path}"), &format!("commit={commit}")]);
        let (code, said) = ended(&site.receive(&site.payload(&[]).to_string()));
        assert_eq!((code, said.contains(words)), (4, true), "{path}: {said}");
    }
}

/// In the place of git, since only https gets the token: asks as git does, and looks for the token in files.
const ASKING_GIT: &str = r#"#!/usr/bin/env bash
case " $* " in *" clone "*) ;; *) exit 0 ;; esac
for url in https://git.example https://x-access-token@GIT.example https://other.example https://git.example@other.example \
  https://git.example.other http://git.example http://https://git.example; do
  printf '%s: %s\n' "$url" "$("$GIT_ASKPASS" "Password for '$url': ")" >>"$ANSWERS"
done
[[ " $* " == *" http.followRedirects=false "* ]] || echo "redirects are followed" >>"$ANSWERS"
grep -rl git-token-hunter2 "$TMPDIR" "$WORKSPACE" >>"$ANSWERS"
exit 1
"#;

#[test]
fn the_token_for_repositories_goes_to_known_hosts_by_https_alone_and_is_in_no_file() {
    let site = Site::new();
    fs::write(site.path("config/git-hosts"), "git.example").unwrap();
    fs::write(site.path("payload"), {
        site.parent(&["save_repo", "shop", "url=https://git.example/x.git", "path=app", "commit=0123456789abcdef"]);
        site.payload(&[]).to_string()
    })
    .unwrap();
    for folder in ["asking", "temporary"] {
        fs::create_dir(site.path(folder)).unwrap();
    }
    fs::write(site.path("asking/git"), ASKING_GIT).unwrap();
    fs::set_permissions(site.path("asking/git"), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    assert!(site.async_run(&["set_secret", "git-token", "git-token-hunter2"]).status.success());
    let mut command = site.command("bash", "workspace", "state");
    let known = command.get_envs().find(|(name, _)| *name == "PATH").and_then(|(_, value)| value).expect("PATH").to_owned();
    let path = format!("{}:{}", site.path("asking").display(), known.to_str().unwrap());
    command.arg(site.path("out/async-stage.sh")).env("TRIGGER_PAYLOAD_PATH", site.path("payload")).env("PATH", path);
    command.env("TMPDIR", site.path("temporary")).env("ANSWERS", site.path("answers")).env("SIDESTAGE_RETRIES", "1");
    let (code, said) = ended(&command.output().expect("bash runs"));
    assert_eq!((code, said.contains("git-token-hunter2")), (4, false), "{said}");
    assert_eq!(
        fs::read_to_string(site.path("answers")).unwrap(),
        "https://git.example: git-token-hunter2\nhttps://x-access-token@GIT.example: git-token-hunter2\n\
         https://other.example: \nhttps://git.example@other.example: \nhttps://git.example.other: \n\
         http://git.example: \nhttp://https://git.example: \n"
    );
}
