//! The program for releases: one static file that starts in any image, with its checksum.

use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode};

use crate::{Error, project};

const TARGET: &str = "x86_64-unknown-linux-gnu";
/// Without a loader, at a fixed address, and without padding between its parts; functions that came out alike are in it once,
/// as lld, the linker of rustc on this target, can do.
const FLAGS: &str = "-C target-feature=+crt-static -C relocation-model=static -C link-arg=-Wl,-z,noseparate-code \
                     -C link-arg=-Wl,--icf=all";
/// Larger ones are no help in small images.
const MOST_BYTES: u64 = 12_000_000;

/// Builds it into `target/release-files`, and checks what is promised of it.
pub(crate) fn dist() -> Result<ExitCode, Error> {
    let project = project();
    let arguments = ["build", "--locked", "--profile", "dist", "--bin", "sidestage", "--target", TARGET];
    let status = Command::new(env!("CARGO")).args(arguments).env("RUSTFLAGS", FLAGS).current_dir(&project).status()?;
    if !status.success() {
        return Err("it could not be built".into());
    }
    let built = project.join("target").join(TARGET).join("dist/sidestage");
    let folder = project.join("target/release-files");
    let name = format!("sidestage-{}-{TARGET}", env!("CARGO_PKG_VERSION"));
    fs::create_dir_all(&folder)?;
    let bytes = fs::copy(&built, folder.join(&name))?;
    println!("{name}: {}.{} MB", bytes / 1_000_000, bytes % 1_000_000 / 100_000);
    if bytes > MOST_BYTES {
        return Err(format!("it has {bytes} bytes, more than {MOST_BYTES}").into());
    }
    if has_interpreter(&fs::read(&built)?) {
        return Err("it names a loader: images without glibc cannot start it".into());
    }
    starts_alone(&built)?;
    let sums = Command::new("sha256sum").arg(&name).current_dir(&folder).output()?;
    fs::write(folder.join("SHA256SUMS"), &sums.stdout)?;
    print!("{}", String::from_utf8_lossy(&sums.stdout));
    Ok(ExitCode::SUCCESS)
}

/// Whether an ELF file of 64 bits asks for a loader: a program header of type 3.
fn has_interpreter(file: &[u8]) -> bool {
    let number = |at: usize, size: usize| {
        let bytes = file.get(at..at + size).unwrap_or_default();
        bytes.iter().rev().fold(0_usize, |number, byte| number << 8 | usize::from(*byte))
    };
    let (table, size, count) = (number(32, 8), number(54, 2), number(56, 2));
    (0..count).any(|header| number(table + header * size, 4) == 3)
}

/// Runs it where there is nothing else: no libraries, no shell, no `/dev`.
fn starts_alone(program: &Path) -> Result<(), Error> {
    let root = std::env::temp_dir().join(format!("sidestage-alone-{}", std::process::id()));
    fs::create_dir_all(root.join("repository"))?;
    fs::copy(program, root.join("sidestage"))?;
    fs::copy(project().join("fixtures/missing-stage/.pipeline-config.yaml"), root.join("repository/.pipeline-config.yaml"))?;
    let mut command = Command::new("unshare");
    command.args(["--map-root-user", "chroot"]).arg(&root).args(["/sidestage", "check", "/repository", "--format", "concise"]);
    let output = command.output();
    let _ = fs::remove_dir_all(&root);
    let output = output?;
    let said = String::from_utf8_lossy(&output.stdout);
    if said.contains("error[missing-stage]") {
        println!("it starts where there is nothing else");
        return Ok(());
    }
    Err(format!("it does not start alone: {said}{}", String::from_utf8_lossy(&output.stderr)).into())
}
