//! A secret that stands in a file of settings.

use serde::{Deserialize, Deserializer};

use crate::model::Secret;

/// A text that no error repeats.
#[derive(Clone)]
pub(in crate::engine) struct Hidden(pub Secret);

impl<'de> Deserialize<'de> for Hidden {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match toml::Value::deserialize(deserializer)? {
            toml::Value::String(text) => Ok(Self(Secret::new(text))),
            _ => Err(serde::de::Error::custom("a text in quotes belongs here")),
        }
    }
}
