//! `sidestage graph`.

use sidestage_compiler::filter::Levels;
use sidestage_compiler::graph::build;
use sidestage_compiler::report::graph::{dot, json, mermaid, svg};

use super::arguments::{Graph, GraphFormat};
use super::error::CliError;
use super::one::{is_broken, one, told_errors};
use super::{Exit, print};

pub(super) fn run(arguments: &Graph) -> Result<Exit, CliError> {
    let (configuration, summary) = one(arguments.file.as_deref(), &arguments.pipeline, &arguments.settings, &Levels::default())?;
    if is_broken(&configuration) {
        told_errors(&configuration, &summary);
        return Ok(Exit::Findings);
    }
    let compilation = &configuration.compilation;
    let graph = build(&compilation.model, &compilation.flow, compilation.file);
    print(&match arguments.format {
        GraphFormat::Dot => dot(&graph),
        GraphFormat::Mermaid => mermaid(&graph),
        GraphFormat::Svg => svg(&graph)?,
        GraphFormat::Json => {
            let value = json(&graph, &compilation.sources, &configuration.folder.paths);
            format!("{}\n", serde_json::to_string_pretty(&value)?)
        }
    })?;
    Ok(Exit::Clean)
}
