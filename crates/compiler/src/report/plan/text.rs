//! The plan for people.

use std::fmt::Write;

use crate::plan::{Origin, Plan};

/// The plan as text.
pub fn text(plan: &Plan) -> String {
    let mut out = String::new();
    let mut line = |text: String| {
        // Writing to a string cannot fail.
        let _ = writeln!(out, "{text}");
    };
    line(format!("{} ({}; pipelines: {})", plan.config, plan.format, or_none(&plan.pipelines.join(", "))));
    if plan.triggers.is_empty() && plan.missing.is_empty() {
        line("\nNothing is triggered.".to_owned());
    }
    for trigger in &plan.triggers {
        line(format!("\n{}   triggered at {}", trigger.stage, trigger.site));
        if let Some(description) = &trigger.description {
            line(format!("  {}", description.trim_end().replace('\n', "\n  ")));
        }
        let exports: Vec<String> =
            trigger.exports.iter().map(|export| format!("{}{}", export.name, if export.certain { "" } else { "?" })).collect();
        line(format!("  carries  {}", or_none(&exports.join(", "))));
        for read in &trigger.reads {
            let need = if read.required { "needs   " } else { "optional" };
            let at = read.unsent.as_ref().map_or_else(|| "by the parent".to_owned(), |place| format!("at {place}"));
            let from = match read.from {
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
            let pattern = contract.and_then(|contract| contract.pattern.as_ref()).map(|pattern| format!("; must match `{pattern}`"));
            let default = contract.and_then(|contract| contract.default.as_ref()).map(|default| format!("; else `{default}`"));
            line(format!("  {need}  {}: {from}{}{}", read.name, pattern.unwrap_or_default(), default.unwrap_or_default()));
        }
    }
    for missing in &plan.missing {
        line(format!("\n{}   triggered at {}\n  NO SUCH STAGE in this configuration", missing.stage, missing.site));
    }
    if !plan.requires.properties.is_empty() || !plan.requires.secrets.is_empty() {
        line("\nThe pipeline must have".to_owned());
        for name in &plan.requires.properties {
            line(format!("  property  {name}"));
        }
        for name in &plan.requires.secrets {
            line(format!("  secret    {name}"));
        }
    }
    if !plan.assumptions.is_empty() {
        line("\nAssumptions".to_owned());
        for assumption in &plan.assumptions {
            line(format!("  {assumption}"));
        }
    }
    out
}

fn or_none(text: &str) -> &str {
    if text.is_empty() { "nothing" } else { text }
}
