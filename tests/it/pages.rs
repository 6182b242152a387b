//! The pages, run as they stand: every block of `docs/start.md` and `docs/recipes.md`, with real bash, git, make and cargo.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use crate::harness::service::{SIDESTAGE, in_repository};

/// The blocks of a page that are in a language.
fn blocks(page: &str, language: &str) -> Vec<String> {
    let text = fs::read_to_string(in_repository(page)).unwrap();
    let begin = format!("```{language}\n");
    text.split(&begin).skip(1).map(|rest| rest.split("```").next().unwrap().to_owned()).collect()
}

/// A folder whose `sidestage` is this one, and the search path for it.
fn folder() -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let tools = folder.path().join(".tools");
    fs::create_dir(&tools).unwrap();
    symlink(SIDESTAGE, tools.join("sidestage")).unwrap();
    fs::write(folder.path().join(".gitignore"), ".tools\ndemo\n").unwrap();
    let path = format!("{}:{}", tools.display(), std::env::var("PATH").unwrap());
    (folder, path)
}

/// Runs a script: whether it succeeded, and what was printed.
fn run(script: &str, folder: &Path, path: &str) -> (bool, String) {
    let mut command = Command::new("bash");
    command.args(["-c", script]).current_dir(folder).env_remove("PIPELINECTL_STATE").env("PATH", path).env("HOME", folder);
    let output = command.output().unwrap();
    (output.status.success(), format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr)))
}

#[test]
fn a_new_user_gets_from_an_empty_repository_to_a_running_async_stage() {
    let [first, second] = &blocks("docs/start.md", "yaml")[..] else { panic!("a configuration of each format") };
    let steps = blocks("docs/start.md", "sh").concat();
    for config in [first, second] {
        let (folder, path) = folder();
        fs::write(folder.path().join(".pipeline-config.yaml"), config).unwrap();
        // A port that is free a moment later too, as far as one can know.
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let script = format!("trap 'kill $(jobs -p) 2>/dev/null || true' EXIT\nset -e\n{}", steps.replace("8080", &port.to_string()));
        let (is_done, printed) = run(&script, folder.path(), &path);
        assert!(is_done, "{printed}");
        // Nothing wrong, and the plan says so.
        assert!(!printed.contains("warning[") && !printed.contains("error["), "{printed}");
        for words in ["started: stage scan, run ", "queued", "scanning https://app.example", "scripts"] {
            assert!(printed.contains(words), "{words}: {printed}");
        }
        assert!(!folder.path().join("demo").exists(), "it ends as it began");
    }
}

#[test]
fn without_the_export_the_page_says_what_check_finds() {
    let (folder, path) = folder();
    fs::write(folder.path().join(".pipeline-config.yaml"), &blocks("docs/start.md", "yaml")[0]).unwrap();
    let first = &blocks("docs/start.md", "sh")[0];
    let (is_done, printed) = run(&format!("set -e\n{first}\nsed -i /export_env/d scripts/deploy\nsidestage check"), folder.path(), &path);
    assert!(!is_done && printed.contains("unexported-variable"), "{printed}");
}

/// A repository with a configuration whose script lies beside it.
fn repository() -> (tempfile::TempDir, String) {
    let (folder, path) = folder();
    let config = "version: '1'\ndeploy:\n  image: icr.io/example/base:1\n  script: |\n    #!/usr/bin/env bash\n    source scripts/deploy\nscan:\n  image: icr.io/example/base:1\n  script: |\n    #!/usr/bin/env bash\n    get_env app-url\n";
    fs::write(folder.path().join(".pipeline-config.yaml"), config).unwrap();
    fs::create_dir(folder.path().join("scripts")).unwrap();
    fs::write(folder.path().join("scripts/deploy"), "set_env app-url x\nexport_env app-url\ntrigger-task scan\n").unwrap();
    (folder, path)
}

#[test]
fn the_recipe_for_make_builds_when_a_source_has_changed_and_only_then() {
    let (folder, path) = repository();
    fs::write(folder.path().join("Makefile"), &blocks("docs/recipes.md", "make")[0]).unwrap();
    let make = || run("make async.d", folder.path(), &path);
    let (is_done, printed) = make();
    assert!(is_done && printed.contains("Wrote "), "{printed}");
    let (is_done, printed) = make();
    assert!(is_done && printed.contains("up to date") && !printed.contains("sidestage build"), "{printed}");
    let script = folder.path().join("scripts/deploy");
    fs::write(&script, "set_env app-url x\nset_env depth 3\nexport_env app-url depth\ntrigger-task scan\n").unwrap();
    // Make compares times, which may have been taken in the same moment.
    let (is_done, printed) = run("touch -d '-1 minute' async.d && make async.d", folder.path(), &path);
    assert!(is_done && printed.contains("stages.sh"), "{printed}");
    fs::remove_file(script).unwrap();
    let (is_done, printed) = make();
    assert!(is_done && printed.contains("missing-script"), "a source that is gone is sidestage's to tell: {printed}");
}

#[test]
fn the_recipe_for_cargo_builds_the_scripts() {
    let (folder, path) = repository();
    fs::write(folder.path().join("Cargo.toml"), "[package]\nname = \"app\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n[workspace]\n")
        .unwrap();
    fs::create_dir_all(folder.path().join("src")).unwrap();
    fs::create_dir_all(folder.path().join("target")).unwrap();
    fs::write(folder.path().join("src/main.rs"), "fn main() {}\n").unwrap();
    fs::write(folder.path().join("build.rs"), &blocks("docs/recipes.md", "rust")[0]).unwrap();
    let home = std::env::var("HOME").unwrap_or_default();
    let cargo = format!("export HOME={home:?}; unset CARGO_TARGET_DIR; cargo build --offline -vv");
    let (is_done, printed) = run(&cargo, folder.path(), &path);
    assert!(is_done, "{printed}");
    assert!(printed.contains("rerun-if-changed=scripts/deploy") && printed.contains("rerun-if-changed=.pipeline-config.yaml"), "{printed}");
    assert!(folder.path().join("deploy/async/trigger/scan.sh").exists());
    let (is_done, printed) = run(&cargo, folder.path(), &path);
    assert!(is_done && !printed.contains("rerun-if-changed"), "nothing has changed: {printed}");
}

#[test]
fn the_recipe_for_ci_tells_stale_scripts() {
    let (folder, path) = repository();
    let check = &blocks("docs/recipes.md", "sh")[0];
    let steps = format!("sidestage build --out deploy/async >/dev/null && {check}");
    let (is_done, printed) = run(&steps, folder.path(), &path);
    assert!(is_done && printed.contains("up to date"), "{printed}");
    let (is_done, printed) = run("cd deploy/async && sha256sum --check .sidestage-files", folder.path(), &path);
    assert!(is_done, "{printed}");
    fs::write(folder.path().join("scripts/deploy"), "set_env depth 3\nexport_env depth\ntrigger-task scan\n").unwrap();
    let (is_done, printed) = run(check, folder.path(), &path);
    assert!(!is_done && printed.contains("+carry depth always"), "{printed}");
}
