//! The beginning of an async run: its payload to data, properties, repositories and the script of its stage.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use sidestage_compiler::emit::tekton::structure;

use super::git::Git;
use super::pod::Pod;
use super::start::{broken_store, check_structure};
use super::workspace::{OWN, RunFacts, Workspace, unwritable};
use super::{Planner, payload_text};
use crate::failure::{Failure, FailureKind};
use crate::pipelinectl::RunData;
use crate::receive::{Received, refused};

/// Begins the run of a stage. `text` is the payload as the run has it.
///
/// # Errors
/// Where the payload is none, or of another stage; where a repository cannot be cloned, or the manifest does not suit the
/// commit.
pub fn receive(pod: &Pod, stage: &str, text: &str, asked: Option<&str>, plan_of: Planner<'_>) -> Result<(), Failure> {
    let payload = payload_text::read(text).map_err(refused)?;
    let received = Received::read(&payload)?;
    if received.stage != stage {
        return Err(refused(format!("it is for the stage `{}`, and this pipeline runs `{stage}`", received.stage)));
    }
    if received.reaches(OWN) {
        return Err(refused(format!("a repository would be cloned into {OWN}, where the run keeps its own things")));
    }
    let workspace = Workspace::new(&pod.workspace);
    workspace.install()?;
    let data = RunData::at(&pod.workspace.join(".pipelinectl"));
    data.load(&received.state).map_err(broken_store)?;
    let config = &received.config;
    mount(&pod.config, &payload)?;
    let own = [("ONE_PIPELINE_CONFIG_DIRECTORY_NAME", config.path.as_str()), ("pipeline-debug", "0")];
    let provided = received.pipeline.iter().map(|(key, value)| (*key, value.as_str())).chain(own);
    for (name, value) in provided.filter(|(name, _)| !pod.config.join(name).exists()) {
        put(&pod.config, name, value.as_bytes())?;
    }
    let git = Git::new(&workspace, None);
    received.clone_into(&pod.workspace, &|arguments, folder| git.call(arguments, folder))?;
    let root = pod.workspace.join(&config.path);
    if config.path.is_empty() || !root.is_dir() {
        return Err(Failure::new(
            FailureKind::Data,
            format!("the repository of the configuration is not in the workspace: {}", config.path),
        )
        .reason("The parent run did not know its commit, so it was not sent along.")
        .help("In the parent run, type: save_repo app-repo url=URL path=PATH commit=COMMIT"));
    }
    let plan = plan_of(&root, &config.file).map_err(|reason| Failure::new(FailureKind::Setting, reason))?;
    let planned = plan.targets.iter().find(|target| target.name == stage);
    let planned = planned.ok_or_else(|| {
        let names: Vec<&str> = plan.targets.iter().map(|target| target.name.as_str()).collect();
        Failure::new(FailureKind::Setting, format!("`{}` has no async stage `{stage}` at this commit", config.file))
            .reason(format!("It has: {}.", if names.is_empty() { "none".to_owned() } else { names.join(", ") }))
    })?;
    check_structure(asked, &structure([planned]), &config.file)?;
    workspace.unpack(std::iter::once(planned))?;
    workspace.keep_payload(&payload)?;
    workspace.keep(&RunFacts { repository: config.path.clone(), config: config.file.clone(), kind: String::new() })
}

/// The properties of the parent's pipeline, as they were then: a file each.
fn mount(folder: &Path, payload: &str) -> Result<(), Failure> {
    let payload: Value = serde_json::from_str(payload).unwrap_or_default();
    for (name, value) in payload["properties"].as_object().into_iter().flatten() {
        let bytes = match value {
            Value::String(text) => text.clone().into_bytes(),
            other => STANDARD
                .decode(other["base64"].as_str().unwrap_or_default())
                .map_err(|_| refused(format!("the property {name:?} is neither text nor base64")))?,
        };
        put(folder, name, &bytes)?;
    }
    Ok(())
}

/// A name comes from others: it must be that of a file in the folder itself.
fn put(folder: &Path, name: &str, value: &[u8]) -> Result<(), Failure> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    if !(1..=253).contains(&name.len()) || name.starts_with("..") || name == "." || !name.bytes().all(is_plain) {
        return Err(refused(format!("the property {name:?} has a name that no property has")));
    }
    let write = || {
        fs::create_dir_all(folder)?;
        fs::write(folder.join(name), value)?;
        fs::set_permissions(folder.join(name), fs::Permissions::from_mode(0o644))
    };
    write().map_err(|error| unwritable(&format!("the property {name}"), &error))
}
