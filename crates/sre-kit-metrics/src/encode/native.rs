//! The encoding of native histograms: spans of buckets, and deltas of their counts.

use prost::encoding::{double, sint32, sint64, uint32, uint64};

use super::field::{self, bytes};
use crate::native_buckets::NativeBuckets;

/// The most empty buckets that are cheaper to write than a new span.
const SPAN_GAP: usize = 2;

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
        let (mut before, mut next) = (0_i64, 0);
        // A span is a run of buckets with short gaps.
        while let Some(skip) = counts[next..].iter().position(|&count| count > 0) {
            let start = next + skip;
            let mut end = start + 1;
            while let Some(gap) =
                counts[end..].iter().take(SPAN_GAP + 1).position(|&count| count > 0)
            {
                end += gap + 1;
            }
            // The first offset is a bucket's number, later ones count from the previous span.
            let offset = if next == 0 {
                native.number(start + 1)
            } else {
                i32::try_from(start - next).unwrap_or(0)
            };
            self.span.clear();
            sint32::encode(field::span::OFFSET, &offset, &mut self.span);
            let length = u32::try_from(end - start).unwrap_or(0);
            uint32::encode(field::span::LENGTH, &length, &mut self.span);
            bytes(field::histogram::POSITIVE_SPAN, &self.span, out);
            for &count in &counts[start..end] {
                let count = count.cast_signed();
                self.deltas.push(count.wrapping_sub(before));
                before = count;
            }
            next = end;
        }
        sint64::encode_packed(field::histogram::POSITIVE_DELTA, &self.deltas, out);
    }
}
