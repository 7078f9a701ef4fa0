//! The page itself: one file, assembled when the crate is compiled.

use std::io::Write;
use std::sync::LazyLock;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::header::{
    CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, VARY,
};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};

use crate::admin::body::AdminBody;
use crate::admin::response::text;
use sre_kit_core::internal::{accept_weight, accepts_gzip};

macro_rules! asset {
    ($name:literal) => {
        include_str!(concat!("../../../assets/console/", $name))
    };
}

macro_rules! style {
    () => {
        concat!(asset!("uplot/uPlot.min.css"), asset!("console.css"))
    };
}

macro_rules! script {
    () => {
        concat!(
            asset!("uplot/uPlot.iife.min.js"),
            asset!("dom.js"),
            asset!("units.js"),
            asset!("history.js"),
            asset!("metrics.js"),
            asset!("plots.js"),
            asset!("panels.js"),
            asset!("console.js"),
        )
    };
}

const HTML: &str = concat!(
    asset!("head.html"),
    "<!--\n",
    asset!("uplot/LICENSE"),
    "-->\n<style>",
    style!(),
    "</style>\n",
    asset!("body.html"),
    "<script>",
    script!(),
    "</script>\n</body>\n</html>\n",
);

/// The SHA-256 of the style and of the script, in base 64. The browser runs nothing else. A test
/// computes them and prints the right values.
const STYLE_HASH: &str = "yXWbyNirjFenpt1OXnYZ7Y7HMnGO1p3g68X7aK0vSyA=";
const SCRIPT_HASH: &str = "0+6fLUt6tikF/WArINenpRJMTx02t3yP47pUWM0oIvo=";

/// The compressed page. Level 9 pays off, because it is compressed once and sent to every client.
static GZIPPED: LazyLock<Option<Bytes>> = LazyLock::new(|| {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(HTML.as_bytes()).ok()?;
    encoder.finish().ok().map(Bytes::from)
});

/// Returns the console for a browser, and the list of pages for other clients, so that `curl` does
/// not get a hundred kilobytes.
pub(super) fn respond(headers: &HeaderMap, list: &str) -> Response<AdminBody> {
    let mut response = if accept_weight(headers, "text/html") > accept_weight(headers, "text/plain")
    {
        html(accepts_gzip(headers))
    } else {
        text(StatusCode::OK, list.to_owned())
    };
    let vary = HeaderValue::from_static("accept, accept-encoding");
    response.headers_mut().insert(VARY, vary);
    response
}

/// Returns the response with the page.
fn html(gzip: bool) -> Response<AdminBody> {
    let compressed = GZIPPED.clone().filter(|_| gzip);
    let is_compressed = compressed.is_some();
    let body = compressed.unwrap_or_else(|| Bytes::from_static(HTML.as_bytes()));
    let mut response = Response::new(AdminBody::from(body));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    if is_compressed {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    if let Ok(policy) = HeaderValue::from_str(&policy()) {
        headers.insert(CONTENT_SECURITY_POLICY, policy);
    }
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    isolate(headers);
    response
}

/// Adds the header that keeps pages of other sites from loading the response.
pub(super) fn isolate(headers: &mut HeaderMap) {
    let name = HeaderName::from_static("cross-origin-resource-policy");
    headers.insert(name, HeaderValue::from_static("same-origin"));
}

/// Returns the Content-Security-Policy: only the style and the script above, and requests to the
/// origin of the page. The icon is part of the page, hence `data:`.
fn policy() -> String {
    format!(
        "default-src 'none'; script-src 'sha256-{SCRIPT_HASH}'; style-src 'sha256-{STYLE_HASH}'; \
         connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; \
         frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
    )
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::prelude::BASE64_STANDARD;
    use sha2::{Digest, Sha256};

    use super::{GZIPPED, HTML, SCRIPT_HASH, STYLE_HASH};

    fn hash(text: &str) -> String {
        BASE64_STANDARD.encode(Sha256::digest(text))
    }

    #[test]
    fn the_policy_names_the_style_and_the_script_that_are_in_the_page() {
        let (style, script) = (hash(style!()), hash(script!()));
        assert_eq!(STYLE_HASH, style, "write the right one into STYLE_HASH");
        assert_eq!(SCRIPT_HASH, script, "write the right one into SCRIPT_HASH");
    }

    #[test]
    fn there_is_one_style_and_one_script_and_neither_ends_early() {
        for (open, close) in [("<style", "</style"), ("<script", "</script")] {
            assert_eq!(HTML.matches(open).count(), 1, "{open}");
            assert_eq!(HTML.matches(close).count(), 1, "{close}");
        }
        assert!(!HTML.contains(" style=\""), "the policy would not let it be");
        assert!(!HTML.contains(" onclick="), "the policy would not let it run");
    }

    #[test]
    fn the_page_is_small() {
        assert!(HTML.len() <= 150_000, "{} bytes", HTML.len());
        let compressed = GZIPPED.as_ref().expect("compressed").len();
        assert!(compressed <= 50_000, "{compressed} bytes compressed");
    }
}
