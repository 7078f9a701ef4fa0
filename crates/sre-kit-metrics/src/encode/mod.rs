//! The encoding of a registry, in each format.

#[cfg(feature = "protobuf")]
mod field;
mod foreign;
mod format;
#[cfg(feature = "protobuf")]
mod native;
#[cfg(feature = "protobuf")]
mod protobuf;
mod text;

use std::fmt;

pub use format::Format;
pub use text::TextFormat;

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
        encode(self, format, out, |_| {});
    }

    /// Appends the families that were created here to `out`, without a closing `# EOF`.
    ///
    /// It leaves out the metrics that [`register`](Self::register) added;
    /// [`encode`](Self::encode) includes them.
    pub fn encode_text(&self, out: &mut String, format: TextFormat) {
        self.visit(&mut TextEncoder::new(out, format));
    }
}

/// Appends every family to `out` and passes the name of each metric that the format cannot carry
/// to `unwritable`.
pub(crate) fn encode(
    registry: &Registry,
    format: Format,
    out: &mut Vec<u8>,
    unwritable: impl FnMut(&str),
) {
    match format {
        Format::Prometheus => encode_text(registry, TextFormat::Prometheus, "", out, unwritable),
        Format::OpenMetrics => {
            encode_text(registry, TextFormat::OpenMetrics, "# EOF\n", out, unwritable);
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
    end: &str,
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
    registry.visit(&mut TextEncoder::new(&mut text, format));
    encode_foreign(registry, unwritable, |foreign| {
        foreign::encode_text(foreign, &mut text, format)
    });
    text.push_str(end);
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
