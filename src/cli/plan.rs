//! `sidestage plan` and `sidestage graph`.

use super::arguments::{Graph, GraphFormat, Plan, PlanFormat};
use super::settings::Severities;
use super::{Exit, Failure, load, print};
use sidestage_compiler::graph;
use sidestage_compiler::plan;
use sidestage_compiler::report;

pub(super) fn plan(arguments: &Plan) -> Result<Exit, Failure> {
    let (loaded, _) = load::one(arguments.file.as_deref(), &arguments.pipeline, &arguments.settings, &Severities::default())?;
    let plan = plan::plan(&loaded.compilation, loaded.settings());
    print(&match arguments.format {
        PlanFormat::Text => report::plan::text(&plan),
        PlanFormat::Json => format!("{}\n", serde_json::to_string_pretty(&plan)?),
    })?;
    Ok(Exit::Clean)
}

pub(super) fn graph(arguments: &Graph) -> Result<Exit, Failure> {
    let (loaded, _) = load::one(arguments.file.as_deref(), &arguments.pipeline, &arguments.settings, &Severities::default())?;
    let compilation = &loaded.compilation;
    let graph = graph::build(&compilation.model, &compilation.flow, compilation.file);
    print(&match arguments.format {
        GraphFormat::Dot => report::graph::dot(&graph),
        GraphFormat::Mermaid => report::graph::mermaid(&graph),
        GraphFormat::Svg => report::graph::svg(&graph)?,
        GraphFormat::Json => format!("{}\n", serde_json::to_string_pretty(&report::graph::json(&graph, &compilation.sources))?),
    })?;
    Ok(Exit::Clean)
}
