//! Reading variables, with a sentence for each that cannot be used.

use std::fmt;
use std::time::Duration;

use sre_kit_core::ConfigError;

/// The environment, or what a test puts in its place.
pub(crate) struct Vars<'a>(&'a dyn Fn(&str) -> Option<String>);

impl<'a> Vars<'a> {
    pub(crate) fn new(read: &'a dyn Fn(&str) -> Option<String>) -> Self {
        Self(read)
    }

    /// The value of `name`. An empty variable counts as one that is not set, as
    /// the OpenTelemetry specification has it.
    pub(crate) fn get(&self, name: &str) -> Option<String> {
        (self.0)(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
    }

    /// The first of `names` that is set, with its name.
    pub(crate) fn first(&self, names: &[String]) -> Option<(String, String)> {
        names.iter().find_map(|name| Some((name.clone(), self.get(name)?)))
    }

    /// Only `true`, in any case, is true; anything else but `false` is a mistake.
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

    /// A whole number of at least `least`.
    pub(crate) fn number(&self, name: &str, default: u32, least: u32) -> Result<u32, ConfigError> {
        let Some(value) = self.get(name) else { return Ok(default) };
        value.parse().ok().filter(|number| *number >= least).ok_or_else(|| {
            ConfigError::new(
                name.to_owned(),
                value,
                format!("it is a whole number of at least {least}"),
                format!("leave it out to have {default}"),
            )
        })
    }

    /// A time in whole milliseconds, the unit of all OpenTelemetry's variables.
    pub(crate) fn millis(&self, name: &str, default: Duration) -> Result<Duration, ConfigError> {
        let default = u32::try_from(default.as_millis()).unwrap_or(u32::MAX);
        self.number(name, default, 1).map(|millis| Duration::from_millis(u64::from(millis)))
    }

    /// One of a few words.
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

/// Says which words `name` may have.
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
        let read = |name: &str| (name == "EMPTY").then(|| "  ".to_owned());
        let vars = Vars::new(&read);
        assert_eq!(vars.get("EMPTY"), None);
        assert_eq!(vars.number("EMPTY", 5, 1).expect("the default"), 5);
        assert!(!vars.flag("EMPTY").expect("not set"));
    }

    #[test]
    fn a_value_that_cannot_be_used_is_told_with_its_rule() {
        let read = |_: &str| Some("many".to_owned());
        let vars = Vars::new(&read);
        let err = vars.millis("OTEL_BSP_SCHEDULE_DELAY", Duration::from_secs(5)).expect_err("text");
        assert_eq!(
            err.to_string(),
            "OTEL_BSP_SCHEDULE_DELAY is \"many\", but it is a whole number of at least 1; \
             leave it out to have 5000"
        );
        assert!(vars.flag("OTEL_SDK_DISABLED").is_err());
    }
}
