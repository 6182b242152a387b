//! `webhook.json`: what the pipeline must have before a stage can be triggered, see `schemas/webhook.schema.json`.
//! The token is not in it.

use serde::{Deserialize, Serialize};

use super::Target;
use crate::plan::Plan;
use crate::platform;

/// The trigger and the properties that async stages need on the pipeline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Version of the format: 1.
    pub version: u32,
    /// The trigger that starts async runs.
    pub trigger: Trigger,
    /// The property that holds the token of the webhook.
    pub property: Property,
    /// The pipeline's own properties that async stages read, in no order that means anything.
    pub properties: Vec<Property>,
}

/// A generic webhook trigger, in the field names of the Pipeline API.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trigger {
    /// `generic`.
    pub r#type: String,
    /// What the platform looks for.
    pub name: String,
    /// The listener that it starts.
    pub event_listener: String,
    /// Whether it takes calls.
    pub enabled: bool,
    /// How a call proves itself.
    pub secret: Secret,
}

/// A trigger's secret without its value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Secret {
    /// `token_matches`: the call carries the token itself.
    pub r#type: String,
    /// `header`.
    pub source: String,
    /// The name of the header.
    pub key_name: String,
}

/// A property of the pipeline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Property {
    /// Its name.
    pub name: String,
    /// `text` or `secure`.
    pub r#type: String,
}

impl Manifest {
    /// What this plan needs.
    pub fn new(plan: &Plan, target: &Target) -> Self {
        let property = |name: &str, kind: &str| Property { name: name.to_owned(), r#type: kind.to_owned() };
        let text = plan.requires.properties.iter().map(|name| property(name, "text"));
        let secure = plan.requires.secrets.iter().map(|name| property(name, "secure"));
        Self {
            version: 1,
            trigger: Trigger {
                r#type: "generic".to_owned(),
                name: platform::TRIGGER_NAME.to_owned(),
                event_listener: target.event_listener.clone(),
                enabled: true,
                secret: Secret {
                    r#type: "token_matches".to_owned(),
                    source: "header".to_owned(),
                    key_name: platform::TOKEN_HEADER.to_owned(),
                },
            },
            property: property(platform::TOKEN_PROPERTY, "secure"),
            properties: text.chain(secure).collect(),
        }
    }
}
