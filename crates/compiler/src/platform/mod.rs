//! Facts about the platform, as data: stages and their order, parameters, pipelinectl commands.

mod commands;
pub mod duration;
mod parameters;
mod programs;
mod stages;
pub mod tekton;

pub use commands::{StoreCommand, StoreKind, is_harmless_platform_script, may_trigger};
pub use parameters::{Parameter, ParameterKind, is_provided, is_read_by_platform_scripts, is_secure, is_shell_variable, parameter};
pub use programs::{
    Kind as ProgramKind, Own, Program, SHELL_OPTIONS_WITH_VALUE, git_brings_files, in_system_folder, is_builtin, is_harmless_source,
    prints_harmless_text, program_named,
};
pub use stages::{
    PipelineKind, base_task, base_tasks, built_in_stages, is_built_in_stage, is_platform_step, runs_at_the_end, runs_on_failure, runs_step,
    stage_order, surely_runs_before, task_order,
};

/// The task of format 2 whose steps are async stages.
pub const ASYNC_TASK: &str = "async-stage";

/// The trigger that starts async runs.
pub const TRIGGER_NAME: &str = "Subpipeline Webhook Trigger";
/// The listener that the trigger uses, where the settings name no other.
pub const EVENT_LISTENER: &str = "async-stage-listener";
/// The header that carries the webhook's token.
pub const TOKEN_HEADER: &str = "x-async-stage-token";
/// The secure property of the pipeline that holds the same token.
pub const TOKEN_PROPERTY: &str = "subpipeline-webhook-token";

/// Whether the platform itself registers a repo of this name, with all that a clone needs.
pub fn is_registered_repo(name: &str) -> bool {
    matches!(name, "app-repo" | "config-repo" | "pipeline-config-repo" | "one-pipeline-config-repo" | "inventory-repo" | "evidence-repo")
}

/// The largest payload of a webhook call, in bytes.
pub const MAX_PAYLOAD: usize = 512 * 1024;
/// The longest value of a property of a pipeline, in characters.
pub const MAX_PROPERTY: usize = 4_096;

/// The longest name of a stage that can become a Kubernetes name.
pub const MAX_STAGE_NAME: usize = 63;

/// What keeps a name from being an async stage's: RFC 1123 labels are at most 63 of `[a-z0-9-]`, first and last alphanumeric.
pub fn stage_name_fault(name: &str) -> Option<String> {
    let alphanumeric = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    if name.is_empty() {
        return Some("it is empty".to_owned());
    }
    if let Some(bad) = name.chars().find(|c| !alphanumeric(*c) && *c != '-') {
        return Some(format!("`{bad}` is not one of `a-z`, `0-9` and `-`"));
    }
    if !name.starts_with(alphanumeric) || !name.ends_with(alphanumeric) {
        return Some("its first and last characters must be a letter or a digit".to_owned());
    }
    (name.len() > MAX_STAGE_NAME).then(|| format!("it has {} characters, and {MAX_STAGE_NAME} are allowed", name.len()))
}

#[cfg(test)]
mod tests {
    use super::stage_name_fault;

    #[test]
    fn stage_names_are_labels() {
        for good in ["owasp-zap", "a", "0", &"a".repeat(63)] {
            assert_eq!(stage_name_fault(good), None, "{good}");
        }
        for bad in ["", "Zap", "owasp_zap", "-zap", "zap-", "zäp", &"a".repeat(64)] {
            assert!(stage_name_fault(bad).is_some(), "{bad}");
        }
    }
}
