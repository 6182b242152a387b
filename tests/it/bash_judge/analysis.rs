//! What the analysis says of a repository. All use of the compiler is in this file.

use std::collections::{BTreeMap, BTreeSet};

use sidestage_compiler::compilation::{Options, compile};
use sidestage_compiler::flow::{Certainty, Detail};
use sidestage_compiler::platform::PipelineKind;
use sidestage_compiler::source::{Location, MemoryFiles};

use super::tree::Repository;

/// A trigger and the stage that it starts.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) from: String,
    pub(super) target: String,
    /// The second argument of the trigger at its place; nothing where the place does not hold exactly one.
    pub(super) label: Option<String>,
    pub(super) is_certain: bool,
    /// The keys that may be exported, and whether they are on every path.
    pub(super) exports: BTreeMap<String, bool>,
}

/// A place that triggers, whether or not the stage exists.
#[derive(Debug)]
pub(super) struct Trigger {
    pub(super) from: String,
    pub(super) label: Option<String>,
    pub(super) names: Vec<String>,
    pub(super) is_unknown: bool,
}

/// A finding about a variable.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) rule: String,
    pub(super) key: String,
    pub(super) target: String,
}

#[derive(Debug, Default)]
pub(super) struct Analysis {
    pub(super) runs: Vec<Run>,
    pub(super) triggers: Vec<Trigger>,
    pub(super) findings: Vec<Told>,
    /// Stages that do something that is not followed, and why.
    pub(super) opaque: BTreeMap<String, BTreeSet<String>>,
}

pub(super) fn analyse(repository: &Repository) -> Analysis {
    let files = MemoryFiles::new(repository.files());
    let options = Options { pipelines: vec![PipelineKind::Ci], detail: Detail::Exports, ..Options::default() };
    let compilation = compile(".pipeline-config.yaml", repository.config().into_bytes(), &files, &options);
    let label = |place: Location| {
        let text = compilation.sources.get(place.file).text();
        let words = text.get(place.span.range()).unwrap_or_default().split(|character: char| !character.is_ascii_alphanumeric());
        let mut labels = words.filter(|word| is_label(word));
        labels.next().filter(|_| labels.next().is_none()).map(str::to_owned)
    };
    let name = |stage| compilation.model.stage(stage).name.name.to_string();
    let mut analysis = Analysis::default();
    for pipeline in &compilation.flow.pipelines {
        for run in &pipeline.runs {
            let exports = run.exports.iter().filter(|(_, fact)| fact.certainty != Certainty::Revoked);
            analysis.runs.push(Run {
                from: name(run.from),
                target: name(run.target),
                label: label(run.trigger.place),
                is_certain: run.certain,
                exports: exports.map(|(key, fact)| (key.to_string(), fact.certainty == Certainty::Yes)).collect(),
            });
        }
        for (stage, flow) in &pipeline.stages {
            let mut reasons: BTreeSet<String> = flow.opaque().map(|opaque| opaque.what.to_string()).collect();
            if flow.exports().any(|export| export.key.is_none()) {
                reasons.insert("an export of a key that is not known".to_owned());
            }
            if !reasons.is_empty() {
                analysis.opaque.insert(name(*stage), reasons);
            }
            analysis.triggers.extend(flow.triggers().map(|trigger| Trigger {
                from: name(*stage),
                label: label(trigger.place),
                names: trigger.names.iter().map(ToString::to_string).collect(),
                is_unknown: trigger.unknown.is_some(),
            }));
        }
    }
    analysis.findings.extend(compilation.findings.iter().filter_map(|finding| {
        Some(Told {
            rule: finding.rule.name().to_owned(),
            key: finding.variable.as_ref()?.to_string(),
            target: finding.stage.as_ref()?.to_string(),
        })
    }));
    analysis
}

/// `L7`
fn is_label(word: &str) -> bool {
    word.strip_prefix('L').is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()))
}
