//! Values of the environment that are not used, and the warnings about them.

use std::fmt;

use sre_kit_core::ConfigError;

use crate::settings::signal::Signal;

/// What happens where a value is ignored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// The default is used.
    Default,
    /// The signal is not exported: there is no default for the place it is sent to, nor for what is
    /// trusted there.
    NotExported(Signal),
}

/// A value of the environment that is not used.
#[derive(Clone, Debug)]
pub(crate) struct Ignored {
    error: String,
    effect: Effect,
}

impl Ignored {
    /// Adds a value to `all`, unless it is there already: several signals share some variables.
    pub(crate) fn add(all: &mut Vec<Self>, error: &ConfigError, effect: Effect) {
        let error = error.to_string();
        if !all.iter().any(|other| other.error == error && other.effect == effect) {
            all.push(Self { error, effect });
        }
    }

    /// Logs the warning.
    pub(crate) fn warn(&self) {
        let effect = match self.effect {
            Effect::Default => "the default is used".to_owned(),
            Effect::NotExported(signal) => format!("{} are not exported", signal.name()),
        };
        tracing::warn!(
            error = self.error,
            effect,
            "a setting of the environment is ignored; SRE_KIT_STRICT_ENV=true makes it an error"
        );
    }
}

impl fmt::Display for Ignored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.error)
    }
}

#[cfg(all(test, feature = "otlp"))]
mod tests {
    use std::cell::RefCell;
    use std::collections::BTreeSet;
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    use sre_kit_metrics::Registry;

    use crate::settings::Settings;
    use crate::vars::Vars;
    use crate::{LogFormat, Telemetry};

    /// An environment in which every variable is read.
    const BASE: [(&str, &str); 7] = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9"),
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "127.0.0.1:9"),
        ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "grpc"),
        ("OTEL_EXPORTER_OTLP_TRACES_INSECURE", "true"),
        ("OTEL_METRICS_EXPORTER", "otlp"),
        ("OTEL_LOGS_EXPORTER", "otlp"),
        ("OTEL_TRACES_SAMPLER", "traceidratio"),
    ];

    /// Values that are malformed for most variables.
    const VALUES: [&str; 22] = [
        "",
        "yes",
        "-1",
        "0",
        "1e9",
        "4294967295",
        "99999999999999999999",
        "a=b,broken",
        ",",
        "=",
        "%zz=%ff",
        "ünï\u{7f}",
        "console",
        "ALWAYS_OFF",
        "http://",
        "ftp://c",
        "collector:4317",
        "http://user:hunter2@c",
        "https://c",
        "/missing.pem",
        "http/json",
        "true",
    ];

    /// Returns the value of a variable that is set last.
    fn value(set: &[(&str, &str)], name: &str) -> Option<String> {
        set.iter().rev().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
    }

    /// Returns the variables of OpenTelemetry that are read.
    fn read() -> BTreeSet<String> {
        let names = RefCell::new(BTreeSet::new());
        let encrypted = [
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "127.0.0.1:9"),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
            ("OTEL_METRICS_EXPORTER", "otlp"),
            ("OTEL_LOGS_EXPORTER", "otlp"),
        ];
        for set in [&BASE[..], &encrypted] {
            let lookup = |name: &str| {
                names.borrow_mut().insert(name.to_owned());
                value(set, name)
            };
            drop(Telemetry::builder_from_vars(lookup).expect("valid"));
        }
        let mut names = names.into_inner();
        names.retain(|name| name.starts_with("OTEL_"));
        names
    }

    /// Returns the names in the first column of the documentation's table.
    fn documented() -> BTreeSet<String> {
        let rows = include_str!("lib.rs").lines().filter_map(|line| line.strip_prefix("//! | `"));
        let cells = rows.filter_map(|row| Some(row.split_once(" | ")?.0));
        let names = cells.flat_map(|cell| cell.split("`, `")).map(|name| name.trim_matches('`'));
        names.filter(|name| name.starts_with("OTEL_")).flat_map(expand).collect()
    }

    /// Returns the names that `A{B,C}D` and `A[_X]D` stand for.
    fn expand(name: &str) -> Vec<String> {
        if let Some((start, end)) = name.split_once("[_X]") {
            let names = ["", "_TRACES", "_METRICS", "_LOGS"].map(|x| format!("{start}{x}{end}"));
            return names.iter().flat_map(|name| expand(name)).collect();
        }
        let Some((start, rest)) = name.split_once('{') else { return vec![name.to_owned()] };
        let (words, end) = rest.split_once('}').expect("closed");
        words.split(',').map(|word| format!("{start}{word}{end}")).collect()
    }

    #[test]
    fn the_documentation_lists_the_variables_that_are_read() {
        assert_eq!(documented(), read());
    }

    #[test]
    fn no_value_of_opentelemetrys_variables_is_an_error_or_a_panic() {
        let settings = |set: &[(&str, &str)]| {
            let lookup = |name: &str| value(set, name);
            format!("{:?}", Settings::from_vars(&Vars::new(&lookup)).expect("lenient"))
        };
        let base = settings(&BASE);
        let mut built = 0;
        for (name, bad) in read().iter().flat_map(|name| VALUES.map(|bad| (name, bad))) {
            let mut set = BASE.to_vec();
            set.push((name, bad));
            // A value that changes nothing needs no pipeline of its own.
            if settings(&set) == base && name != "OTEL_LOG_LEVEL" {
                continue;
            }
            let telemetry = Telemetry::builder_from_vars(|name| value(&set, name))
                .and_then(|builder| builder.log_writer(std::io::sink).build());
            let telemetry = telemetry.unwrap_or_else(|error| panic!("{name}={bad}: {error}"));
            let registered = telemetry.register(&Registry::new());
            registered.unwrap_or_else(|error| panic!("{name}={bad}: {error}"));
            built += 1;
        }
        assert!(built > 100, "{built}");
    }

    /// Returns the log lines of a build with these variables beside an endpoint.
    fn lines(set: &[(&str, &str)]) -> Vec<serde_json::Value> {
        #[derive(Clone, Default)]
        struct Sink(Arc<Mutex<Vec<u8>>>);

        impl Write for Sink {
            fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
                self.0.lock().expect("free").extend_from_slice(bytes);
                Ok(bytes.len())
            }

            fn flush(&mut self) -> std::io::Result<()> {
                Ok(())
            }
        }

        let (sink, all) = (Sink::default(), [&BASE, set].concat());
        let writer = sink.clone();
        let builder = Telemetry::builder_from_vars(|name| value(&all, name)).expect("lenient");
        let builder = builder.log_format(LogFormat::Json).log_writer(move || writer.clone());
        builder.build().expect("lenient").register(&Registry::new()).expect("lenient");
        let bytes = sink.0.lock().expect("free").clone();
        let text = String::from_utf8(bytes).expect("text");
        text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
    }

    #[test]
    fn a_malformed_value_is_logged_once() {
        assert_eq!(lines(&[]).len(), 0);
        let lines = lines(&[("OTEL_EXPORTER_OTLP_COMPRESSION", "zstd")]);
        let [line] = &lines[..] else { panic!("one for three signals: {lines:?}") };
        assert_eq!(line["severity"], "WARNING");
        assert_eq!(line["effect"], "the default is used");
        let error = line["error"].as_str().expect("text");
        assert!(error.starts_with("OTEL_EXPORTER_OTLP_COMPRESSION is \"zstd\""), "{error}");
    }

    #[test]
    fn a_file_that_cannot_be_read_turns_its_signals_off() {
        let lines = lines(&[
            ("OTEL_EXPORTER_OTLP_LOGS_CERTIFICATE", "/missing.pem"),
            ("OTEL_EXPORTER_OTLP_METRICS_CERTIFICATE", "/missing.pem"),
        ]);
        let effects: Vec<_> = lines.iter().map(|line| line["effect"].as_str()).collect();
        assert_eq!(effects, [Some("logs are not exported"), Some("metrics are not exported")]);
        let strict = [
            ("SRE_KIT_STRICT_ENV", "true"),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9"),
            ("OTEL_EXPORTER_OTLP_CERTIFICATE", "/missing.pem"),
        ];
        let builder = Telemetry::builder_from_vars(|name| value(&strict, name)).expect("valid");
        assert!(builder.build().expect_err("strict").to_string().contains("/missing.pem"));
    }
}
