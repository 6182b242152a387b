//! What to trigger, what each trigger carries, what must exist on the pipeline, and what each pipeline runs.

mod copies;
mod pipeline;

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::compilation::Compilation;
use crate::config::settings::Settings;
use crate::config::{Contract, StageId, Text};
use crate::flow::{Certainty, Run};
use crate::graph::missing_triggers;
pub use crate::origin::Origin;
use crate::platform::{self, StoreKind};
use crate::source::Place;
pub use pipeline::{PlannedPipeline, PlannedStage};

/// The plan: `schemas/plan.schema.json`. Everything that is emitted is made from it alone.
#[derive(Debug, Clone, Serialize)]
pub struct Plan {
    version: u32,
    /// The configuration, relative to the repository's root.
    pub config: String,
    /// `v1` or `v2`.
    pub format: &'static str,
    /// The pipelines that it serves.
    pub pipelines: Vec<&'static str>,
    /// One for each place that triggers and stage that it starts, sorted by stage and place.
    pub triggers: Vec<PlannedTrigger>,
    /// Triggers of stages that the configuration does not have, sorted by stage and place.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<MissingTrigger>,
    /// What the pipeline must have.
    pub requires: Requires,
    /// What the plan takes for granted because it cannot be known.
    pub assumptions: Vec<String>,
    /// What each pipeline runs by itself.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub runs: Vec<PlannedPipeline>,
    /// Every stage that a trigger can start, sorted by name.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub targets: Vec<PlannedStage>,
}

impl Plan {
    /// The targets that some trigger starts, sorted by name.
    pub fn started(&self) -> impl Iterator<Item = &PlannedStage> {
        self.targets.iter().filter(|target| self.triggers.iter().any(|trigger| trigger.stage == target.name))
    }

    /// The same without what runs: the part that emitted scripts are made from.
    #[must_use]
    pub fn of_triggers(&self) -> Self {
        Self { runs: Vec::new(), targets: Vec::new(), ..self.clone() }
    }
}

/// A trigger.
#[derive(Debug, Clone, Serialize)]
pub struct PlannedTrigger {
    /// The stage that starts.
    pub stage: String,
    /// Where it is triggered.
    pub site: Place,
    /// The pipelines in which it runs.
    pub pipelines: Vec<&'static str>,
    /// The variables that it carries.
    #[serde(serialize_with = "names")]
    pub exports: Vec<Export>,
    /// What the stage reads.
    pub reads: Vec<PlannedRead>,
    /// What the stage does, as its contract says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// A trigger of a stage that is not there.
#[derive(Debug, Clone, Serialize)]
pub struct MissingTrigger {
    /// The name of the stage.
    pub stage: String,
    /// Where it is triggered.
    pub site: Place,
}

/// An exported variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Export {
    /// Its key.
    pub name: String,
    /// Whether every path to the trigger exports it.
    pub certain: bool,
}

/// A variable that an async stage reads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PlannedRead {
    /// Its key.
    pub name: String,
    /// Whether the stage cannot go on without it.
    pub required: bool,
    /// Where its value comes from.
    pub from: Origin,
    /// Where the parent sets it, or exports it too late, so that it is not sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unsent: Option<Place>,
    /// What the stage's contract declares of it; enforced before a run is started.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contract: Option<Declared>,
}

/// What a contract declares of a variable.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Declared {
    /// The regular expression that its value must match.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pattern: Option<String>,
    /// The value that is sent where the parent has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default: Option<String>,
    /// What it means.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// What the pipeline must have.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Requires {
    /// Properties that async stages cannot go on without.
    pub properties: Vec<String>,
    /// Secrets that async stages read.
    pub secrets: Vec<String>,
}

fn names<S: serde::Serializer>(exports: &[Export], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(exports.iter().map(|export| &export.name))
}

/// Plans a compiled configuration. It must have been compiled with all exports.
pub fn plan(compilation: &Compilation, settings: &Settings) -> Plan {
    let planner = Planner { compilation, settings };
    let mut triggers = planner.triggers();
    triggers.sort_by(|left, right| (&left.stage, left.site.key()).cmp(&(&right.stage, right.site.key())));
    Plan {
        version: 1,
        config: compilation.path.clone(),
        format: compilation.model.format.name(),
        pipelines: compilation.flow.pipelines.iter().map(|pipeline| pipeline.kind.name()).collect(),
        requires: planner.requires(&triggers),
        triggers,
        missing: planner.missing(),
        assumptions: planner.assumptions(),
        runs: pipeline::pipelines(compilation),
        targets: pipeline::targets(compilation),
    }
}

struct Planner<'a> {
    compilation: &'a Compilation,
    settings: &'a Settings,
}

impl Planner<'_> {
    fn name(&self, stage: StageId) -> String {
        self.compilation.model.stage(stage).name.name.to_string()
    }

    fn triggers(&self) -> Vec<PlannedTrigger> {
        let mut planned: BTreeMap<(crate::source::Location, StageId), PlannedTrigger> = BTreeMap::new();
        for pipeline in &self.compilation.flow.pipelines {
            for run in &pipeline.runs {
                let trigger = planned.entry((run.trigger.place, run.target)).or_insert_with(|| PlannedTrigger {
                    stage: self.name(run.target),
                    site: Place::new(&self.compilation.sources, run.trigger.place),
                    pipelines: Vec::new(),
                    exports: Vec::new(),
                    reads: Vec::new(),
                    description: self.contract(run.target).and_then(|contract| text_of(contract.description.as_ref())),
                });
                if !trigger.pipelines.contains(&pipeline.kind.name()) {
                    trigger.pipelines.push(pipeline.kind.name());
                }
                add_exports(&mut trigger.exports, run);
                for read in self.reads(run) {
                    match trigger.reads.iter_mut().find(|known| known.name == read.name) {
                        // What one pipeline lacks is what `check` reports.
                        Some(known) if known.from < read.from => (known.from, known.unsent) = (read.from, read.unsent),
                        Some(_) => {}
                        None => trigger.reads.push(read),
                    }
                }
            }
        }
        planned.into_values().collect()
    }

    fn reads(&self, run: &Run) -> Vec<PlannedRead> {
        let flow = self.compilation.flow.stage(run.target);
        let mut reads: BTreeMap<&str, PlannedRead> = BTreeMap::new();
        for read in flow.reads().filter(|read| read.kind == StoreKind::Env) {
            let Some(key) = &read.key else { continue };
            let is_own = read.own == Some(Certainty::Yes);
            let required = read.needs_key();
            let from = if is_own { Origin::Own } else { self.origin(key, run) };
            let known = reads.entry(key).or_insert_with(|| self.planned(key, from, run));
            known.required |= required;
            if !is_own {
                known.from = from;
            }
        }
        for declared in self.contract(run.target).into_iter().flat_map(Contract::declared) {
            let key = declared.name.name.as_str();
            let read = reads.entry(key).or_insert_with(|| {
                let from = self.origin(key, run);
                self.planned(key, from, run)
            });
            // A default is sent in any case. Where the contract does not say, the scripts do.
            read.required = declared.default.is_none() && declared.required.unwrap_or(read.required);
            read.contract = Some(Declared {
                pattern: text_of(declared.pattern.as_ref()),
                default: text_of(declared.default.as_ref()),
                description: text_of(declared.description.as_ref()),
            });
        }
        reads.into_values().collect()
    }

    fn planned(&self, key: &str, from: Origin, run: &Run) -> PlannedRead {
        let crossing = run.crossings.iter().find(|crossing| crossing.key == key);
        let unsent = crossing.and_then(|crossing| match from {
            Origin::Unexported | Origin::Unproven => crossing.set.as_ref()?.places.last().copied(),
            Origin::Late => crossing.exported_late,
            _ => None,
        });
        let unsent = unsent.map(|place| Place::new(&self.compilation.sources, place));
        PlannedRead { name: key.to_owned(), required: false, from, unsent, contract: None }
    }

    fn missing(&self) -> Vec<MissingTrigger> {
        let Compilation { flow, model, sources, .. } = self.compilation;
        let triggers = flow.pipelines.iter().flat_map(|pipeline| missing_triggers(model, flow, pipeline));
        let missing: BTreeMap<_, _> =
            triggers.map(|(_, trigger, name)| ((name.to_string(), trigger.place), Place::new(sources, trigger.place))).collect();
        missing.into_iter().map(|((stage, _), site)| MissingTrigger { stage, site }).collect()
    }

    fn contract(&self, stage: StageId) -> Option<&Contract> {
        self.compilation.model.stage(stage).contract.as_ref()
    }

    fn origin(&self, key: &str, run: &Run) -> Origin {
        match run.crossings.iter().find(|crossing| crossing.key == key) {
            Some(crossing) => Origin::of(crossing, self.settings),
            None if run.exports.iter().any(|(export, _)| export == key) => Origin::Export,
            None => Origin::without_parent(key, self.settings),
        }
    }

    fn requires(&self, triggers: &[PlannedTrigger]) -> Requires {
        let mut properties = BTreeSet::new();
        let mut secrets = BTreeSet::new();
        for read in triggers.iter().flat_map(|trigger| &trigger.reads) {
            let is_property = match read.from {
                Origin::Property | Origin::Parameter | Origin::Unknown => true,
                Origin::Unexported | Origin::Unproven | Origin::Late => self.settings.has_property(&read.name),
                Origin::UnexportedParameter | Origin::Platform | Origin::Own | Origin::Export => false,
            };
            if !read.required || !is_property {
                continue;
            }
            if platform::is_secure(&read.name) { &mut secrets } else { &mut properties }.insert(read.name.clone());
        }
        for target in self.targets() {
            for read in self.compilation.flow.stage(target).reads() {
                if let Some(key) = read.key.as_ref().filter(|_| read.kind == StoreKind::Secret && read.needs_key()) {
                    secrets.insert(key.to_string());
                }
            }
        }
        Requires { properties: properties.into_iter().collect(), secrets: secrets.into_iter().collect() }
    }

    fn targets(&self) -> BTreeSet<StageId> {
        self.compilation.flow.pipelines.iter().flat_map(|pipeline| pipeline.runs.iter().map(|run| run.target)).collect()
    }

    fn assumptions(&self) -> Vec<String> {
        let mut assumptions = BTreeSet::new();
        let targets = self.targets();
        let compilation = self.compilation;
        for pipeline in &compilation.flow.pipelines {
            let with_side = pipeline.stages.iter().map(|stage| (stage, false)).chain(pipeline.targets.iter().map(|stage| (stage, true)));
            for ((id, flow), is_target) in with_side {
                let stage = self.name(*id);
                for opaque in flow.opaque() {
                    let place = self.place(opaque.place);
                    assumptions.insert(if is_target || targets.contains(id) {
                        format!("`{stage}` runs {} ({place}): it may read any exported variable", opaque.what)
                    } else if opaque.is_platform() {
                        format!("`{stage}` runs {} ({place}): it exports none of your variables", opaque.what)
                    } else {
                        format!("`{stage}` runs {} ({place}): it may set, export and trigger anything", opaque.what)
                    });
                }
                for read in flow.reads().filter(|read| read.key.is_none() && is_target) {
                    let place = self.place(read.place);
                    assumptions.insert(format!("`{stage}` reads a key with an unknown name ({place}): it may be any key"));
                }
                for trigger in flow.triggers() {
                    if let Some(cause) = &trigger.unknown {
                        let place = self.place(trigger.place);
                        assumptions.insert(format!(
                            "`{stage}` triggers a stage that depends on {} ({place}): it is not planned",
                            cause.describe()
                        ));
                    }
                }
            }
        }
        assumptions.into_iter().collect()
    }

    fn place(&self, at: crate::source::Location) -> String {
        let source = self.compilation.sources.get(at.file);
        format!("{}:{}", source.path(), source.position(at.span.start).line)
    }
}

fn text_of(text: Option<&Text>) -> Option<String> {
    text.map(|text| text.text.clone())
}

fn add_exports(exports: &mut Vec<Export>, run: &Run) {
    let is_first = exports.is_empty();
    for known in exports.iter_mut() {
        known.certain &= run.exports.iter().any(|(key, _)| key == known.name.as_str());
    }
    for (key, fact) in &run.exports {
        let certain = fact.certainty == Certainty::Yes;
        match exports.iter_mut().find(|known| known.name == key.as_str()) {
            Some(known) => known.certain &= certain,
            None => exports.push(Export { name: key.to_string(), certain: certain && is_first }),
        }
    }
    exports.sort_by(|left, right| left.name.cmp(&right.name));
}
