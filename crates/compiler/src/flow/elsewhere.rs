//! Triggers whose run reads another configuration: the property `one-pipeline-config` names it.

use compact_str::CompactString;

use super::certainty::Certainty;
use super::facts::{Fact, Subject};
use super::stage::{Event, StageFlow, Trigger};
use crate::platform::StoreKind;
use crate::source::{Location, normalize};

/// Names the configuration that a run reads.
const CONFIGURATION: &str = "one-pipeline-config";
/// Names the trigger that starts a run, and with it the pipeline and its configuration.
const WEBHOOK_TRIGGER: &str = "subpipeline-webhook-trigger-name";

/// A trigger whose run may read another configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Elsewhere {
    /// The word that names the stage.
    pub name_place: Location,
    /// The names that it can be, as far as they are known.
    pub names: Vec<CompactString>,
    /// Whether it can be others.
    pub has_unknown: bool,
    /// The configuration's path, where it is certain.
    pub configuration: Option<CompactString>,
}

impl Elsewhere {
    fn new(trigger: &Trigger, configuration: Option<CompactString>) -> Self {
        Self { name_place: trigger.name_place, names: trigger.names.clone(), has_unknown: trigger.unknown.is_some(), configuration }
    }
}

/// Whether a trigger is for another configuration, by what is known there.
pub(super) fn elsewhere(trigger: &Trigger, fact: impl Fn(&Subject) -> Option<Fact>) -> Option<Elsewhere> {
    let set = |key: &str| fact(&Subject::Set(StoreKind::Env, key.into()));
    let is_exported = |key: &str| fact(&Subject::Exported(key.into())).is_some();
    let chosen = set(CONFIGURATION);
    if set(WEBHOOK_TRIGGER).is_some() || is_exported(WEBHOOK_TRIGGER) {
        return Some(Elsewhere::new(trigger, None));
    }
    if chosen.is_none() && !is_exported(CONFIGURATION) {
        return None;
    }
    let value = chosen.filter(|chosen| chosen.certainty == Certainty::Yes && !chosen.is_beside).and_then(|chosen| chosen.value);
    let path = value.and_then(|value| value.known().cloned()).and_then(|path| normalize(&path));
    Some(Elsewhere::new(trigger, path.filter(|path| !path.is_empty()).map(CompactString::from)))
}

/// The same for a stage that no pipeline runs: all that it sets before counts.
pub(super) fn elsewhere_alone(flow: &StageFlow) -> impl Iterator<Item = Elsewhere> {
    let names = |key: &Option<CompactString>| key.as_deref().is_some_and(|key| key == CONFIGURATION || key == WEBHOOK_TRIGGER);
    let first = flow.events.iter().position(|event| match event {
        Event::Set(access) => access.kind == StoreKind::Env && names(&access.key),
        Event::Export(export) => names(&export.key),
        _ => false,
    });
    let is_after = move |trigger: &&Trigger| first.is_some_and(|first| trigger.order as usize > first);
    flow.triggers().filter(is_after).map(|trigger| Elsewhere::new(trigger, None))
}
