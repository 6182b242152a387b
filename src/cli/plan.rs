//! `sidestage plan`.

use sidestage_compiler::filter::Levels;
use sidestage_compiler::{plan, report};

use super::arguments::{Plan, PlanFormat};
use super::error::CliError;
use super::one::{is_broken, one, told_errors, whole};
use super::{Exit, print};
use crate::terminal::look;

pub(super) fn run(arguments: &Plan) -> Result<Exit, CliError> {
    let (configuration, summary) = one(arguments.file.as_deref(), &whole(&arguments.pipeline), &arguments.settings, &Levels::default())?;
    let has_errors = told_errors(&configuration, &summary);
    if is_broken(&configuration) {
        return Ok(Exit::Findings);
    }
    let plan = plan::plan(&configuration.compilation, configuration.settings());
    print(&match arguments.format {
        PlanFormat::Text => report::plan::text(&plan, look()),
        PlanFormat::Json => format!("{}\n", serde_json::to_string_pretty(&plan)?),
    })?;
    Ok(if has_errors { Exit::Findings } else { Exit::Clean })
}
