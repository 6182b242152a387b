//! Which keys belong where: what `unknown-key` and `misplaced-key` share.

use crate::config::Format;
use crate::config::schema::Violation;
use crate::rules::Context;

/// Where in a configuration a key is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Level {
    Top,
    Stage,
    Task,
    Step,
    Contract,
    Variable,
}

impl Level {
    pub(crate) fn of(context: &Context<'_>, violation: &Violation) -> Self {
        let path: Vec<&str> = violation.path.iter().map(String::as_str).collect();
        match (context.model.format, path.as_slice()) {
            (_, [.., "x-async"]) => Self::Contract,
            (_, [.., "x-async", "reads", _]) => Self::Variable,
            (_, []) => Self::Top,
            (Format::V1, _) => Self::Stage,
            (Format::V2, [_, _]) => Self::Task,
            (Format::V2, _) => Self::Step,
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Top => "configuration",
            Self::Stage => "stage",
            Self::Task => "task",
            Self::Step => "step",
            Self::Contract => "contract",
            Self::Variable => "contract variable",
        }
    }

    pub(crate) fn keys(self) -> &'static [&'static str] {
        match self {
            Self::Top => &["version", "tasks", "finally"],
            Self::Stage => &[
                "script",
                "image",
                "abort_on_failure",
                "dind",
                "dind_image",
                "skip",
                "image_pull_policy",
                "runAfter",
                "configmap",
                "secret",
                "runtimeClassName",
                "x-async",
            ],
            Self::Task => &["steps", "runAfter", "displayName", "runtimeClassName", "when", "from", "timeout", "include"],
            Self::Step => &["name", "script", "image", "onError", "when", "timeout", "include", "displayName", "x-async"],
            Self::Contract => &["description", "triggered-by", "reads"],
            Self::Variable => &["required", "pattern", "default", "description"],
        }
    }
}

/// Whether a violation is in a section of the other format: the section itself is what is wrong.
pub(crate) fn is_in_misplaced_section(context: &Context<'_>, violation: &Violation) -> bool {
    context.model.format == Format::V1 && matches!(violation.path.first().map(String::as_str), Some("tasks" | "finally" | "steps"))
}

/// What to write instead of a key that belongs elsewhere; `None` for keys that belong nowhere.
pub(crate) fn advice(context: &Context<'_>, violation: &Violation, key: &str) -> Option<&'static str> {
    Some(match (Level::of(context, violation), key) {
        (Level::Step | Level::Task, "abort_on_failure") => "write `onError: continue` on the step for `false`; `true` is the default",
        (Level::Step, "dind") => "write `include: [dind]`",
        (Level::Task, "dind") => "write `include: [dind]` on the task or on the step that needs it",
        (Level::Step | Level::Task, "skip") => "write `when: 'false'`",
        (Level::Step | Level::Task, "image_pull_policy") => "remove it: format 2 has no pull policy",
        (Level::Step, "runAfter") => "steps run in the order of the list: move it to the task, with a list of tasks",
        (Level::Step, "runtimeClassName") => "move it to the task",
        (Level::Step | Level::Task, "env") => "set variables in the script, or with `set_env`",
        (Level::Task, "script" | "image" | "onError") => "move it to a step under `steps`",
        (Level::Step, "from") => "`from` copies whole tasks: move it to the task",
        (Level::Top, "preprocessor_version") => "remove it: it belongs to format 1",
        (Level::Top, _) if is_stage(context, key) => "format 2 has no stages at the top: make it a step of a task under `tasks`",
        (Level::Stage, "onError") => "write `abort_on_failure: false` for `continue`",
        (Level::Stage, "include") => "write `dind: true` if docker is needed",
        (Level::Stage, "when") => "write `skip: true` to leave the stage out, or test in the script",
        (Level::Stage, "from" | "steps" | "timeout" | "displayName") => "it belongs to tasks of format 2, `version: '2'`",
        _ => return None,
    })
}

fn is_stage(context: &Context<'_>, key: &str) -> bool {
    let value = context.document.root().and_then(|root| context.document.get(context.text, root, key));
    let has = |field| value.and_then(|value| context.document.get(context.text, value, field)).is_some();
    has("script") || has("image")
}

#[cfg(test)]
#[allow(clippy::expect_used)] // a test that panics has failed, as it should
mod tests {
    use std::collections::BTreeSet;

    use super::Level;
    use crate::config::schema;

    #[test]
    fn the_keys_of_a_level_are_those_of_its_schema() {
        for (level, name, pointer) in [
            (Level::Top, "config-v2", ""),
            (Level::Stage, "config-v1", "/$defs/stage"),
            (Level::Task, "config-v2", "/$defs/task"),
            (Level::Step, "config-v2", "/$defs/step"),
            (Level::Contract, "async-contract", ""),
            (Level::Variable, "async-contract", "/$defs/variable"),
        ] {
            let schema: serde_json::Value = serde_json::from_str(schema::named(name).expect("a schema of ours").text).expect("JSON");
            let properties = schema.pointer(&format!("{pointer}/properties")).and_then(serde_json::Value::as_object);
            let expected: BTreeSet<&str> = properties.expect("properties").keys().map(String::as_str).collect();
            assert_eq!(level.keys().iter().copied().collect::<BTreeSet<_>>(), expected, "a {}", level.name());
        }
    }
}
