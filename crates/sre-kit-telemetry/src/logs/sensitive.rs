//! A value that is not shown.

use std::fmt;

/// A value that neither log lines nor spans nor [`Debug`](fmt::Debug) show, such as a token or an
/// e-mail address.
///
/// It prints as `REDACTED`, with `?` and with `%`:
///
/// ```
/// use sre_kit_telemetry::Sensitive;
///
/// let email = Sensitive::new("ada@example.org");
/// tracing::info!(%email, "signed up");
/// assert_eq!(format!("{email} {email:?}"), "REDACTED REDACTED");
/// assert_eq!(email.expose(), &"ada@example.org");
/// ```
///
/// A struct that derives [`Debug`](fmt::Debug) and has such a field prints the rest of its fields.
/// The value stays in memory as it is: this type protects against a careless line, and not against a
/// reader of the memory.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sensitive<T>(T);

impl<T> Sensitive<T> {
    /// Wraps a value.
    pub const fn new(value: T) -> Self {
        Self(value)
    }

    /// Returns the value. Do not log it.
    pub const fn expose(&self) -> &T {
        &self.0
    }

    /// Returns the value, and gives it up. Do not log it.
    pub fn into_exposed(self) -> T {
        self.0
    }
}

impl<T> From<T> for Sensitive<T> {
    fn from(value: T) -> Self {
        Self(value)
    }
}

impl<T> fmt::Debug for Sensitive<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("REDACTED")
    }
}

impl<T> fmt::Display for Sensitive<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad("REDACTED")
    }
}

#[cfg(all(test, feature = "testing"))]
mod tests {
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    use super::Sensitive;
    use crate::testing::CapturedSpans;
    use crate::{LogFormat, Sampler, Telemetry};

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

    #[test]
    fn neither_a_log_line_nor_a_span_nor_debug_shows_the_value() {
        #[derive(Debug)]
        struct Login {
            _user: &'static str,
            _password: Sensitive<&'static str>,
        }
        for format in [LogFormat::Json, LogFormat::Text] {
            let (spans, sink) = (CapturedSpans::default(), Sink::default());
            let writer = sink.clone();
            let telemetry = Telemetry::builder()
                .sampler(Sampler::always_on())
                .capture_spans(&spans)
                .log_format(format)
                .log_writer(move || writer.clone())
                .build()
                .expect("valid");
            let password = Sensitive::new("hunter2");
            let login = Login { _user: "ada", _password: password };
            tracing::dispatcher::with_default(telemetry.dispatch(), || {
                let _span = tracing::info_span!("login", %password, ?login).entered();
                tracing::info!(?password, %password, ?login, "signed in as {login:?}");
            });
            let line = String::from_utf8(sink.0.lock().expect("free").clone()).expect("text");
            let shown = format!("{line} {spans:?} {:?}", spans.all());
            assert!(line.contains("ada") && line.contains("REDACTED"), "{line}");
            assert!(shown.matches("REDACTED").count() >= 6, "also in the span: {shown}");
            assert!(!shown.contains("hunter2"), "{shown}");
        }
    }
}
