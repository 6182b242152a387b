//! `sidestage plan`.

use sidestage_compiler::filter::Levels;
use sidestage_compiler::{plan, report};

use super::arguments::{Plan, PlanFormat};
use super::error::CliError;
use super::one::one;
use super::{Exit, print};

pub(super) fn run(arguments: &Plan) -> Result<Exit, CliError> {
    let (configuration, _) = one(arguments.file.as_deref(), &arguments.pipeline, &arguments.settings, &Levels::default())?;
    let plan = plan::plan(&configuration.compilation, configuration.settings());
    print(&match arguments.format {
        PlanFormat::Text => report::plan::text(&plan),
        PlanFormat::Json => format!("{}\n", serde_json::to_string_pretty(&plan)?),
    })?;
    Ok(Exit::Clean)
}
