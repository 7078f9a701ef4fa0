//! Environment variables, and what becomes of malformed ones.
//!
//! Variables of OpenTelemetry often apply to a whole cluster, so a malformed one is ignored with a
//! warning, as the specification has it. Those of this crate belong to one service, so a malformed
//! one is an error.
//!
//! Source: <https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/>

use std::cell::RefCell;
use std::fmt;
use std::ops::RangeInclusive;
use std::time::Duration;

use sre_kit_core::ConfigError;

use crate::ignored::{Effect, Ignored};

/// The variable that makes a malformed `OTEL_*` value an error.
const STRICT: &str = "SRE_KIT_STRICT_ENV";

/// The duration that stands for no limit. It is finite, so that adding it to an instant cannot
/// overflow.
pub(crate) const NO_LIMIT: Duration = Duration::from_secs(u32::MAX as u64);

/// The environment, or the variables of a test.
pub(crate) struct Vars<'a> {
    lookup: &'a dyn Fn(&str) -> Option<String>,
    strict: bool,
    ignored: RefCell<Vec<Ignored>>,
}

impl<'a> Vars<'a> {
    pub(crate) fn new(lookup: &'a dyn Fn(&str) -> Option<String>) -> Self {
        Self { lookup, strict: false, ignored: RefCell::default() }
    }

    /// Makes malformed `OTEL_*` values errors if the environment asks for it.
    pub(crate) fn with_strictness(mut self) -> Result<Self, ConfigError> {
        self.strict = self.flag(STRICT)?;
        Ok(self)
    }

    /// Returns whether malformed `OTEL_*` values are errors.
    pub(crate) fn is_strict(&self) -> bool {
        self.strict
    }

    /// Returns the values that were ignored.
    pub(crate) fn into_ignored(self) -> Vec<Ignored> {
        self.ignored.into_inner()
    }

    /// Notes that a malformed value is ignored.
    ///
    /// # Errors
    ///
    /// Returns `error` if the value must not be ignored.
    pub(crate) fn ignore(&self, error: ConfigError, effect: Effect) -> Result<(), ConfigError> {
        if self.strict || !is_otel(error.field()) {
            return Err(error);
        }
        Ignored::add(&mut self.ignored.borrow_mut(), &error, effect);
        Ok(())
    }

    /// Returns the value of `name`. The OpenTelemetry specification has an empty variable treated
    /// as one that is not set.
    pub(crate) fn get(&self, name: &str) -> Option<String> {
        (self.lookup)(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
    }

    /// Returns the first of `names` that is set, as its name and value.
    pub(crate) fn first(&self, names: &[String]) -> Option<(String, String)> {
        names.iter().find_map(|name| Some((name.clone(), self.get(name)?)))
    }

    /// Parses `true` or `false`, ignoring case. Defaults to `false`.
    pub(crate) fn flag(&self, name: &str) -> Result<bool, ConfigError> {
        let Some(value) = self.get(name) else { return Ok(false) };
        if value.eq_ignore_ascii_case("true") {
            return Ok(true);
        }
        if !value.eq_ignore_ascii_case("false") {
            let error = ConfigError::new(
                name.to_owned(),
                value,
                "it is `true` or `false`",
                "set one of the two or leave it out",
            );
            self.ignore(error, Effect::Default)?;
        }
        Ok(false)
    }

    /// Parses a whole number within `range`.
    pub(crate) fn number(
        &self,
        name: &str,
        default: u32,
        range: RangeInclusive<u32>,
    ) -> Result<u32, ConfigError> {
        Ok(self.whole(name, &default, range)?.unwrap_or(default))
    }

    /// Parses a duration in whole milliseconds, the unit of all OpenTelemetry variables.
    pub(crate) fn millis(
        &self,
        name: &str,
        default: Duration,
        min: u32,
    ) -> Result<Duration, ConfigError> {
        let millis = self.whole(name, &default.as_millis(), min..=u32::MAX)?;
        Ok(millis.map_or(default, |millis| Duration::from_millis(u64::from(millis))))
    }

    /// Parses a whole number within `range`, if the variable is set. `default` is printed only.
    fn whole(
        &self,
        name: &str,
        default: &dyn fmt::Display,
        range: RangeInclusive<u32>,
    ) -> Result<Option<u32>, ConfigError> {
        let Some(value) = self.get(name) else { return Ok(None) };
        if let Some(number) = value.parse().ok().filter(|number| range.contains(number)) {
            return Ok(Some(number));
        }
        let error = ConfigError::new(
            name.to_owned(),
            value,
            format!("it is a whole number from {} to {}", range.start(), range.end()),
            format!("leave it out to have {default}"),
        );
        self.ignore(error, Effect::Default).map(|()| None)
    }

    /// Parses a timeout in whole milliseconds. The specification has 0 mean that there is no limit.
    pub(crate) fn timeout(&self, name: &str, default: Duration) -> Result<Duration, ConfigError> {
        let timeout = self.millis(name, default, 0)?;
        Ok(if timeout.is_zero() { NO_LIMIT } else { timeout })
    }

    /// Parses one of `words`, from the first of `names` that has a valid value.
    pub(crate) fn word<T: Copy>(
        &self,
        names: &[String],
        words: &[(&str, T)],
    ) -> Result<Option<T>, ConfigError> {
        for name in names {
            let Some(value) = self.get(name) else { continue };
            if let Some(meaning) = meaning(name, &value, words) {
                return Ok(Some(meaning));
            }
            let error = unknown(name.clone(), &value, words.iter().map(|(word, _)| *word));
            self.ignore(error, Effect::Default)?;
        }
        Ok(None)
    }

    /// Parses a list of `words` with commas between. Returns `None` if the variable is not set or
    /// has only unknown words.
    pub(crate) fn words<T: Copy>(
        &self,
        name: &str,
        words: &[(&str, T)],
    ) -> Result<Option<Vec<T>>, ConfigError> {
        let Some(list) = self.get(name) else { return Ok(None) };
        let mut found = Vec::new();
        for value in list.split(',').map(str::trim).filter(|value| !value.is_empty()) {
            if let Some(meaning) = meaning(name, value, words) {
                found.push(meaning);
            } else {
                let known = words.iter().map(|(word, _)| *word);
                self.ignore(unknown(name.to_owned(), value, known), Effect::Default)?;
            }
        }
        Ok((!found.is_empty()).then_some(found))
    }
}

/// Returns whether a variable is one of OpenTelemetry's.
fn is_otel(name: &str) -> bool {
    name.starts_with("OTEL_")
}

/// Returns the meaning of `value`. The specification has case ignored.
fn meaning<T: Copy>(name: &str, value: &str, words: &[(&str, T)]) -> Option<T> {
    let is_same = |word: &str| {
        if is_otel(name) { word.eq_ignore_ascii_case(value) } else { word == value }
    };
    words.iter().find(|(word, _)| is_same(word)).map(|(_, meaning)| *meaning)
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

    use super::{NO_LIMIT, Vars};

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn an_empty_variable_is_not_set() {
        let lookup = |name: &str| (name == "OTEL_EMPTY").then(|| "  ".to_owned());
        let vars = Vars::new(&lookup);
        assert_eq!(vars.get("OTEL_EMPTY"), None);
        assert_eq!(vars.number("OTEL_EMPTY", 5, 1..=9).expect("the default"), 5);
        assert!(!vars.flag("OTEL_EMPTY").expect("not set"));
        assert!(vars.into_ignored().is_empty());
    }

    #[test]
    fn a_malformed_value_of_opentelemetry_is_ignored_once_and_named_with_its_rule() {
        let lookup = |_: &str| Some("many".to_owned());
        let vars = Vars::new(&lookup);
        for _ in 0..2 {
            assert_eq!(vars.millis("OTEL_DELAY", SECOND, 1).expect("default"), SECOND);
        }
        assert!(!vars.flag("OTEL_FLAG").expect("default"));
        let ignored: Vec<_> = vars.into_ignored().iter().map(ToString::to_string).collect();
        assert_eq!(
            ignored,
            [
                "OTEL_DELAY is \"many\", but it is a whole number from 1 to 4294967295; \
                 leave it out to have 1000",
                "OTEL_FLAG is \"many\", but it is `true` or `false`; set one of the two or \
                 leave it out",
            ]
        );
    }

    #[test]
    fn a_malformed_value_is_an_error_for_this_crates_variables_and_in_strict_mode() {
        let lookup = |_: &str| Some("many".to_owned());
        assert!(Vars::new(&lookup).flag("SRE_KIT_FLAG").is_err());
        assert!(Vars::new(&lookup).with_strictness().is_err(), "strictness itself is strict");
        let strict = |name: &str| {
            Some(if name == "SRE_KIT_STRICT_ENV" { "TRUE" } else { "many" }.to_owned())
        };
        let vars = Vars::new(&strict).with_strictness().expect("valid");
        assert_eq!(vars.flag("OTEL_FLAG").expect_err("strict").field(), "OTEL_FLAG");
    }

    #[test]
    fn a_timeout_of_zero_is_no_limit_and_another_zero_is_zero() {
        let lookup = |_: &str| Some("0".to_owned());
        let vars = Vars::new(&lookup);
        assert_eq!(vars.timeout("OTEL_TIMEOUT", SECOND).expect("valid"), NO_LIMIT);
        assert_eq!(vars.millis("OTEL_DELAY", SECOND, 0).expect("valid"), Duration::ZERO);
        assert_eq!(vars.number("OTEL_LIMIT", 128, 0..=u32::MAX).expect("valid"), 0);
    }

    #[test]
    fn a_word_ignores_case_and_a_malformed_narrower_one_leaves_the_general_one() {
        let lookup =
            |name: &str| Some(if name == "OTEL_NARROW" { "zstd" } else { "GZip" }.to_owned());
        let vars = Vars::new(&lookup);
        let names = ["OTEL_NARROW".to_owned(), "OTEL_GENERAL".to_owned()];
        let words = [("gzip", true), ("none", false)];
        assert_eq!(vars.word(&names, &words).expect("lenient"), Some(true));
        assert!(vars.word(&["SRE_KIT_WORD".to_owned()], &words).is_err(), "case counts there");
        assert_eq!(vars.into_ignored().len(), 1);
    }

    #[test]
    fn a_list_keeps_the_words_that_are_known() {
        let lookup = |name: &str| {
            Some(if name == "OTEL_MIXED" { "b3, Baggage ,," } else { "b3,jaeger" }.to_owned())
        };
        let vars = Vars::new(&lookup);
        let words = [("tracecontext", 1), ("baggage", 2)];
        assert_eq!(vars.words("OTEL_MIXED", &words).expect("lenient"), Some(vec![2]));
        assert_eq!(vars.words("OTEL_UNKNOWN", &words).expect("lenient"), None);
        assert_eq!(vars.into_ignored().len(), 3);
    }
}
