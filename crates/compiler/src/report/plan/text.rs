//! The plan for people.

use std::collections::HashMap;
use std::fmt::Write;

use unicode_width::UnicodeWidthStr;

use crate::plan::{Origin, Plan, PlannedRead, PlannedStage, PlannedTrigger};
use crate::report::Look;

/// What every payload has besides variables.
const ALWAYS: &str = "always: repositories, artifacts, debug mode, name and type of the pipeline, the configuration at its commit";
/// Longer names are not aligned.
const MAX_NAME: usize = 40;

/// The plan as text, in the room that there is.
pub fn text(plan: &Plan, look: Look) -> String {
    let mut out = Text { look, text: String::new() };
    out.line(&format!("{} ({}; pipelines: {})", plan.config, plan.format, or_none(&plan.pipelines.join(", "))), "");
    if plan.triggers.is_empty() && plan.missing.is_empty() {
        out.line("\nNothing is triggered.", "");
    }
    if !plan.triggers.is_empty() {
        out.line(&format!("\nA run carries what its trigger lists, and {ALWAYS}."), "");
    }
    let mut told: HashMap<&str, &PlannedTrigger> = HashMap::new();
    for trigger in &plan.triggers {
        out.trigger(trigger, told.get(trigger.stage.as_str()).copied());
        told.entry(&trigger.stage).or_insert(trigger);
    }
    for missing in &plan.missing {
        out.line(&format!("\n{}   triggered at {}", missing.stage, missing.site), "");
        out.line("  NO SUCH STAGE in this configuration", "");
    }
    if !plan.requires.properties.is_empty() || !plan.requires.secrets.is_empty() {
        out.line("\nThe pipeline must have", "");
        for (kind, names) in [("property", &plan.requires.properties), ("secret  ", &plan.requires.secrets)] {
            for name in names {
                out.line(&format!("  {kind}  {name}"), "");
            }
        }
    }
    for pipeline in &plan.runs {
        out.line(&format!("\nThe pipeline {} runs", pipeline.pipeline), "");
        let width = column(pipeline.stages.iter().map(|stage| stage.id.as_str()));
        for stage in &pipeline.stages {
            let padding = " ".repeat(width.saturating_sub(stage.id.width()));
            out.line(format!("  {}{padding}  {}", stage.id, how(stage)).trim_end(), &" ".repeat(width + 4));
        }
    }
    if !plan.assumptions.is_empty() {
        out.line("\nAssumptions", "");
        for assumption in &plan.assumptions {
            out.line(&format!("  {assumption}"), "    ");
        }
    }
    out.text
}

struct Text {
    look: Look,
    text: String,
}

impl Text {
    /// A line, after an empty one where it begins with a line break; and what it is continued with.
    fn line(&mut self, text: &str, rest: &str) {
        let text = text.strip_prefix('\n').inspect(|_| self.text.push('\n')).unwrap_or(text);
        self.text.push_str(&self.look.indented(text, "", rest));
        self.text.push('\n');
    }

    /// A trigger; what its stage reads is told once, where it comes from the same places.
    fn trigger(&mut self, trigger: &PlannedTrigger, earlier: Option<&PlannedTrigger>) {
        self.line(&format!("\n{}   triggered at {}, in {}", trigger.stage, trigger.site, or_none(&trigger.pipelines.join(", "))), "    ");
        if let Some(description) = &trigger.description {
            for line in description.trim_end().lines() {
                self.line(&format!("  {line}"), "  ");
            }
        }
        let exports: Vec<String> =
            trigger.exports.iter().map(|export| format!("{}{}", export.name, if export.certain { "" } else { "?" })).collect();
        self.line(&format!("  carries   {}", or_none(&exports.join(", "))), "            ");
        if let Some(earlier) = earlier.filter(|earlier| earlier.reads == trigger.reads && !trigger.reads.is_empty()) {
            self.line(&format!("  reads     the same, from the same places, as when triggered at {}", earlier.site), "            ");
            return;
        }
        let width = column(trigger.reads.iter().map(|read| read.name.as_str()));
        for read in &trigger.reads {
            let need = if read.required { "needs   " } else { "optional" };
            let padding = " ".repeat(width.saturating_sub(read.name.width()));
            let rest = " ".repeat(14 + width);
            // Names end in one column.
            self.line(&format!("  {need}  {padding}{}: {}", read.name, whence(read)), &rest);
        }
    }
}

/// The width of a column of names.
fn column<'a>(names: impl Iterator<Item = &'a str>) -> usize {
    names.map(UnicodeWidthStr::width).filter(|width| *width <= MAX_NAME).max().unwrap_or_default()
}

/// When and how a stage runs, and what it starts.
fn how(stage: &PlannedStage) -> String {
    let mut how = Vec::new();
    if stage.skip {
        how.push("never: it is skipped".to_owned());
    }
    if stage.script.is_none() && !stage.skip {
        how.push("the platform's own script".to_owned());
    }
    if stage.on_failure {
        how.push("at the end, where a stage has failed".to_owned());
    } else if stage.always {
        how.push("at the end, whatever happened".to_owned());
    } else if !stage.after.is_empty() {
        how.push(format!("after {}", stage.after.join(", ")));
    }
    how.extend(stage.when.iter().map(|when| format!("when {when}")));
    if stage.may_fail {
        how.push("may fail".to_owned());
    }
    how.extend(stage.timeout.iter().map(|timeout| format!("for at most {timeout}")));
    how.extend(stage.task_timeout.iter().map(|timeout| format!("its task for at most {timeout}")));
    if !stage.triggers.is_empty() {
        how.push(format!("starts {}", stage.triggers.join(", ")));
    }
    how.join("; ")
}

/// Where a value comes from, and what its contract says of it.
fn whence(read: &PlannedRead) -> String {
    let at = read.unsent.as_ref().map_or_else(|| "by the parent".to_owned(), |place| format!("at {place}"));
    let mut from = match read.from {
        Origin::Export => "exported".to_owned(),
        Origin::Property => "property of the pipeline".to_owned(),
        Origin::Parameter => "parameter of the pipeline".to_owned(),
        Origin::Platform => "provided by the platform".to_owned(),
        Origin::Own => "set by the stage itself".to_owned(),
        Origin::Unexported => format!("NOT SENT (set {at}, never exported before the trigger)"),
        Origin::Unproven => "set by the parent, only code that cannot be followed could export it".to_owned(),
        Origin::Late => format!("NOT SENT (exported only after the trigger, {at})"),
        Origin::UnexportedParameter => "NOT SENT (parameter of the parent's trigger, not exported)".to_owned(),
        Origin::Unknown => "not set here: must be a pipeline property".to_owned(),
    };
    let contract = read.contract.as_ref();
    // Writing to a string cannot fail.
    if let Some(pattern) = contract.and_then(|contract| contract.pattern.as_ref()) {
        let _ = write!(from, "; must match `{pattern}`");
    }
    if let Some(default) = contract.and_then(|contract| contract.default.as_ref()) {
        let _ = write!(from, "; else `{default}`");
    }
    from
}

fn or_none(text: &str) -> &str {
    if text.is_empty() { "nothing" } else { text }
}
