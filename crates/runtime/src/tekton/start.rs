//! The beginning of a pipeline: tools, the clone, what a trigger would set, the scripts of the commit.

use std::cell::RefCell;
use std::path::Path;

use sidestage_compiler::emit::tekton::structure;
use sidestage_compiler::plan::{Plan, PlannedPipeline};

use super::Planner;
use super::git::Git;
use super::pod::Pod;
use super::workspace::{RunFacts, Workspace, unwritable};
use crate::failure::{Failure, FailureKind};
use crate::pipelinectl::RunData;
use crate::repository::{self, clone_anew, last_words, place_faults, printable, run_git, shown, url_faults};

/// What is begun.
#[derive(Debug)]
pub struct Start<'a> {
    /// The kind of the pipeline.
    pub kind: &'a str,
    /// The repository.
    pub url: &'a str,
    /// A branch, a tag or a commit.
    pub revision: &'a str,
    /// Its folder in the workspace.
    pub path: &'a str,
    /// What a trigger would set, as NAME=VALUE.
    pub parameters: &'a [String],
    /// The configuration, relative to the root of the repository.
    pub config: &'a str,
    /// What the manifest was made from.
    pub structure: Option<&'a str>,
}

/// Begins the pipeline.
///
/// # Errors
/// Where a parameter is none, the repository cannot be cloned, or the manifest does not suit the commit.
pub fn start(pod: &Pod, start: &Start<'_>, plan_of: Planner<'_>, say: &mut dyn FnMut(&str)) -> Result<(), Failure> {
    let parameters = start.parameters.iter().map(|text| parameter(text)).collect::<Result<Vec<_>, _>>()?;
    check(start)?;
    let workspace = Workspace::new(&pod.workspace);
    workspace.install(say)?;
    let git = Git::new(&workspace, Some(start.url));
    let root = pod.workspace.join(start.path);
    let folder = pod.workspace.canonicalize().map_err(|error| unwritable("the workspace", &error))?;
    let commit = check_out(&git, &folder, start)?;
    let plan = plan_of(&root, start.config).map_err(|reason| Failure::new(FailureKind::Setting, reason))?;
    let planned = pipeline(&plan, start)?;
    check_structure(start.structure, &structure(&planned.stages), start.config)?;
    let data = RunData::at(&pod.workspace.join(".pipelinectl"));
    let registered = [("url", start.url), ("path", start.path), ("branch", commit.branch.as_str()), ("commit", commit.hash.as_str())];
    data.save_repo("app-repo", &registered).map_err(broken_store)?;
    let own =
        [("pipeline_namespace", start.kind), ("repository-url", start.url), ("git-branch", &commit.branch), ("git-commit", &commit.hash)];
    let provided = [("pipeline-name", pod.pipeline.as_str()), ("pipeline-debug", "0"), ("ONE_PIPELINE_CONFIG_DIRECTORY_NAME", start.path)];
    for (name, value) in own.into_iter().chain(provided).filter(|(name, _)| !pod.config.join(name).exists()) {
        data.set(name, value).map_err(broken_store)?;
    }
    parameters.iter().try_for_each(|(name, value)| data.set(name, value)).map_err(broken_store)?;
    workspace.unpack(planned.stages.iter())?;
    workspace.keep(&RunFacts { repository: start.path.to_owned(), config: start.config.to_owned() })
}

pub(super) fn broken_store(reason: String) -> Failure {
    Failure::new(FailureKind::Setting, "the data of the run cannot be kept").reason(reason)
}

fn parameter(text: &str) -> Result<(&str, &str), Failure> {
    text.split_once('=').filter(|(name, _)| !name.is_empty()).ok_or_else(|| {
        Failure::new(FailureKind::Setting, format!("the parameter `{}` is not NAME=VALUE", printable(text)))
            .reason("The run has the list `parameters`.")
            .help("Write each of them as NAME=VALUE; a value may be empty.")
    })
}

/// Nothing is begun that is bound to fail, or would leave the workspace.
fn check(start: &Start<'_>) -> Result<(), Failure> {
    let mut faults = place_faults(start.path);
    faults.extend(url_faults(start.url));
    if !is_revision(start.revision) {
        faults.push(format!("its revision is none: '{}'", printable(start.revision)));
    }
    if faults.is_empty() {
        return Ok(());
    }
    Err(Failure::new(FailureKind::Setting, format!("the repository of the run cannot be cloned: {}", faults.join("; ")))
        .help("Correct the parameters repository, revision and repository-path of the run."))
}

/// What was checked out.
struct Commit {
    hash: String,
    /// Empty where it is no branch.
    branch: String,
}

/// What may be a name of git or a hash, and is no expression over them.
fn is_revision(text: &str) -> bool {
    let is_plain = |c: char| !c.is_control() && !c.is_whitespace() && !"~^:?*[\\".contains(c);
    !text.is_empty() && !text.starts_with('-') && text.chars().all(is_plain) && !text.contains("..") && !text.contains("@{")
}

/// The clone at its commit. A step that is tried again finds its own one, and puts another into its place.
fn check_out(git: &Git, workspace: &Path, start: &Start<'_>) -> Result<Commit, Failure> {
    const NAME: &str = "of the run";
    let call = |arguments: &[&str], folder: &Path| git.call(arguments, folder);
    let target = repository::target(workspace, start.path, NAME)?;
    if target.join(".git").exists() {
        std::fs::remove_dir_all(&target).map_err(|error| unwritable(start.path, &error))?;
    }
    let found = RefCell::new(None);
    repository::put(workspace, start.path, NAME, &|clone| {
        clone_anew(&call, start.url, clone, workspace).map_err(|words| unreachable_repository(start, &words))?;
        let commit = resolved(&call, start, clone)?;
        let words: &[&str] = if commit.branch.is_empty() { &["--detach"] } else { &["-B", &commit.branch] };
        let arguments: Vec<&str> = ["checkout", "--quiet"].iter().chain(words).copied().chain([commit.hash.as_str(), "--"]).collect();
        let out = run_git(&call, &arguments, clone)?;
        if !out.status.success() {
            return Err(no_revision(start).reason(last_words(&out)));
        }
        found.replace(Some(commit));
        Ok(())
    })?;
    found.into_inner().ok_or_else(|| no_revision(start))
}

/// The commit of a whole hash, a branch, a tag, a part of a hash, or of what the server knows by another name: the commit of a
/// pull request lies on no branch.
fn resolved(git: repository::Git<'_>, start: &Start<'_>, folder: &Path) -> Result<Commit, Failure> {
    let revision = start.revision;
    let name = revision.strip_prefix("refs/heads/").unwrap_or(revision);
    let tag = name.strip_prefix("refs/tags/").unwrap_or(name);
    let is_hash = name.bytes().all(|byte| byte.is_ascii_hexdigit());
    let mut known: Vec<(String, &str)> = Vec::new();
    // A branch that is called like a commit is none: a whole hash says what runs.
    if is_hash && matches!(name.len(), 40 | 64) {
        known.push((name.to_owned(), ""));
    } else {
        known.push((format!("refs/remotes/origin/{name}"), if name == "HEAD" { "" } else { name }));
        known.push((format!("refs/tags/{tag}"), ""));
        if is_hash && name.len() >= 7 {
            known.push((name.to_owned(), ""));
        }
    }
    for (reference, branch) in &known {
        if let Some(hash) = hash_of(git, reference, folder)? {
            return Ok(Commit { hash, branch: (*branch).to_owned() });
        }
    }
    let fetched = run_git(git, &["fetch", "--quiet", "origin", "--end-of-options", revision], folder)?;
    if !fetched.status.success() {
        return Err(no_revision(start).reason(last_words(&fetched)));
    }
    let hash = hash_of(git, "FETCH_HEAD", folder)?.ok_or_else(|| no_revision(start))?;
    Ok(Commit { hash, branch: String::new() })
}

fn hash_of(git: repository::Git<'_>, reference: &str, folder: &Path) -> Result<Option<String>, Failure> {
    let commit = format!("{reference}^{{commit}}");
    let out = run_git(git, &["rev-parse", "--verify", "--quiet", "--end-of-options", &commit], folder)?;
    Ok(out.status.success().then(|| String::from_utf8_lossy(&out.stdout).trim().to_owned()))
}

fn unreachable_repository(start: &Start<'_>, words: &str) -> Failure {
    Failure::new(FailureKind::Rights, format!("cannot clone {}", shown(start.url)))
        .reason(words.to_owned())
        .help("Check the parameter repository of the run, and the key git-token of its secret of secure properties.")
}

fn no_revision(start: &Start<'_>) -> Failure {
    Failure::new(FailureKind::Rights, format!("{} has no branch, tag or commit `{}`", shown(start.url), start.revision))
        .help("Correct the parameter revision of the run.")
}

fn pipeline<'p>(plan: &'p Plan, start: &Start<'_>) -> Result<&'p PlannedPipeline, Failure> {
    plan.runs.iter().find(|planned| planned.pipeline == start.kind).ok_or_else(|| {
        let kinds: Vec<&str> = plan.runs.iter().map(|planned| planned.pipeline.as_str()).collect();
        Failure::new(FailureKind::Setting, format!("`{}` has nothing for the pipeline {} at this commit", start.config, start.kind))
            .reason(format!("It serves: {}.", if kinds.is_empty() { "none".to_owned() } else { kinds.join(", ") }))
            .help("Start another revision, or apply the manifests of this commit.")
    })
}

/// Scripts are those of the commit; stages, order, images and flags those of the manifest. They must belong together.
pub(super) fn check_structure(asked: Option<&str>, found: &str, config: &str) -> Result<(), Failure> {
    if asked.is_none_or(|asked| asked == found) {
        return Ok(());
    }
    Err(Failure::new(FailureKind::Setting, format!("the manifests on the cluster are not those of this commit's `{config}`"))
        .reason("Stages, their order, images or flags differ, so the run would not be what the commit says.")
        .help("Apply the manifests of this commit: sidestage build --target tekton --out DIR && kubectl apply -k DIR"))
}
