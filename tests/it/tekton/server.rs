//! A repository on a server.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::harness::repository::{copied, project};

/// The token of the listener.
pub(super) const TOKEN: &str = "0123456789abcdef0123456789abcdef";

/// A repository on a server, from a fixture.
pub(super) struct Server {
    folder: tempfile::TempDir,
}

impl Server {
    pub(super) fn of(fixture: &str, files: &[(&str, &str)]) -> Self {
        let server = Self { folder: copied(&project().join("fixtures").join(fixture)) };
        server.commit(files);
        server
    }

    /// One that holds nothing yet.
    pub(super) fn empty() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    /// A small configuration of either format, whose stages need nothing but a shell.
    pub(super) fn small(format: &str) -> Self {
        let deploy = "#!/usr/bin/env bash\nset_env app-url \"https://web.example.com/\\$(params.x) é\"\nexport_env app-url\nset_env colour blue\nexport_env colour\n";
        let scan = "#!/usr/bin/env bash\nset -eu\nsource \"${ONE_PIPELINE_PATH}/tools/trigger-task\"\nexport_env opt-in\ntrigger-task zap\necho \"back in $(get_env pipeline_namespace)\"\n";
        let zap = "#!/bin/sh\nset -eu\necho \"scan of $(get_env app-url) with $(get_env opt-in) in $(get_env region) at $(cat version)\"\n";
        let indented = |script: &str, by: usize| script.lines().map(|line| format!("{}{line}\n", " ".repeat(by))).collect::<String>();
        let config = if format == "v1" {
            format!(
                "version: '1'\ndeploy:\n  image: example/base:1\n  script: |\n{}dynamic-scan:\n  image: example/base:1\n  script: |\n{}zap:\n  image: example/zap:1\n  script: |\n{}",
                indented(deploy, 4),
                indented(scan, 4),
                indented(zap, 4)
            )
        } else {
            format!(
                "version: '2'\ntasks:\n  deploy-checks:\n    steps:\n      - name: deploy\n        image: example/base:1\n        script: |\n{}      - name: dynamic-scan\n        image: example/base:1\n        script: |\n{}  async-stage:\n    steps:\n      - name: zap\n        image: example/zap:1\n        script: |\n{}",
                indented(deploy, 10),
                indented(scan, 10),
                indented(zap, 10)
            )
        };
        let server = Self::empty();
        server.commit(&[(".pipeline-config.yaml", &config), ("version", "one\n")]);
        server
    }

    pub(super) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(super) fn url(&self) -> String {
        self.path().to_str().unwrap().to_owned()
    }

    /// Writes files and commits all.
    pub(super) fn commit(&self, files: &[(&str, &str)]) -> String {
        for (path, text) in files {
            let path = self.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        self.git(&["init", "--quiet"]);
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--allow-empty", "--message", "a state"]);
        self.git(&["rev-parse", "HEAD"])
    }

    /// Calls git in it; gives what that prints.
    pub(super) fn git(&self, words: &[&str]) -> String {
        git_in(self.path(), words)
    }
}

/// Calls git in a folder; gives what that prints.
pub(super) fn git_in(folder: &Path, words: &[&str]) -> String {
    let own = ["-c", "user.name=Test", "-c", "user.email=test@example.com", "-c", "init.defaultBranch=main"];
    let output = Command::new("git").args(own).args(words).current_dir(folder).output().unwrap();
    assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}
