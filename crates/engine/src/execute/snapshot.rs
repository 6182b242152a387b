//! The state of a working tree as a commit of its own, in a repository of the run: the user's files and `.git` are read, and
//! never touched.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use sidestage_runtime::repository::SAFE_GIT;

use crate::processes::children;

/// What is cloned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Snapshot {
    /// The bare repository that holds it.
    pub(super) repository: PathBuf,
    /// The commit.
    pub(super) commit: String,
    /// The branch that was checked out; empty where none was.
    pub(super) branch: String,
}

/// The variables of the environment by which git would work on another repository than the one that is meant.
const OF_ANOTHER: &[&str] = &["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_NAMESPACE", "GIT_COMMON_DIR"];

/// A call of git that does only what it is asked for.
pub(super) fn git<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>, folder: &Path) -> Command {
    let mut command = Command::new("git");
    command.args(SAFE_GIT).args(arguments).current_dir(folder).env("GIT_TERMINAL_PROMPT", "0").env("GIT_OPTIONAL_LOCKS", "0");
    for name in OF_ANOTHER {
        command.env_remove(name);
    }
    command
}

fn done(mut command: Command) -> io::Result<String> {
    let output: Output = children::output(&mut command).map_err(|error| io::Error::other(format!("git cannot be started: {error}")))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).trim_end().to_owned());
    }
    Err(io::Error::other(format!("git: {}", String::from_utf8_lossy(&output.stderr).trim())))
}

/// Takes the working tree as it is, or its last commit alone.
///
/// # Errors
/// Where git is not there, or the folder has no commit and only commits are wanted.
pub(super) fn take(root: &Path, bare: &Path, is_committed: bool) -> io::Result<Snapshot> {
    let is_repository = root.join(".git").exists();
    if is_repository {
        copy(root, bare)?;
    } else {
        done(git([OsStr::new("init"), "--quiet".as_ref(), "--bare".as_ref(), bare.as_ref()], folder_of(bare)))?;
    }
    // Who has switched branches since the clone began is not asked again: this repository is the run's own.
    let head = done(git(["rev-parse", "--verify", "--quiet", "HEAD^{commit}"], bare)).unwrap_or_default();
    let branch = if is_repository { done(git(["branch", "--show-current"], root)).unwrap_or_default() } else { String::new() };
    // A work tree of its own, or a detached head, may stand elsewhere than the branch that was cloned.
    let own = if is_repository { done(git(["rev-parse", "--verify", "--quiet", "HEAD^{commit}"], root)).unwrap_or(head) } else { head };
    let commit = if is_committed {
        if own.is_empty() {
            return Err(io::Error::other(format!("{} has no commit yet, and --committed takes nothing else", root.display())));
        }
        own
    } else {
        with_changes(root, bare, &own, is_repository)?
    };
    // A name keeps the commit from being collected, and lets it be cloned.
    done(git(["update-ref", "refs/heads/sidestage-run", &commit], bare))?;
    Ok(Snapshot { repository: bare.to_owned(), commit, branch })
}

/// The commit of the working tree: the last one, where nothing has changed.
fn with_changes(root: &Path, bare: &Path, head: &str, is_repository: bool) -> io::Result<String> {
    let index = bare.join("sidestage-index");
    if is_repository {
        // With the times of the files that it knows, git reads only those that have changed.
        let own = root.join(done(git(["rev-parse", "--git-path", "index"], root))?);
        copy_with_time(&own, &index)?;
    }
    let in_run = |arguments: &[&str]| {
        let mut command = git(arguments, root);
        command.env("GIT_DIR", bare).env("GIT_WORK_TREE", root).env("GIT_INDEX_FILE", &index);
        command
    };
    if !index.exists() && !head.is_empty() {
        done(in_run(&["read-tree", head]))?;
    }
    done(in_run(&["add", "--all", "--", "."]))?;
    let tree = done(in_run(&["write-tree"]))?;
    let _ = fs::remove_file(&index);
    if !head.is_empty() && done(git(["rev-parse", &format!("{head}^{{tree}}")], bare))? == tree {
        return Ok(head.to_owned());
    }
    let mut commit = git(["commit-tree", &tree, "-m", "The working tree as it was run"], bare);
    if !head.is_empty() {
        commit.args(["-p", head]);
    }
    for (role, name) in [("AUTHOR", "sidestage"), ("COMMITTER", "sidestage")] {
        commit.env(format!("GIT_{role}_NAME"), name).env(format!("GIT_{role}_EMAIL"), "sidestage@localhost");
    }
    done(commit)
}

/// The same again for a rerun: the repository of the run that is repeated.
pub(super) fn again(earlier: &Path, bare: &Path, commit: &str) -> io::Result<Snapshot> {
    copy(earlier, bare)?;
    done(git(["cat-file", "-e", &format!("{commit}^{{commit}}")], bare))?;
    Ok(Snapshot { repository: bare.to_owned(), commit: commit.to_owned(), branch: String::new() })
}

/// Whether a file is part of it: one that git ignores is not.
pub(super) fn has(snapshot: &Snapshot, file: &str) -> bool {
    done(git(["cat-file", "-e", &format!("{}:{file}", snapshot.commit)], &snapshot.repository)).is_ok()
}

fn folder_of(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new("/"))
}

/// A bare copy of a repository. Its objects are files of their own: what stages do to theirs must not reach the user's.
fn copy(from: &Path, bare: &Path) -> io::Result<()> {
    let words = ["clone", "--quiet", "--bare", "--local", "--no-hardlinks", "--"].map(OsStr::new);
    done(git(words.into_iter().chain([from.as_ref(), bare.as_ref()]), folder_of(bare))).map(drop)
}

/// A copy with the time of the original, where there is one: git compares it with the times of the files to find out which of
/// them may have changed within the same moment.
fn copy_with_time(from: &Path, to: &Path) -> io::Result<()> {
    let Ok(metadata) = fs::metadata(from) else { return Ok(()) };
    fs::copy(from, to)?;
    fs::File::options().write(true).open(to)?.set_modified(metadata.modified()?)
}

/// What the stages of a run take for the repository on a server: it shares the objects of the snapshot, and what they push
/// stays in it.
pub(super) fn serve_as_origin(snapshot: &Snapshot, origin: &Path) -> io::Result<()> {
    let words = ["clone", "--quiet", "--bare", "--shared", "--"].map(OsStr::new);
    done(git(words.into_iter().chain([snapshot.repository.as_ref(), origin.as_ref()]), folder_of(origin))).map(drop)
}

/// A working tree of the snapshot in a new folder of a workspace.
pub(super) fn check_out(snapshot: &Snapshot, origin: &Path, folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder_of(folder))?;
    let words = ["clone", "--quiet", "--shared", "--no-checkout", "--"].map(OsStr::new);
    done(git(words.into_iter().chain([origin.as_ref(), folder.as_ref()]), folder_of(folder)))?;
    if snapshot.branch.is_empty() {
        done(git(["checkout", "--quiet", "--detach", &snapshot.commit, "--"], folder))?;
    } else {
        done(git(["checkout", "--quiet", "-B", &snapshot.branch, &snapshot.commit, "--"], folder))?;
    }
    Ok(())
}
