//! YAML values with their path, for errors that name the field.

use std::time::Duration;

use serde::Deserialize;
use serde_yaml_ng::Value;

use crate::definition::parse_duration;
use sre_kit_core::ConfigError;

/// One field and its path, such as `spec.timeWindow[0].duration`.
#[derive(Clone, Debug)]
pub(super) struct Field<'a> {
    pub(super) path: String,
    value: &'a Value,
}

/// Parses all documents of a text.
pub(super) fn documents(text: &str) -> Result<Vec<Value>, ConfigError> {
    let parsed: Result<Vec<_>, _> =
        serde_yaml_ng::Deserializer::from_str(text).map(Value::deserialize).collect();
    let documents = parsed.map_err(|err| {
        ConfigError::new(
            "file",
            err.to_string(),
            "that is not YAML",
            "correct the line that it names",
        )
    })?;
    // A text that ends in `---` has an empty last document.
    Ok(documents.into_iter().filter(|document| !document.is_null()).collect())
}

impl<'a> Field<'a> {
    /// Returns the document itself, whose path is empty.
    pub(super) fn root(value: &'a Value) -> Self {
        Self { path: String::new(), value }
    }

    /// Returns an entry of a map, if it exists and is not null.
    pub(super) fn get(&self, key: &str) -> Option<Self> {
        let value = self.value.get(key).filter(|value| !value.is_null())?;
        let path =
            if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) };
        Some(Self { path, value })
    }

    /// Returns an entry of a map, or an error if it does not exist.
    pub(super) fn need(&self, key: &str) -> Result<Self, ConfigError> {
        self.get(key).ok_or_else(|| {
            let path = if self.path.is_empty() { "file" } else { &self.path };
            ConfigError::new(
                path.to_owned(),
                self.shown(),
                format!("it has no `{key}`"),
                format!("add `{key}:`"),
            )
        })
    }

    /// Returns the items of a list.
    pub(super) fn items(&self) -> Result<Vec<Self>, ConfigError> {
        let Value::Sequence(items) = self.value else {
            return Err(self.error("it is a list", "begin each item with `-`"));
        };
        let field = |(i, value)| Self { path: format!("{}[{i}]", self.path), value };
        Ok(items.iter().enumerate().map(field).collect())
    }

    /// Returns the entries of a map whose keys are strings.
    pub(super) fn pairs(&self) -> Result<Vec<(String, Self)>, ConfigError> {
        let Value::Mapping(entries) = self.value else {
            return Err(self.error("it is a map", "write `name: value`, one a line"));
        };
        entries
            .iter()
            .map(|(key, value)| {
                let key = match key {
                    Value::String(key) => key.clone(),
                    _ => return Err(self.error("its keys are text", "put the key in quotes")),
                };
                let path = format!("{}.{key}", self.path);
                Ok((key, Self { path, value }))
            })
            .collect()
    }

    /// Returns a string, or a number or a boolean as it was written.
    pub(super) fn text(&self) -> Result<String, ConfigError> {
        self.scalar().ok_or_else(|| self.error("it is text or a number", "write one value"))
    }

    fn scalar(&self) -> Option<String> {
        match self.value {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            Value::Bool(value) => Some(value.to_string()),
            _ => None,
        }
    }

    pub(super) fn is_true(&self) -> bool {
        self.value.as_bool() == Some(true)
    }

    /// Parses a duration in the notation of OpenSLO: a whole number and one unit.
    pub(super) fn duration(&self) -> Result<Duration, ConfigError> {
        let text = self.text()?;
        parse_duration(&text)
            .ok_or_else(|| self.error("it is a number of m, h, d or w", "write it like `30d`"))
    }

    /// Returns an error about this field.
    pub(super) fn error(
        &self,
        rule: impl Into<std::borrow::Cow<'static, str>>,
        advice: impl Into<std::borrow::Cow<'static, str>>,
    ) -> ConfigError {
        let path = if self.path.is_empty() { "file" } else { &self.path };
        ConfigError::new(path.to_owned(), self.shown(), rule, advice)
    }

    /// Returns an error about this field with the rule and the advice of another error.
    pub(super) fn error_from(&self, err: &ConfigError) -> ConfigError {
        ConfigError::new(
            self.path.clone(),
            self.shown(),
            err.rule().to_owned(),
            err.advice().to_owned(),
        )
    }

    /// Returns the value as it is shown in an error: the scalar, or the kind of the collection.
    fn shown(&self) -> String {
        match self.value {
            Value::Mapping(_) => "a map".to_owned(),
            Value::Sequence(items) => format!("a list of {}", items.len()),
            _ => self.scalar().unwrap_or_else(|| "nothing".to_owned()),
        }
    }
}
