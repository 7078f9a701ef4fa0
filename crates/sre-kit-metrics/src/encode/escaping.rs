//! The escaping scheme of names, which a scraper asks for beside the format.
//!
//! Names have letters, digits, `_` and `:` only here, so that the schemes `allow-utf-8`,
//! `underscores` and `values` write the same text. `dots` would write other names: a scraper that
//! asks for it gets `underscores`, and the content type says so.

use http::HeaderMap;
use http::header::HeaderValue;
use sre_kit_core::internal::negotiate;

use super::format::Format;

/// Returns the content type of a response to a request with these headers.
pub(crate) fn content_type(format: Format, headers: &HeaderMap) -> HeaderValue {
    let scheme = match format {
        Format::OpenMetrics | Format::OpenMetrics2 => scheme(format, headers),
        _ => None,
    };
    let known = HeaderValue::from_static(format.content_type());
    let Some(scheme) = scheme else { return known };
    let text = format!("{}; escaping={scheme}", format.content_type());
    HeaderValue::try_from(text).unwrap_or(known)
}

/// Returns the scheme that a scraper asks for beside the format, as this crate writes it.
fn scheme(format: Format, headers: &HeaderMap) -> Option<&'static str> {
    const SCHEMES: [&str; 4] = ["allow-utf-8", "underscores", "values", "dots"];
    let asked = negotiate(headers, &SCHEMES, |scheme, range| {
        format.exactness(range)?;
        range.parameter_is("escaping", scheme)?.then_some(1)
    });
    asked.map(|scheme| if scheme == "dots" { "underscores" } else { scheme })
}

#[cfg(test)]
mod tests {
    use http::header::ACCEPT;
    use http::{HeaderMap, HeaderValue};

    use super::{Format, content_type};

    #[test]
    fn the_content_type_repeats_the_scheme_that_was_asked_for() {
        const PROMETHEUS: &str = "application/openmetrics-text;version=2.0.0;escaping=values;q=0.6,\
             application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,\
             text/plain;version=0.0.4;q=0.3,*/*;q=0.2";
        for (accept, format, end) in [
            (PROMETHEUS, Format::OpenMetrics, "version=1.0.0; charset=utf-8; escaping=allow-utf-8"),
            (PROMETHEUS, Format::OpenMetrics2, "version=2.0.0; charset=utf-8; escaping=values"),
            (PROMETHEUS, Format::Prometheus, "version=0.0.4; charset=utf-8"),
            (
                "application/openmetrics-text;version=1.0.0;escaping=dots",
                Format::OpenMetrics,
                "; escaping=underscores",
            ),
            ("application/openmetrics-text;version=1.0.0", Format::OpenMetrics, "charset=utf-8"),
            (
                "application/openmetrics-text;version=1.0.0;escaping=odd",
                Format::OpenMetrics,
                "charset=utf-8",
            ),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT, HeaderValue::from_static(accept));
            let content_type = content_type(format, &headers);
            let text = content_type.to_str().expect("text");
            assert!(text.ends_with(end), "{accept}: {text}");
        }
    }
}
