//! The hooks, by the real `pre-commit` in scratch repositories: with the program on `PATH`, and from the wheel.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::harness::repository::project;

const GOOD: &str = "version: '1'\ndeploy:\n  image: icr.io/example/base:1\n  script: |\n    #!/usr/bin/env bash\n    source scripts/deploy\nscan:\n  image: icr.io/example/base:1\n  script: |\n    #!/usr/bin/env bash\n    get_env app-url\n";
const SCRIPT: &str = "set_env app-url x\nexport_env app-url\ntrigger-task scan\n";

/// A repository of a user, the one with the hooks beside it, and a home that nothing else uses.
struct Scratch {
    folder: tempfile::TempDir,
}

/// What pre-commit said.
struct Said {
    is_passed: bool,
    text: String,
}

impl Scratch {
    /// With the hooks of a folder of this project. `language` takes the place of that of the hooks, so that nothing is
    /// compiled.
    fn new(hooks: &str, language: Option<&str>, ids: &[&str]) -> Self {
        let scratch = Self { folder: tempfile::tempdir().unwrap() };
        for folder in ["home", "bin", "user", "hooks"] {
            fs::create_dir(scratch.path(folder)).unwrap();
        }
        symlink(env!("CARGO_BIN_EXE_sidestage"), scratch.path("bin/sidestage")).unwrap();
        let from = project().join(hooks);
        let text = fs::read_to_string(from.join(".pre-commit-hooks.yaml")).unwrap();
        let text = language.map_or(text.clone(), |language| text.replace("language: rust", &format!("language: {language}")));
        fs::write(scratch.path("hooks/.pre-commit-hooks.yaml"), text).unwrap();
        if language.is_none() {
            fs::copy(from.join("pyproject.toml"), scratch.path("hooks/pyproject.toml")).unwrap();
        }
        scratch.git("hooks", &["init", "--quiet"]);
        scratch.commit_all("hooks");
        scratch.git("user", &["init", "--quiet"]);
        let ids: String = ids.iter().map(|id| format!("      - id: {id}\n")).collect();
        let hooks = scratch.path("hooks");
        let config = format!(
            "repos:\n  - repo: {}\n    rev: {}\n    hooks:\n{ids}",
            hooks.display(),
            scratch.git("hooks", &["rev-parse", "HEAD"]).trim()
        );
        scratch.file(".pre-commit-config.yaml", &config);
        let (is_installed, text) = scratch.run("user", &clients().join("bin/pre-commit"), &["install"]);
        assert!(is_installed, "{text}");
        scratch
    }

    fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    fn file(&self, path: &str, text: &str) -> &Self {
        let path = self.path("user").join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        self
    }

    /// Commits everything: the hook of git runs pre-commit.
    fn commit(&self) -> Said {
        self.git("user", &["add", "--all"]);
        let (is_passed, text) = self.run("user", Path::new("git"), &["commit", "--message", "x"]);
        Said { is_passed, text }
    }

    fn commit_all(&self, folder: &str) {
        self.git(folder, &["add", "--all"]);
        self.git(folder, &["commit", "--quiet", "--message", "x"]);
    }

    fn git(&self, folder: &str, arguments: &[&str]) -> String {
        let (is_done, text) = self.run(folder, Path::new("git"), arguments);
        assert!(is_done, "{arguments:?}: {text}");
        text
    }

    fn run(&self, folder: &str, program: &Path, arguments: &[&str]) -> (bool, String) {
        let path = format!("{}:{}:{}", self.path("bin").display(), clients().join("bin").display(), std::env::var("PATH").unwrap());
        let mut command = Command::new(program);
        command.args(arguments).current_dir(self.path(folder)).env_clear().env("PATH", path).env("HOME", self.path("home"));
        command.env("PRE_COMMIT_HOME", self.path("home/cache")).env("PRE_COMMIT_COLOR", "never").env("LC_ALL", "C.UTF-8");
        for who in ["AUTHOR", "COMMITTER"] {
            command.env(format!("GIT_{who}_NAME"), "you").env(format!("GIT_{who}_EMAIL"), "you@example.com");
        }
        // Nothing comes from a network.
        command.env("PIP_NO_INDEX", "1").env("PIP_DISABLE_PIP_VERSION_CHECK", "1");
        command
            .env("PIP_FIND_LINKS", format!("{} {}", project().join("target/clients/wheel").display(), clients().join("wheels").display()));
        let output =
            command.output().unwrap_or_else(|error| panic!("{} cannot be run: {error}; `./test.sh` installs it", program.display()));
        let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        (output.status.success(), text)
    }
}

fn clients() -> PathBuf {
    project().join("target/clients/python")
}

#[test]
fn a_good_commit_passes_and_a_bad_one_is_refused_with_the_finding() {
    let scratch = Scratch::new(".", Some("system"), &["sidestage-check"]);
    let said = scratch.file(".pipeline-config.yaml", GOOD).file("scripts/deploy", SCRIPT).commit();
    assert!(said.is_passed && said.text.contains("Passed"), "{}", said.text);
    // Only the script has changed: the configuration that reaches it is checked.
    let said = scratch.file("scripts/deploy", "set_env app-url x\ntrigger-task scan\n").commit();
    assert!(
        !said.is_passed && said.text.contains("error[unexported-variable]") && said.text.contains("scripts/deploy:1:9"),
        "{}",
        said.text
    );
    let said = scratch.file("scripts/deploy", SCRIPT).file(".pipeline-config.yaml", &GOOD.replace("scan:", "scna:")).commit();
    assert!(!said.is_passed && said.text.contains("error[missing-stage]"), "{}", said.text);
}

#[test]
fn what_is_neither_configuration_nor_script_runs_no_hook() {
    let scratch = Scratch::new(".", Some("system"), &["sidestage-check", "sidestage-build"]);
    // What is wrong already is not looked at.
    let said = scratch.file(".pipeline-config.yaml", "version: '9'\n").commit();
    assert!(!said.is_passed, "{}", said.text);
    scratch.git("user", &["commit", "--quiet", "--no-verify", "--message", "x"]);
    for (path, text) in [
        ("README.md", "# x\n"),
        ("docker-compose.yaml", "services: {}\n"),
        ("src/main.rs", "fn main() {}\n"),
        ("LICENSE", "x\n"),
        ("Makefile", "all:\n"),
    ] {
        let said = scratch.file(path, text).commit();
        assert!(said.is_passed && said.text.matches("(no files to check)Skipped").count() == 2, "{path}: {}", said.text);
    }
    let said = scratch.file("run", "#!/bin/sh\necho\n").commit();
    assert!(said.is_passed && said.text.matches("Skipped").count() == 0, "a script that no configuration reaches: {}", said.text);
}

#[test]
fn the_hooks_of_an_organisation_are_quiet_where_there_is_no_configuration() {
    let scratch = Scratch::new(".", Some("system"), &["sidestage-check", "sidestage-build"]);
    let said = scratch.file("run.sh", "#!/bin/sh\necho\n").file("deploy", "echo\n").commit();
    assert!(said.is_passed && said.text.matches("Passed").count() == 2, "{}", said.text);
    assert!(!said.text.contains("error") && !said.text.contains("note"), "{}", said.text);
}

#[test]
fn stale_scripts_are_refused() {
    let scratch = Scratch::new(".", Some("system"), &["sidestage-build"]);
    scratch.file(".pipeline-config.yaml", GOOD).file("scripts/deploy", SCRIPT).file(".sidestage.yaml", "out: deploy/async\n");
    let said = scratch.commit();
    assert!(!said.is_passed && said.text.contains("deploy/async"), "nothing is built yet: {}", said.text);
    let (is_built, text) = scratch.run("user", &scratch.path("bin/sidestage"), &["build"]);
    assert!(is_built, "{text}");
    let said = scratch.commit();
    assert!(said.is_passed, "{}", said.text);
    let said =
        scratch.file("scripts/deploy", "set_env app-url x\nset_env b x\nexport_env app-url\nexport_env b\ntrigger-task scan\n").commit();
    assert!(!said.is_passed && said.text.contains("+carry b always"), "{}", said.text);
}

#[test]
fn without_rust_the_hook_comes_from_the_wheel() {
    let wheels = project().join("target/clients/wheel");
    assert!(wheels.exists(), "{} is missing: `./test.sh` builds it", wheels.display());
    let scratch = Scratch::new("mirror", None, &["sidestage-check"]);
    // What is on `PATH` is not what runs.
    fs::remove_file(scratch.path("bin/sidestage")).unwrap();
    let said = scratch.file(".pipeline-config.yaml", GOOD).file("scripts/deploy", SCRIPT).commit();
    assert!(said.is_passed && said.text.contains("Passed"), "{}", said.text);
    let said = scratch.file("scripts/deploy", "set_env app-url x\ntrigger-task scan\n").commit();
    assert!(!said.is_passed && said.text.contains("error[unexported-variable]"), "{}", said.text);
}

#[test]
fn the_mirror_has_the_same_hooks_and_the_version_of_the_program() {
    let hooks = |folder: &str| fs::read_to_string(project().join(folder).join(".pre-commit-hooks.yaml")).unwrap();
    let own: String = hooks(".")
        .replace("language: rust", "language: python")
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| format!("{line}\n"))
        .collect();
    assert_eq!(hooks("mirror"), own);
    let mirror = fs::read_to_string(project().join("mirror/pyproject.toml")).unwrap();
    let version = env!("CARGO_PKG_VERSION");
    assert!(
        mirror.contains(&format!("version = \"{version}\"\n")) && mirror.contains(&format!("dependencies = [\"sidestage=={version}\"]")),
        "{mirror}"
    );
    let readme = fs::read_to_string(project().join("mirror/README.md")).unwrap();
    assert!(readme.contains(&format!("rev: v{version}\n")), "{readme}");
}
