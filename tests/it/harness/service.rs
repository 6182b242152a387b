//! What several suites share: the service, running, and requests to it.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

/// The binary under test.
pub(crate) const SIDESTAGE: &str = env!("CARGO_BIN_EXE_sidestage");

/// A file of this repository.
pub(crate) fn in_repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// `sidestage serve`, until it is dropped.
pub(crate) struct Service {
    child: Child,
    /// Where the token exchange is, and the root of all addresses.
    pub(crate) origin: String,
    /// The base that the clients are given, without the pipeline.
    pub(crate) base: String,
    pub(crate) pipeline: String,
}

impl Service {
    pub(crate) fn start(options: &[&str]) -> Self {
        let mut command = Command::new(SIDESTAGE);
        command.arg("serve").args(options);
        Self::of(command)
    }

    /// The service on a disk that is full when one of its files has so many kilobytes.
    pub(crate) fn start_on_small_disk(kilobytes: u32, options: &[&str]) -> Self {
        let mut command = Command::new("bash");
        let limited = r#"trap "" XFSZ; ulimit -S -f "$1"; shift; exec "$@""#;
        command.args(["-c", limited, "-", &kilobytes.to_string(), SIDESTAGE, "serve"]).args(options);
        Self::of(command)
    }

    /// Makes room on the small disk.
    pub(crate) fn enlarge_disk(&self) {
        let id = self.child.id().to_string();
        let status = Command::new("prlimit").args(["--pid", &id, "--fsize=unlimited"]).status().expect("prlimit runs");
        assert!(status.success(), "{status}");
    }

    fn of(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().expect("the service starts");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("its output")).read_line(&mut line).expect("a line");
        let ready: Value = serde_json::from_str(&line).unwrap_or_else(|error| panic!("the ready line is no JSON: {error}: {line:?}"));
        let field = |name: &str| ready[name].as_str().expect(name).to_owned();
        Self { child, origin: field("iam"), base: field("api"), pipeline: field("pipeline") }
    }

    /// The address of a path below the pipeline.
    pub(crate) fn address(&self, path: &str) -> String {
        format!("{}/tekton_pipelines/{}{path}", self.base, self.pipeline)
    }

    /// A request below the pipeline, without a token.
    pub(crate) fn ask(&self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        ask(method, &self.address(path), &[], body)
    }

    pub(crate) fn get(&self, path: &str) -> Value {
        let (status, reply) = self.ask("GET", path, &Value::Null);
        assert_eq!(status, 200, "GET {path}: {reply}");
        reply
    }

    /// A request that must be answered with 201, and its reply.
    pub(crate) fn create(&self, path: &str, body: &Value) -> Value {
        let (status, reply) = self.ask("POST", path, body);
        assert_eq!(status, 201, "POST {path}: {reply}");
        reply
    }

    /// Exchanges an API key for a token.
    pub(crate) fn token(&self, key: &str) -> (u16, Value) {
        let form = format!("grant_type=urn:ibm:params:oauth:grant-type:apikey&apikey={key}");
        send("POST", &format!("{}/identity/token", self.origin), &[("Content-Type", "application/x-www-form-urlencoded")], form.as_bytes())
    }

    /// Asks it to end, and waits until it has.
    pub(crate) fn end(mut self) {
        Command::new("kill").arg(self.child.id().to_string()).status().expect("kill runs");
        let status = self.child.wait().expect("it ends");
        assert!(status.success(), "{status}");
    }

    /// Ends it as `kill -9` does.
    pub(crate) fn kill(mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it ends");
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A request with a JSON body, or with none where it is null: status and reply.
pub(crate) fn ask(method: &str, address: &str, headers: &[(&str, &str)], body: &Value) -> (u16, Value) {
    let kind = if method == "PATCH" { "application/merge-patch+json" } else { "application/json" };
    let mut all = vec![("Content-Type", kind)];
    all.extend(headers);
    let text = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
    send(method, address, &all, &text)
}

/// Any request: status and reply, which is null where it is no JSON.
pub(crate) fn send(method: &str, address: &str, headers: &[(&str, &str)], body: &[u8]) -> (u16, Value) {
    let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
    let mut request = ureq::http::Request::builder().method(method).uri(address);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let reply = match method {
        "GET" | "DELETE" => agent.run(request.body(()).expect("a request")),
        _ => agent.run(request.body(body.to_vec()).expect("a request")),
    };
    let mut reply = reply.expect("a reply");
    let text = reply.body_mut().read_to_string().expect("a body");
    (reply.status().as_u16(), serde_json::from_str(&text).unwrap_or_default())
}

/// The message of a refusal.
pub(crate) fn message(reply: &Value) -> &str {
    reply["errors"][0]["message"].as_str().unwrap_or_default()
}
