//! The service, judged by IBM's own clients: every operation, their encodings, paging, errors and sign-in.

use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::harness::service::{Service, in_repository};

/// Runs a suite of `tests/clients` against a new service, and gives what it printed.
fn suite(program: &OsStr, arguments: &[&Path]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let keys = folder.path().join("keys");
    fs::write(&keys, "key-editor editor\nkey-operator operator\n").unwrap();
    let service = Service::start(&["--api-key-file", keys.to_str().unwrap()]);
    let output = Command::new(program)
        .args(arguments)
        .env("SERVICE", &service.base)
        .env("IAM", &service.origin)
        .env("PIPELINE", &service.pipeline)
        .env("API_KEY", "key-editor")
        .env("CLIENTS", in_repository("target/clients/node"))
        .env("CD_TEKTON_PIPELINE_URL", &service.base)
        .env("CD_TEKTON_PIPELINE_AUTH_TYPE", "iam")
        .env("CD_TEKTON_PIPELINE_APIKEY", "key-editor")
        .env("CD_TEKTON_PIPELINE_AUTH_URL", &service.origin)
        .output()
        .unwrap_or_else(|error| panic!("{} cannot be run: {error}; `./test.sh` installs it", program.display()));
    let printed = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{printed}");
    printed
}

#[test]
fn the_python_client_is_served() {
    let python = in_repository("target/clients/python/bin/python");
    let printed = suite(python.as_os_str(), &[&in_repository("tests/clients/python/pipeline.py")]);
    assert!(printed.contains("Ran 15 tests"), "{printed}");
}

#[test]
fn the_node_client_is_served() {
    let modules = in_repository("target/clients/node/node_modules");
    assert!(modules.exists(), "{} is missing: `./test.sh` installs it", modules.display());
    let printed = suite(OsStr::new("node"), &[Path::new("--test"), &in_repository("tests/clients/node/pipeline.mjs")]);
    assert!(printed.contains("# pass 11\n") && printed.contains("# fail 0"), "{printed}");
}
