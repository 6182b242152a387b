//! What a stage finds beside its own files: the commands of the run, the tools of the platform, properties and secrets.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use sidestage_runtime::pipelinectl;

const EXECUTABLE: u32 = 0o755;

/// `tools/trigger-task`: to be sourced, or run.
const TRIGGER_TASK: &str = r#"# The command `trigger-task` is on the PATH of every stage; sourcing this changes nothing.
if [ -n "${BASH_VERSION-}" ] && [ "${BASH_SOURCE[0]}" = "$0" ]; then exec trigger-task "$@"; fi
"#;

/// `tools/retry`: to be sourced, which makes functions repeatable, or run.
const RETRY: &str = r#"#!/usr/bin/env bash
# retry COUNT DELAY COMMAND...: runs a command until it succeeds, at most COUNT times, DELAY seconds apart.
retry() {
  # A function that is repeated sees these variables: they must not be its own.
  local _retry_count=$1 _retry_delay=$2 _retry_attempt=1 _retry_code
  shift 2
  while true; do
    if "$@"; then return 0; else _retry_code=$?; fi
    if ((_retry_attempt >= _retry_count)); then
      echo "retry: gave up after $_retry_attempt of $_retry_count attempts: $1" >&2
      return "$_retry_code"
    fi
    _retry_attempt=$((_retry_attempt + 1))
    sleep "$_retry_delay"
  done
}
if [[ ${BASH_SOURCE[0]} == "$0" ]]; then retry "$@"; fi
"#;

/// `tools/get_repo_params`: the name, owner, kind and API address of a repository, from its address.
const GET_REPO_PARAMS: &str = r#"#!/usr/bin/env bash
# get_repo_params URL [TOKEN-FILE]: prints name, owner, kind of the host and address of its API.
get_repo_params() {
  local url=${1%/} host path kind api
  url=${url%.git}
  path=${url#*://}
  if [[ $url != *://* && $url == *:* ]]; then path=${url#*@} path=${path/://}; fi
  path=${path#*@}
  host=${path%%/*}
  path=${path#*/}
  case $host in
    github.com) kind=github api=https://api.github.com ;;
    *github*) kind=github_integrated api=https://$host/api/v3 ;;
    *) kind=gitlab api=https://$host/api/v4 ;;
  esac
  printf '%s %s %s %s\n' "${path##*/}" "${path%/*}" "$kind" "$api"
}
if [[ ${BASH_SOURCE[0]} == "$0" ]]; then get_repo_params "$@"; fi
"#;

/// `iam/get_token`: to be sourced.
const GET_TOKEN: &str = r#"IAM_ACCESS_TOKEN=$(cat -- "${ONE_PIPELINE_PATH}/iam/token")
export IAM_ACCESS_TOKEN
"#;

/// Puts the commands into `bin`, and the tools into `tools`.
pub(super) fn install(run: &Path, sidestage: &Path) -> io::Result<()> {
    let bin = run.join("bin");
    fs::create_dir_all(&bin)?;
    for name in pipelinectl::command_names().chain(["pipelinectl", "trigger-task", "sidestage"]) {
        symlink(sidestage, bin.join(name))?;
    }
    write(&bin.join("retry"), RETRY, EXECUTABLE)?;
    let platform = run.join("tools");
    for folder in ["tools", "iam"] {
        fs::create_dir_all(platform.join(folder))?;
    }
    write(&platform.join("tools/trigger-task"), TRIGGER_TASK, EXECUTABLE)?;
    write(&platform.join("tools/retry"), RETRY, EXECUTABLE)?;
    write(&platform.join("tools/get_repo_params"), GET_REPO_PARAMS, EXECUTABLE)?;
    write(&platform.join("iam/get_token"), GET_TOKEN, EXECUTABLE)
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
    let is_known = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    if (1..=253).contains(&name.len()) && name != "." && name != ".." && name.bytes().all(is_known) {
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
