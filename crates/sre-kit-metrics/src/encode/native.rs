//! The encoding of native histograms: spans of buckets, and deltas of their counts.

use prost::encoding::{double, sint32, sint64, uint32, uint64};

use super::field::{self, bytes};
use crate::native_buckets::{NativeBuckets, spans};

/// Appends native buckets to a histogram. Its buffers are reused.
#[derive(Default)]
pub(super) struct NativeEncoder {
    span: Vec<u8>,
    deltas: Vec<i64>,
}

impl NativeEncoder {
    /// Appends the fields of the native buckets in `cells` to a `Histogram` message.
    pub(super) fn append(&mut self, native: &NativeBuckets, cells: &[u64], out: &mut Vec<u8>) {
        let Some((zero, counts)) = cells.split_first() else { return };
        sint32::encode(field::histogram::SCHEMA, &native.schema(), out);
        let threshold = native.zero_threshold();
        double::encode(field::histogram::ZERO_THRESHOLD, &threshold, out);
        uint64::encode(field::histogram::ZERO_COUNT, zero, out);
        self.deltas.clear();
        let mut before = 0_i64;
        for (offset, range) in spans(native, counts) {
            self.span.clear();
            sint32::encode(field::span::OFFSET, &offset, &mut self.span);
            let length = u32::try_from(range.len()).unwrap_or(0);
            uint32::encode(field::span::LENGTH, &length, &mut self.span);
            bytes(field::histogram::POSITIVE_SPAN, &self.span, out);
            for &count in &counts[range] {
                let count = count.cast_signed();
                self.deltas.push(count.wrapping_sub(before));
                before = count;
            }
        }
        sint64::encode_packed(field::histogram::POSITIVE_DELTA, &self.deltas, out);
    }
}
