//! Everything that `build` writes, read by the tools that will read it: bash, shellcheck, the schemas.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::harness::repository::Repository;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(name)
}

fn build(config: &Path, out: &Path, more: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sidestage"));
    command.arg("build").arg(config).arg("--out").arg(out).args(more).output().expect("the binary runs")
}

fn built(name: &str, more: &[&str]) -> (tempfile::TempDir, BTreeMap<String, String>) {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("out");
    let output = build(&fixture(name), &out, more);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let files = files_of(&out);
    (folder, files)
}

fn files_of(root: &Path) -> BTreeMap<String, String> {
    let mut files = BTreeMap::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(root).expect("below the root").to_string_lossy().into_owned();
                files.insert(name, fs::read_to_string(&path).expect("text"));
            }
        }
    }
    files
}

fn names(files: &BTreeMap<String, String>) -> Vec<&str> {
    files.keys().map(String::as_str).collect()
}

#[test]
fn the_files_are_the_same_bytes_from_whatever_folder_they_are_built() {
    let copy = crate::harness::repository::copied(&fixture("zap"));
    fs::create_dir(copy.path().join(".git")).expect("a repository");
    let from = |folder: PathBuf, config: &str| {
        let out = tempfile::tempdir().expect("a folder");
        let mut command = Command::new(env!("CARGO_BIN_EXE_sidestage"));
        let output = command.current_dir(folder).args(["build", config, "--out"]).arg(out.path().join("out")).output();
        let output = output.expect("the binary runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        files_of(&out.path().join("out"))
    };
    let at_root = from(copy.path().to_owned(), ".pipeline-config.yaml");
    assert!(at_root["plan.json"].contains("\"file\": \"scripts/zap/trigger-async-zap\""), "{}", at_root["plan.json"]);
    assert_eq!(from(copy.path().join("scripts"), "../.pipeline-config.yaml"), at_root);
    let absolute = copy.path().join(".pipeline-config.yaml").to_string_lossy().into_owned();
    assert_eq!(from(std::env::temp_dir(), &absolute), at_root);
}

#[test]
fn the_whole_set_is_written_and_the_shell_accepts_every_script() {
    for name in ["zap", "zap-v2"] {
        let (folder, files) = built(name, &[]);
        let expected = [
            ".sidestage-files",
            "async-stage.sh",
            "bin/trigger-task",
            "lib.sh",
            "list-async-runs.sh",
            "plan.json",
            "setup-webhook.sh",
            "stages.sh",
            "stages/owasp-zap",
            "tools/trigger-task",
            "trigger/owasp-zap.sh",
            "webhook.json",
        ];
        assert_eq!(names(&files), expected, "{name}");
        shell_accepts(&folder.path().join("out"), &files);
    }
}

#[test]
fn the_thin_form_checks_exports_and_calls() {
    let (folder, files) = built("zap", &["--transport", "platform"]);
    let expected =
        [".sidestage-files", "bin/trigger-task", "lib.sh", "plan.json", "stages.sh", "tools/trigger-task", "trigger/owasp-zap.sh"];
    assert_eq!(names(&files), expected);
    shell_accepts(&folder.path().join("out"), &files);
    let library = &files["lib.sh"];
    assert!(library.contains("export_env") && library.contains("trigger-task"), "{library}");
    assert!(!library.contains("curl "), "it calls no webhook itself");
}

#[test]
fn the_thin_form_runs_the_platforms_command_as_the_platform_does_and_needs_no_jq() {
    let (folder, _) = built("zap", &["--transport", "platform"]);
    let path = |name: &str| folder.path().join(name);
    let write = |name: &str, text: &str| {
        fs::create_dir_all(path(name).parent().unwrap()).unwrap();
        fs::write(path(name), text).unwrap();
        fs::set_permissions(path(name), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    };
    // The platform's own command is not written for `set -eu`; its store ends with other codes than ours.
    let platform = "trigger-task() { echo \"called ${NOT_SET}$1\"; false; echo \"went on\"; }\n";
    write("platform/tools/trigger-task", platform);
    let store = "#!/bin/bash\ncase $1 in get_env) [[ $2 == app-url ]] && { echo https://app.example; exit 0; }; exit 3 ;; esac\necho \"$@\" >>\"$LOG\"\n";
    write("tools/pipelinectl", store);
    for from in ["/bin", "/usr/bin"] {
        for entry in fs::read_dir(from).unwrap().flatten().filter(|entry| entry.file_name() != "jq") {
            let _ = std::os::unix::fs::symlink(entry.path(), path("tools").join(entry.file_name()));
        }
    }
    let mut command = Command::new("bash");
    command.arg(path("out/trigger/owasp-zap.sh")).env_clear().env("PATH", path("tools")).env("LOG", path("log"));
    command.env("ONE_PIPELINE_PATH", path("platform")).env("TMPDIR", folder.path());
    let output = command.output().expect("bash runs");
    let printed = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && printed.contains("called owasp-zap\nwent on\n"), "{printed}");
    assert!(fs::read_to_string(path("log")).unwrap().contains("export_env app-url"), "{printed}");
}

fn shell_accepts(out: &Path, files: &BTreeMap<String, String>) {
    let is_script =
        |name: &&String| Path::new(name).extension().is_some_and(|extension| extension == "sh") || name.ends_with("trigger-task");
    let scripts = files.keys().filter(is_script);
    for script in scripts {
        for tool in [&["bash", "-n"][..], &["shellcheck"]] {
            let output = Command::new(tool[0]).args(&tool[1..]).arg(out.join(script)).output();
            let output = output.unwrap_or_else(|error| panic!("{} cannot be run ({error}): `./test.sh` installs it", tool[0]));
            assert!(output.status.success(), "{} {script}:\n{}", tool[0], String::from_utf8_lossy(&output.stdout));
        }
    }
}

#[test]
fn manifests_have_the_shape_of_their_schemas() {
    for name in ["zap", "zap-v2"] {
        let (_folder, files) = built(name, &[]);
        for schema in ["plan", "webhook"] {
            let text = sidestage_compiler::config::schema::named(schema).expect("a schema").text;
            let schema_value = serde_json::from_str(text).expect("JSON");
            let value = serde_json::from_str(&files[&format!("{schema}.json")]).expect("JSON");
            let errors: Vec<String> =
                jsonschema::validator_for(&schema_value).unwrap().iter_errors(&value).map(|error| error.to_string()).collect();
            assert!(errors.is_empty(), "{name} {schema}: {errors:?}");
        }
    }
}

#[test]
fn a_trigger_carries_exactly_what_is_exported_before_it() {
    let (_folder, files) = built("zap", &[]);
    let plan: serde_json::Value = serde_json::from_str(&files["plan.json"]).expect("JSON");
    let exports: Vec<&str> = plan["triggers"][0]["exports"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
    assert!(exports.contains(&"app-url"), "{exports:?}");
    let table = &files["stages.sh"];
    let carried: Vec<&str> =
        table.lines().filter_map(|line| line.trim().strip_prefix("carry ")).map(|line| line.split(' ').next().unwrap()).collect();
    assert_eq!(carried, exports, "the table and the plan agree");
}

#[test]
fn a_call_of_an_emitted_script_is_a_trigger_of_its_stage() {
    let config = |export: &str, trigger: &str| {
        format!(
            "version: '1'\ndeploy:\n  script: |\n    #!/usr/bin/env bash\n    set_env app-url x\n    {export}\n    {trigger}\n\
             owasp-zap:\n  script: |\n    #!/usr/bin/env bash\n    get_env app-url\n"
        )
    };
    for transport in ["webhook", "platform"] {
        let repository = Repository::with_config(config("export_env app-url", "trigger-task owasp-zap"));
        let built = repository.run(&["build", "--out", "async", "--transport", transport]);
        assert_eq!(built.code, Some(0), "{}", built.transcript());
        let script = "async/trigger/owasp-zap.sh";
        let trigger = format!("./{script}");
        let before = fs::read_to_string(repository.path().join(script)).expect("a script");

        let repository = repository.file(".pipeline-config.yaml", config("export_env app-url", &trigger));
        let checked = repository.check(&[]);
        assert_eq!((checked.code, &*checked.stdout), (Some(0), ""), "{}", checked.transcript());
        let again = repository.run(&["build", "--out", "async", "--transport", transport]);
        assert_eq!(again.code, Some(0), "{}", again.transcript());
        let after = fs::read_to_string(repository.path().join(script)).expect("it is still there");
        assert_eq!(before, after, "the call carries what the trigger carried");

        let repository = repository.file(".pipeline-config.yaml", config(":", &trigger));
        let checked = repository.check(&[]);
        assert!(checked.stdout.contains("error[unexported-variable]"), "{}", checked.transcript());
    }
}

#[test]
fn the_same_configuration_gives_the_same_bytes() {
    let (_first, one) = built("zap", &[]);
    let (_second, two) = built("zap", &[]);
    assert_eq!(one, two);
    for (name, text) in &one {
        assert!(!text.contains(env!("CARGO_MANIFEST_DIR")), "{name} holds a path of this machine");
    }
}

#[test]
fn where_there_are_errors_nothing_is_written() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("out");
    let output = build(&fixture("zap-unexported"), &out, &[]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("Nothing was written"));
    assert!(!out.exists());
}

#[test]
fn a_build_replaces_what_a_build_wrote_and_nothing_else() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("out");
    assert!(build(&fixture("zap"), &out, &[]).status.success());
    fs::write(out.join("notes.txt"), "mine").unwrap();
    assert!(build(&fixture("zap"), &out, &["--transport", "platform"]).status.success());
    let thin = files_of(&out);
    assert!(thin.contains_key("notes.txt") && thin.contains_key("trigger/owasp-zap.sh"), "{:?}", names(&thin));
    assert!(!thin.contains_key("setup-webhook.sh") && !thin.contains_key("stages/owasp-zap"), "{:?}", names(&thin));

    let sources = folder.path().join("sources");
    fs::create_dir(&sources).unwrap();
    fs::write(sources.join("main.c"), "int x;").unwrap();
    let output = build(&fixture("zap"), &sources, &[]);
    assert_eq!(output.status.code(), Some(2), "a folder of somebody else's files is refused");
    assert_eq!(names(&files_of(&sources)), ["main.c"]);
}

#[test]
fn values_of_a_configuration_are_data_in_the_scripts() {
    let folder = tempfile::tempdir().expect("a folder");
    let evil = "x'$(touch pwned)`touch pwned`";
    let config = "version: '1'\ndeploy:\n  script: |\n    #!/usr/bin/env bash\n    \
                  export_env \"a b\" 'x'\\''$(touch pwned)`touch pwned`'\n    trigger-task zap\n\
                  zap:\n  script: |\n    get_env \"a b\"\n";
    fs::write(folder.path().join(".pipeline-config.yaml"), config).unwrap();
    let out = folder.path().join("out");
    let output = build(folder.path(), &out, &[]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let files = files_of(&out);
    shell_accepts(&out, &files);
    let plan: serde_json::Value = serde_json::from_str(&files["plan.json"]).unwrap();
    assert_eq!(plan["triggers"][0]["exports"], serde_json::json!(["a b", evil]));
    assert!(files["stages.sh"].contains("carry 'a b' always"));
}

#[test]
fn the_name_of_a_stage_is_data_in_the_scripts() {
    let repository = Repository::with_config(
        "version: '1'\ndeploy:\n  script: |\n    trigger-task 'a;touch pwned'\n'a;touch pwned':\n  script: |\n    echo\n",
    );
    let built = repository.run(&["build", "--out", "out", "--allow", "invalid-stage-name"]);
    assert_eq!(built.code, Some(0), "{}", built.transcript());
    let out = repository.path().join("out");
    shell_accepts(&out, &files_of(&out));
    let output = Command::new("bash").arg("out/trigger/a;touch pwned.sh").current_dir(repository.path()).output().expect("bash runs");
    assert_ne!(output.status.code(), Some(0), "there is no pipeline to start it on");
    assert!(!repository.path().join("pwned").exists());
    let called = repository.file(".pipeline-config.yaml", "version: '1'\ndeploy:\n  script: |\n    'out/trigger/a;touch pwned.sh'\n");
    let checked = called.check(&["--allow", "invalid-stage-name"]);
    assert!(checked.stdout.contains("the configuration has no stage `a;touch pwned`"), "{}", checked.transcript());
}

#[test]
fn every_function_of_the_library_is_called() {
    for transport in ["webhook", "platform"] {
        let (_folder, files) = built("zap", &["--transport", transport]);
        let names =
            files["lib.sh"].lines().filter_map(|line| line.split_once("() {").or_else(|| line.split_once("() ("))).map(|(name, _)| name);
        for name in names.filter(|name| !name.starts_with([' ', '#'])) {
            let is_call = |word: &str| word == name;
            let calls =
                files.values().flat_map(|text| text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))).filter(|word| is_call(word));
            assert!(calls.count() > 1, "{transport}: {name} is never called");
        }
    }
}

#[test]
fn the_graph_has_the_shape_of_its_schema_and_an_edge_for_each_target() {
    let graph = |format: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sidestage"));
        let output = command.arg("graph").arg(fixture("loop-over-array")).args(["--format", format]).output().expect("the binary runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("text")
    };
    let schema = serde_json::from_str(sidestage_compiler::config::schema::named("graph").expect("a schema").text).expect("JSON");
    let value: serde_json::Value = serde_json::from_str(&graph("json")).expect("JSON");
    let errors: Vec<String> = jsonschema::validator_for(&schema).unwrap().iter_errors(&value).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{errors:?}");
    let triggers = value["edges"].as_array().unwrap().iter().filter(|edge| edge["kind"] == "trigger");
    assert!(triggers.count() >= 2, "one for each name of the array: {value}");
    assert!(graph("dot").starts_with("digraph"));
    assert!(graph("mermaid").contains("\nflowchart LR\n"));
    assert!(graph("svg").contains("<svg"));
}

/// A parent run on this machine: its store is a folder of files, its webhook a file that the body is written to.
struct Parent {
    folder: tempfile::TempDir,
}

impl Parent {
    /// Builds a configuration with a contract, and puts stand-ins beside the emitted scripts.
    fn new(contract: &str, more: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = format!(
            "version: '1'\ndeploy:\n  script: |\n    #!/usr/bin/env bash\n    set_env app-url \"$URL\"\n    export_env app-url\n    trigger-task zap\n\
             zap:\n  x-async:\n    reads:\n{contract}\n  script: |\n    #!/usr/bin/env bash\n    source \"${{COMMONS_PATH}}/owasp-zap/run-scan.sh\"\n"
        );
        fs::write(folder.path().join(".pipeline-config.yaml"), config).unwrap();
        let out = folder.path().join("out");
        let output = build(folder.path(), &out, more);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        for name in ["bin", "env", "exported", "config"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        let parent = Self { folder };
        parent.command("pipelinectl", PIPELINECTL);
        parent.command("curl", CURL);
        parent.command("trigger-task", "touch \"$RUN/called\"");
        parent
    }

    fn command(&self, name: &str, body: &str) {
        use std::os::unix::fs::PermissionsExt;
        let path = self.folder.path().join("bin").join(name);
        fs::write(&path, format!("#!/usr/bin/env bash\nset -euo pipefail\n{body}\n")).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn set(self, name: &str, value: &str) -> Self {
        fs::write(self.folder.path().join("env").join(name), value).unwrap();
        self
    }

    /// Runs the trigger script: exit code, and what it says.
    fn trigger(&self) -> (Option<i32>, String) {
        let root = self.folder.path();
        let path = format!("{}:{}", root.join("bin").display(), std::env::var("PATH").unwrap());
        let mut command = Command::new("bash");
        command.arg(root.join("out/trigger/zap.sh")).env_clear().env("PATH", path).env("RUN", root).current_dir(root);
        command.env("CONFIG_DIR", root.join("config")).env("PIPELINE_ID", "p1").env("IAM_ACCESS_TOKEN", "t").env("PIPELINE_NAME", "ci");
        command.env("CD_TEKTON_PIPELINE_URL", "http://localhost/pipeline/v2");
        let output = command.output().unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    }

    /// What the webhook was called with; `None` where nothing was called.
    fn payload(&self) -> Option<serde_json::Value> {
        let text = fs::read_to_string(self.folder.path().join("called")).ok()?;
        Some(serde_json::from_str(&text).unwrap())
    }

    /// The variable that went along.
    fn sent(&self, name: &str) -> Option<String> {
        Some(self.payload()?["state"]["env"][name].as_str()?.to_owned())
    }
}

const PIPELINECTL: &str = r#"
verb=$1; shift
case $verb in
  get_env)
    for file in "$RUN/env/$1" "${CONFIG_DIR:?}/$1"; do
      [[ ! -f $file ]] || { cat "$file"; echo; exit 0; }
    done
    (($# > 1)) || { echo "no $1" >&2; exit 1; }
    printf '%s\n' "$2" ;;
  set_env) if (($# > 1)); then printf '%s' "$2" >"$RUN/env/$1"; else cat >"$RUN/env/$1"; fi ;;
  export_env) : >"$RUN/exported/$1" ;;
  get_secret) echo secret ;;
  put_data | list_repos | load_repo) ;;
  serialize)
    state='{"env": {}}'
    for name in "$@"; do
      [[ $name != --* ]] || continue
      file=$RUN/env/$name
      [[ -f $file ]] || file=$CONFIG_DIR/$name
      state=$(jq --arg name "$name" --rawfile value "$file" '.env[$name] = $value' <<<"$state")
    done
    printf '%s' "$state" ;;
esac"#;

const CURL: &str = r#"
config=$(cat)
if grep -q '^request = "POST"' <<<"$config"; then
  body=$(sed -n 's/^data-binary = "@\(.*\)"$/\1/p' <<<"$config")
  cp "$body" "$RUN/called"
fi
printf 'HTTP/1.1 200 OK\r\n\r\n' >"$(sed -n 's/^dump-header = "\(.*\)"$/\1/p' <<<"$config")"
case $config in
  */properties\"*) printf '{"properties": [{"name": "subpipeline-webhook-token", "type": "secure", "value": "masked"}]}' ;;
  */triggers?name=*) printf '{"triggers": [{"id": "t1", "name": "Subpipeline Webhook Trigger", "type": "generic",
    "secret": {"type": "token_matches", "source": "header", "value": "masked"}, "webhook_url": "http://localhost/hook"}]}' ;;
  *) printf '{"id": "run-1", "pipeline_runs": []}' ;;
esac"#;

#[test]
fn a_contract_is_kept_before_anything_is_called() {
    let contract = "      app-url: {required: true, pattern: '^https?://[^[:space:]]+$', description: Where the app answers}\n      \
                    level: {default: low, pattern: '^(low|high)$'}\n      \
                    policy: {required: false}";
    for transport in ["webhook", "platform"] {
        let parent = || Parent::new(contract, &["--transport", transport]);
        let called = |parent: &Parent| parent.folder.path().join("called").exists();

        let missing = parent();
        let (code, said) = missing.trigger();
        assert_eq!((code, called(&missing)), (Some(3), false), "{said}");
        assert!(said.contains("the stage zap") && said.contains("not set: app-url (Where the app answers)"), "{said}");
        assert!(said.contains("set_env NAME VALUE; export_env NAME"), "{said}");

        // An anchor is the end of the value, not of a line of it.
        for wrong in ["ftp://x", "x\nhttps://x", "https://x\n", "https://x\nmore"] {
            let parent = parent().set("app-url", wrong);
            let (code, said) = parent.trigger();
            assert_eq!(code, Some(3), "{wrong:?}: {said}");
            assert!(said.contains("wrong value: app-url") && said.contains("^https?://[^[:space:]]+$"), "{said}");
            assert!(!said.contains(wrong), "a value may be nobody's business: {said}");
            assert!(!called(&parent), "{wrong:?}");
        }

        let wrong = parent().set("app-url", "https://x").set("level", "none");
        assert_eq!((wrong.trigger().0, called(&wrong)), (Some(3), false), "a default does not stand in for a wrong value");

        let right = parent().set("app-url", "https://x").set("level", "high").set("policy", "strict");
        let (code, said) = right.trigger();
        assert_eq!((code, called(&right)), (Some(0), true), "{said}");
    }
}

#[test]
fn a_variable_that_is_not_set_is_sent_with_its_default() {
    let evil = "a'b\"c $(touch pwned) `touch pwned` \\ $HOME\n*";
    let default = serde_json::to_string(evil).unwrap();
    let contract = format!(
        "      app-url: {{pattern: '.'}}\n      level: {{default: {default}}}\n      empty: {{default: ''}}\n      policy: {{required: false}}"
    );

    let parent = Parent::new(&contract, &[]).set("app-url", evil);
    let out = parent.folder.path().join("out");
    shell_accepts(&out, &files_of(&out));
    let (code, said) = parent.trigger();
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(parent.sent("app-url").as_deref(), Some(evil));
    assert_eq!(parent.sent("level").as_deref(), Some(evil));
    assert_eq!(parent.sent("empty").as_deref(), Some(""));
    assert_eq!(parent.sent("policy"), None, "optional, and not there");
    assert!(!parent.folder.path().join("env/level").exists(), "the parent itself does not change");
    assert!(!parent.folder.path().join("pwned").exists());

    let parent = Parent::new(&contract, &["--transport", "platform"]).set("app-url", evil).set("policy", "strict");
    let (code, said) = parent.trigger();
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(fs::read_to_string(parent.folder.path().join("env/level")).unwrap(), evil);
    let mut exported: Vec<_> =
        fs::read_dir(parent.folder.path().join("exported")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    exported.sort();
    assert_eq!(exported, ["app-url", "empty", "level", "policy"]);
    assert!(!parent.folder.path().join("pwned").exists());
}

#[test]
fn the_plan_tells_of_the_contract_and_keeps_its_schema() {
    let parent =
        Parent::new("      app-url: {required: true, pattern: '^h'}\n      level: {default: low}\n      policy: {required: false}", &[]);
    let plan: serde_json::Value = serde_json::from_str(&fs::read_to_string(parent.folder.path().join("out/plan.json")).unwrap()).unwrap();
    let schema = serde_json::from_str(sidestage_compiler::config::schema::named("plan").unwrap().text).unwrap();
    let errors: Vec<String> = jsonschema::validator_for(&schema).unwrap().iter_errors(&plan).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{errors:?}");
    let expected = serde_json::json!([
        {"name": "app-url", "required": true, "from": "export", "contract": {"pattern": "^h"}},
        {"name": "level", "required": false, "from": "unknown", "contract": {"default": "low"}},
        {"name": "policy", "required": false, "from": "unknown", "contract": {}},
    ]);
    assert_eq!(plan["triggers"][0]["reads"], expected);
}

#[test]
fn the_exit_codes_of_the_page_are_those_of_the_scripts() {
    let page = include_str!("../../docs/webhook.md");
    let (_folder, files) = built("zap", &[]);
    for code in sidestage_compiler::emit::EXIT_CODES {
        assert!(page.contains(&format!("| {} | {} |", code.code, code.meaning)), "{code:?}");
        assert!(files["lib.sh"].contains(&format!("#   {}  {}", code.code, code.meaning)), "{code:?}");
    }
}
