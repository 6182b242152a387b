//! What a stage finds beside its own files: the commands of the run, the tools of the platform, properties and secrets.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use sidestage_runtime::tools;

/// `iam/get_token`: to be sourced.
const GET_TOKEN: &str = r#"IAM_ACCESS_TOKEN=$(cat -- "${ONE_PIPELINE_PATH}/iam/token")
export IAM_ACCESS_TOKEN
"#;

/// Puts the commands into `bin`, and the tools into `tools`.
pub(super) fn install(run: &Path, sidestage: &Path) -> io::Result<()> {
    let platform = run.join("tools");
    tools::link_commands(&run.join("bin"), sidestage)?;
    tools::write_tools(&platform)?;
    fs::create_dir_all(platform.join("iam"))?;
    write(&platform.join("iam/get_token"), GET_TOKEN, 0o755)
}

/// The token that `iam/get_token` gives. Stages that begin at the same time each put one.
pub(super) fn put_token(run: &Path, place: usize, token: &str) -> io::Result<()> {
    let path = run.join("tools/iam/token");
    let fresh = run.join(format!("tools/iam/.token-{place}"));
    write(&fresh, token, 0o600)?;
    fs::rename(fresh, path)
}

/// A file for each value: what the platform mounts.
pub(super) fn mount<'a>(folder: &Path, values: impl IntoIterator<Item = (&'a str, &'a str)>) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    fs::set_permissions(folder, fs::Permissions::from_mode(0o700))?;
    for (name, value) in values {
        check_name(name)?;
        write(&folder.join(name), value, 0o600)?;
    }
    Ok(())
}

/// A property must have a name that can be the name of its file.
pub(super) fn check_name(name: &str) -> io::Result<()> {
    if tools::is_property_name(name) {
        return Ok(());
    }
    Err(io::Error::other(format!("`{name}` is not a name of a property: 1 to 253 of A-Z a-z 0-9 - _ .")))
}

pub(super) fn write(path: &Path, text: &str, mode: u32) -> io::Result<()> {
    fs::write(path, text)?;
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
}

/// The environment of every stage of a run: what is documented, and nothing of this machine but the search path, the language
/// and where time begins.
pub(super) fn environment(run: &Path) -> BTreeMap<String, String> {
    let mut environment = BTreeMap::new();
    for name in ["LANG", "LC_ALL", "LC_CTYPE", "TZ"] {
        if let Ok(value) = std::env::var(name) {
            environment.insert(name.to_owned(), value);
        }
    }
    let place = |name: &str| run.join(name).to_string_lossy().into_owned();
    let path = std::env::var("PATH").unwrap_or_else(|_| "/usr/local/bin:/usr/bin:/bin".to_owned());
    for (name, value) in [
        ("PATH", format!("{}:{path}", place("bin"))),
        ("HOME", place("home")),
        ("TMPDIR", place("tmp")),
        ("WORKSPACE", place("workspace")),
        ("CONFIG_DIR", place("config")),
        ("SECRET_CONFIG_DIR", place("secrets")),
        ("PIPELINECTL_STATE", place("store")),
        ("ONE_PIPELINE_PATH", place("tools")),
        ("TERM", "dumb".to_owned()),
        (crate::run::RUN_FOLDER, run.to_string_lossy().into_owned()),
    ] {
        environment.insert(name.to_owned(), value);
    }
    environment
}
