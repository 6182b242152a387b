//! A build without HTTP: the commands that need it stay in the command line, and say what is missing.

use std::process::Command;

#[test]
fn what_needs_http_says_so_and_exits_with_2() {
    for arguments in [&["apply"][..], &["apply", "--dry-run"], &["serve"], &["serve", "--listen", "127.0.0.1:0"]] {
        let output = Command::new(env!("CARGO_BIN_EXE_sidestage")).args(arguments).output().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(2), &b""[..]), "{arguments:?}: {errors}");
        assert!(errors.contains("this build of sidestage has no HTTP: install it with its default features"), "{errors}");
    }
    let output = Command::new(env!("CARGO_BIN_EXE_sidestage")).args(["apply", "--help"]).output().unwrap();
    assert!(output.status.success());
}
