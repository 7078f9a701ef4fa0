//! The declaration of a service that this one calls.

use std::borrow::Cow;

use http::Uri;
use http::uri::Scheme;

use crate::ConfigError;

/// The most routes or methods that a peer can declare.
const MAX_TEMPLATES: usize = 255;

const ADVICE: &str = "write it like `https://payments.internal:8443`";

/// The longest name of a peer.
const MAX_NAME: usize = 64;

/// The declaration of a service that this one calls.
///
/// The labels of its calls come from here, never from a request: the cardinality is bounded by
/// construction.
///
/// ```
/// use sre_kit::outbound::Peer;
///
/// let payments = Peer::http("payments", "https://payments.internal:8443")?
///     .routes(["/v1/charges", "/v1/charges/{id}"]);
/// let stock = Peer::grpc("stock", "http://stock.internal")?.methods(["shop.Stock/Reserve"]);
/// assert!(Peer::http("payments", "/v1/charges").is_err());
/// # Ok::<(), sre_kit::ConfigError>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "a peer does nothing until it is passed to a builder"]
pub struct Peer {
    pub(super) name: String,
    pub(super) grpc: bool,
    pub(super) scheme: Scheme,
    /// The authority as the URL spells it.
    pub(super) authority: String,
    pub(super) host: String,
    pub(super) port: u16,
    /// Whether the authority names the port.
    pub(super) has_port: bool,
    pub(super) templates: Vec<String>,
}

impl Peer {
    /// Declares a peer that speaks HTTP, such as `https://payments.internal:8443`.
    ///
    /// # Errors
    ///
    /// Returns an error if the name is empty, longer than 64 bytes or has other characters than
    /// letters, digits, `.`, `-` and `_`; or if `url` is not a scheme `http` or `https` with an
    /// authority and nothing else.
    pub fn http(name: impl Into<String>, url: &str) -> Result<Self, ConfigError> {
        Self::new(name.into(), url, false)
    }

    /// Declares a peer that speaks gRPC. Its calls end with the status in their trailers, and their
    /// durations are recorded in `rpc_client_call_duration_seconds`.
    ///
    /// # Errors
    ///
    /// Those of [`http`](Self::http).
    pub fn grpc(name: impl Into<String>, url: &str) -> Result<Self, ConfigError> {
        Self::new(name.into(), url, true)
    }

    fn new(name: String, url: &str, grpc: bool) -> Result<Self, ConfigError> {
        let allowed = |c: char| c.is_ascii_alphanumeric() || ['.', '-', '_'].contains(&c);
        if name.is_empty() || name.len() > MAX_NAME || !name.chars().all(allowed) {
            return Err(ConfigError::new(
                "peer",
                name,
                "a name has 1 to 64 letters, digits, `.`, `-` or `_`",
                "write a short name such as `payments`",
            ));
        }
        let refuse = |rule: &'static str, advice: &'static str| {
            // A user name or a password in the URL is not shown.
            let shown: Cow<'_, str> =
                if url.contains('@') { "a URL with user information".into() } else { url.into() };
            Err(ConfigError::new(format!("url of the peer `{name}`"), shown, rule, advice))
        };
        let Ok(uri) = url.parse::<Uri>() else { return refuse("it is no URL", ADVICE) };
        let (scheme, default_port) = match uri.scheme_str() {
            Some("http") => (Scheme::HTTP, 80),
            Some("https") => (Scheme::HTTPS, 443),
            _ => return refuse("its scheme is neither `http` nor `https`", ADVICE),
        };
        let Some(authority) = uri.authority().filter(|authority| !authority.host().is_empty())
        else {
            return refuse("it has no authority", ADVICE);
        };
        if authority.as_str().contains('@') {
            return refuse(
                "a peer has no user information",
                "send credentials in a header of the request",
            );
        }
        if uri.path() != "/" || uri.query().is_some() {
            return refuse(
                "a peer is a whole authority",
                "leave the path out, and declare it with `routes`",
            );
        }
        Ok(Self {
            grpc,
            authority: authority.as_str().to_owned(),
            host: authority.host().to_ascii_lowercase(),
            port: authority.port_u16().unwrap_or(default_port),
            has_port: authority.port_u16().is_some(),
            scheme,
            templates: Vec::new(),
            name,
        })
    }

    /// Declares route templates, in the syntax of [`matchit`](https://docs.rs/matchit), which
    /// become the label `url_template`. A path that matches none has no such label.
    pub fn routes<T: Into<String>>(mut self, templates: impl IntoIterator<Item = T>) -> Self {
        self.templates.extend(templates.into_iter().map(Into::into));
        self
    }

    /// Declares gRPC methods, such as `shop.Stock/Reserve`, which become the label `rpc_method`.
    /// The others share `_OTHER`.
    pub fn methods<T: Into<String>>(mut self, methods: impl IntoIterator<Item = T>) -> Self {
        self.templates.extend(methods.into_iter().map(|method| format!("/{}", method.into())));
        self
    }

    /// Returns the name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the router of the templates. The value of a template is its index plus 1.
    pub(super) fn router(&self) -> Result<Option<matchit::Router<u8>>, ConfigError> {
        let refuse = |value: &str, rule: String, advice: &'static str| {
            ConfigError::new(format!("route of the peer `{}`", self.name), value, rule, advice)
        };
        if self.templates.is_empty() {
            return Ok(None);
        }
        let mut router = matchit::Router::new();
        for (i, template) in self.templates.iter().enumerate() {
            let Ok(id) = u8::try_from(i + 1) else {
                return Err(refuse(
                    template,
                    format!("a peer has at most {MAX_TEMPLATES} routes"),
                    "declare the routes that you look at, the others need no label",
                ));
            };
            if !template.starts_with('/') {
                return Err(refuse(
                    template,
                    "a route begins with `/`".to_owned(),
                    "write it like `/v1/charges/{id}`",
                ));
            }
            router.insert(template.as_str(), id).map_err(|error| {
                refuse(template, error.to_string(), "correct the template, or drop the conflict")
            })?;
        }
        Ok(Some(router))
    }
}

#[cfg(test)]
mod tests {
    use super::Peer;

    #[test]
    fn a_peer_that_has_no_authority_of_its_own_is_refused() {
        for (url, rule) in [
            ("", "no URL"),
            ("payments.internal", "neither `http` nor `https`"),
            ("/v1", "neither `http` nor `https`"),
            ("ftp://payments", "neither `http` nor `https`"),
            ("https://payments/v1", "whole authority"),
            ("https://payments?x=1", "whole authority"),
            ("https://me:secret@payments", "no user information"),
        ] {
            let error = Peer::http("payments", url).expect_err(url).to_string();
            assert!(error.contains(rule), "{url}: {error}");
            assert!(!error.contains("secret"), "{error}");
            assert!(error.contains("payments"), "{error}");
        }
        for name in ["", "a b", "ü", "x".repeat(65).as_str()] {
            assert_eq!(Peer::http(name, "http://a").expect_err("refused").field(), "peer");
        }
    }

    #[test]
    fn the_port_is_that_of_the_scheme_unless_the_url_has_one() {
        let port = |url| Peer::http("a", url).expect("valid").port;
        assert_eq!([port("http://a"), port("https://a"), port("https://A:8443/")], [80, 443, 8443]);
    }

    #[test]
    fn a_route_that_cannot_be_matched_is_refused() {
        let peer = || Peer::http("a", "http://a").expect("valid");
        for routes in [vec!["v1"], vec!["/{"], vec!["/{a}", "/{b}"]] {
            let error = peer().routes(routes).router().expect_err("refused");
            assert_eq!(error.field(), "route of the peer `a`");
        }
        let many = (0..256).map(|i| format!("/{i}"));
        assert!(peer().routes(many).router().expect_err("refused").rule().contains("at most 255"));
    }
}
