//! The variables that the start of a stage carries.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::plan::{Origin, PlannedTrigger};

/// A variable that the start of a stage carries: the scripts export it, or the contract of the stage declares it.
#[derive(Debug, Serialize)]
pub struct Carried<'a> {
    /// Its key.
    pub name: &'a str,
    /// `always` where it is exported on every path, `maybe` where it is on some; `contract` where the contract declares it.
    pub how: &'static str,
    /// Whether the stage cannot go on without it.
    pub required: bool,
    /// The value that the contract gives where there is none.
    pub default: Option<&'a str>,
    /// What its value must match.
    pub pattern: Option<&'a str>,
    /// What it means, in one line.
    pub meaning: Option<String>,
}

/// What all triggers of a stage carry: a variable is certain if it is so in each of them.
pub(super) fn carried<'a>(triggers: &[&'a PlannedTrigger]) -> Vec<Carried<'a>> {
    let mut carried: BTreeMap<&str, Carried<'a>> = BTreeMap::new();
    for trigger in triggers {
        for export in &trigger.exports {
            let required = trigger.reads.iter().any(|read| read.name == export.name && read.required && read.from != Origin::Own);
            let everywhere = triggers.iter().all(|other| other.exports.iter().any(|same| same.name == export.name && same.certain));
            carried.entry(&export.name).and_modify(|known| known.required |= required).or_insert(Carried {
                name: &export.name,
                how: if everywhere { "always" } else { "maybe" },
                required,
                default: None,
                pattern: None,
                meaning: None,
            });
        }
        // All triggers of a stage have its one contract.
        for (read, contract) in trigger.reads.iter().filter_map(|read| Some((read, read.contract.as_ref()?))) {
            let declared = Carried {
                name: &read.name,
                how: "contract",
                required: read.required,
                default: contract.default.as_deref(),
                pattern: contract.pattern.as_deref(),
                meaning: contract.description.as_ref().map(|text| text.split_whitespace().collect::<Vec<_>>().join(" ")),
            };
            carried.insert(&read.name, declared);
        }
    }
    carried.into_values().collect()
}
