//! The file of the store: who reads it, and what happens where it is damaged, the disk is full, or it has grown.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use super::trigger;
use crate::harness::service::{SIDESTAGE, Service, ask};

const TOKEN: (&str, &str) = ("x-async-stage-token", "0123456789abcdef");

#[test]
fn an_existing_file_becomes_its_owners_only() {
    let folder = tempfile::tempdir().unwrap();
    let options = ["--state", folder.path().to_str().unwrap()];
    drop(Service::start(&options));
    let file = folder.path().join("pipeline.redb");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    drop(Service::start(&options));
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
}

/// Starts the service with a file: whether it serves; otherwise it ends with 2, and its words are given.
fn opened(folder: &Path, file: &[u8]) -> Option<String> {
    fs::write(folder.join("pipeline.redb"), file).unwrap();
    let mut child = Command::new(SIDESTAGE)
        .args(["serve", "--state", folder.to_str().unwrap()])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary runs");
    let mut ready = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut ready).unwrap();
    if !ready.is_empty() {
        child.kill().unwrap();
        child.wait().unwrap();
        return None;
    }
    let mut errors = String::new();
    child.stderr.take().unwrap().read_to_string(&mut errors).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(2), "{errors}");
    assert!(!errors.contains("panicked") && errors.contains("cannot be opened: "), "{errors}");
    Some(errors)
}

#[test]
fn a_truncated_or_damaged_file_is_an_error_in_words() {
    let folder = tempfile::tempdir().unwrap();
    let service = Service::start(&["--state", folder.path().to_str().unwrap()]);
    service.create("/triggers", &json!({ "type": "manual", "name": "m", "event_listener": "l" }));
    for _ in 0..5 {
        service.create("/pipeline_runs", &json!({ "trigger": { "name": "m" }, "description": "d".repeat(4000) }));
    }
    service.end();
    let whole = fs::read(folder.path().join("pipeline.redb")).unwrap();
    assert_eq!(opened(folder.path(), &whole), None);
    for length in [0, 1, 100, 4096, 5000, whole.len() / 2, whole.len() - 4096, whole.len() - 1] {
        assert!(opened(folder.path(), &whole[..length]).is_some(), "{length} of {} bytes", whole.len());
    }
    // In a part that is not used, a changed byte does no harm.
    let header = (0..320).step_by(16);
    let pages = (1..32).map(|page| page * 4096 + 8);
    for place in header.chain(pages).filter(|place| *place < whole.len()) {
        let mut damaged = whole.clone();
        damaged[place] ^= 0x55;
        opened(folder.path(), &damaged);
    }
}

#[test]
fn after_a_full_disk_it_writes_again_and_has_lost_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let options = ["--state", folder.path().to_str().unwrap()];
    let service = Service::start_on_small_disk(8 * 1024, &options);
    let made = service.create("/triggers", &trigger());
    let call = |size: usize| ask("POST", made["webhook_url"].as_str().unwrap(), &[TOKEN], &json!({ "data": "x".repeat(size) }));
    let answered = |service: &Service| {
        let listed = service.get("/pipeline_runs?limit=1000");
        listed["pipeline_runs"].as_array().unwrap().iter().map(|run| run["id"].clone()).rev().collect::<Vec<Value>>()
    };
    let mut expected = Vec::new();
    loop {
        let (status, reply) = call(400_000);
        match status {
            201 => expected.push(reply["id"].clone()),
            _ => {
                assert_eq!(status, 500, "{reply}");
                break;
            }
        }
        assert!(expected.len() < 1000, "the disk is never full");
    }
    for _ in 0..3 {
        assert_eq!(answered(&service), expected, "it reads on a full disk");
        assert_eq!(call(400_000).0, 500);
    }
    service.enlarge_disk();
    for _ in 0..3 {
        let (status, reply) = call(400_000);
        assert_eq!(status, 201, "{reply}");
        expected.push(reply["id"].clone());
    }
    assert_eq!(answered(&service), expected);
    service.kill();
    assert_eq!(answered(&Service::start(&options)), expected);
}
