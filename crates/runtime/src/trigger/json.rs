//! JSON in the order in which it was read, written as `jq` writes it: the payload is the same, whoever made it.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::Number;

/// A JSON value whose members keep their order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub(super) enum Json {
    Null,
    Bool(bool),
    Number(Number),
    String(String),
    Array(Vec<Json>),
    Object(IndexMap<String, Json>),
}

impl Json {
    pub(super) fn get(&self, name: &str) -> Option<&Json> {
        if let Self::Object(members) = self { members.get(name) } else { None }
    }

    pub(super) fn text(&self) -> Option<&str> {
        if let Self::String(text) = self { Some(text) } else { None }
    }

    /// The members of an object; none of anything else.
    pub(super) fn members(&self) -> impl Iterator<Item = (&String, &Json)> {
        let members = if let Self::Object(members) = self { Some(members) } else { None };
        members.into_iter().flatten()
    }

    /// Changes every text in it.
    pub(super) fn change_texts(&mut self, change: &impl Fn(&str) -> String) {
        match self {
            Self::String(text) => *text = change(text),
            Self::Array(elements) => elements.iter_mut().for_each(|element| element.change_texts(change)),
            Self::Object(members) => members.values_mut().for_each(|member| member.change_texts(change)),
            Self::Null | Self::Bool(_) | Self::Number(_) => {}
        }
    }

    /// Whether a text in it is so.
    pub(super) fn has_text(&self, is_so: &impl Fn(&str) -> bool) -> bool {
        match self {
            Self::String(text) => is_so(text),
            Self::Array(elements) => elements.iter().any(|element| element.has_text(is_so)),
            Self::Object(members) => members.values().any(|member| member.has_text(is_so)),
            Self::Null | Self::Bool(_) | Self::Number(_) => false,
        }
    }
}

/// On one line, as `jq -c` prints it.
pub(super) fn written(value: &impl Serialize) -> String {
    let text = serde_json::to_string(value).unwrap_or_else(|_| unreachable!("texts and numbers are JSON"));
    // jq escapes this one character more; it stands in strings only.
    text.replace('\u{7f}', "\\u007f")
}

#[cfg(test)]
#[allow(clippy::expect_used)] // a test that panics has failed, as it should
mod tests {
    use super::*;

    #[test]
    fn it_is_written_as_it_was_read() {
        for text in [r#"{"b":1,"a":[null,true,"x"],"c":{"z":"","y":{}}}"#, r#"["\u007f\u0001é\u000b\n"]"#] {
            let value: Json = serde_json::from_str(text).expect("JSON");
            assert_eq!(written(&value), text);
        }
    }
}
