//! The payload: `schemas/payload.schema.json`. It is shown to everybody who sees the run: passwords in addresses stay behind.

use std::fs;
use std::path::Path;

use serde::Serialize;

use super::addresses::{has_password, in_workspace, is_below_workspace, shareable};
use super::json::{Json, written};
use super::surroundings::Surroundings;
use crate::api::{Failure, FailureKind};
use crate::run_store::RunStore;

/// The most that the webhook takes, in bytes.
pub(super) const LIMIT: usize = 512 * 1024;

/// The body of the webhook call.
#[derive(Serialize)]
struct Payload<'a> {
    sidestage: u32,
    stage: &'a str,
    nonce: &'a str,
    pipeline: Pipeline<'a>,
    config: Config,
    #[serde(skip_serializing_if = "Option::is_none")]
    properties: Option<Json>,
    state: Json,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Pipeline<'a> {
    id: &'a str,
    name: String,
    r#type: String,
    run_id: &'a str,
    run_url: &'a str,
    debug: String,
}

/// Where the configuration is.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Config {
    url: String,
    branch: String,
    commit: String,
    path: String,
    file: String,
}

/// Where a payload goes.
pub(super) struct Way {
    /// The name of the pipeline.
    pub(super) pipeline: String,
    /// The properties of the pipeline, where the stage cannot see them itself.
    pub(super) properties: Option<Json>,
    /// The most bytes that it takes, where that is known of the payload as it is.
    pub(super) limit: Option<usize>,
}

/// What a payload is made of.
pub(super) struct Source<'a> {
    pub(super) store: RunStore,
    pub(super) surroundings: &'a Surroundings,
    /// The configuration, relative to the root of its repository.
    pub(super) config: &'a str,
    pub(super) stage: &'a str,
    pub(super) nonce: &'a str,
}

impl Source<'_> {
    /// The text of the payload, with its line end.
    ///
    /// # Errors
    /// Where the stage could not get what it holds, or it is too large.
    pub(super) fn payload(&self, state: &Json, way: Way, say: &mut dyn FnMut(&str)) -> Result<String, Failure> {
        let mut shared = state.clone();
        for part in ["repos", "artifacts"] {
            if let Json::Object(members) = &mut shared
                && let Some(records) = members.get_mut(part)
            {
                records.change_texts(&|text| shareable(text).into_owned());
            }
        }
        self.shorten(&mut shared);
        let config = self.config_of(&shared)?;
        if config.commit.is_empty() {
            say(&format!(
                "warning: the commit of the configuration repository is not known (folder '{}', url '{}'); the stage must find the repository in its workspace.",
                config.path, config.url
            ));
        }
        tell_passwords(state, say);
        self.check_repositories(&shared)?;
        let payload = Payload {
            sidestage: 1,
            stage: self.stage,
            nonce: self.nonce,
            pipeline: Pipeline {
                id: &self.surroundings.pipeline_id,
                name: way.pipeline,
                r#type: self.variable("pipeline_namespace")?,
                run_id: &self.surroundings.run_id,
                run_url: &self.surroundings.run_url,
                debug: self.variable("pipeline-debug")?,
            },
            config,
            properties: way.properties,
            state: shared,
        };
        let text = format!("{}\n", written(&payload));
        if let Some(limit) = way.limit {
            self.check_size(&text, limit, state)?;
        }
        Ok(text)
    }

    fn variable(&self, name: &str) -> Result<String, Failure> {
        Ok(self.store.variable(name)?.unwrap_or_default())
    }

    /// The name of the pipeline; `ask` is for where the run does not know it.
    pub(super) fn pipeline_name(&self, ask: impl FnOnce() -> Result<String, Failure>) -> Result<String, Failure> {
        let own = or_else(self.surroundings.pipeline_name.clone(), || self.variable("pipeline-name"))?;
        or_else(own, ask)
    }

    /// Paths of repositories are those below the workspace; the marks are the sender's own.
    fn shorten(&self, state: &mut Json) {
        let Json::Object(members) = state else { return };
        members.shift_remove("exported");
        if let Some(Json::Object(repositories)) = members.get_mut("repos") {
            for repository in repositories.values_mut() {
                if let Json::Object(properties) = repository
                    && let Some(Json::String(path)) = properties.get_mut("path")
                {
                    *path = self.in_workspace(path);
                }
            }
        }
    }

    fn in_workspace(&self, path: &str) -> String {
        in_workspace(path, &self.surroundings.workspace)
    }

    /// Where the configuration is, the pipeline says; the repository that is registered for its folder completes it, and
    /// the commit that is checked out there.
    fn config_of(&self, state: &Json) -> Result<Config, Failure> {
        let repositories: Vec<&Json> = state.get("repos").into_iter().flat_map(Json::members).map(|(_, repository)| repository).collect();
        let path_of = |repository: &Json| repository.get("path").and_then(Json::text).unwrap_or_default().to_owned();
        let app = state.get("repos").and_then(|repositories| repositories.get("app-repo")).map(path_of).unwrap_or_default();
        let told = or_else(self.surroundings.config_repo_path.clone(), || self.variable("ONE_PIPELINE_CONFIG_DIRECTORY_NAME"))?;
        let named = [told, app].into_iter().find(|path| !path.is_empty()).unwrap_or_else(|| "one-pipeline-config-repo".to_owned());
        let path = Some(self.in_workspace(&named)).filter(|path| !path.is_empty()).unwrap_or_else(|| ".".to_owned());
        let repository = repositories.iter().find(|repository| path_of(repository) == path && !path.is_empty());
        let registered = |name: &str| repository.and_then(|repository| repository.get(name)?.text()).unwrap_or_default().to_owned();
        let url = or_else(self.variable("pipeline-config-repo")?, || Ok(registered("url")))?;
        let url = shareable(&url).into_owned();
        let branch = or_else(self.variable("pipeline-config-branch")?, || Ok(registered("branch")))?;
        let mut commit = registered("commit");
        let is_known = !url.is_empty() && path != ".";
        if path != "." && commit.is_empty() {
            commit = checked_out_commit(&Path::new(&self.surroundings.workspace).join(&path));
        }
        if !is_known {
            commit.clear();
        }
        let file = or_else(self.surroundings.config_path.clone(), || self.variable("pipeline-config"))?;
        let file = self.in_workspace(&file);
        let file = file.strip_prefix(&format!("{path}/")).unwrap_or(&file).to_owned();
        let file = if file.is_empty() { self.config.to_owned() } else { file };
        if path.starts_with('/') || path.split('/').any(|part| part == "..") {
            let reason = format!(
                "The stage gets the configuration's repository in the same folder of its own workspace, which is {} here.",
                self.surroundings.workspace
            );
            return Err(Failure::new(FailureKind::Setting, format!("the folder of the configuration is not below the workspace: {path}"))
                .reason(reason)
                .help("Type: export PIPELINE_CONFIG_REPO_PATH=<a folder of the workspace>"));
        }
        Ok(Config { url, branch, commit, path, file })
    }

    /// Nothing is started that is bound to fail.
    fn check_repositories(&self, state: &Json) -> Result<(), Failure> {
        let problems: Vec<String> = state
            .get("repos")
            .into_iter()
            .flat_map(Json::members)
            .filter(|(_, repository)| matches!(repository, Json::Object(_)))
            .flat_map(|(name, repository)| {
                refusals(repository).into_iter().map(move |problem| format!("repository {}: {problem}", written(name)))
            })
            .collect();
        if problems.is_empty() {
            return Ok(());
        }
        let what = format!("the stage {} cannot get the repositories of this run\n  {}", self.stage, problems.join("\n  "));
        Err(Failure::new(FailureKind::Data, what)
            .reason("The receiving side clones every registered repository at its commit, so the stage was not started.")
            .help("Before the trigger, type: save_repo NAME url=URL path=PATH commit=COMMIT"))
    }

    fn check_size(&self, text: &str, limit: usize, state: &Json) -> Result<(), Failure> {
        if text.len() <= limit {
            return Ok(());
        }
        let size = |value: &Json| value.text().map_or_else(|| written(value).len(), str::len);
        let mut sizes: Vec<(usize, &String)> =
            state.get("env").into_iter().flat_map(Json::members).map(|(name, value)| (size(value), name)).collect();
        sizes.sort_by_key(|(size, _)| std::cmp::Reverse(*size));
        let biggest: Vec<String> = sizes.iter().take(5).map(|(size, name)| format!("{name}: {size} bytes")).collect();
        let biggest = if biggest.is_empty() { "(none: repositories and artifacts fill it)".to_owned() } else { biggest.join("\n  ") };
        let what = format!("the payload of stage {} has {} bytes; the webhook takes at most {limit}", self.stage, text.len());
        Err(Failure::new(FailureKind::Size, what)
            .reason(format!("The biggest variables are:\n  {biggest}"))
            .help("Export less, or save big data elsewhere and export where it is."))
    }
}

fn or_else(text: String, other: impl FnOnce() -> Result<String, Failure>) -> Result<String, Failure> {
    if text.is_empty() { other() } else { Ok(text) }
}

/// What the receiving side refuses of a repository.
fn refusals(repository: &Json) -> Vec<String> {
    let text = |name: &str| repository.get(name).and_then(Json::text).filter(|text| !text.is_empty());
    let is_hash = |commit: &str| (7..=64).contains(&commit.len()) && commit.bytes().all(|byte| byte.is_ascii_hexdigit());
    let mut problems = Vec::new();
    match text("path") {
        None => problems.push("it has no path below the workspace".to_owned()),
        Some(path) if !is_below_workspace(path) => problems.push(format!("its path is none below the workspace: {path}")),
        Some(_) => {}
    }
    if text("url").is_none() {
        problems.push("it has no url".to_owned());
    }
    if !text("commit").is_some_and(is_hash) {
        problems.push("it has no commit, or one that is no hash".to_owned());
    }
    problems
}

fn tell_passwords(state: &Json, say: &mut dyn FnMut(&str)) {
    let has_user = |text: &str| shareable(text) != text;
    for part in ["repos", "artifacts"] {
        for (name, _) in state.get(part).into_iter().flat_map(Json::members).filter(|(_, record)| record.has_text(&has_user)) {
            let name = written(name);
            say(&format!(
                "note: an address in {name} holds a password, which stays here; async-stage.sh clones with the secret git-token."
            ));
        }
    }
    for (name, value) in state.get("env").into_iter().flat_map(Json::members) {
        if value.text().is_some_and(has_password) {
            let name = written(name);
            say(&format!(
                "warning: the variable {name} holds a password in an address; it crosses in clear, for everybody who sees the run."
            ));
        }
    }
}

/// Read from `.git` itself, since this image may have no git; empty where it is not there.
fn checked_out_commit(folder: &Path) -> String {
    let git = folder.join(".git");
    let first_line = |path: &Path| fs::read_to_string(path).ok().and_then(|text| text.lines().next().map(|line| line.trim().to_owned()));
    let head = first_line(&git.join("HEAD")).unwrap_or_default();
    let commit = match head.strip_prefix("ref: ") {
        None => Some(head),
        Some(reference) => first_line(&git.join(reference)).or_else(|| {
            let packed = fs::read_to_string(git.join("packed-refs")).ok()?;
            packed
                .lines()
                .find_map(|line| Some(line.split_once(' ')?).filter(|(_, name)| *name == reference))
                .map(|(hash, _)| hash.to_owned())
        }),
    };
    let is_hash =
        |text: &String| (40..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
    commit.filter(is_hash).unwrap_or_default()
}
