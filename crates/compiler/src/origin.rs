//! Who gives an async stage the value of a key that it reads: one answer for the rules and the plan.

use serde::Serialize;

use crate::config::settings::Settings;
use crate::flow::Crossing;
use crate::platform;

/// Where the value of a variable comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// Nothing in the repository says.
    Unknown,
    /// The platform provides it.
    Platform,
    /// A documented parameter of the pipeline.
    Parameter,
    /// A property of the pipeline, as the settings say.
    Property,
    /// The stage sets it itself.
    Own,
    /// The parent exports it.
    Export,
    /// Only the trigger of the parent has it, as a parameter that is not exported.
    UnexportedParameter,
    /// The parent exports it only after the trigger.
    Late,
    /// The parent sets it before the trigger, and does not export it.
    Unexported,
    /// The parent sets it before the trigger, and only code that cannot be followed could export it.
    Unproven,
}

impl Origin {
    /// What happens to a key on its way to an async stage. What the parent does with it comes first: `unexported-variable`,
    /// `unproven-export`, `late-export` and `unexported-parameter` are about exactly these answers.
    pub fn of(crossing: &Crossing, settings: &Settings) -> Self {
        let key = crossing.key.as_str();
        if crossing.exported.is_some() {
            Self::Export
        } else if crossing.is_widened() && crossing.set.is_some() && !settings.has_property(key) {
            Self::Unproven
        } else if crossing.is_widened() {
            Self::without_parent(key, settings)
        } else if crossing.exported_late.is_some() && (crossing.set.is_some() || !settings.has_property(key)) {
            Self::Late
        } else if crossing.set.is_some() {
            Self::Unexported
        } else if is_trigger_parameter(key, settings) && !settings.has_property(key) {
            Self::UnexportedParameter
        } else {
            Self::without_parent(key, settings)
        }
    }

    /// Where a key comes from that no script brings.
    pub fn without_parent(key: &str, settings: &Settings) -> Self {
        if settings.has_property(key) {
            Self::Property
        } else if platform::is_provided(key) {
            Self::Platform
        } else if platform::parameter(key).is_some() {
            Self::Parameter
        } else {
            Self::Unknown
        }
    }
}

/// Whether every run has a variable of this name although no script sets it.
pub fn is_given(key: &str, settings: &Settings) -> bool {
    Origin::without_parent(key, settings) != Origin::Unknown
}

/// Whether the platform or its documentation knows a key.
pub fn is_documented(key: &str) -> bool {
    platform::is_provided(key) || platform::parameter(key).is_some()
}

/// Whether the settings name a key as a parameter of the parent's trigger: an async run does not have it.
pub fn is_trigger_parameter(key: &str, settings: &Settings) -> bool {
    settings.trigger_parameters.iter().any(|parameter| parameter == key)
}
