//! Values in JSON: text as it is, other bytes in base64, so that none is lost.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

/// A value: text, or bytes that are none.
#[derive(Serialize, Deserialize)]
#[serde(untagged, expecting = "a value is neither a text nor an object with `base64`")]
pub(super) enum JsonBytes {
    Plain(String),
    Encoded(Encoded),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Encoded {
    base64: String,
}

impl JsonBytes {
    pub(super) fn new(bytes: Vec<u8>) -> Self {
        match String::from_utf8(bytes) {
            Ok(text) => Self::Plain(text),
            Err(error) => Self::Encoded(Encoded { base64: STANDARD.encode(error.into_bytes()) }),
        }
    }

    /// The value of a variable, or of a property.
    pub(super) fn bytes(&self) -> Result<Vec<u8>, String> {
        let bytes = self.any_bytes()?;
        if bytes.contains(&0) { Err("a value holds a NUL byte".to_owned()) } else { Ok(bytes) }
    }

    pub(super) fn any_bytes(&self) -> Result<Vec<u8>, String> {
        match self {
            Self::Plain(text) => Ok(text.as_bytes().to_vec()),
            Self::Encoded(encoded) => STANDARD.decode(&encoded.base64).map_err(|error| format!("a value is not valid base64: {error}")),
        }
    }
}
