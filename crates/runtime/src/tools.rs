//! The tools of the platform that scripts find beside their own: `$ONE_PIPELINE_PATH/tools`, and the commands on `PATH`.

use std::fs;
use std::io;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use crate::pipelinectl;

/// `tools/trigger-task`: to be sourced, or run. It is run as itself, or by a shell with its path.
const TRIGGER_TASK: &str = r#"# The command `trigger-task` is on the PATH of every stage; sourcing this changes nothing.
if [ -n "${BASH_VERSION-}" ]; then
  if [ "${BASH_SOURCE[0]}" = "$0" ]; then exec trigger-task "$@"; fi
else
  case $0 in */tools/trigger-task) exec trigger-task "$@" ;; esac
fi
"#;

/// `tools/retry`: to be sourced, which makes functions repeatable, or run. Images may have no bash.
const RETRY: &str = r#"#!/bin/sh
# retry COUNT DELAY COMMAND...: runs a command until it succeeds, at most COUNT times, DELAY seconds apart.
retry() {
  # A function that is repeated sees these variables: they must not be its own.
  local _retry_count _retry_delay _retry_attempt _retry_code
  _retry_count=$1 _retry_delay=$2 _retry_attempt=1
  shift 2
  while true; do
    if "$@"; then return 0; else _retry_code=$?; fi
    if [ "$_retry_attempt" -ge "$_retry_count" ]; then
      echo "retry: gave up after $_retry_attempt of $_retry_count attempts: $1" >&2
      return "$_retry_code"
    fi
    _retry_attempt=$((_retry_attempt + 1))
    sleep "$_retry_delay"
  done
}
if [ -n "${BASH_VERSION-}" ]; then
  if [ "${BASH_SOURCE[0]}" = "$0" ]; then retry "$@"; fi
else
  case $0 in */retry) retry "$@" ;; esac
fi
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

/// Whether a property can have a name: it becomes that of a file.
pub fn is_property_name(name: &str) -> bool {
    let is_known = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    (1..=253).contains(&name.len()) && name != "." && name != ".." && name.bytes().all(is_known)
}

const EXECUTABLE: u32 = 0o755;

/// Puts the commands of the store and `trigger-task` into a folder: links to the program, which the folder may hold itself.
///
/// # Errors
/// Where the folder cannot be written.
pub fn link_commands(bin: &Path, program: &Path) -> io::Result<()> {
    fs::create_dir_all(bin)?;
    let names = pipelinectl::command_names().chain(["pipelinectl", "trigger-task", "sidestage"]);
    // The program itself may be one of them.
    for link in names.map(|name| bin.join(name)).filter(|link| link != program) {
        symlink(program, link)?;
    }
    write(&bin.join("retry"), RETRY)
}

/// Puts the tools into the folder `tools` of `$ONE_PIPELINE_PATH`.
///
/// # Errors
/// Where the folder cannot be written.
pub fn write_tools(one_pipeline: &Path) -> io::Result<()> {
    let tools = one_pipeline.join("tools");
    fs::create_dir_all(&tools)?;
    write(&tools.join("trigger-task"), TRIGGER_TASK)?;
    write(&tools.join("retry"), RETRY)?;
    write(&tools.join("get_repo_params"), GET_REPO_PARAMS)
}

fn write(path: &Path, text: &str) -> io::Result<()> {
    fs::write(path, text)?;
    fs::set_permissions(path, fs::Permissions::from_mode(EXECUTABLE))
}
