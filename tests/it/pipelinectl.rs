//! The store: every command with its documented edge cases, and byte-exact values.

use std::fs;
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::thread;

use serde_json::{Value, json};

mod processes;

const SIDESTAGE: &str = env!("CARGO_BIN_EXE_sidestage");

/// A run's store, and the folders that the platform mounts.
struct Run {
    folder: tempfile::TempDir,
}

impl Run {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        for name in ["config", "secrets", "bin"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        symlink(SIDESTAGE, folder.path().join("bin/pipelinectl")).unwrap();
        Self { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn state(&self) -> PathBuf {
        self.path("state")
    }

    fn environment(&self, mut command: Command) -> Command {
        let path = format!("{}:{}", self.path("bin").display(), std::env::var("PATH").unwrap());
        command
            .current_dir(self.folder.path())
            .env("PATH", path)
            .env("PIPELINECTL_STATE", self.state())
            .env("CONFIG_DIR", self.path("config"))
            .env("SECRET_CONFIG_DIR", self.path("secrets"))
            .env_remove("WORKSPACE");
        command
    }

    fn call(&self, arguments: &[&str]) -> Output {
        self.call_with(arguments, b"")
    }

    fn call_with(&self, arguments: &[&str], input: &[u8]) -> Output {
        let mut command = self.environment(Command::new(SIDESTAGE));
        command.arg("pipelinectl").args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the binary runs");
        let mut writer = child.stdin.take().expect("its input");
        thread::scope(|scope| {
            // A command that needs no input ends before it has read all.
            scope.spawn(move || writer.write_all(input).is_ok());
            child.wait_with_output().expect("it ends")
        })
    }

    /// A call that must succeed, and what it printed.
    fn get(&self, arguments: &[&str]) -> Vec<u8> {
        let output = self.call(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    }

    fn text(&self, arguments: &[&str]) -> String {
        String::from_utf8(self.get(arguments)).unwrap()
    }

    fn json(&self, arguments: &[&str]) -> Value {
        serde_json::from_slice(&self.get(arguments)).unwrap()
    }

    /// A call that must fail with exit code 1, without output: what it complained about.
    fn refused(&self, arguments: &[&str]) -> String {
        let output = self.call(arguments);
        assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(1), &b""[..]), "{arguments:?}");
        String::from_utf8(output.stderr).unwrap()
    }

    fn bash(&self, script: &str) -> Output {
        let mut command = self.environment(Command::new("bash"));
        command.args(["-euo", "pipefail", "-c", script]).output().expect("bash runs")
    }
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        found.push(path.clone());
        if path.is_dir() {
            found.extend(files_below(&path));
        }
    }
    found
}

#[test]
fn variables_are_set_in_pairs_or_from_standard_input() {
    let run = Run::new();
    run.get(&["set_env", "a", "1", "b", "2"]);
    assert!(run.call_with(&["set_env", "c"], b"from\ninput\n").status.success());
    run.get(&["set_env", "a", "3"]);
    assert_eq!(
        (run.text(&["get_env", "a"]), run.text(&["get_env", "b"]), run.text(&["get_env", "c"])),
        ("3".into(), "2".into(), "from\ninput\n".into())
    );
    assert_eq!(run.text(&["list_env"]), "a\nb\nc\n");
    // One key too many changes nothing.
    assert!(run.refused(&["set_env", "a", "9", "b"]).contains("`b` has no value"));
    assert_eq!(run.text(&["get_env", "a"]), "3");
    assert!(run.refused(&["set_env"]).contains("no key is given"));
}

#[test]
fn a_variable_that_is_not_set_is_the_pipelines_else_the_default_else_an_error() {
    let run = Run::new();
    fs::write(run.path("config/region"), "eu-de").unwrap();
    assert_eq!(run.text(&["get_env", "region"]), "eu-de");
    assert_eq!(run.text(&["get_env", "region", "other"]), "eu-de");
    assert_eq!(run.text(&["get_env", "missing", "a default"]), "a default");
    assert_eq!(run.text(&["get_env", "missing", ""]), "");
    assert!(run.refused(&["get_env", "missing"]).contains("`missing` is not set, and there is no default"));
    run.get(&["set_env", "region", ""]);
    assert_eq!(run.text(&["get_env", "region", "other"]), "", "what was set to nothing is set");
    assert!(run.refused(&["get_env", "../secrets/x"]).contains("is not set"), "a key is never a path");
}

#[test]
fn a_constant_is_set_once() {
    let run = Run::new();
    run.get(&["set_envc", "k", "1"]);
    assert!(run.refused(&["set_envc", "k", "2"]).contains("already set by set_envc"));
    assert!(run.refused(&["set_env", "x", "1", "k", "2"]).contains("set by set_envc, so it stays"));
    assert!(run.refused(&["get_env", "x"]).contains("not set"), "all pairs or none");
    run.get(&["set_env", "v", "1"]);
    assert!(run.refused(&["set_envc", "v", "2"]).contains("already set by set_env"));
    assert_eq!(run.text(&["get_env", "k"]), "1");
}

#[test]
fn values_come_back_byte_for_byte() {
    let run = Run::new();
    let big: Vec<u8> = (0..10 * 1024 * 1024_u32).map(|index| (index % 251) as u8 + 1).collect();
    for value in [&b""[..], b"\n", b"a\n\n", b"\r\n \t", "ünï — ☃".as_bytes(), b"\xff\xfe", b"'\"`$(id)\\", &big] {
        for (set, get) in [("set_env", "get_env"), ("set_secret", "get_secret")] {
            assert!(run.call_with(&[set, "key"], value).status.success());
            assert!(run.get(&[get, "key"]) == value, "{set} of {} bytes", value.len());
        }
    }
    let refused = run.call_with(&["set_env", "nul"], b"a\0b");
    assert_eq!(refused.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("NUL"), "{refused:?}");
    assert!(run.refused(&["get_env", "nul"]).contains("not set"));
}

#[test]
fn keys_may_be_any_text_but_empty() {
    let run = Run::new();
    for key in ["a.b-c_d", "..", "../../x", "with blank", "ü", "100%"] {
        run.get(&["set_env", key, "v"]);
        assert_eq!(run.text(&["get_env", key]), "v", "{key}");
    }
    run.refused(&["set_env", "", "v"]);
    assert!(!run.path("x").exists());
}

#[test]
fn keys_may_be_as_long_as_their_message_says() {
    let run = Run::new();
    // What fits with both its edges: letters count as 1, and each byte of another character as 3, of 3500.
    for (text, fits) in [("k", 3500), ("a.b-c_d", 500), ("%", 1166), ("ü", 583), ("☃", 388), ("..", 1750), ("a☃", 350)] {
        let (long, longer) = (text.repeat(fits), text.repeat(fits + 1));
        run.get(&["set_env", &long, text]);
        assert_eq!(run.text(&["get_env", &long]), text, "{text}");
        let said = run.refused(&["set_env", &longer, text]);
        let expected = format!(
            "set_env: a key of {} bytes is too long; 3500 letters, digits, `-`, `_` and `.` fit, and every byte of another character counts as 3\n",
            longer.len()
        );
        assert!(said.starts_with(&expected), "{said}");
        assert!(run.text(&["list_env"]).lines().any(|key| key == long), "{text}");
    }
    assert_eq!(run.text(&["list_env"]).lines().count(), 7);
    // A name and a property are one path.
    let (name, property) = ("n".repeat(2000), "p".repeat(1500));
    run.get(&["save_repo", &name, &format!("{property}=v")]);
    assert_eq!(run.text(&["load_repo", &name, &property]), "v");
    let said = run.refused(&["save_repo", &name, "b=1", &format!("{property}q=v")]);
    assert!(said.contains("an entry with names of 3501 bytes is too long; 3500 letters"), "{said}");
    run.refused(&["load_repo", &name, "b"]);
}

#[test]
fn what_is_too_long_is_found_before_anything_is_written() {
    let run = Run::new();
    let (name, long) = ("n".repeat(2000), "p".repeat(1501));
    let state = |repo: &str, property: &str| json!({ "env": { "a": "1" }, "repos": { "r": { "p": "v" } }, "artifacts": { repo: { property: "v" } } });
    let told = "state.json is not what serialize has printed: ";
    for (state, expected) in [
        (state(&name, &long), "an entry with names of 3501 bytes is too long"),
        (state(&"k".repeat(3501), "p"), "a key of 3501 bytes is too long"),
        (state("k", &"ü".repeat(584)), "an entry with names of 1169 bytes is too long"),
        (state("k", ""), "the key is empty"),
        (json!({ "env": { "a": "1", ("k".repeat(3501)): "2" }, "repos": {}, "artifacts": {} }), "a key of 3501 bytes is too long"),
    ] {
        fs::write(run.path("state.json"), state.to_string()).unwrap();
        let said = run.refused(&["deserialize", "state.json"]);
        assert!(said.contains(told) && said.contains(expected), "{said}");
        assert_eq!((run.text(&["list_env"]), run.text(&["list_repos"]), run.text(&["list_artifacts"])), Default::default(), "{expected}");
    }
    fs::write(run.path("state.json"), state(&name, &long[1..]).to_string()).unwrap();
    run.get(&["deserialize", "state.json"]);
    assert_eq!((run.text(&["get_env", "a"]), run.text(&["load_artifact", &name, &long[1..]])), ("1".into(), "v".into()));
}

#[test]
fn secrets_are_in_files_that_only_the_owner_reads_and_are_never_listed() {
    let run = Run::new();
    fs::write(run.path("secrets/mounted"), "of-the-pipeline").unwrap();
    run.get(&["set_secret", "s", "very-secret"]);
    run.get(&["set_env", "s2", "plain"]);
    assert_eq!(run.text(&["get_secret", "s"]), "very-secret");
    assert_eq!(run.text(&["get_secret", "mounted"]), "of-the-pipeline");
    assert_eq!(run.text(&["get_secret", "none", "d"]), "d");
    assert!(run.refused(&["get_secret", "none"]).contains("there is no secret `none`"));
    assert_eq!(run.text(&["list_secrets"]), "mounted\ns\n");
    assert_eq!(run.text(&["list_env"]), "s2\n");
    for path in files_below(&run.state()) {
        let mode = fs::metadata(&path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, if path.is_dir() { 0o700 } else { 0o600 }, "{}", path.display());
    }
    for listing in [&["list_secrets"][..], &["list_env"], &["list_files"], &["list_repos"], &["load_asset"], &["serialize", "s2"]] {
        assert!(!run.text(listing).contains("very-secret"), "{listing:?}");
    }
    run.get(&["remove_secret", "s"]);
    run.refused(&["get_secret", "s"]);
    assert!(run.refused(&["remove_secret", "s"]).contains("there is no secret `s`"));
}

#[test]
fn files_are_kept_by_key() {
    let run = Run::new();
    fs::write(run.path("report"), b"a\0b\n").unwrap();
    run.get(&["save_file", "scan-report", "report"]);
    fs::remove_file(run.path("report")).unwrap();
    assert_eq!(run.get(&["load_file", "scan-report"]), b"a\0b\n");
    fs::write(run.path("other"), "").unwrap();
    run.get(&["save_file", "build-log", "other"]);
    assert_eq!(run.text(&["list_files"]), "build-log\nscan-report\n");
    assert_eq!(run.text(&["list_files", "scan"]), "scan-report\n");
    run.get(&["remove_file", "build-log"]);
    assert_eq!(run.text(&["list_files"]), "scan-report\n");
    run.refused(&["load_file", "build-log"]);
    run.refused(&["save_file", "k", "no-such-file"]);
}

#[test]
fn repositories_and_artifacts_are_records() {
    for (save, load, list) in [("save_repo", "load_repo", "list_repos"), ("save_artifact", "load_artifact", "list_artifacts")] {
        let run = Run::new();
        run.get(&[save, "app", "url=https://git.example/a?b=c", "path=app"]);
        assert!(run.call_with(&[save, "app", "commit"], b"0123").status.success());
        assert_eq!(run.text(&[load, "app", "url"]), "https://git.example/a?b=c");
        assert_eq!(run.text(&[load, "app", "commit"]), "0123");
        assert_eq!(run.text(&[load, "app", "branch", "main"]), "main");
        run.refused(&[load, "app", "branch"]);
        run.refused(&[load, "other"]);
        assert_eq!(run.json(&[load, "app"]), json!({ "commit": "0123", "path": "app", "url": "https://git.example/a?b=c" }));
        run.get(&[save, "lib", "url=u"]);
        assert_eq!(run.text(&[list]), "app\nlib\n");
    }
}

#[test]
fn data_has_properties_and_results_have_stages() {
    let run = Run::new();
    run.get(&["put_data", "async", "zap", "1"]);
    run.get(&["put_data", "async", "perf", "2"]);
    assert_eq!(run.text(&["get_data", "async", "zap"]), "1");
    assert_eq!(run.text(&["get_data", "async"]), "perf\nzap\n");
    run.refused(&["get_data", "async", "none"]);
    fs::write(run.path("result.json"), "{}").unwrap();
    run.get(&["save_result", "test", "result.json"]);
    assert_eq!(run.text(&["list_results", "test"]), "result.json\n");
    assert_eq!(run.text(&["load_result", "test", "result.json"]), "{}");
    run.refused(&["load_result", "test", "other.json"]);
}

#[test]
fn assets_and_evidence_are_found_by_properties_and_stay_as_they_are() {
    for (save, load) in [("save_asset", "load_asset"), ("save_evidence", "load_evidence")] {
        let run = Run::new();
        run.get(&[save, "id", "1", "kind", "x", "blob", r#"{"a":1}"#]);
        assert!(run.refused(&[save, "kind", "x", "id", "1", "blob", r#"{"a":2}"#]).contains("it stays as it is"));
        fs::write(run.path("blob.json"), r#"{"a":3}"#).unwrap();
        run.get(&[save, "id", "2", "blob", "blob.json"]);
        assert_eq!(run.json(&[load, "id", "1"])["blob"], json!({ "a": 1 }));
        assert_eq!(run.json(&[load, "id", "2"])["blob"], json!({ "a": 3 }));
        assert_eq!(run.json(&[load]).as_array().map(Vec::len), Some(2));
        run.refused(&[load, "id", "3"]);
        run.refused(&[save, "id", "4"]);
        run.refused(&[save, "id", "4", "blob", "neither"]);
    }
    let run = Run::new();
    run.get(&["save_evidence", "id", "1", "blob", "{}"]);
    run.get(&["delete_evidences"]);
    assert_eq!(run.json(&["load_evidence"]), json!([]));
}

#[test]
fn what_is_named_is_carried_and_nothing_else() {
    let run = Run::new();
    run.get(&["set_env", "a", "1", "b", "2", "hidden", "3"]);
    run.get(&["export_env", "b"]);
    run.get(&["set_secret", "password", "very-secret"]);
    run.get(&["save_repo", "app", "url=u"]);
    run.get(&["save_artifact", "image", "name=n"]);
    assert_eq!(run.json(&["serialize", "a"]), json!({ "env": { "a": "1" }, "repos": {}, "artifacts": {} }));
    assert_eq!(
        run.json(&["serialize", "--exported", "--all-repos", "--all-artifacts"]),
        json!({
            "env": { "b": "2" }, "repos": { "app": { "url": "u" } }, "artifacts": { "image": { "name": "n" } },
            "exported": ["b"],
        })
    );
    assert!(run.refused(&["serialize", "a", "password"]).contains("password"));
    assert!(run.call_with(&["set_env", "bytes"], b"\xff\xfe").status.success());
    let text = run.get(&["serialize", "--all-repos", "a", "bytes"]);
    let other = Run::new();
    fs::write(other.path("payload.json"), text).unwrap();
    other.get(&["deserialize", "payload.json"]);
    assert_eq!(other.text(&["list_env"]), "a\nbytes\n");
    assert_eq!((other.text(&["get_env", "a"]), other.get(&["get_env", "bytes"])), ("1".into(), b"\xff\xfe".to_vec()));
    assert_eq!(other.text(&["load_repo", "app", "url"]), "u");
    for bad in ["", "[]", "{", r#"{"env": 1}"#, r#"{"env": {"a": 1}}"#] {
        fs::write(other.path("bad.json"), bad).unwrap();
        let said = other.refused(&["deserialize", "bad.json"]);
        assert!(said.contains("is not what serialize has printed") && !said.contains("struct") && !said.contains("enum"), "{bad}: {said}");
        assert_eq!(other.text(&["list_env"]), "a\nbytes\n", "{bad}");
    }
}

#[test]
fn exported_names_are_told_where_they_are_asked_for() {
    let run = Run::new();
    run.get(&["set_env", "b", "2", "a", "1", "other", "3"]);
    fs::write(run.path("config/region"), "eu-de").unwrap();
    run.get(&["set_secret", "password", "very-secret"]);
    let cases = [
        (&["serialize", "--exported"][..], r#"{"env":{},"repos":{},"artifacts":{},"exported":[]}"#),
        (&["export_env", "region", "b", "unset", "password", "b"], ""),
        (&["export_env", "a"], ""),
        // Without the option nothing is added, whatever is exported.
        (&["serialize"], r#"{"env":{},"repos":{},"artifacts":{}}"#),
        (&["serialize", "--all-repos", "--all-artifacts", "other"], r#"{"env":{"other":"3"},"repos":{},"artifacts":{}}"#),
        (
            &["serialize", "--exported"],
            r#"{"env":{"a":"1","b":"2","region":"eu-de"},"repos":{},"artifacts":{},"exported":["a","b","password","region","unset"]}"#,
        ),
        (
            &["serialize", "other", "--all-repos", "--exported", "a"],
            r#"{"env":{"a":"1","b":"2","other":"3","region":"eu-de"},"repos":{},"artifacts":{},"exported":["a","b","password","region","unset"]}"#,
        ),
    ];
    for (arguments, expected) in cases {
        assert_eq!(run.text(arguments).trim_end(), expected, "{arguments:?}");
    }
    // What is asked for must be set, exported or not.
    assert!(run.refused(&["serialize", "--exported", "unset"]).contains("`unset` is not set"));
    assert!(run.text(&["serialize", "--help"]).contains("--exported adds"));
}

#[test]
fn exported_names_mark_nothing_where_they_are_read() {
    let run = Run::new();
    for (exported, told) in [(r#""exported":["a"]"#, None), (r#""exported":{"a":[1]}"#, None), (r#""export":["a"]"#, Some("export"))] {
        fs::write(run.path("state.json"), format!(r#"{{"env":{{"a":"1"}},"repos":{{}},"artifacts":{{}},{exported}}}"#)).unwrap();
        match told {
            None => assert_eq!(run.text(&["deserialize", "state.json"]), ""),
            Some(name) => assert!(run.refused(&["deserialize", "state.json"]).contains(&format!("unknown field `{name}`"))),
        }
        assert_eq!(run.text(&["serialize", "--exported"]), "{\"env\":{},\"repos\":{},\"artifacts\":{},\"exported\":[]}\n");
    }
    assert_eq!(run.text(&["get_env", "a"]), "1");
}

#[test]
fn keys_that_look_like_options_come_after_two_dashes() {
    let run = Run::new();
    run.get(&["set_env", "--odd", "1", "--exported", "2", "--", "3", "plain", "4"]);
    let cases = [
        (&["serialize", "--", "--odd"][..], json!({ "--odd": "1" })),
        (&["serialize", "--all-repos", "plain", "--", "--exported"], json!({ "plain": "4", "--exported": "2" })),
        (&["serialize", "--", "--"], json!({ "--": "3" })),
        (&["serialize", "plain", "--"], json!({ "plain": "4" })),
    ];
    for (arguments, expected) in cases {
        let text = run.get(arguments);
        let value: Value = serde_json::from_slice(&text).unwrap();
        assert_eq!((&value["env"], value.get("exported")), (&expected, None), "{arguments:?}");
        let other = Run::new();
        fs::write(other.path("state.json"), text).unwrap();
        other.get(&["deserialize", "state.json"]);
        for (key, value) in expected.as_object().unwrap() {
            assert_eq!(Value::from(other.text(&["get_env", key])), *value, "{arguments:?}");
        }
    }
    let said = run.refused(&["serialize", "--odd"]);
    assert!(said.contains("there is no option `--odd`; keys that begin with `--` come after a lone `--`"), "{said}");
    run.get(&["export_env", "--odd"]);
    assert_eq!(run.json(&["serialize", "--exported"])["exported"], json!(["--odd"]));
}

#[test]
fn a_link_named_like_a_command_is_the_command() {
    let run = Run::new();
    for name in ["set_env", "get_env", "export_env", "serialize"] {
        symlink(SIDESTAGE, run.path("bin").join(name)).unwrap();
    }
    let output = run.bash("set_env a 1 && get_env a && printf ' ' && pipelinectl get_env a && printf v | set_env b && get_env b");
    assert_eq!((output.status.code(), String::from_utf8_lossy(&output.stdout).as_ref()), (Some(0), "1 1v"));
    let output = run.bash("serialize a");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "{\"env\":{\"a\":\"1\"},\"repos\":{},\"artifacts\":{}}\n");
    let output = run.bash("if value=$(get_env none); then echo wrong; else echo \"exit $?\"; fi; get_env none || true; echo on");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "exit 1\non\n");
}

#[test]
fn a_wrong_call_says_what_to_type() {
    let run = Run::new();
    assert!(run.refused(&["sett_env", "a"]).contains("did you mean `set_env`?"));
    assert!(run.refused(&[]).contains("Usage: pipelinectl COMMAND"));
    let mut command = Command::new(SIDESTAGE);
    let output = command.args(["pipelinectl", "get_env", "a"]).env_remove("PIPELINECTL_STATE").env_remove("WORKSPACE").output().unwrap();
    assert!(!output.status.success() && String::from_utf8_lossy(&output.stderr).contains("PIPELINECTL_STATE"), "{output:?}");
    fs::write(run.state(), "a file where a folder should be").unwrap();
    assert_eq!(run.call(&["set_env", "a", "1"]).status.code(), Some(2), "a broken store is not a missing key");
}

#[test]
fn help_is_asked_for_alone_and_is_a_key_where_it_has_a_value() {
    let run = Run::new();
    for asked in [&["set_env", "--help"][..], &["set_env", "-h"], &["help", "set_env"]] {
        let text = run.text(asked);
        assert!(text.starts_with("set_env KEY VALUE") && text.lines().count() == 2, "{asked:?}: {text}");
    }
    assert!(run.refused(&["help", "sett_env"]).contains("did you mean `set_env`?"));
    run.get(&["set_env", "--help", "1", "-h", "2"]);
    assert_eq!(run.text(&["list_env"]), "--help\n-h\n");
}

#[test]
fn what_is_refused_leaves_nothing() {
    let run = Run::new();
    run.refused(&["export_env", "a", ""]);
    assert_eq!(run.json(&["serialize", "--exported"])["env"], json!({}));
    let long = "%".repeat(1200);
    assert!(run.refused(&["set_secret", &long, "very-secret"]).contains("a key of 1200 bytes is too long"));
    run.get(&["set_secret", &"%".repeat(1100), "very-secret"]);
    fs::write(run.state().join("env"), "a file where a folder should be").unwrap();
    assert_eq!(run.call(&["set_env", "a", "unfinished"]).status.code(), Some(2));
    let left: Vec<PathBuf> =
        files_below(&run.state()).into_iter().filter(|path| path.is_file() && path.to_string_lossy().contains(".unfinished")).collect();
    assert_eq!(left, Vec::<PathBuf>::new());
}

#[test]
fn a_folder_in_the_place_of_a_value_stays_and_is_named() {
    let run = Run::new();
    fs::create_dir_all(run.state().join("env/key/below")).unwrap();
    let output = run.call(&["set_env", "key", "value"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!((output.status.code(), said.contains("env/key cannot be written")), (Some(2), true), "{said}");
    assert!(run.state().join("env/key/below").is_dir());
    assert_eq!(fs::read_dir(run.state().join(".unfinished")).unwrap().count(), 0);
}

#[test]
fn json_loses_no_byte_and_no_digit() {
    let run = Run::new();
    let blob = r#"{"id":12345678901234567890123,"score":1.10}"#;
    run.get(&["save_evidence", "kind", "scan", "blob", blob]);
    assert_eq!(run.text(&["load_evidence", "kind", "scan"]), format!("{{\"blob\":{blob},\"kind\":\"scan\"}}\n"));
    assert!(run.call_with(&["save_repo", "app", "url=u", "odd"], b"\xff").status.success());
    assert_eq!(run.json(&["load_repo", "app"]), json!({ "odd": { "base64": "/w==" }, "url": "u" }));
}
