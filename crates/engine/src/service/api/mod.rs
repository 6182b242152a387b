//! The operations of the Pipeline API, one file a resource.

pub(super) mod pipeline;
pub(super) mod properties;
pub(super) mod runs;
pub(super) mod trigger_properties;
pub(super) mod triggers;

pub(crate) use runs::again;

use serde_json::Value;
use sidestage_runtime::hash::masked;

use super::error::ApiError;
use super::store::{Document, text};
use super::validation::COUNT_LIMIT;

/// The parameters of a query.
type Parameters = Vec<(String, String)>;

/// The entries of a parameter: they are joined by commas, or the parameter is repeated.
fn entries<'a>(query: &'a Parameters, name: &'a str) -> Vec<&'a str> {
    query.iter().filter(|(key, _)| key == name).flat_map(|(_, value)| value.split(',')).filter(|entry| !entry.is_empty()).collect()
}

/// One more of something must fit.
fn check_count(count: usize, what: &str) -> Result<(), ApiError> {
    if count < COUNT_LIMIT {
        Ok(())
    } else {
        Err(ApiError::bad_request(format!("there are already {COUNT_LIMIT} {what}, and no more are possible")))
    }
}

/// A property as it is shown: its value, or the hash of a secret. `holder` are the ids of what it belongs to.
fn shown_property(property: &Document, holder: &[&str], href: String) -> Document {
    let mut shown = property.clone();
    if text(property, "type") == "secure"
        && let Some(value) = property.get("value").and_then(Value::as_str)
    {
        let mut keys = holder.to_vec();
        keys.push(text(property, "name"));
        shown.insert("value".to_owned(), masked(value, &keys).into());
    }
    shown.insert("href".to_owned(), href.into());
    shown
}

/// A property that replaces another: name and type stay, and a value that is the hash of the old one means the old one.
fn replacement(old: &Document, mut new: Document, holder: &[&str]) -> Result<Document, ApiError> {
    for fixed in ["name", "type"] {
        if old.get(fixed) != new.get(fixed) {
            return Err(ApiError::bad_request(format!("`{fixed}` cannot be changed; delete the property and create another one")));
        }
    }
    let shown = shown_property(old, holder, String::new());
    if let (Some(hash), Some(value)) = (shown.get("value"), old.get("value"))
        && new.get("value") == Some(hash)
    {
        new.insert("value".to_owned(), value.clone());
    }
    Ok(new)
}

/// Properties of these types, in the order that was asked for: `name`, `type`, or `-name`, `-type` for the reverse.
fn arranged(mut properties: Vec<Document>, query: &Parameters) -> Result<Vec<Document>, ApiError> {
    let (names, types) = (entries(query, "name"), entries(query, "type"));
    properties.retain(|property| names.is_empty() || names.contains(&text(property, "name")));
    properties.retain(|property| types.is_empty() || types.contains(&text(property, "type")));
    for kind in types {
        if !super::validation::PROPERTY_TYPES.contains(&kind) {
            return Err(ApiError::bad_request(format!("`type` must be one of {}", super::validation::PROPERTY_TYPES.join(", "))));
        }
    }
    let sort = query.iter().find(|(key, _)| key == "sort").map_or("name", |(_, value)| value);
    let (key, is_reverse) = sort.strip_prefix('-').map_or((sort, false), |key| (key, true));
    if !["name", "type"].contains(&key) {
        return Err(ApiError::bad_request("`sort` must be one of name, -name, type, -type"));
    }
    properties.sort_by(|left, right| text(left, key).cmp(text(right, key)));
    if is_reverse {
        properties.reverse();
    }
    Ok(properties)
}
