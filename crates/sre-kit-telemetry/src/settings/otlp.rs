//! The OTLP destination of a signal.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use http::{HeaderName, HeaderValue, Uri};

use super::protocol::Protocol;
use super::signal::Signal;
use crate::ignored::{Effect, Ignored};
use crate::vars::Vars;
use sre_kit_core::ConfigError;

/// The OTLP settings of one signal.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct OtlpSettings {
    pub(crate) endpoint: String,
    pub(crate) protocol: Protocol,
    pub(crate) timeout: Duration,
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    pub(crate) gzip: bool,
    pub(crate) tls: Option<TlsFiles>,
    /// Whether the signal is not exported if its exporter cannot be set up, which is an error
    /// otherwise.
    pub(crate) lenient: bool,
}

/// PEM files for TLS, in addition to the certificate authorities of the system.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct TlsFiles {
    pub(crate) ca: Option<PathBuf>,
    pub(crate) client: Option<(PathBuf, PathBuf)>,
}

impl OtlpSettings {
    pub(crate) fn new(signal: Signal, protocol: Protocol, base: &str) -> Result<Self, ConfigError> {
        Self::at("otlp endpoint", signal_endpoint(signal, protocol, base), protocol)
    }

    fn at(name: &str, endpoint: String, protocol: Protocol) -> Result<Self, ConfigError> {
        let uri: Option<Uri> = endpoint.parse().ok();
        let is_valid = uri.is_some_and(|uri| {
            matches!(uri.scheme_str(), Some("http" | "https"))
                && uri.authority().is_some_and(|authority| !authority.as_str().contains('@'))
        });
        if !is_valid {
            return Err(ConfigError::new(
                name.to_owned(),
                without_user(&endpoint),
                "an endpoint is a URL with the scheme http or https, a host, and no user in it",
                "write it like http://collector:4317, and credentials into the headers",
            ));
        }
        Ok(Self {
            endpoint,
            protocol,
            timeout: Duration::from_secs(10),
            headers: Vec::new(),
            gzip: false,
            tls: None,
            lenient: false,
        })
    }

    /// Notes that the signal is not exported because of `error`.
    ///
    /// # Errors
    ///
    /// Returns `error` unless the settings are from the environment.
    pub(crate) fn not_exported(
        &self,
        signal: Signal,
        error: ConfigError,
        ignored: &mut Vec<Ignored>,
    ) -> Result<(), ConfigError> {
        if !self.lenient {
            return Err(error);
        }
        Ignored::add(ignored, &error, Effect::NotExported(signal));
        Ok(())
    }

    pub(crate) fn is_grpc(&self) -> bool {
        self.protocol == Protocol::Grpc
    }

    /// Reads the settings of `signal`. Returns `None` if it is not exported.
    ///
    /// `OTEL_{signal}_EXPORTER` is a list of `words`. If it is not set and `default` is true, the
    /// signal is exported only if an endpoint is set: a program on a laptop without a collector
    /// should not fill its log with export errors.
    pub(crate) fn from_vars(
        vars: &Vars<'_>,
        signal: Signal,
        default: bool,
        words: &[(&str, bool)],
    ) -> Result<Option<Self>, ConfigError> {
        let exporters = vars.words(&format!("OTEL_{}_EXPORTER", signal.upper()), words)?;
        let endpoint = vars.first(&signal.variables("ENDPOINT"));
        let wanted = exporters.map(|list| list.contains(&true));
        if !wanted.unwrap_or(default && endpoint.is_some()) {
            return Ok(None);
        }
        match Self::to_endpoint(vars, signal, endpoint) {
            Ok(otlp) => Ok(Some(otlp)),
            Err(error) => vars.ignore(error, Effect::NotExported(signal)).map(|()| None),
        }
    }

    fn to_endpoint(
        vars: &Vars<'_>,
        signal: Signal,
        endpoint: Option<(String, String)>,
    ) -> Result<Self, ConfigError> {
        let protocol = vars
            .word(&signal.variables("PROTOCOL"), &Protocol::NAMES)?
            .unwrap_or(Protocol::HttpProtobuf);
        let mut otlp = match endpoint {
            // The specification has the signal's own endpoint used as it is, without a path added.
            Some((name, url)) if name == signal.variables("ENDPOINT")[0] => {
                Self::at(&name, with_scheme(vars, signal, protocol, url)?, protocol)
            }
            Some((name, url)) => {
                let url = with_scheme(vars, signal, protocol, url)?;
                Self::at(&name, signal_endpoint(signal, protocol, &url), protocol)
            }
            None => {
                let port = protocol.default_port();
                Self::new(signal, protocol, &format!("http://localhost:{port}"))
            }
        }?;
        otlp.lenient = !vars.is_strict();
        let [narrow, general] = signal.variables("TIMEOUT");
        let timeout = vars.timeout(&general, otlp.timeout)?;
        otlp.timeout = vars.timeout(&narrow, timeout)?;
        otlp.gzip = vars
            .word(&signal.variables("COMPRESSION"), &[("gzip", true), ("none", false)])?
            .unwrap_or(false);
        if let Some((name, list)) = vars.first(&signal.variables("HEADERS")) {
            match parse_headers(&name, &list) {
                Ok(headers) => otlp.headers = headers,
                Err(error) => vars.ignore(error, Effect::Default)?,
            }
        }
        otlp.tls = tls_files(vars, signal)?;
        Ok(otlp)
    }
}

impl fmt::Debug for OtlpSettings {
    // Headers carry credentials, so only their names are printed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OtlpSettings")
            .field("endpoint", &self.endpoint)
            .field("protocol", &self.protocol)
            .field("timeout", &self.timeout)
            .field("headers", &self.headers.iter().map(|(name, _)| name).collect::<Vec<_>>())
            .field("gzip", &self.gzip)
            .field("tls", &self.tls)
            .field("lenient", &self.lenient)
            .finish()
    }
}

/// Returns the endpoint of a signal below the endpoint of all signals.
fn signal_endpoint(signal: Signal, protocol: Protocol, base: &str) -> String {
    match protocol {
        Protocol::Grpc => base.to_owned(),
        Protocol::HttpProtobuf => format!("{}/{}", base.trim_end_matches('/'), signal.path()),
    }
}

/// Adds a scheme to an endpoint of gRPC that has none: `http` only if the environment says that the
/// connection is insecure.
fn with_scheme(
    vars: &Vars<'_>,
    signal: Signal,
    protocol: Protocol,
    endpoint: String,
) -> Result<String, ConfigError> {
    if let Some((scheme, rest)) = endpoint.split_once("://") {
        return Ok(format!("{}://{rest}", scheme.to_ascii_lowercase()));
    }
    if protocol != Protocol::Grpc {
        return Ok(endpoint);
    }
    let insecure = match vars.first(&signal.variables("INSECURE")) {
        Some((name, _)) => vars.flag(&name)?,
        None => false,
    };
    Ok(format!("{}://{endpoint}", if insecure { "http" } else { "https" }))
}

/// Returns `endpoint` without the user and password that it may contain.
fn without_user(endpoint: &str) -> String {
    match (endpoint.find("://"), endpoint.rfind('@')) {
        (Some(scheme), Some(at)) if at > scheme => {
            format!("{}://REDACTED{}", &endpoint[..scheme], &endpoint[at..])
        }
        _ => endpoint.to_owned(),
    }
}

/// Parses `key1=value1,key2=value2` with percent-encoded values, the syntax of W3C Baggage.
fn parse_headers(name: &str, list: &str) -> Result<Vec<(HeaderName, HeaderValue)>, ConfigError> {
    list.split(',')
        .filter(|pair| !pair.trim().is_empty())
        .map(|pair| {
            let (key, value) = pair.split_once('=')?;
            let value = percent_encoding::percent_decode_str(value.trim()).decode_utf8().ok()?;
            let mut value = HeaderValue::from_str(&value).ok()?;
            value.set_sensitive(true);
            Some((key.trim().parse().ok()?, value))
        })
        .collect::<Option<_>>()
        .ok_or_else(|| {
            ConfigError::new(
                name.to_owned(),
                "(not shown)",
                "headers are written `name=value`, with commas between and values percent-encoded",
                "write it like `authorization=Bearer%20...`",
            )
        })
}

fn tls_files(vars: &Vars<'_>, signal: Signal) -> Result<Option<TlsFiles>, ConfigError> {
    let file = |what| vars.first(&signal.variables(what));
    let ca = file("CERTIFICATE").map(|(_, path)| PathBuf::from(path));
    let client = match (file("CLIENT_CERTIFICATE"), file("CLIENT_KEY")) {
        (Some((_, certificate)), Some((_, key))) => Some((certificate.into(), key.into())),
        (None, None) => None,
        (Some((name, path)), None) | (None, Some((name, path))) => {
            return Err(ConfigError::new(
                name,
                path,
                "a client certificate and its key go together",
                "set both or neither",
            ));
        }
    };
    Ok((ca.is_some() || client.is_some()).then_some(TlsFiles { ca, client }))
}

#[cfg(test)]
mod tests {
    use super::{Ignored, OtlpSettings, Protocol, Signal, Vars};

    const WORDS: [(&str, bool); 2] = [("otlp", true), ("none", false)];

    fn traces(set: &[(&str, &str)]) -> Read {
        read(set, false).0
    }

    type Read = Result<Option<OtlpSettings>, sre_kit_core::ConfigError>;

    fn read(set: &[(&str, &str)], strict: bool) -> (Read, Vec<Ignored>) {
        let lookup = |name: &str| match name {
            "SRE_KIT_STRICT_ENV" => Some(strict.to_string()),
            _ => set.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned()),
        };
        let vars = Vars::new(&lookup).with_strictness().expect("valid");
        let otlp = OtlpSettings::from_vars(&vars, Signal::Traces, true, &WORDS);
        (otlp, vars.into_ignored())
    }

    #[test]
    fn nothing_is_exported_by_default() {
        assert_eq!(traces(&[]).expect("valid"), None);
        let enabled = traces(&[("OTEL_TRACES_EXPORTER", "otlp")]).expect("valid").expect("enabled");
        assert_eq!(enabled.endpoint, "http://localhost:4318/v1/traces");
        let off = [("OTEL_TRACES_EXPORTER", "none"), ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c")];
        assert_eq!(traces(&off).expect("valid"), None);
    }

    #[test]
    fn the_common_endpoint_gets_the_signals_path_and_the_signals_own_does_not() {
        let endpoint = |set: &[(&str, &str)]| traces(set).expect("valid").expect("set").endpoint;
        assert_eq!(
            endpoint(&[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4318/")]),
            "http://c:4318/v1/traces"
        );
        assert_eq!(
            endpoint(&[("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://c:4318/mine")]),
            "http://c:4318/mine"
        );
        let grpc = [
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4317"),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
        ];
        assert_eq!(endpoint(&grpc), "http://c:4317");
    }

    #[test]
    fn the_signals_own_variable_wins() {
        let otlp = traces(&[
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c"),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "1000"),
            ("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "2000"),
            ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "grpc"),
            ("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip"),
            ("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20secret, x-team=a"),
        ]);
        let otlp = otlp.expect("valid").expect("set");
        assert_eq!(otlp.timeout.as_millis(), 2000);
        assert_eq!((otlp.protocol, otlp.gzip), (Protocol::Grpc, true));
        assert_eq!(otlp.headers[0].1, "Bearer secret");
        assert!(!format!("{otlp:?}").contains("secret"), "{otlp:?}");
    }

    #[test]
    fn an_endpoint_or_tls_file_that_cannot_be_used_exports_nothing_and_prints_no_secret() {
        const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
        for (name, value) in [
            (ENDPOINT, "collector:4317"),
            (ENDPOINT, "ftp://c"),
            (ENDPOINT, "http://"),
            (ENDPOINT, "http://user:hunter2@c"),
            ("OTEL_EXPORTER_OTLP_CLIENT_KEY", "/key.pem"),
        ] {
            let mut set = vec![(name, value)];
            if name != ENDPOINT {
                set.push((ENDPOINT, "http://c"));
            }
            let (otlp, ignored) = read(&set, false);
            assert_eq!(otlp.expect(value), None, "{value}");
            let [ignored] = &ignored[..] else { panic!("{value}: {ignored:?}") };
            assert!(ignored.to_string().starts_with(name), "{ignored}");
            assert!(!ignored.to_string().contains("hunter2"), "{ignored}");
            assert_eq!(read(&set, true).0.expect_err(value).field(), name);
        }
    }

    #[test]
    fn another_malformed_value_leaves_its_default() {
        const ENDPOINT: (&str, &str) = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c");
        let default = traces(&[ENDPOINT]).expect("valid");
        for (name, value) in [
            ("OTEL_TRACES_EXPORTER", "zipkin"),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json"),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "10s"),
            ("OTEL_EXPORTER_OTLP_COMPRESSION", "zstd"),
            ("OTEL_EXPORTER_OTLP_HEADERS", "hunter2"),
        ] {
            let (otlp, ignored) = read(&[ENDPOINT, (name, value)], false);
            assert_eq!(otlp.expect(name), default, "{name}");
            let [ignored] = &ignored[..] else { panic!("{name}: {ignored:?}") };
            assert!(ignored.to_string().starts_with(name), "{ignored}");
            assert!(!ignored.to_string().contains("hunter2"), "{ignored}");
            let error = read(&[ENDPOINT, (name, value)], true).0.expect_err(name);
            assert_eq!(error.field(), name);
        }
    }

    #[test]
    fn an_endpoint_without_a_scheme_is_encrypted_unless_it_is_declared_insecure() {
        let endpoint = |insecure: &str| {
            let set = [
                ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4317"),
                ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
                ("OTEL_EXPORTER_OTLP_INSECURE", insecure),
            ];
            traces(&set).expect("valid").expect("exported").endpoint
        };
        assert_eq!(endpoint(""), "https://collector:4317");
        assert_eq!(endpoint("yes"), "https://collector:4317");
        assert_eq!(endpoint("True"), "http://collector:4317");
        let upper = traces(&[("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "HTTPS://c/mine")]);
        assert_eq!(upper.expect("valid").expect("exported").endpoint, "https://c/mine");
    }
}
