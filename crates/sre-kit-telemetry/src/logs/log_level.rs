//! The log level, which can be changed while the process runs.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tracing_subscriber::{EnvFilter, Registry, reload};

use crate::vars::Vars;
use sre_kit_core::ConfigError;

/// The default directives: INFO, and WARN for the transports, which log every frame or packet. An
/// exporter that traced its own transport would feed itself.
pub(crate) const DEFAULT: &str = "info,hyper=warn,h2=warn,tower=warn,tonic=warn,reqwest=warn";

/// Reads the directives from `RUST_LOG`, or the level from `OTEL_LOG_LEVEL`.
pub(crate) fn directives(vars: &Vars<'_>) -> Result<String, ConfigError> {
    if let Some(text) = vars.get("RUST_LOG") {
        parse("RUST_LOG", &text)?;
        return Ok(text);
    }
    let words = [
        ("trace", "trace"),
        ("debug", "debug"),
        ("info", "info"),
        ("warn", "warn"),
        ("error", "error"),
        ("none", "off"),
    ];
    let level = vars.word(&["OTEL_LOG_LEVEL".to_owned()], &words)?;
    Ok(level.map_or_else(|| DEFAULT.to_owned(), |level| DEFAULT.replacen("info", level, 1)))
}

/// The longest directives in bytes. They name a few dozen modules.
const MAX_LENGTH: usize = 1024;

/// Parses the directives of the setting `name`.
///
/// The values of fields are compared as they are, and not as regular expressions: an expression of
/// 46 bytes takes a gigabyte and half a minute to compile.
pub(crate) fn parse(name: &'static str, text: &str) -> Result<EnvFilter, ConfigError> {
    if text.len() > MAX_LENGTH {
        return Err(ConfigError::new(
            name,
            format_args!("a text of {} bytes", text.len()),
            format!("directives have at most {MAX_LENGTH} bytes"),
            "name fewer modules, or set the level of their common prefix",
        ));
    }
    let malformed = |error: &dyn std::fmt::Display| {
        ConfigError::new(
            name,
            text,
            format!("it is a list of filter directives: {error}"),
            "write it like `info,my_crate=debug`",
        )
    };
    // With debug assertions, tracing-subscriber panics where two directives have the same field with
    // the same value.
    match std::panic::catch_unwind(|| EnvFilter::builder().with_regex(false).parse(text)) {
        Ok(parsed) => parsed.map_err(|error| malformed(&error)),
        Err(_) => Err(malformed(&"two directives have the same field")),
    }
}

/// A handle that changes the log level while the process runs.
///
/// The level applies to log lines and to exported log records, and not to spans.
#[derive(Clone, Debug)]
pub struct LogLevel {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    filters: Vec<reload::Handle<EnvFilter, Registry>>,
    directives: Mutex<String>,
}

impl LogLevel {
    pub(crate) fn new(
        filters: Vec<reload::Handle<EnvFilter, Registry>>,
        directives: String,
    ) -> Self {
        Self { inner: Arc::new(Inner { filters, directives: Mutex::new(directives) }) }
    }

    /// Returns the current directives.
    pub fn get(&self) -> String {
        self.lock().clone()
    }

    /// Sets the directives, such as `info,my_crate=debug`. The values of fields in them are compared
    /// literally: regular expressions are not supported.
    ///
    /// # Errors
    ///
    /// Returns an error, and keeps the current directives, if
    /// - the new ones are malformed or longer than 1 KiB, or
    /// - the [`Telemetry`](crate::Telemetry) of this handle was dropped.
    pub fn set(&self, directives: &str) -> Result<(), ConfigError> {
        let filters = self.inner.filters.iter().map(|_| parse("log level", directives));
        let filters = filters.collect::<Result<Vec<_>, _>>()?;
        let mut current = self.lock();
        for (handle, filter) in self.inner.filters.iter().zip(filters) {
            handle.reload(filter).map_err(|error| {
                ConfigError::new(
                    "log level",
                    directives,
                    format!("nothing is there to be set: {error}"),
                    "keep the telemetry for as long as its level may change",
                )
            })?;
        }
        directives.clone_into(&mut current);
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, String> {
        self.inner.directives.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::{DEFAULT, Vars, directives, parse};

    #[test]
    fn a_field_is_no_regular_expression_and_the_length_is_bounded() {
        // As an expression, this one allocates more than a gigabyte.
        let costly = format!("x[y{{z=\"a{}*b\"}}]=debug", ".".repeat(30));
        parse("log level", &costly).expect("a literal");
        // Builds with debug assertions refuse what others take: neither panics.
        let _ = parse("log level", "[a{b=\"c\"}]=info,[a{b=\"c\"}]=debug");
        // As an expression, this one is malformed.
        parse("log level", "x[y{z=\"(\"}]=debug").expect("a literal");
        let longest = format!("a{}=info", ",a".repeat(509));
        assert_eq!(longest.len(), 1024);
        parse("log level", &longest).expect("it fits");
        let error = parse("log level", &format!("{longest} ")).expect_err("one byte more");
        assert!(error.to_string().contains("a text of 1025 bytes"), "{error}");
    }

    #[test]
    fn the_narrower_variable_wins_and_only_a_malformed_one_of_rust_is_rejected() {
        let with = |set: &'static [(&'static str, &'static str)]| {
            let lookup = move |name: &str| {
                set.iter().find(|(variable, _)| *variable == name).map(|(_, v)| (*v).to_owned())
            };
            directives(&Vars::new(&lookup))
        };
        assert_eq!(with(&[]).expect("default"), DEFAULT);
        let debug = with(&[("OTEL_LOG_LEVEL", "debug")]).expect("known");
        assert!(debug.starts_with("debug,hyper=warn"), "{debug}");
        let both = with(&[("OTEL_LOG_LEVEL", "debug"), ("RUST_LOG", "warn")]);
        assert_eq!(both.expect("valid"), "warn");
        assert_eq!(with(&[("RUST_LOG", "a=b=c")]).expect_err("nonsense").field(), "RUST_LOG");
        assert_eq!(with(&[("OTEL_LOG_LEVEL", "loud")]).expect("ignored"), DEFAULT);
        assert_eq!(with(&[("OTEL_LOG_LEVEL", "NONE")]).expect("any case").get(..3), Some("off"));
    }
}
