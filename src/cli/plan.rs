//! `sidestage plan` and `sidestage graph`.

use super::arguments::{Graph, GraphFormat, Plan, PlanFormat};
use super::settings::Severities;
use super::{Exit, Failure, load, print};
use crate::graph::{self, dot, mermaid, svg};
use crate::plan;
use crate::report;

pub(super) fn plan(arguments: &Plan) -> Result<Exit, Failure> {
    let (loaded, _) = load::one(arguments.file.as_deref(), &arguments.pipeline, &arguments.settings, &Severities::default())?;
    let plan = plan::plan(&loaded.compilation, loaded.settings());
    print(&match arguments.format {
        PlanFormat::Text => plan::text(&plan),
        PlanFormat::Json => format!("{}\n", serde_json::to_string_pretty(&plan)?),
    })?;
    Ok(Exit::Clean)
}

pub(super) fn graph(arguments: &Graph) -> Result<Exit, Failure> {
    let (loaded, _) = load::one(arguments.file.as_deref(), &arguments.pipeline, &arguments.settings, &Severities::default())?;
    let compilation = &loaded.compilation;
    let graph = graph::build(&compilation.model, &compilation.flow, compilation.file);
    print(&match arguments.format {
        GraphFormat::Dot => dot(&graph),
        GraphFormat::Mermaid => mermaid(&graph),
        GraphFormat::Svg => svg(&graph)?,
        GraphFormat::Json => format!("{}\n", serde_json::to_string_pretty(&report::graph(&graph, &compilation.sources))?),
    })?;
    Ok(Exit::Clean)
}
