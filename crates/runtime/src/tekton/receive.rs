//! The beginning of an async run: its payload to data, properties, repositories and the script of its stage.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use sidestage_compiler::emit::tekton::{async_stages, structure};
use sidestage_compiler::plan::{Plan, PlannedStage};

use super::git::Git;
use super::pod::Pod;
use super::start::check_structure;
use super::workspace::{RunFacts, Workspace, unwritable};
use super::{Planner, payload_text};
use crate::failure::{Failure, FailureKind};
use crate::pipelinectl::RunData;
use crate::receive::{Received, refused};
use crate::tools;

/// What is begun.
#[derive(Debug)]
pub struct Receive<'a> {
    /// The stage.
    pub stage: &'a str,
    /// The payload, as the run has it.
    pub payload: &'a str,
    /// What the manifest was made from.
    pub structure: Option<&'a str>,
}

/// Begins the run of a stage; what there is to say on the way goes to `say`.
///
/// # Errors
/// Where the payload is none, or of another stage; where a repository cannot be cloned, or the manifest does not suit the
/// commit.
pub fn receive(pod: &Pod, receive: &Receive<'_>, plan_of: Planner<'_>, say: &mut dyn FnMut(&str)) -> Result<(), Failure> {
    let payload = payload_text::read(receive.payload).map_err(refused)?;
    let received = read(&payload, receive.stage)?;
    let workspace = Workspace::new(&pod.workspace);
    workspace.install(say)?;
    RunData::at(&pod.workspace.join(".pipelinectl")).load(&received.state).map_err(refused)?;
    mount(pod, &received)?;
    let git = Git::new(&workspace, None);
    received.clone_into(&pod.workspace, &|arguments, folder| git.call(arguments, folder))?;
    let config = &received.config;
    let plan = plan_of(&root(pod, &config.path)?, &config.file).map_err(|reason| Failure::new(FailureKind::Setting, reason))?;
    let planned = stage_of(&plan, receive.stage)?;
    check_structure(receive.structure, &structure([planned]), &config.file)?;
    workspace.unpack(std::iter::once(planned))?;
    workspace.keep_payload(&payload)?;
    workspace.keep(&RunFacts { repository: config.path.clone(), config: config.file.clone() })
}

/// A payload for this stage.
fn read(payload: &str, stage: &str) -> Result<Received, Failure> {
    let received = Received::read(payload)?;
    if received.stage != stage {
        return Err(refused(format!("it is for the stage `{}`, and this pipeline runs `{stage}`", received.stage)));
    }
    Ok(received)
}

/// The repository of the configuration.
fn root(pod: &Pod, path: &str) -> Result<PathBuf, Failure> {
    let root = pod.workspace.join(path);
    if !path.is_empty() && root.is_dir() {
        return Ok(root);
    }
    Err(Failure::new(FailureKind::Data, format!("the repository of the configuration is not in the workspace: {path}"))
        .reason("The parent run did not know its commit, so it was not sent along.")
        .help("In the parent run, type: save_repo app-repo url=URL path=PATH commit=COMMIT"))
}

fn stage_of<'p>(plan: &'p Plan, stage: &str) -> Result<&'p PlannedStage, Failure> {
    plan.targets.iter().find(|target| target.name == stage).ok_or_else(|| {
        let names: Vec<&str> = async_stages(plan).map(|target| target.name.as_str()).collect();
        Failure::new(FailureKind::Setting, format!("`{}` has no async stage `{stage}` at this commit", plan.config))
            .reason(format!("It has: {}.", if names.is_empty() { "none".to_owned() } else { names.join(", ") }))
    })
}

/// The properties of the parent's pipeline, as they were then, a file each; and what the platform adds to them.
fn mount(pod: &Pod, received: &Received) -> Result<(), Failure> {
    let folder = &pod.config;
    for (name, value) in received.properties()? {
        put(folder, &name, &value)?;
    }
    let own = [("ONE_PIPELINE_CONFIG_DIRECTORY_NAME", received.config.path.as_str()), ("pipeline-debug", "0")];
    let provided = received.pipeline.iter().map(|(key, value)| (*key, value.as_str())).chain(own);
    let mut missing = provided.filter(|(name, _)| !folder.join(name).exists());
    missing.try_for_each(|(name, value)| put(folder, name, value.as_bytes()))
}

/// A name comes from others: it must be that of a file in the folder itself.
fn put(folder: &Path, name: &str, value: &[u8]) -> Result<(), Failure> {
    // What begins with two dots is a cluster's own; the folder of the secure ones lies in this one.
    if !tools::is_property_name(name) || name.starts_with("..") || name == "secure-properties" {
        return Err(refused(format!("the property {name:?} has a name that no property has")));
    }
    let write = || {
        fs::create_dir_all(folder)?;
        fs::write(folder.join(name), value)?;
        fs::set_permissions(folder.join(name), fs::Permissions::from_mode(0o644))
    };
    write().map_err(|error| unwritable(&format!("the property {name}"), &error))
}
