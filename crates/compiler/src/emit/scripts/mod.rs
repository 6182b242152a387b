//! The trigger scripts, the set-up of the webhook and the receiving side, through the templates of `templates/`.

mod carried;

use std::collections::BTreeMap;

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, Error, ErrorKind, UndefinedBehavior, Value, context};
use serde::Serialize;

use super::{Emitted, Manifest, Target, Transport, json};
use crate::plan::{Plan, PlannedTrigger};
use crate::platform;

macro_rules! templates {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!("templates/", $name)))),*]
    };
}

const TEMPLATES: &[(&str, &str)] = templates![
    "api.sh.j2",
    "async-stage.sh.j2",
    "contract.sh.j2",
    "http.sh.j2",
    "list-async-runs.sh.j2",
    "messages.sh.j2",
    "payload.sh.j2",
    "retry.sh.j2",
    "runs.sh.j2",
    "setup-webhook.sh.j2",
    "trigger-platform.sh.j2",
    "trigger.sh.j2",
];

/// The files of this target.
pub(super) fn scripts(plan: &Plan, target: &Target, manifest: &Manifest) -> Result<Vec<Emitted>, Error> {
    let environment = environment()?;
    let shared = Shared::new(plan, target);
    let script = |path: String, template: &str, context: Value| -> Result<Emitted, Error> {
        let text = environment.get_template(template)?.render(context)?;
        Ok(Emitted { path, text, is_executable: true })
    };
    let mut files = Vec::new();
    for (stage, triggers) in by_stage(plan) {
        let template = match target.transport {
            Transport::Webhook => "trigger.sh.j2",
            Transport::Platform => "trigger-platform.sh.j2",
        };
        let context = context! { stage, exports => Value::from(Serde(carried::carried(&triggers))), ..Value::from(Serde(&shared)) };
        files.push(script(format!("trigger/{stage}.sh"), template, context)?);
    }
    files.push(json("plan.json", plan)?);
    if target.transport == Transport::Webhook {
        let common = || Value::from(Serde(&shared));
        files.push(script("setup-webhook.sh".to_owned(), "setup-webhook.sh.j2", common())?);
        files.push(script("list-async-runs.sh".to_owned(), "list-async-runs.sh.j2", common())?);
        files.push(script("async-stage.sh".to_owned(), "async-stage.sh.j2", common())?);
        files.push(json("webhook.json", manifest)?);
        for stage in &plan.stages {
            if let Some(text) = &stage.script {
                files.push(Emitted { path: format!("stages/{}", stage.name), text: text.clone(), is_executable: true });
            }
        }
    }
    Ok(files)
}

fn by_stage(plan: &Plan) -> BTreeMap<&str, Vec<&PlannedTrigger>> {
    let mut stages: BTreeMap<&str, Vec<&PlannedTrigger>> = BTreeMap::new();
    for trigger in &plan.triggers {
        stages.entry(&trigger.stage).or_default().push(trigger);
    }
    stages
}

/// What every template knows.
#[derive(Debug, Serialize)]
struct Shared<'a> {
    generator: &'static str,
    webhook: Webhook<'a>,
    config: Config<'a>,
    stages: Vec<&'a str>,
}

#[derive(Debug, Serialize)]
struct Webhook<'a> {
    trigger_name: &'static str,
    event_listener: &'a str,
    header: &'static str,
    property: &'static str,
}

#[derive(Debug, Serialize)]
struct Config<'a> {
    path: &'a str,
}

impl<'a> Shared<'a> {
    fn new(plan: &'a Plan, target: &'a Target) -> Self {
        Self {
            generator: "sidestage",
            webhook: Webhook {
                trigger_name: platform::TRIGGER_NAME,
                event_listener: &target.event_listener,
                header: platform::TOKEN_HEADER,
                property: platform::TOKEN_PROPERTY,
            },
            config: Config { path: &plan.config },
            stages: plan.stages.iter().map(|stage| stage.name.as_str()).collect(),
        }
    }
}

fn environment() -> Result<Environment<'static>, Error> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    // Escaping is asked for where a value stands: in most places of a script only `sh` is right, in comments nothing is.
    environment.set_auto_escape_callback(|_| AutoEscape::None);
    // A line that holds only a tag leaves no line behind.
    environment.set_syntax(SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).keep_trailing_newline(true).build()?);
    environment.add_filter("sh", quoted_for_shell);
    for (name, text) in TEMPLATES {
        environment.add_template(name, text)?;
    }
    Ok(environment)
}

fn quoted_for_shell(text: &str) -> Result<String, Error> {
    let quoted = shlex::try_quote(text).map_err(|error| Error::new(ErrorKind::InvalidOperation, error.to_string()))?;
    Ok(quoted.into_owned())
}
