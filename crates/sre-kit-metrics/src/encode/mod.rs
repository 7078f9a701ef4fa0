//! The encoding of a registry, in each format.

#[cfg(feature = "exposition")]
mod escaping;
#[cfg(feature = "protobuf")]
mod field;
mod foreign;
mod foreign_visit;
mod format;
#[cfg(feature = "protobuf")]
mod native;
mod openmetrics2;
#[cfg(feature = "protobuf")]
mod protobuf;
mod text;

use std::fmt;

#[cfg(feature = "exposition")]
pub(crate) use escaping::content_type;
pub use format::Format;
pub use text::TextFormat;

use self::openmetrics2::OpenMetrics2Encoder;
#[cfg(feature = "protobuf")]
use self::protobuf::ProtobufEncoder;
use self::text::TextEncoder;
use crate::foreign::Foreign;
use crate::registry::Registry;

impl Registry {
    /// Appends every family to `out`, complete for a scraper: those that were created here, those
    /// that [`register`](Self::register) added, and the end mark of the format.
    ///
    /// A metric that the format cannot carry is left out. This is for pushing metrics or looking at
    /// them. With the feature `exposition`, `Exposition` answers scrapes over HTTP.
    pub fn encode(&self, format: Format, out: &mut Vec<u8>) {
        encode(self, format, false, out, |_| {});
    }

    /// Appends the families that were created here to `out`, without a closing `# EOF`.
    ///
    /// It leaves out the metrics that [`register`](Self::register) added;
    /// [`encode`](Self::encode) includes them.
    pub fn encode_text(&self, out: &mut String, format: TextFormat) {
        match format {
            TextFormat::OpenMetrics2 => self.visit(&mut OpenMetrics2Encoder::new(out)),
            format => self.visit(&mut TextEncoder::new(out, format)),
        }
    }
}

/// Appends every family to `out` and passes the name of each metric that the format cannot carry
/// to `unwritable`. `created` adds lines `_created` to OpenMetrics 1.0.
pub(crate) fn encode(
    registry: &Registry,
    format: Format,
    created: bool,
    out: &mut Vec<u8>,
    unwritable: impl FnMut(&str),
) {
    match format {
        Format::Prometheus => {
            encode_text(registry, TextFormat::Prometheus, created, out, unwritable);
        }
        Format::OpenMetrics => {
            encode_text(registry, TextFormat::OpenMetrics, created, out, unwritable);
        }
        Format::OpenMetrics2 => {
            encode_text(registry, TextFormat::OpenMetrics2, created, out, unwritable);
        }
        #[cfg(feature = "protobuf")]
        Format::Protobuf => {
            let mut encoder = ProtobufEncoder::new(out);
            registry.visit(&mut encoder);
            encoder.finish();
            encode_foreign(registry, unwritable, |foreign| foreign::encode_protobuf(foreign, out));
        }
    }
}

fn encode_text(
    registry: &Registry,
    format: TextFormat,
    created: bool,
    out: &mut Vec<u8>,
    unwritable: impl FnMut(&str),
) {
    // An empty buffer is valid text, so its memory is reused. The bytes of the caller need not be
    // valid text.
    let before = std::mem::take(out);
    let (mut text, before) = match String::from_utf8(before) {
        Ok(text) if text.is_empty() => (text, Vec::new()),
        Ok(text) => (String::new(), text.into_bytes()),
        Err(error) => (String::new(), error.into_bytes()),
    };
    if format == TextFormat::OpenMetrics2 {
        let mut encoder = OpenMetrics2Encoder::new(&mut text);
        registry.visit(&mut encoder);
        encode_foreign(registry, unwritable, |foreign| foreign_visit::visit(foreign, &mut encoder));
    } else {
        registry.visit(&mut TextEncoder::new(&mut text, format).with_created_lines(created));
        encode_foreign(registry, unwritable, |foreign| {
            foreign::encode_text(foreign, &mut text, format)
        });
    }
    if format != TextFormat::Prometheus {
        text.push_str("# EOF\n");
    }
    if before.is_empty() {
        *out = text.into_bytes();
    } else {
        *out = before;
        out.extend_from_slice(text.as_bytes());
    }
}

fn encode_foreign(
    registry: &Registry,
    mut unwritable: impl FnMut(&str),
    mut encode: impl FnMut(&Foreign) -> fmt::Result,
) {
    for foreign in registry.foreign() {
        if encode(&foreign).is_err() {
            unwritable(&foreign.full_name());
        }
    }
}
