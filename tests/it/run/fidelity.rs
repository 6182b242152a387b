//! What `check` says and what happens must agree: random configurations with scripts are checked, run, and compared.
//!
//! A read that `check` calls unexported, or exported too late, does not get the value of the parent; one that it finds
//! nothing wrong with gets it; a trigger that happens is an edge of the graph. Where an export is only on some paths, or
//! cannot be proven, both may happen.
//!
//! `SIDESTAGE_FIDELITY=200` makes more, `SIDESTAGE_FIDELITY_SEED` begins elsewhere; a failure prints the seed and the scripts.

use std::collections::BTreeSet;

use serde_json::Value;

use super::Project;

/// How many, unless more are asked for.
const CONFIGURATIONS: u64 = 25;

const KEYS: [&str; 4] = ["alpha", "beta-two", "gamma_3", "delta"];
const FLAGS: [&str; 3] = ["flag-a", "flag-b", "flag-c"];

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// Makes the scripts of one configuration.
struct Maker {
    random: fastrand::Rng,
    /// Files that scripts source or call.
    files: Vec<(String, String)>,
    values: u32,
    has_triggered: bool,
}

impl Maker {
    fn key(&mut self) -> &'static str {
        KEYS[self.random.usize(0..KEYS.len())]
    }

    fn block(&mut self, depth: u32, length: usize) -> Vec<String> {
        (0..length).flat_map(|_| self.statement(depth)).collect()
    }

    fn indented(lines: &[String]) -> Vec<String> {
        lines.iter().map(|line| format!("  {line}")).collect()
    }

    fn inner(&mut self, depth: u32) -> Vec<String> {
        let length = self.random.usize(1..4);
        self.block(depth + 1, length)
    }

    fn set(&mut self) -> String {
        self.values += 1;
        let (key, value) = (self.key(), format!("value-{}", self.values));
        match self.random.u8(0..4) {
            0 => format!("echo {value} | set_env {key}"),
            1 => format!("K={key}; set_env \"$K\" {value}"),
            _ => format!("set_env {key} {value}"),
        }
    }

    fn export(&mut self) -> String {
        let key = self.key();
        match self.random.u8(0..5) {
            0 => format!("export_env {key} {}", self.key()),
            1 => format!("for k in {key} {}; do export_env \"$k\"; done", self.key()),
            2 => format!("[ -n \"$(get_env {key} '')\" ] && export_env {key}"),
            _ => format!("export_env {key}"),
        }
    }

    fn statement(&mut self, depth: u32) -> Vec<String> {
        match self.random.u8(0..20) {
            0..5 => vec![self.set()],
            5..9 => vec![self.export()],
            9..11 if !self.has_triggered => {
                self.has_triggered = true;
                vec!["trigger-task scan".to_owned()]
            }
            11..14 if depth < 3 => {
                let flag = FLAGS[self.random.usize(0..FLAGS.len())];
                let mut lines = vec![format!("if [[ \"$(get_env {flag} 0)\" == 1 ]]; then")];
                lines.extend(Self::indented(&self.inner(depth)));
                if self.random.bool() {
                    lines.push("else".to_owned());
                    lines.extend(Self::indented(&self.inner(depth)));
                }
                lines.push("fi".to_owned());
                lines
            }
            14 if depth < 3 => self.wrapped(depth, "for i in 1 2; do", "done"),
            15 if depth < 3 => self.wrapped(depth, "(", ")"),
            16 if depth < 3 => {
                let name = format!("f{}", self.values);
                let mut lines = self.wrapped(depth, &format!("{name}() {{"), "}");
                lines.push(name);
                lines
            }
            17 if depth < 2 => self.file(depth, ". scripts"),
            18 if depth < 2 => self.file(depth, "bash scripts"),
            19 => vec![format!("eval \"$(get_env code 'export_env {}')\"", self.key())],
            _ => vec![self.export()],
        }
    }

    fn wrapped(&mut self, depth: u32, open: &str, close: &str) -> Vec<String> {
        let mut lines = vec![open.to_owned()];
        lines.extend(Self::indented(&self.inner(depth)));
        lines.push(close.to_owned());
        lines
    }

    fn file(&mut self, depth: u32, how: &str) -> Vec<String> {
        let text = self.inner(depth).join("\n");
        self.files.push((format!("scripts/part-{}", self.files.len()), format!("{text}\n")));
        vec![format!("{how}/part-{}", self.files.len() - 1)]
    }
}

/// A configuration: what its stages do, and the files beside it.
fn made(seed: u64) -> (String, Vec<(String, String)>, Vec<String>) {
    let mut maker = Maker { random: fastrand::Rng::with_seed(seed), files: Vec::new(), values: 0, has_triggered: false };
    // Every key has a value before anything is triggered, so that what is read says whether it came.
    let mut setup: Vec<String> = KEYS.iter().map(|key| format!("set_env {key} value-of-{key}")).collect();
    maker.has_triggered = true;
    setup.extend(maker.block(0, 2));
    maker.has_triggered = false;
    let mut deploy = maker.block(0, 6);
    if !maker.has_triggered {
        deploy.push("trigger-task scan".to_owned());
        maker.has_triggered = true;
        deploy.extend(maker.block(0, 2));
    }
    let reads = KEYS.iter().enumerate().map(|(at, key)| {
        let default = if (seed as usize + at).is_multiple_of(2) { " none" } else { "" };
        format!("echo \"{key}=$(get_env {key}{default})\"")
    });
    let script = |lines: &[String]| lines.iter().map(|line| format!("    {line}\n")).collect::<String>();
    let stage = |name: &str, lines: &[String]| format!("{name}:\n  script: |\n    #!/usr/bin/env bash\n{}", script(lines));
    let config =
        format!("version: '1'\n{}{}{}", stage("setup", &setup), stage("deploy", &deploy), stage("scan", &reads.collect::<Vec<_>>()));
    let flags = FLAGS.iter().map(|flag| format!("{flag}={}", maker.random.u8(0..2))).collect();
    (config, maker.files, flags)
}

/// The variables that findings of these rules name.
fn named(findings: &Value, rules: &[&str]) -> BTreeSet<String> {
    let is_of = |finding: &&Value| rules.contains(&finding["rule"].as_str().unwrap());
    findings["findings"]
        .as_array()
        .unwrap()
        .iter()
        .filter(is_of)
        .filter_map(|finding| finding["variable"].as_str().map(str::to_owned))
        .collect()
}

#[test]
fn check_and_run_agree() {
    let first = number("SIDESTAGE_FIDELITY_SEED").unwrap_or(1);
    let (mut crossed, mut lost, mut excused) = (0, 0, 0);
    for seed in first..first + number("SIDESTAGE_FIDELITY").unwrap_or(CONFIGURATIONS) {
        let (config, files, flags) = made(seed);
        let project = files.iter().fold(Project::with_config(&config), |project, (path, text)| project.file(path, text)).committed();
        let checked = project.sidestage(&["check", "--pipeline", "ci", "--format", "json"]);
        let findings = checked.json();
        let mut arguments = vec!["--pipeline", "ci", "--force", "-q"];
        for flag in &flags {
            arguments.extend(["--property", flag]);
        }
        let ran = project.run(&arguments);
        let scripts: String = files.iter().map(|(path, text)| format!("== {path}\n{text}")).collect();
        let context = format!("seed {seed}, {flags:?}\n{config}{scripts}{}", checked.stdout);
        let never = named(&findings, &["unexported-variable", "late-export"]);
        // What cannot be followed is told by a finding, or, where a known path exports it too, only counted as not proven.
        let mut maybe = named(&findings, &["conditional-export", "unproven-export"]);
        let unproven = findings["summary"]["unproven"].as_array().into_iter().flatten();
        maybe.extend(unproven.filter_map(|one| one["variable"].as_str().map(str::to_owned)));
        let runs: Vec<Value> = project.runs();
        let scans: Vec<&Value> = runs.iter().filter(|run| run["what"] == "scan").collect();
        if !scans.is_empty() {
            let graph = project.sidestage(&["graph", "--format", "json", "--pipeline", "ci"]).json();
            let is_edge = |edge: &Value| edge["kind"] == "trigger" && edge["from"] == "deploy" && edge["to"] == "scan";
            assert!(graph["edges"].as_array().unwrap().iter().any(is_edge), "a trigger that happened is no edge: {context}");
        }
        // By key, in how many of the runs its value has come.
        let mut came = [0; KEYS.len()];
        for scan in &scans {
            let id = scan["id"].as_str().unwrap();
            assert_eq!(scan["state"], "succeeded", "{context}\n{}", ran.transcript());
            let payload = std::fs::read_to_string(project.state().join("runs").join(id).join("payload.json")).unwrap();
            let payload: Value = serde_json::from_str(&payload).unwrap();
            let log = project.log(id, "scan");
            for (key, came) in KEYS.iter().zip(&mut came) {
                let read = log.lines().find_map(|line| line.strip_prefix(&format!("{key}="))).unwrap_or_else(|| panic!("{log}\n{context}"));
                let has_come = read.starts_with("value");
                assert_eq!(has_come, payload["state"]["env"].get(key).is_some(), "{key} {read}: {payload}");
                *came += usize::from(has_come);
            }
        }
        for (key, came) in KEYS.iter().zip(came).filter(|_| !scans.is_empty()) {
            match (never.contains(*key), maybe.contains(*key)) {
                (_, true) => excused += 1,
                // A trigger in a loop may find at its second turn what was exported too late for its first.
                (true, false) => {
                    assert!(came < scans.len(), "{key} came, and check calls it unexported: {context}");
                    lost += 1;
                }
                (false, false) => {
                    assert_eq!(came, scans.len(), "{key} did not come, and check finds nothing: {context}");
                    crossed += 1;
                }
            }
        }
    }
    assert!(crossed > 0 && lost > 0, "{crossed} crossed, {lost} lost, {excused} excused: this shows nothing");
}
