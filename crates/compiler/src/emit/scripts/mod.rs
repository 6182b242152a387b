//! The trigger scripts, the set-up of the webhook and the receiving side, through the templates of `templates/`.

mod carried;
mod words;

use std::collections::BTreeMap;

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, Error, UndefinedBehavior, Value, context};
use serde::Serialize;

pub use carried::Carried;

use super::exit_codes::{EXIT_CODES, ExitCode};
use super::{Emitted, Manifest, Target, Transport, json};
use crate::plan::{Plan, PlannedTrigger};
use crate::platform;

macro_rules! templates {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!("templates/", $name)))),*]
    };
}

const TEMPLATES: &[(&str, &str)] = templates![
    "lib.sh.j2",
    "lib/api.sh.j2",
    "lib/contract.sh.j2",
    "lib/http.sh.j2",
    "lib/list.sh.j2",
    "lib/messages.sh.j2",
    "lib/payload.sh.j2",
    "lib/platform.sh.j2",
    "lib/receive.sh.j2",
    "lib/retry.sh.j2",
    "lib/runs.sh.j2",
    "lib/setup.sh.j2",
    "lib/token.sh.j2",
    "lib/trigger.sh.j2",
    "script.sh.j2",
    "stages.sh.j2",
    "tools-trigger-task.j2",
];

/// The files of this target: short scripts over one library and one table of stages.
pub(super) fn scripts(plan: &Plan, target: &Target, manifest: &Manifest) -> Result<Vec<Emitted>, Error> {
    let environment = environment()?;
    let shared = Shared::new(plan, target, manifest);
    let render = |path: &str, template: &str, context: Value, is_executable: bool| -> Result<Emitted, Error> {
        let text = environment.get_template(template)?.render(context! { ..context, ..Value::from(Serde(&shared)) })?;
        Ok(Emitted { path: path.to_owned(), text, is_executable })
    };
    let short = |path: &str, command: &str, stage: Option<&str>, does: &str| {
        let text: Vec<String> = does.lines().map(|line| format!("# {line}").trim_end().to_owned()).collect();
        let up = if path.contains('/') { "../" } else { "" };
        render(path, "script.sh.j2", context! { path, command, stage, up, text => text.join("\n") }, true)
    };
    let stages = by_stage(plan);
    let rows: Vec<Row<'_>> = stages.iter().map(|(name, triggers)| Row { name, exports: carried::carried(triggers) }).collect();
    let mut files = vec![
        render("lib.sh", "lib.sh.j2", context! {}, false)?,
        render("stages.sh", "stages.sh.j2", context! { carried => Value::from(Serde(&rows)) }, false)?,
        render("tools/trigger-task", "tools-trigger-task.j2", context! {}, false)?,
        short("bin/trigger-task", "trigger_task", None, words::TRIGGER_TASK)?,
        json("plan.json", &plan.of_triggers())?,
    ];
    let trigger = if shared.is_platform { words::TRIGGER_BY_PLATFORM } else { words::TRIGGER };
    for stage in stages.keys() {
        let does = trigger.replace("STAGE", stage);
        files.push(short(&format!("trigger/{stage}.sh"), "trigger_stage", Some(stage), &does)?);
    }
    if !shared.is_platform {
        files.push(short("setup-webhook.sh", "set_up_webhook", None, words::SET_UP)?);
        files.push(short("list-async-runs.sh", "list_async_runs", None, words::LIST)?);
        files.push(short("async-stage.sh", "receive_stage", None, words::RECEIVE)?);
        files.push(json("webhook.json", manifest)?);
        for stage in plan.started() {
            if let Some(text) = &stage.script {
                files.push(Emitted { path: format!("stages/{}", stage.name), text: text.clone(), is_executable: true });
            }
        }
    }
    Ok(files)
}

/// What the start of a stage carries, sorted by name.
pub fn carried_by<'a>(plan: &'a Plan, stage: &str) -> Vec<Carried<'a>> {
    by_stage(plan).get(stage).map(|triggers| carried::carried(triggers)).unwrap_or_default()
}

/// A stage of the table.
#[derive(Debug, Serialize)]
struct Row<'a> {
    name: &'a str,
    exports: Vec<Carried<'a>>,
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
    is_platform: bool,
    exit_codes: &'static [ExitCode],
    webhook: Webhook<'a>,
    config: Config<'a>,
    stages: Vec<&'a str>,
    git_hosts: &'a [String],
    /// The pipeline's own properties that async stages read.
    properties: Vec<&'a str>,
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
    fn new(plan: &'a Plan, target: &'a Target, manifest: &'a Manifest) -> Self {
        Self {
            generator: "sidestage",
            is_platform: target.transport == Transport::Platform,
            exit_codes: EXIT_CODES,
            webhook: Webhook {
                trigger_name: platform::TRIGGER_NAME,
                event_listener: &target.event_listener,
                header: platform::TOKEN_HEADER,
                property: platform::TOKEN_PROPERTY,
            },
            config: Config { path: &plan.config },
            stages: plan.started().map(|stage| stage.name.as_str()).collect(),
            git_hosts: &target.git_hosts,
            properties: manifest.properties.iter().map(|property| property.name.as_str()).collect(),
        }
    }
}

fn environment() -> Result<Environment<'static>, Error> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    // Escaping is asked for where a value stands: in most places of a script only `sh` is right, in comments nothing is.
    environment.set_auto_escape_callback(|_| AutoEscape::None);
    // A line that holds only a tag leaves no line behind.
    // A comment of its own form, since `${#name}` is shell.
    let mut syntax = SyntaxConfig::builder();
    syntax.comment_delimiters("<#", "#>").trim_blocks(true).lstrip_blocks(true).keep_trailing_newline(true);
    environment.set_syntax(syntax.build()?);
    environment.add_filter("sh", quoted_for_shell);
    for (name, text) in TEMPLATES {
        environment.add_template(name, text)?;
    }
    Ok(environment)
}

/// A word of the shell, quoted as a person would: not at all, in single quotes, else in double ones.
fn quoted_for_shell(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_@%+=:,./-".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        text.to_owned()
    } else if text.contains(|c: char| c.is_control()) {
        let escaped: String = text.chars().map(escaped).collect();
        format!("$'{escaped}'")
    } else if !text.contains('\'') {
        format!("'{text}'")
    } else if !text.contains(['"', '$', '`', '\\', '!']) {
        format!("\"{text}\"")
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

/// A character between `$'` and `'`.
fn escaped(character: char) -> String {
    match character {
        '\n' => r"\n".to_owned(),
        '\t' => r"\t".to_owned(),
        '\r' => r"\r".to_owned(),
        '\'' | '\\' => format!("\\{character}"),
        other if other.is_control() => {
            let mut bytes = [0; 4];
            other.encode_utf8(&mut bytes).bytes().map(|byte| format!("\\{byte:03o}")).collect()
        }
        other => other.to_string(),
    }
}
