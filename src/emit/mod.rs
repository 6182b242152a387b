//! The plan to scripts and manifests, through the templates of `templates/`.
//!
//! The same plan gives the same bytes: nothing here knows the time, the machine or a path of it.

mod carried;
mod manifest;
mod terraform;

use std::collections::BTreeMap;

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, Error, ErrorKind, UndefinedBehavior, Value, context};
use serde::Serialize;

pub use manifest::Manifest;

use crate::plan::{Plan, PlannedTrigger};
use crate::platform;

/// How async runs are started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// The emitted scripts set up the webhook, call it and register the run.
    Webhook,
    /// The platform ships `trigger-task`: checks, exports, and the call.
    Platform,
}

/// What is emitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// The scripts, and the manifests beside them.
    Scripts,
    /// The set-up of the webhook for Terraform.
    Terraform,
}

/// What the emitted files are to suit.
#[derive(Debug, Clone)]
pub struct Target {
    /// What is emitted; the order does not matter.
    pub parts: Vec<Part>,
    /// How runs are started.
    pub transport: Transport,
    /// The listener of the webhook's trigger.
    pub event_listener: String,
}

impl Default for Target {
    fn default() -> Self {
        Self { parts: vec![Part::Scripts], transport: Transport::Webhook, event_listener: platform::EVENT_LISTENER.to_owned() }
    }
}

/// A file to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Emitted {
    /// Relative to the output folder, with `/`.
    pub path: String,
    /// Its text.
    pub text: String,
    /// Whether it can be run.
    pub is_executable: bool,
}

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

/// All files of a plan, sorted by path.
///
/// # Errors
/// If a template is broken: a fault of ours, never of the plan.
pub fn emit(plan: &Plan, target: &Target) -> Result<Vec<Emitted>, Error> {
    let manifest = Manifest::new(plan, target);
    let mut files = Vec::new();
    if target.parts.contains(&Part::Scripts) {
        files.extend(scripts(plan, target, &manifest)?);
    }
    if target.parts.contains(&Part::Terraform) {
        files.push(json("webhook.tf.json", &terraform::terraform(&manifest, &plan.config))?);
    }
    files.sort_by(|left, right| left.path.cmp(&right.path));
    Ok(files)
}

fn scripts(plan: &Plan, target: &Target, manifest: &Manifest) -> Result<Vec<Emitted>, Error> {
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

fn json(path: &str, value: &impl Serialize) -> Result<Emitted, Error> {
    let text = serde_json::to_string_pretty(value).map_err(|error| Error::new(ErrorKind::BadSerialization, error.to_string()))?;
    Ok(Emitted { path: path.to_owned(), text: format!("{text}\n"), is_executable: false })
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
