//! The page of `run --page`, in a real browser.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;

use crate::harness::repository::Repository;
use crate::harness::service::{SIDESTAGE, in_repository};

/// An async stage that waits for the file `gate`, one that fails, and HTML where text is shown.
fn sample(gate: &Path) -> String {
    let gate = gate.display();
    format!(
        r#"version: '1'
setup:
  image: icr.io/example/base:1
  script: |
    #!/usr/bin/env bash
    set_env app-name "web"
    set_env markup '<img src=x onerror=alert(1)>'
    export_env markup
    echo '<img src=x onerror=alert(1)>'
    printf '\033[31mred\033[0m and the end\n'
deploy:
  image: icr.io/example/base:1
  script: |
    #!/usr/bin/env bash
    set_env app-url "https://$(get_env app-name).example.com"
    export_env app-url
dynamic-scan:
  image: icr.io/example/base:1
  script: |
    #!/usr/bin/env bash
    source "${{ONE_PIPELINE_PATH}}"/tools/trigger-task
    trigger-task owasp-zap
    trigger-task broken-scan
owasp-zap:
  image: icr.io/example/zap:2
  script: |
    #!/usr/bin/env bash
    get_env app-name ""
    get_env app-url
    get_env markup
    echo "first line"
    until [ -e "{gate}" ]; do sleep 0.2; done
    for number in $(seq 200); do echo "line ${{number}}"; done
    echo "last line"
broken-scan:
  image: icr.io/example/zap:2
  script: |
    #!/usr/bin/env bash
    echo "<b>broken</b>"
    exit 3
"#
    )
}

/// `sidestage run --page`, until it is dropped.
struct Running {
    child: Child,
    address: String,
}

impl Running {
    fn start(folder: &Path, state: &Path) -> Self {
        let mut command = Command::new(SIDESTAGE);
        command.current_dir(folder).args(["run", "--yes", "--force", "--page", "--pipeline", "ci", "--state"]).arg(state);
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut errors = BufReader::new(child.stderr.take().unwrap());
        let mut said = String::new();
        let address = loop {
            let begin = said.len();
            assert!(errors.read_line(&mut said).unwrap() > 0, "no page: {said}");
            if let Some(address) = said[begin..].strip_prefix("page: ") {
                break address.trim_end().to_owned();
            }
        };
        // Read on: a full pipe would hold it.
        thread::spawn(move || errors.read_to_end(&mut Vec::new()));
        Self { child, address }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It ends its stages, which `kill -9` would leave.
        let _ = Command::new("kill").arg(self.child.id().to_string()).status();
        let _ = self.child.wait();
    }
}

fn git(folder: &Path, arguments: &[&str]) {
    let identity = ["-c", "user.name=Sample", "-c", "user.email=sample@example.com"];
    assert!(Command::new("git").current_dir(folder).args(identity).args(arguments).status().unwrap().success());
}

#[test]
fn the_page_of_a_run_works_in_a_browser() {
    let clients = in_repository("target/clients/node");
    assert!(clients.join("node_modules/playwright-core").exists(), "playwright-core is missing: `./test.sh` installs it");
    let screens = in_repository("target/screens");
    fs::create_dir_all(&screens).unwrap();
    let scratch = tempfile::tempdir().unwrap();
    let gate = scratch.path().join("gate");
    let repository = Repository::with_config(sample(&gate));
    git(repository.path(), &["init", "--quiet"]);
    git(repository.path(), &["add", "--all"]);
    git(repository.path(), &["commit", "--quiet", "--message", "Sample"]);
    let running = Running::start(repository.path(), &scratch.path().join("state"));
    let mut command = Command::new("node");
    command.arg(in_repository("tests/clients/node/run-page.mjs")).arg(&running.address);
    command.env("CLIENTS", clients).env("SCREENS", &screens).env("GATE", &gate);
    let output = command.output().expect("node: `./test.sh` installs it");
    let printed = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{printed}");
    assert!(printed.contains("# pass 12\n") && printed.contains("# fail 0"), "{printed}");
}
