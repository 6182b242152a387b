//! The files for CI systems: what they run is run here, by the shell that they name, in a repository with and without errors.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::harness::repository::project;

const GOOD: &str = "version: '1'\ndeploy:\n  image: icr.io/example/base:1\n  script: |\n    trigger-task scan\nscan:\n  image: icr.io/example/base:1\n  script: echo\n";

fn text(path: &str) -> String {
    fs::read_to_string(project().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn yaml(path: &str) -> Value {
    serde_yaml::from_str(&text(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn string(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("not a string: {value}"))
}

/// A repository at `app` of a workspace, and the commands that a run finds: sidestage, and the store under its names.
struct Workspace {
    folder: tempfile::TempDir,
}

/// How a script ended.
#[derive(Debug)]
struct Ended {
    code: Option<i32>,
    printed: String,
}

impl Workspace {
    fn new(config: &str) -> Self {
        let workspace = Self { folder: tempfile::tempdir().unwrap() };
        fs::create_dir_all(workspace.app().join("ci files")).unwrap();
        fs::create_dir(workspace.path("bin")).unwrap();
        for name in ["sidestage", "load_repo", "save_repo", "save_result", "list_results"] {
            symlink(env!("CARGO_BIN_EXE_sidestage"), workspace.path("bin").join(name)).unwrap();
        }
        fs::write(workspace.app().join("ci files/.pipeline-config.yaml"), config).unwrap();
        assert!(Command::new("git").args(["init", "--quiet"]).current_dir(workspace.app()).status().unwrap().success());
        workspace
    }

    fn good() -> Self {
        Self::new(GOOD)
    }

    fn bad() -> Self {
        Self::new(&GOOD.replace("trigger-task scan", "trigger-task scn"))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn app(&self) -> PathBuf {
        self.path("app")
    }

    fn report(&self, name: &str) -> String {
        fs::read_to_string(self.app().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// Runs a script as CI does: from a file, by an interpreter with options, with arguments.
    fn run(&self, script: &str, interpreter: &[&str], arguments: &[&str], variables: &[(&str, &str)]) -> Ended {
        let file = self.path("script");
        fs::write(&file, script).unwrap();
        let mut command = Command::new(interpreter[0]);
        command.args(&interpreter[1..]).arg(&file).args(arguments).current_dir(self.app()).stdin(Stdio::null());
        let path = format!("{}:{}", self.path("bin").display(), std::env::var("PATH").unwrap());
        command.env_clear().env("PATH", path).env("HOME", self.folder.path()).env("LC_ALL", "C.UTF-8");
        command.env("WORKSPACE", self.folder.path()).env("PIPELINECTL_STATE", self.path("state"));
        command.envs(variables.iter().copied());
        let output = command.output().unwrap_or_else(|error| panic!("{interpreter:?}: {error}"));
        let printed = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        Ended { code: output.status.code(), printed }
    }

    /// Runs a script by what its first line names.
    fn run_itself(&self, script: &str, arguments: &[&str], variables: &[(&str, &str)]) -> Ended {
        let first = script.lines().next().and_then(|line| line.strip_prefix("#!")).unwrap_or_else(|| panic!("no `#!`: {script}"));
        self.run(script, &first.split(' ').collect::<Vec<_>>(), arguments, variables)
    }
}

/// Whether a report in JSON is there and names the rule.
#[track_caller]
fn is_json_with(text: &str, words: &str) {
    serde_json::from_str::<Value>(text).unwrap_or_else(|error| panic!("{error}: {text}"));
    assert!(text.contains(words), "{text}");
}

const ACTIONS_BASH: &[&str] = &["bash", "--noprofile", "--norc", "-e", "-o", "pipefail"];

/// The steps of the action with these inputs, up to the first that fails; how that ended, and the outputs.
fn action(workspace: &Workspace, inputs: &[(&str, &str)]) -> (Ended, String) {
    let action = yaml("action.yml");
    let default = |(name, input): (&String, &Value)| (format!("inputs.{name}"), string(&input["default"]).to_owned());
    let mut values: BTreeMap<String, String> = action["inputs"].as_object().unwrap().iter().map(default).collect();
    values.extend(inputs.iter().map(|(name, value)| (format!("inputs.{name}"), (*value).to_owned())));
    values.insert("github.action_path".to_owned(), project().to_str().unwrap().to_owned());
    let temporary = workspace.folder.path().to_str().unwrap().to_owned();
    let (outputs, paths) = (format!("{temporary}/outputs"), format!("{temporary}/paths"));
    fs::write(&outputs, "").unwrap();
    let mut last = None;
    for step in action["runs"]["steps"].as_array().unwrap() {
        assert_eq!(step["shell"], "bash", "{step}");
        match step["if"].as_str() {
            None => {}
            Some("${{ inputs.sarif-file != '' }}") if values["inputs.sarif-file"].is_empty() => continue,
            Some("${{ inputs.sarif-file != '' }}") => {}
            Some(other) => panic!("a condition that this test does not know: {other}"),
        }
        let mut variables = vec![("RUNNER_TEMP", temporary.as_str()), ("GITHUB_OUTPUT", outputs.as_str()), ("GITHUB_PATH", paths.as_str())];
        for (name, value) in step["env"].as_object().unwrap() {
            let expression = string(value).strip_prefix("${{ ").and_then(|rest| rest.strip_suffix(" }}")).unwrap();
            variables.push((name.as_str(), values[expression].as_str()));
        }
        let ended = workspace.run(string(&step["run"]), ACTIONS_BASH, &[], &variables);
        let failed = ended.code != Some(0);
        last = Some(ended);
        if failed {
            break;
        }
    }
    (last.unwrap(), fs::read_to_string(outputs).unwrap())
}

#[test]
fn the_action_annotates_and_fails_where_there_are_errors() {
    let (ended, outputs) = action(&Workspace::bad(), &[]);
    assert_eq!((ended.code, outputs.as_str()), (Some(1), ""), "{ended:?}");
    assert!(ended.printed.contains("::error file=ci files/.pipeline-config.yaml,line=5,"), "{ended:?}");
    let (ended, _) = action(&Workspace::good(), &[]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(!ended.printed.contains("::error"), "{ended:?}");
}

#[test]
fn the_action_writes_sarif_and_says_where() {
    let workspace = Workspace::bad();
    let (ended, outputs) = action(&workspace, &[("sarif-file", "found here.sarif")]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.printed.contains("::error"), "{ended:?}");
    is_json_with(&workspace.report("found here.sarif"), "missing-stage");
    let path = fs::canonicalize(workspace.app()).unwrap().join("found here.sarif");
    assert_eq!(outputs, format!("sarif-file={}\n", path.display()));
}

#[test]
fn inputs_of_the_action_are_data() {
    // Paths are lines, options are words, and none of it is run.
    let workspace = Workspace::good();
    let (ended, _) = action(&workspace, &[("paths", "\nci files\n"), ("args", "--deny warnings")]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    for (name, value) in [("paths", "$(touch run)"), ("paths", "x; touch run"), ("args", "`touch run`"), ("sarif-file", "$(touch run)")] {
        action(&workspace, &[(name, value)]);
        assert!(!workspace.app().join("run").exists(), "{name}: {value}");
    }
    let (ended, _) = action(&workspace, &[("paths", "--exit-zero")]);
    assert_eq!(ended.code, Some(2), "a path is never an option: {ended:?}");
}

#[test]
fn the_action_pastes_no_expression_into_a_script() {
    for step in yaml("action.yml")["runs"]["steps"].as_array().unwrap() {
        assert!(!string(&step["run"]).contains("${{"), "{step}");
    }
}

#[test]
fn the_action_uses_the_version_that_is_asked_for_or_installs_it() {
    let action = yaml("action.yml");
    let install = string(&action["runs"]["steps"][0]["run"]);
    let run = |version: &str| {
        let workspace = Workspace::good();
        // A python3 that prints what it would do.
        // Written by another process: what this one has open for writing cannot be run at the same time.
        let write = "printf '#!/bin/sh\\necho \"python3 $*\"; exit 3\\n' >\"$0\" && chmod +x \"$0\"";
        assert!(Command::new("sh").args(["-c", write]).arg(workspace.path("bin/python3")).status().unwrap().success());
        let temporary = workspace.folder.path().to_str().unwrap().to_owned();
        workspace.run(install, ACTIONS_BASH, &[], &[("VERSION", version), ("RUNNER_TEMP", temporary.as_str()), ("ACTION", "none")])
    };
    for version in ["", env!("CARGO_PKG_VERSION")] {
        let ended = run(version);
        assert_eq!((ended.code, ended.printed), (Some(0), format!("found sidestage {}\n", env!("CARGO_PKG_VERSION"))));
    }
    let ended = run("99.0.0");
    assert!(ended.code == Some(3) && ended.printed.starts_with("python3 -m venv "), "{ended:?}");
}

#[test]
fn gitlab_gets_the_report_and_the_exit_code() {
    let job = &yaml("ci/gitlab.yml")["sidestage"];
    let lines: Vec<&str> = job["script"].as_array().unwrap().iter().map(string).collect();
    let script = lines.join("\n");
    let report = string(&job["artifacts"]["reports"]["codequality"]);
    assert_eq!(job["artifacts"]["when"], "always");
    let run =
        |workspace: &Workspace| workspace.run(&script, &["bash", "-e", "-o", "pipefail"], &[], &[("SIDESTAGE_ARGS", "--color never")]);
    let bad = Workspace::bad();
    let ended = run(&bad);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.printed.contains("error[missing-stage]"), "{ended:?}");
    is_json_with(&bad.report(report), "missing-stage");
    let good = Workspace::good();
    assert_eq!((run(&good).code, good.report(report).as_str()), (Some(0), "[]\n"));
}

#[test]
fn the_tekton_task_writes_its_report_and_fails_where_there_are_errors() {
    let task = yaml("ci/tekton-task.yaml");
    assert_eq!((string(&task["apiVersion"]), string(&task["kind"])), ("tekton.dev/v1", "Task"));
    let spec = &task["spec"];
    let names: Vec<&str> = spec["params"].as_array().unwrap().iter().map(|param| string(&param["name"])).collect();
    let [step] = &spec["steps"].as_array().unwrap()[..] else { panic!("more steps than one: {spec}") };
    let script = string(&step["script"]);
    assert!(!script.contains("$("), "Tekton would replace it, and the shell run it: {script}");
    // What the step refers to is declared.
    for reference in step.to_string().split("$(params.").skip(1) {
        let name = reference.split([')', '[']).next().unwrap();
        assert!(names.contains(&name), "no parameter `{name}`");
    }
    let run = |workspace: &Workspace, arguments: &[&str]| workspace.run_itself(script, arguments, &[("SARIF_FILE", "found.sarif")]);
    let bad = Workspace::bad();
    let ended = run(&bad, &[]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.printed.contains("error[missing-stage]"), "{ended:?}");
    is_json_with(&bad.report("found.sarif"), "missing-stage");
    let good = Workspace::good();
    assert_eq!(run(&good, &["--deny", "warnings", "ci files"]).code, Some(0));
    is_json_with(&good.report("found.sarif"), "\"results\"");
}

/// The scripts of a configuration of either format.
fn scripts(value: &Value) -> Vec<&str> {
    match value {
        Value::Object(map) => map
            .iter()
            .flat_map(|(key, value)| match value {
                Value::String(script) if key == "script" => vec![script.as_str()],
                value => scripts(value),
            })
            .collect(),
        Value::Array(items) => items.iter().flat_map(scripts).collect(),
        _ => Vec::new(),
    }
}

#[test]
fn the_stage_that_checks_its_own_pipeline_works_and_has_no_finding() {
    for (path, count) in [("ci/pipeline-config-stage.yaml", 1), ("ci/pipeline-config-stage-v2.yaml", 2)] {
        let config = yaml(path);
        let scripts = scripts(&config);
        assert_eq!(scripts.len(), count, "{path}");
        for script in scripts {
            for (workspace, code) in [(Workspace::bad(), 1), (Workspace::good(), 0)] {
                let run = |script: &str| workspace.run_itself(&format!("#!/usr/bin/env bash\n{script}"), &[], &[]);
                assert_eq!(run("save_repo app-repo path=app url=https://git.example.com/app").code, Some(0));
                let ended = workspace.run_itself(script, &[], &[]);
                assert_eq!(ended.code, Some(code), "{path}: {ended:?}");
                assert_eq!(ended.printed.contains("error[missing-stage]"), code == 1, "{path}: {ended:?}");
                assert!(workspace.report("sidestage.xml").contains("<testsuites"), "{path}");
                assert!(run("list_results unit-test").printed.contains("sidestage.xml"), "{path}");
            }
        }
        let workspace = Workspace::new(&text(path));
        let ended = workspace.run("sidestage check --deny warnings --format concise 2>/dev/null", &["bash"], &[], &[]);
        assert_eq!((ended.code, ended.printed.as_str()), (Some(0), ""), "{path}");
    }
}

#[test]
fn the_problem_matcher_reads_what_concise_writes() {
    let config = "version: '1'\ndeploy:\n  image: icr.io/example/base:1\n  retires: 1\n  script: |\n    trigger-task scn\n    trigger-task \"$WHICH\"\nscan:\n  image: icr.io/example/base:1\n  script: echo\n";
    let workspace = Workspace::new(config);
    let printed = workspace.run("sidestage check --format concise 2>/dev/null", &["bash"], &[], &[]).printed;
    fs::write(workspace.path("printed"), &printed).unwrap();
    // The expressions are JavaScript's, and so is the reader.
    let script = "
const [matchers, printed] = process.argv.slice(1).map(path => require('fs').readFileSync(path, 'utf8'));
for (const line of printed.trimEnd().split('\\n')) {
  const found = JSON.parse(matchers).problemMatcher.flatMap(matcher => matcher.pattern.map(pattern => {
    const groups = new RegExp(pattern.regexp).exec(line);
    const part = name => groups[pattern[name]];
    return groups && [part('file'), part('line'), part('column'), pattern.severity ? part('severity') : matcher.severity, part('code'), part('message')];
  })).filter(Boolean);
  console.log(JSON.stringify(found));
}";
    let output = Command::new("node")
        .args(["-e", script])
        .arg(project().join("ci/problem-matcher.json"))
        .arg(workspace.path("printed"))
        .output()
        .expect("node: `./test.sh` installs it");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let matched = String::from_utf8(output.stdout).unwrap();
    let mut severities = Vec::new();
    assert_eq!(matched.lines().count(), printed.lines().count(), "{printed}");
    for (matched, line) in matched.lines().zip(printed.lines()) {
        let matched: Vec<[String; 6]> = serde_json::from_str(matched).unwrap_or_else(|error| panic!("{error}: {matched}"));
        let [[file, at, column, severity, rule, message]] = &matched[..] else { panic!("not matched once: {line}: {matched:?}") };
        let name = if severity == "notice" { "info" } else { severity.as_str() };
        assert_eq!(format!("{file}:{at}:{column}: {name}[{rule}] {message}"), line);
        severities.push(severity.clone());
    }
    severities.sort_unstable();
    severities.dedup();
    assert_eq!(severities, ["error", "notice", "warning"], "each is tried: {printed}");
}

#[test]
fn the_image_copies_files_that_are_there_and_names_no_host() {
    let file = text("ci/Containerfile");
    let mut stages = 0;
    for line in file.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words[..] {
            ["FROM", image, ..] => {
                stages += 1;
                assert!(!image.contains('/') && image.contains(':'), "{line}");
            }
            ["COPY", from, ..] if from.starts_with("--from=") => {}
            ["COPY", ref sources @ .., _] => {
                for source in sources {
                    assert!(project().join(source).exists(), "{line}");
                }
            }
            _ => {}
        }
    }
    assert_eq!(stages, 2);
    // Each member of the workspace must be there, or cargo refuses all of it.
    for member in ["crates", "xtask", "src", "benches", "tests"] {
        assert!(file.contains(&format!("\nCOPY {member} {member}\n")), "{member}");
    }
}
