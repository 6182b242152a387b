//! Repositories in a workspace: what keeps one from being cloned, and how it comes there whole or not at all.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::time::Duration;

use crate::failure::{Failure, FailureKind};

/// What is wrong with the network may be right a moment later.
const TRIES: u32 = 3;

/// How git is called: arguments, and the folder that it works in.
pub type Git<'a> = &'a dyn Fn(&[&str], &Path) -> io::Result<Output>;

/// Nothing in it moves a cursor.
pub(crate) fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '?' } else { c }).collect()
}

/// An address as it may be shown: without the user and the password of its host.
pub(crate) fn shown(url: &str) -> String {
    let shown = match url.split_once("://") {
        Some((scheme, rest)) => {
            let (host, path) = rest.split_once('/').map_or((rest, None), |(host, path)| (host, Some(path)));
            let host = host.rsplit_once('@').map_or(host.to_owned(), |(_, host)| format!("***@{host}"));
            format!("{scheme}://{host}{}", path.map(|path| format!("/{path}")).unwrap_or_default())
        }
        None => url.to_owned(),
    };
    printable(&shown)
}

/// What keeps a path from being one of a repository in the workspace.
pub(crate) fn place_faults(path: &str) -> Vec<String> {
    let mut faults = Vec::new();
    let is_bad_part = |part: &str| matches!(part, "" | "." | ".." | ".git" | ".pipelinectl" | ".sidestage");
    if path.split('/').any(is_bad_part) {
        faults.push(format!("its path leaves the workspace, or is none: '{}'", printable(path)));
    }
    if path.split('/').any(|part| part.len() > 255) {
        faults.push("a part of its path is longer than 255 bytes".to_owned());
    }
    if path.starts_with('-') {
        faults.push(format!("its path starts with '-': '{}'", printable(path)));
    }
    faults
}

/// What keeps an address from being cloned.
pub(crate) fn url_faults(url: &str) -> Vec<String> {
    let mut faults = Vec::new();
    if url.is_empty() {
        faults.push("it has no url".to_owned());
    } else if url.starts_with('-') {
        faults.push(format!("its url starts with '-': '{}'", printable(url)));
    }
    let scheme = url.split_once("::").map_or("", |(scheme, _)| scheme);
    if !scheme.is_empty() && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+.-".contains(&byte)) {
        faults.push(format!("its url would start another program: '{}'", printable(url)));
    }
    faults
}

/// Something is in the way, or git has failed.
pub(crate) fn failed(what: String) -> Failure {
    Failure::new(FailureKind::Rights, what)
}

/// Where a repository goes. No link may be on the way: it could lead out of the workspace, or into what is not the
/// repository's.
pub(crate) fn target(workspace: &Path, path: &str, name: &str) -> Result<PathBuf, Failure> {
    let target = workspace.join(path);
    let is_link = |folder: &Path| folder.symlink_metadata().is_ok_and(|found| found.is_symlink());
    if target.ancestors().take_while(|folder| *folder != workspace).any(is_link) {
        return Err(failed(format!("repository {name}: its path leaves the workspace through a link: {path}")));
    }
    Ok(target)
}

/// Puts what `fill` makes of a new folder to its place, whole or not at all.
pub(crate) fn put(workspace: &Path, path: &str, name: &str, fill: &dyn Fn(&Path) -> Result<(), Failure>) -> Result<(), Failure> {
    let target = target(workspace, path, name)?;
    let clone = workspace.join(format!(".sidestage-clone-{}", std::process::id()));
    fill(&clone)?;
    let parent = target.parent().unwrap_or(workspace);
    fs::create_dir_all(parent).map_err(|_| failed(format!("repository {name}: a file is in the way of {path}")))?;
    // An empty folder may be there already.
    let _ = fs::remove_dir(&target);
    if target.exists() {
        return Err(failed(format!("repository {name}: {path} already holds something else")));
    }
    fs::rename(&clone, &target).map_err(|error| failed(format!("repository {name}: {path} cannot be made: {error}")))
}

/// Clones without a working tree, several times where the network may be at fault; else the last words of git.
pub(crate) fn clone_anew(git: Git<'_>, url: &str, folder: &Path, workspace: &Path) -> Result<(), String> {
    let target = folder.to_string_lossy();
    let mut words = String::new();
    for attempt in 1..=TRIES {
        let _ = fs::remove_dir_all(folder);
        let arguments = ["clone", "--quiet", "--no-checkout", "--no-recurse-submodules", "--", url, &target];
        let cloned = run_git(git, &arguments, workspace).map_err(|failure| failure.to_string())?;
        if cloned.status.success() {
            return Ok(());
        }
        words = last_words(&cloned);
        // Where the repository lies on this machine, waiting changes nothing.
        if !url.contains(':') {
            break;
        }
        std::thread::sleep(Duration::from_secs(u64::from(attempt)));
    }
    Err(words)
}

/// What makes git do only what it is asked for: no program of the address, no hook, no stored password, no other host.
pub const SAFE_GIT: &[&str] = &[
    "-c",
    "protocol.ext.allow=never",
    "-c",
    "core.hooksPath=/dev/null",
    "-c",
    "credential.helper=",
    "-c",
    "advice.detachedHead=false",
    "-c",
    "http.followRedirects=false",
];

/// Calls git with [`SAFE_GIT`].
pub(crate) fn run_git(git: Git<'_>, arguments: &[&str], folder: &Path) -> Result<Output, Failure> {
    git(&[SAFE_GIT, arguments].concat(), folder).map_err(|error| {
        Failure::new(FailureKind::Setting, format!("git cannot be started: {error}")).help("Install git, and put it on the PATH.")
    })
}

/// The end of what git has said.
pub(crate) fn last_words(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    let lines: Vec<&str> = text.lines().rev().take(3).collect();
    lines.into_iter().rev().map(printable).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::{place_faults, shown};

    #[test]
    fn no_message_shows_a_password() {
        for (url, expected) in [
            ("https://me:secret@git.example.com/a.git", "https://***@git.example.com/a.git"),
            ("https://git.example.com/a@b", "https://git.example.com/a@b"),
            ("git@git.example.com:a.git", "git@git.example.com:a.git"),
            ("https://token@git.example.com", "https://***@git.example.com"),
            ("/srv/a", "/srv/a"),
        ] {
            assert_eq!(shown(url), expected);
        }
    }

    #[test]
    fn a_repository_lies_in_a_folder_of_its_own() {
        for good in ["app", "a/b", ".github", "..a"] {
            assert!(place_faults(good).is_empty(), "{good}");
        }
        for bad in ["", ".", "..", "/a", "a/../b", "a//b", ".git", "a/.git/hooks", ".pipelinectl", ".sidestage", "a/.sidestage", "-a"] {
            assert!(!place_faults(bad).is_empty(), "{bad}");
        }
    }
}
