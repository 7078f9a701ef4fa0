//! A value of a YAML document that knows where it stands, for errors that say so.

use std::time::Duration;

use serde::Deserialize;
use serde_yaml_ng::Value;

use sre_kit_core::ConfigError;

/// One field and its path, such as `spec.timeWindow[0].duration`.
#[derive(Clone, Debug)]
pub(super) struct Field<'a> {
    pub(super) path: String,
    value: &'a Value,
}

/// Every document of a text.
pub(super) fn documents(text: &str) -> Result<Vec<Value>, ConfigError> {
    let parsed: Result<Vec<_>, _> =
        serde_yaml_ng::Deserializer::from_str(text).map(Value::deserialize).collect();
    let documents = parsed.map_err(|err| {
        ConfigError::new("file", err.to_string(), "that is no YAML", "mend the line it names")
    })?;
    // A text that ends in `---` has an empty last document.
    Ok(documents.into_iter().filter(|document| !document.is_null()).collect())
}

impl<'a> Field<'a> {
    /// The document itself, which has no path.
    pub(super) fn root(value: &'a Value) -> Self {
        Self { path: String::new(), value }
    }

    /// The entry of a map, if it is there and not null.
    pub(super) fn get(&self, key: &str) -> Option<Self> {
        let value = self.value.get(key).filter(|value| !value.is_null())?;
        let path =
            if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) };
        Some(Self { path, value })
    }

    /// The entry of a map that has to be there.
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

    /// The items of a list.
    pub(super) fn items(&self) -> Result<Vec<Self>, ConfigError> {
        let Value::Sequence(items) = self.value else {
            return Err(self.refuse("it is a list", "begin each item with `-`"));
        };
        let field = |(i, value)| Self { path: format!("{}[{i}]", self.path), value };
        Ok(items.iter().enumerate().map(field).collect())
    }

    /// The entries of a map from text to text.
    pub(super) fn pairs(&self) -> Result<Vec<(String, Self)>, ConfigError> {
        let Value::Mapping(entries) = self.value else {
            return Err(self.refuse("it is a map", "write `name: value`, one a line"));
        };
        entries
            .iter()
            .map(|(key, value)| {
                let key = match key {
                    Value::String(key) => key.clone(),
                    _ => return Err(self.refuse("its keys are text", "put the key in quotes")),
                };
                let path = format!("{}.{key}", self.path);
                Ok((key, Self { path, value }))
            })
            .collect()
    }

    /// Text, or a number or boolean as it was written.
    pub(super) fn text(&self) -> Result<String, ConfigError> {
        self.scalar().ok_or_else(|| self.refuse("it is text or a number", "write one value"))
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

    /// A duration in the shorthand of OpenSLO: a whole number and one unit.
    pub(super) fn duration(&self) -> Result<Duration, ConfigError> {
        let text = self.text()?;
        let (number, unit) =
            text.split_at(text.len() - text.chars().last().map_or(0, char::len_utf8));
        let seconds = match unit {
            "s" => Some(1),
            "m" => Some(60),
            "h" => Some(3_600),
            "d" => Some(86_400),
            "w" => Some(604_800),
            _ => None,
        };
        let length = seconds.zip(number.parse::<u64>().ok());
        length
            .and_then(|(unit, number)| unit_times(unit, number))
            .ok_or_else(|| self.refuse("it is a number of m, h, d or w", "write it like `30d`"))
    }

    /// An error about this field.
    pub(super) fn refuse(
        &self,
        rule: impl Into<std::borrow::Cow<'static, str>>,
        advice: impl Into<std::borrow::Cow<'static, str>>,
    ) -> ConfigError {
        let path = if self.path.is_empty() { "file" } else { &self.path };
        ConfigError::new(path.to_owned(), self.shown(), rule, advice)
    }

    /// Another error, about this field.
    pub(super) fn because(&self, err: &ConfigError) -> ConfigError {
        ConfigError::new(
            self.path.clone(),
            self.shown(),
            err.rule().to_owned(),
            err.advice().to_owned(),
        )
    }

    /// The value for an error: its text, or what kind of thing it is.
    fn shown(&self) -> String {
        match self.value {
            Value::Mapping(_) => "a map".to_owned(),
            Value::Sequence(items) => format!("a list of {}", items.len()),
            _ => self.scalar().unwrap_or_else(|| "nothing".to_owned()),
        }
    }
}

fn unit_times(unit: u64, number: u64) -> Option<Duration> {
    unit.checked_mul(number).map(Duration::from_secs)
}
