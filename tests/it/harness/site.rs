//! A pipeline with async stages on one machine: the emitted scripts, the service, a proxy between them, and runs of parents.

use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use hmac::{Hmac, Mac};
use serde_json::Value;

use super::proxy::Proxy;
use super::service::{SIDESTAGE, Service};

pub(crate) const PROPERTY: &str = "subpipeline-webhook-token";
pub(crate) const TRIGGER: &str = "Subpipeline Webhook Trigger";
pub(crate) const EDITOR: &str = "key-of-an-editor-0123456789";
/// Keys that are long enough to derive a token from.
pub(crate) const MANAGER: &str = "key-of-a-manager-0123456789-0123456789";
pub(crate) const DEPUTY: &str = "key-of-a-deputy-9876543210-9876543210-and-longer-than-a-block-of-the-hash";
pub(crate) const OPERATOR: &str = "key-of-an-operator-012345678";

const CONFIG: &str = r#"version: '1'
deploy:
  image: icr.io/example/base:1
  script: |
    #!/usr/bin/env bash
    set_env app-url "https://app.example"
    export_env app-url
    source "${ONE_PIPELINE_PATH}"/tools/trigger-task
    trigger-task "scan"
scan:
  image: icr.io/example/base:1
  script: |
    #!/usr/bin/env bash
    get_env app-url
"#;

/// How the webhook is set up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SetUp {
    Script,
    Apply,
}

pub(crate) struct Site {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) service: Service,
    pub(crate) proxy: Proxy,
}

/// One run of a parent: a store and what the platform mounts for it.
pub(crate) struct Parent<'a> {
    site: &'a Site,
    pub(crate) folder: PathBuf,
}

/// How a command ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) printed: String,
}

impl Site {
    pub(crate) fn new() -> Self {
        Self::of(CONFIG)
    }

    /// Of a configuration with a stage `deploy` that starts `scan`.
    pub(crate) fn of(config: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let path = |name: &str| folder.path().join(name);
        fs::create_dir(path("bin")).expect("a folder");
        symlink(SIDESTAGE, path("bin/pipelinectl")).expect("a link");
        fs::write(path("keys"), format!("{EDITOR} editor\n{MANAGER} editor\n{DEPUTY} editor\n{OPERATOR} operator\n")).expect("the keys");
        fs::write(path(".pipeline-config.yaml"), config).expect("the configuration");
        let output = Command::new(SIDESTAGE).current_dir(folder.path()).args(["build", "--out", "out"]).output().expect("the binary runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let service = Service::start(&["--api-key-file", path("keys").to_str().expect("a path")]);
        let proxy = Proxy::start(&service.origin);
        Self { folder, service, proxy }
    }

    /// A request of the service itself, by an editor.
    pub(crate) fn ask(&self, method: &str, path: &str, body: &Value) -> Value {
        let token = self.service.token(EDITOR).1["access_token"].as_str().expect("a token").to_owned();
        let (status, reply) =
            super::service::ask(method, &self.service.address(path), &[("Authorization", &format!("Bearer {token}"))], body);
        assert!(status < 300, "{method} {path}: {status} {reply}");
        reply
    }

    pub(crate) fn triggers(&self) -> Vec<Value> {
        self.ask("GET", "/triggers", &Value::Null)["triggers"].as_array().expect("a list").clone()
    }

    pub(crate) fn properties(&self) -> Vec<Value> {
        self.ask("GET", "/properties", &Value::Null)["properties"].as_array().expect("a list").clone()
    }

    pub(crate) fn runs(&self) -> Vec<Value> {
        self.ask("GET", "/pipeline_runs?limit=1000", &Value::Null)["pipeline_runs"].as_array().expect("a list").clone()
    }

    /// What the webhook received for each run, the newest first.
    pub(crate) fn payloads(&self) -> Vec<Value> {
        let payload = |run: &Value| serde_json::from_str(run["event_params_blob"].as_str().expect("a text")).expect("JSON");
        self.runs().iter().map(payload).collect()
    }

    /// A new run that knows the API key.
    pub(crate) fn parent(&self, name: &str) -> Parent<'_> {
        self.parent_with(name, EDITOR)
    }

    pub(crate) fn parent_with(&self, name: &str, key: &str) -> Parent<'_> {
        let folder = self.folder.path().join(name);
        for part in ["config", "secrets", "tmp", "workspace"] {
            fs::create_dir_all(folder.join(part)).expect("a folder");
        }
        fs::write(folder.join("secrets/ibmcloud-api-key"), key).expect("the key");
        fs::write(folder.join("config/pipeline_namespace"), "ci").expect("a setting");
        let parent = Parent { site: self, folder };
        parent.ctl(&["set_env", "app-url", "https://app.example"]);
        parent.ctl(&["export_env", "app-url"]);
        parent
    }

    /// Whether the one trigger and the one property hold this token.
    pub(crate) fn is_set_up_with(&self, token: &str) -> Result<(), String> {
        let (triggers, properties) = (self.triggers(), self.properties());
        let [trigger] = &triggers[..] else { return Err(format!("{} triggers", triggers.len())) };
        let property = properties.iter().find(|property| property["name"] == PROPERTY).ok_or("no property")?;
        let pipeline = &self.service.pipeline;
        let hash = |key: String| {
            let mut mac = Hmac::<sha3::Sha3_512>::new_from_slice(key.as_bytes()).expect("a key");
            mac.update(token.as_bytes());
            let text: String = mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
            format!("hash:SHA3-512:{text}")
        };
        let id = trigger["id"].as_str().expect("an id");
        if trigger["secret"]["value"] != hash(format!("{pipeline}.{id}")) {
            return Err("the trigger holds another token".to_owned());
        }
        if property["value"] != hash(format!("{pipeline}.{PROPERTY}")) {
            return Err("the property holds another token".to_owned());
        }
        Ok(())
    }
}

impl Parent<'_> {
    pub(crate) fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let site = self.site;
        let mut command = Command::new(program);
        let path = format!("{}:{}", site.folder.path().join("bin").display(), std::env::var("PATH").expect("PATH"));
        command.env_clear().env("PATH", path).env("HOME", &self.folder).env("LC_ALL", "C.UTF-8").current_dir(&self.folder);
        command.env("PIPELINECTL_STATE", self.folder.join("state")).env("WORKSPACE", self.folder.join("workspace"));
        command.env("CONFIG_DIR", self.folder.join("config")).env("SECRET_CONFIG_DIR", self.folder.join("secrets"));
        command.env("TMPDIR", self.folder.join("tmp"));
        command.env("PIPELINE_ID", &site.service.pipeline);
        command.env("CD_TEKTON_PIPELINE_URL", site.proxy.before(&site.service.base, &site.service.origin));
        command.env("CD_TEKTON_PIPELINE_AUTH_URL", site.proxy.before(&site.service.origin, &site.service.origin));
        command.env("SIDESTAGE_RETRY_DELAY", "0.05").env("SIDESTAGE_RETRY_CAP", "1");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// pipelinectl in this run: what it printed.
    pub(crate) fn ctl(&self, arguments: &[&str]) -> String {
        let output = self.command("pipelinectl").args(arguments).output().expect("pipelinectl runs");
        String::from_utf8(output.stdout).expect("text")
    }

    /// The token that this run holds.
    pub(crate) fn token(&self) -> String {
        self.ctl(&["get_secret", PROPERTY, ""])
    }

    /// The platform mounts a secure property for a new run.
    pub(crate) fn mount(&self, token: &str) {
        fs::write(self.folder.join("secrets").join(PROPERTY), token).expect("the token");
    }

    /// An emitted script, or what does the same.
    pub(crate) fn set_up(&self, with: SetUp) -> Command {
        match with {
            SetUp::Script => self.script("setup-webhook.sh"),
            SetUp::Apply => {
                let mut command = self.command(SIDESTAGE);
                command.arg("apply").arg("--manifest").arg(self.out("webhook.json"));
                command
            }
        }
    }

    pub(crate) fn trigger(&self) -> Command {
        self.script("trigger/scan.sh")
    }

    /// `sidestage trigger`, which does the same without a script.
    pub(crate) fn trigger_from_binary(&self) -> Command {
        let mut command = self.command(SIDESTAGE);
        command.args(["trigger", "scan"]).arg(self.site.folder.path());
        command
    }

    pub(crate) fn script(&self, name: &str) -> Command {
        let mut command = self.command("bash");
        command.arg(self.out(name));
        command
    }

    fn out(&self, name: &str) -> PathBuf {
        self.site.folder.path().join("out").join(name)
    }

    /// The runs that are registered: status and id.
    pub(crate) fn registered(&self) -> Vec<(String, String)> {
        let keys = self.ctl(&["get_data", "async-runs"]);
        keys.lines().map(|key| (self.ctl(&["get_data", key, "status"]), self.ctl(&["get_data", key, "id"]))).collect()
    }

    /// The nonces that are registered.
    pub(crate) fn nonces(&self) -> Vec<String> {
        let nonce = |key: &str| key.rsplit('-').next().unwrap_or_default().to_owned();
        self.ctl(&["get_data", "async-runs"]).lines().map(nonce).collect()
    }

    /// Runs a command that must succeed: what it printed.
    #[track_caller]
    pub(crate) fn succeeds(&self, command: Command) -> String {
        let ended = self.run(command);
        assert_eq!(ended.code, Some(0), "{}", ended.printed);
        ended.printed
    }

    /// Runs a command to its end; no secret may be in what it prints.
    pub(crate) fn run(&self, mut command: Command) -> Ended {
        self.ended(&command.output().expect("it runs"))
    }

    pub(crate) fn ended(&self, output: &Output) -> Ended {
        let printed = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        for secret in [self.token().as_str(), EDITOR, MANAGER, DEPUTY, OPERATOR] {
            assert!(secret.is_empty() || !printed.contains(secret), "a secret was printed: {printed}");
        }
        Ended { code: output.status.code(), printed }
    }
}

/// Starts a command in a process group of its own.
pub(crate) fn start(mut command: Command) -> Child {
    command.process_group(0).spawn().expect("it starts")
}

/// Ends a process group as `kill -9` does.
pub(crate) fn kill_group(child: &Child) {
    let group = format!("-{}", child.id());
    let _ = Command::new("kill").args(["-9", "--", &group]).stderr(Stdio::null()).status();
}

/// The folder for what tests leave for people.
pub(crate) fn report(name: &str, text: &str) {
    let path: &Path = &super::service::in_repository("target").join(name);
    fs::write(path, text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
}
