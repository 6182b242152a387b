//! `sidestage graph`.

use camino::Utf8Path;
use sidestage_compiler::filter::Levels;
use sidestage_compiler::graph::{build, build_each};
use sidestage_compiler::report::graph::{Pictured, dot, html, json, mermaid, svg};

use super::arguments::{Graph, GraphFormat};
use super::error::CliError;
use super::one::{is_broken, one, told_errors, whole};
use super::{Exit, print_or_write};
use crate::workspace::Configuration;

pub(super) fn run(arguments: &Graph) -> Result<Exit, CliError> {
    let (configuration, summary) = one(arguments.file.as_deref(), &whole(&arguments.pipeline), &arguments.settings, &Levels::default())?;
    if is_broken(&configuration) {
        told_errors(&configuration, &summary);
        return Ok(Exit::Findings);
    }
    let output = arguments.output.as_deref();
    let format = match (arguments.format, output) {
        (Some(format), _) => format,
        (None, Some(path)) if path.extension().is_some() => {
            of_name(path).ok_or_else(|| CliError::UnknownSuffix { path: path.to_owned() })?
        }
        (None, _) => GraphFormat::Dot,
    };
    print_or_write(output, &drawn(&configuration, format)?)?;
    Ok(Exit::Clean)
}

/// The format that a file's name asks for.
fn of_name(path: &Utf8Path) -> Option<GraphFormat> {
    Some(match path.extension()? {
        "dot" | "gv" => GraphFormat::Dot,
        "mmd" | "mermaid" => GraphFormat::Mermaid,
        "svg" => GraphFormat::Svg,
        "html" | "htm" => GraphFormat::Html,
        "json" => GraphFormat::Json,
        _ => return None,
    })
}

fn drawn(configuration: &Configuration, format: GraphFormat) -> Result<String, CliError> {
    let compilation = &configuration.compilation;
    let whole = build(&compilation.model, &compilation.flow, compilation.file);
    let each = || build_each(&compilation.model, &compilation.flow, compilation.file);
    let name = configuration.shown_path();
    let paths = &configuration.folder.paths;
    let pictured = |each| Pictured { name: &name, whole: &whole, each, sources: &compilation.sources, paths };
    Ok(match format {
        GraphFormat::Dot => dot(&whole),
        GraphFormat::Mermaid => mermaid(&whole, &name)?,
        GraphFormat::Svg => svg(&pictured(&each())),
        GraphFormat::Html => html(&pictured(&each()), &compilation.findings)?,
        GraphFormat::Json => format!("{}\n", serde_json::to_string_pretty(&json(&whole, &compilation.sources, paths))?),
    })
}
