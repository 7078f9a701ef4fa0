//! A registry as bytes.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::accept::Format;
use crate::foreign::Foreign;
#[cfg(feature = "protobuf")]
use crate::protobuf::ProtobufEncoder;
use crate::registry::Registry;
use crate::text::{TextEncoder, TextFormat};

/// Appends everything that `registry` holds. A metric that the format cannot
/// carry is left out.
pub(crate) fn encode(registry: &Registry, format: Format, out: &mut Vec<u8>) {
    encode_reporting(registry, format, out, |_| {});
}

/// The same, naming what was left out.
pub(crate) fn encode_reporting(
    registry: &Registry,
    format: Format,
    out: &mut Vec<u8>,
    unwritable: impl FnMut(&str),
) {
    match format {
        Format::Prometheus => text(registry, TextFormat::Prometheus, "", out, unwritable),
        Format::OpenMetrics => text(registry, TextFormat::OpenMetrics, "# EOF\n", out, unwritable),
        #[cfg(feature = "protobuf")]
        Format::Protobuf => {
            let mut encoder = ProtobufEncoder::new(out);
            registry.visit(&mut encoder);
            encoder.finish();
            foreign(registry, unwritable, |foreign| foreign.encode_protobuf(out));
        }
    }
}

fn text(
    registry: &Registry,
    format: TextFormat,
    end: &str,
    out: &mut Vec<u8>,
    unwritable: impl FnMut(&str),
) {
    // A buffer that is empty is text, so its memory serves; what a caller put
    // before it need not be.
    let before = std::mem::take(out);
    let (mut text, before) = match String::from_utf8(before) {
        Ok(text) if text.is_empty() => (text, Vec::new()),
        Ok(text) => (String::new(), text.into_bytes()),
        Err(error) => (String::new(), error.into_bytes()),
    };
    registry.visit(&mut TextEncoder::new(&mut text, format));
    foreign(registry, unwritable, |foreign| foreign.encode_text(&mut text, format));
    text.push_str(end);
    if before.is_empty() {
        *out = text.into_bytes();
    } else {
        *out = before;
        out.extend_from_slice(text.as_bytes());
    }
}

fn foreign(
    registry: &Registry,
    mut unwritable: impl FnMut(&str),
    mut encode: impl FnMut(&Foreign) -> std::fmt::Result,
) {
    for foreign in registry.foreign() {
        if encode(&foreign).is_err() {
            unwritable(&foreign.full_name());
        }
    }
}

/// `plain` compressed into `packed`, whose memory is used again.
pub(crate) fn gzip(plain: &[u8], mut packed: Vec<u8>) -> Option<Vec<u8>> {
    packed.clear();
    // The fastest level: an exposition shrinks to a tenth at any level.
    let mut encoder = GzEncoder::new(packed, Compression::fast());
    encoder.write_all(plain).ok()?;
    encoder.finish().ok()
}
