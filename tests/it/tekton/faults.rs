//! Whatever fails between a trigger and its run: at most one run for one trigger, and never a run reported that is not there.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::server::{Server, TOKEN};
use crate::harness::cluster::{Cluster, Fault, GetFault, NAMESPACE, Run};

/// How many sequences are tried; `.ci/run` asks for more.
const SEQUENCES: u64 = 1000;

const PARENT: &str = "web-ci-1";
const STAGE: &str = "zap";

/// A stage of a parent that has begun, and the cluster that it meets.
struct Stage {
    cluster: Cluster,
    folder: tempfile::TempDir,
}

impl Stage {
    fn new(server: &Server) -> Self {
        let stage = Self { cluster: Cluster::start(&[(STAGE, "web-async-zap")], TOKEN), folder: tempfile::tempdir().unwrap() };
        std::fs::create_dir_all(stage.path("workspace")).unwrap();
        std::fs::write(stage.path("token"), TOKEN).unwrap();
        let url = server.url();
        let start = stage.call(Path::new(env!("CARGO_BIN_EXE_sidestage")), &["tekton", "start", "ci", &url, "main", "app"], "", "");
        assert!(start.status.success(), "{start:?}");
        stage
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn bin(&self) -> PathBuf {
        self.path("workspace/.sidestage/one-pipeline/bin")
    }

    fn call(&self, program: &Path, arguments: &[&str], nonce: &str, listener: &str) -> Output {
        let api = self.cluster.api_address();
        let mut command = Command::new(program);
        command.args(arguments).env_clear().stdin(Stdio::null());
        for (name, value) in [
            ("PATH", format!("{}:{}", self.bin().display(), std::env::var("PATH").unwrap())),
            ("WORKSPACE", self.path("workspace").display().to_string()),
            ("CONFIG_DIR", self.path("config").display().to_string()),
            ("PIPELINE_RUN_ID", PARENT.to_owned()),
            ("PIPELINE_ID", "web-ci".to_owned()),
            ("PIPELINE_CONFIG_REPO_PATH", "app".to_owned()),
            ("SIDESTAGE_NAMESPACE", NAMESPACE.to_owned()),
            ("SIDESTAGE_ASYNC_STAGES", STAGE.to_owned()),
            ("SIDESTAGE_LISTENER", listener.to_owned()),
            ("SIDESTAGE_TOKEN_FILE", self.path("token").display().to_string()),
            ("SIDESTAGE_TOKEN_SECRET", "web-async-token".to_owned()),
            ("SIDESTAGE_KUBE", self.cluster.kube_folder().display().to_string()),
            ("SIDESTAGE_NONCE", nonce.to_owned()),
            ("SIDESTAGE_DEADLINE", "0.4".to_owned()),
            ("SIDESTAGE_RETRY_DELAY", "0.01".to_owned()),
            ("SIDESTAGE_RETRY_CAP", "0.05".to_owned()),
            ("KUBERNETES_SERVICE_HOST", api.ip().to_string()),
            ("KUBERNETES_SERVICE_PORT", api.port().to_string()),
        ] {
            command.env(name, value);
        }
        command.output().unwrap()
    }

    fn trigger(&self, nonce: &str, listener: &str) -> Output {
        self.call(&self.bin().join("trigger-task"), &[STAGE], nonce, listener)
    }
}

fn fault(random: &mut fastrand::Rng) -> Fault {
    match random.u8(..8) {
        0 | 1 => Fault::Drop,
        2 => Fault::Late(Duration::from_millis(random.u64(1..600))),
        3 | 4 => Fault::Refuse,
        5 => Fault::CutAfter,
        _ => Fault::None,
    }
}

fn get_fault(random: &mut fastrand::Rng) -> GetFault {
    match random.u8(..12) {
        0 => GetFault::Forbidden,
        1 => GetFault::Unauthorized,
        2 => GetFault::Unavailable,
        3 => GetFault::Cut,
        _ => GetFault::None,
    }
}

/// One sequence of a seed: a trigger, and where it fails perhaps the same one again.
fn sequence(stage: &Stage, seed: u64, codes: &Mutex<BTreeMap<i32, u32>>) {
    let random = &mut fastrand::Rng::with_seed(seed);
    let nonce = format!("{seed:016x}");
    let name = format!("{STAGE}-{nonce}");
    let is_refused = random.u8(..10) == 0;
    let is_away = random.u8(..10) == 0;
    // A port at which nothing listens.
    let listener = if random.u8(..10) == 0 { "http://127.0.0.1:1".to_owned() } else { stage.cluster.listener() };
    let is_taken = random.u8(..20) == 0;
    if is_taken {
        let foreign = Run { name: name.clone(), stage: STAGE.to_owned(), parent: "another".to_owned(), payload: String::new() };
        stage.cluster.insert_foreign(foreign);
    }
    stage.cluster.rotate_stage_token(if is_refused { "another" } else { TOKEN });
    stage.cluster.keep_listener_away(is_away);
    let posts: Vec<Fault> = (0..random.usize(..6)).map(|_| fault(random)).collect();
    let gets: Vec<GetFault> = (0..random.usize(..8)).map(|_| get_fault(random)).collect();
    stage.cluster.post_faults(posts.iter().copied());
    stage.cluster.get_faults(gets.iter().copied());
    for again in 0..=random.u8(..2) {
        let output = stage.trigger(&nonce, &listener);
        let (said, told) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        let own: Vec<Run> = stage.cluster.runs().into_iter().filter(|run| run.name == name && run.parent == PARENT).collect();
        let what = format!(
            "seed {seed}, call {again}: refused {is_refused} away {is_away} taken {is_taken} {listener} {posts:?} {gets:?}\n{said}{told}"
        );
        assert!(stage.cluster.creations(&name) <= 1 && own.len() <= 1, "two runs: {what}");
        *codes.lock().unwrap().entry(output.status.code().unwrap_or(-1)).or_default() += 1;
        match output.status.code() {
            Some(0) => {
                assert_eq!(own.len(), 1, "a run is reported that is not there: {what}");
                assert_eq!(said, format!("started: stage {STAGE}, run {name}\n"), "{what}");
            }
            // It is not known: then that is what is said.
            Some(7) => assert!(said.is_empty() && told.contains(&name), "{what}"),
            Some(code @ (1 | 4 | 5)) => {
                assert!(said.is_empty(), "{what}");
                if code == 1 && told.contains("No run was started") {
                    assert_eq!(stage.cluster.creations(&name), 0, "a run is denied that is there: {what}");
                }
            }
            code => panic!("{code:?}: {what}"),
        }
        if code_is_final(&output) {
            break;
        }
    }
    // Nothing of this sequence meets the next one.
    stage.cluster.forget_faults();
}

fn code_is_final(output: &Output) -> bool {
    matches!(output.status.code(), Some(0 | 5))
}

#[test]
fn whatever_fails_there_is_at_most_one_run_for_a_trigger_and_none_is_made_up() {
    let number = std::env::var("SIDESTAGE_TEKTON_FAULTS").ok().and_then(|text| text.parse().ok()).unwrap_or(SEQUENCES);
    let first = std::env::var("SIDESTAGE_TEKTON_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(1_u64);
    let next = AtomicU64::new(first);
    let server = Server::small("v1");
    let codes = Mutex::new(BTreeMap::new());
    std::thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| {
                let stage = Stage::new(&server);
                loop {
                    let seed = next.fetch_add(1, Ordering::SeqCst);
                    if seed >= first + number {
                        break;
                    }
                    sequence(&stage, seed, &codes);
                }
            });
        }
    });
    let codes = codes.into_inner().unwrap();
    // Each way to end was met: the property is not held by sequences in which nothing happens.
    let is_met = number < 200 || [0, 1, 4, 5, 7].iter().all(|code| codes.contains_key(code));
    assert!(is_met, "{codes:?}");
}
