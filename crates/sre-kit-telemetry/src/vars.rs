//! Environment variables, and the errors of those that are malformed.

use std::fmt;
use std::time::Duration;

use sre_kit_core::ConfigError;

/// The environment, or the variables of a test.
pub(crate) struct Vars<'a>(&'a dyn Fn(&str) -> Option<String>);

impl<'a> Vars<'a> {
    pub(crate) fn new(lookup: &'a dyn Fn(&str) -> Option<String>) -> Self {
        Self(lookup)
    }

    /// Returns the value of `name`. The OpenTelemetry specification has an empty variable treated
    /// as one that is not set.
    pub(crate) fn get(&self, name: &str) -> Option<String> {
        (self.0)(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
    }

    /// Returns the first of `names` that is set, as its name and value.
    pub(crate) fn first(&self, names: &[String]) -> Option<(String, String)> {
        names.iter().find_map(|name| Some((name.clone(), self.get(name)?)))
    }

    /// Parses `true` or `false`, ignoring case. Defaults to `false`.
    pub(crate) fn flag(&self, name: &str) -> Result<bool, ConfigError> {
        match self.get(name) {
            None => Ok(false),
            Some(value) if value.eq_ignore_ascii_case("true") => Ok(true),
            Some(value) if value.eq_ignore_ascii_case("false") => Ok(false),
            Some(value) => Err(ConfigError::new(
                name.to_owned(),
                value,
                "it is `true` or `false`",
                "set one of the two or leave it out",
            )),
        }
    }

    /// Parses a whole number of at least `min`.
    pub(crate) fn number(&self, name: &str, default: u32, min: u32) -> Result<u32, ConfigError> {
        let Some(value) = self.get(name) else { return Ok(default) };
        value.parse().ok().filter(|number| *number >= min).ok_or_else(|| {
            ConfigError::new(
                name.to_owned(),
                value,
                format!("it is a whole number of at least {min}"),
                format!("leave it out to have {default}"),
            )
        })
    }

    /// Parses a duration in whole milliseconds, the unit of all OpenTelemetry variables.
    pub(crate) fn millis(&self, name: &str, default: Duration) -> Result<Duration, ConfigError> {
        let default = u32::try_from(default.as_millis()).unwrap_or(u32::MAX);
        self.number(name, default, 1).map(|millis| Duration::from_millis(u64::from(millis)))
    }

    /// Parses one of `words`, from the first of `names` that is set.
    pub(crate) fn word<T: Copy>(
        &self,
        names: &[String],
        words: &[(&str, T)],
    ) -> Result<Option<T>, ConfigError> {
        let Some((name, value)) = self.first(names) else { return Ok(None) };
        let found = words.iter().find(|(word, _)| *word == value).map(|(_, meaning)| *meaning);
        found.map(Some).ok_or_else(|| unknown(name, &value, words.iter().map(|(word, _)| *word)))
    }
}

/// Returns the error of a `value` that is not one of `words`.
pub(crate) fn unknown<'w>(
    name: impl Into<String>,
    value: &str,
    words: impl IntoIterator<Item = &'w str>,
) -> ConfigError {
    let words: Vec<_> = words.into_iter().map(|word| format!("`{word}`")).collect();
    ConfigError::new(
        name.into(),
        value,
        format!("it is one of {}", words.join(", ")),
        "correct it or leave it out",
    )
}

impl fmt::Debug for Vars<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Vars")
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Vars;

    #[test]
    fn an_empty_variable_is_not_set() {
        let lookup = |name: &str| (name == "EMPTY").then(|| "  ".to_owned());
        let vars = Vars::new(&lookup);
        assert_eq!(vars.get("EMPTY"), None);
        assert_eq!(vars.number("EMPTY", 5, 1).expect("the default"), 5);
        assert!(!vars.flag("EMPTY").expect("not set"));
    }

    #[test]
    fn the_error_of_an_invalid_value_names_its_rule() {
        let lookup = |_: &str| Some("many".to_owned());
        let vars = Vars::new(&lookup);
        let err = vars.millis("OTEL_BSP_SCHEDULE_DELAY", Duration::from_secs(5)).expect_err("text");
        assert_eq!(
            err.to_string(),
            "OTEL_BSP_SCHEDULE_DELAY is \"many\", but it is a whole number of at least 1; \
             leave it out to have 5000"
        );
        assert!(vars.flag("OTEL_SDK_DISABLED").is_err());
    }
}
