//! The exponential buckets of native histograms, recorded beside the classic ones.
//!
//! Bucket `k` of schema `s` counts values above 2^((k-1)/2^s) and up to 2^(k/2^s), as Prometheus
//! defines native histograms. All of their cells exist from the start, so that recording stays
//! one addition in the thread's shard. In return their range is bounded. Source: the comments of
//! `io/prometheus/client/metrics.proto`.

use std::fmt;
use std::ops::Range;

use sre_kit_core::ConfigError;

use crate::scale::Scale;

/// The most cells that one histogram can have: a third of the longest allocation, since three
/// histograms can share one.
const MAX_CELLS: usize = 320;

/// The finest schema: 16 buckets between powers of two.
const MAX_SCHEMA: i32 = 4;

/// Durations up to 2^-20 s, just under a microsecond, are counted in the zero bucket.
const LOWEST_SECONDS: i32 = -20;

/// Sizes below one unit, that is 0, are counted in the zero bucket.
const LOWEST_UNITS: i32 = -1;

/// How far the buckets reach above the greatest classic bound, in powers of two.
const HEADROOM: i32 = 3;

/// The exponential buckets of one histogram.
pub(crate) struct NativeBuckets {
    schema: i32,
    /// The zero bucket counts values up to 2^lowest.
    lowest: i32,
    cells: usize,
    /// Upper bounds of the buckets between one half and 1, without 1.
    between: Box<[f64]>,
    scale: Scale,
}

impl NativeBuckets {
    /// Creates buckets that grow by at most `factor`, for classic bounds up to `greatest`.
    pub(crate) fn new(scale: Scale, factor: f64, greatest: u64) -> Result<Self, ConfigError> {
        let refuse = |rule: &'static str, advice: &'static str| {
            Err(ConfigError::new("buckets.native factor", factor, rule, advice))
        };
        if !(1.04..=2.0).contains(&factor) {
            return refuse("a bucket's growth is between 1.04 and 2", "1.1 is a good choice");
        }
        // The coarsest schema whose growth, 2^(2^-schema), is within the factor.
        let schema =
            (0..=MAX_SCHEMA).find(|&schema| growth(schema) <= factor).unwrap_or(MAX_SCHEMA);
        let lowest = match scale {
            Scale::Nanos => LOWEST_SECONDS,
            Scale::Ones | Scale::Floats => LOWEST_UNITS,
        };
        let (fraction, exponent) = split(scale.value(greatest.max(1)));
        // A power of two ends an octave; what is above one begins the next.
        let octave = if fraction > 0.5 { exponent } else { exponent - 1 };
        let highest = octave.max(lowest) + HEADROOM;
        let per_octave = 1_usize << schema;
        let cells = 1 + usize::try_from(highest - lowest).unwrap_or(0) * per_octave;
        if cells > MAX_CELLS {
            return refuse(
                "with that growth a histogram up to the greatest bound has more than 320 buckets",
                "let the buckets grow faster, or drop the greatest bounds",
            );
        }
        let between =
            (0..per_octave).map(|i| (i as f64 / per_octave as f64 - 1.0).exp2()).collect();
        Ok(Self { schema, lowest, cells, between, scale })
    }

    /// Returns how many cells these buckets need: the zero bucket, then one per bucket.
    pub(crate) fn cells(&self) -> usize {
        self.cells
    }

    /// Returns the schema, from 0 to 4.
    pub(crate) fn schema(&self) -> i32 {
        self.schema
    }

    /// Returns the greatest value that the zero bucket counts.
    pub(crate) fn zero_threshold(&self) -> f64 {
        f64::from(self.lowest).exp2()
    }

    /// Returns the number that Prometheus gives to the bucket in cell `index`, which is at least 1.
    pub(crate) fn number(&self, index: usize) -> i32 {
        (self.lowest << self.schema) + i32::try_from(index).unwrap_or(0)
    }

    /// Returns the cell that counts a recorded value. The last one also counts values above it.
    #[inline]
    pub(crate) fn index(&self, recorded: u64) -> usize {
        let value = self.scale.value(recorded);
        let (fraction, exponent) = split(value);
        let Ok(octave) = usize::try_from(exponent - 1 - self.lowest) else { return 0 };
        let within = self.between.iter().position(|&bound| fraction <= bound);
        let index = (octave << self.schema) + within.unwrap_or(self.between.len());
        index.min(self.cells - 1)
    }
}

/// The most empty buckets that are cheaper to write than a new span.
const SPAN_GAP: usize = 2;

/// Returns runs of filled buckets with short gaps. The offset of the first run is the number of its
/// bucket; that of each later one counts from the end of the run before.
///
/// `counts` are the cells behind the zero bucket.
pub(crate) fn spans<'a>(
    native: &'a NativeBuckets,
    counts: &'a [u64],
) -> impl Iterator<Item = (i32, Range<usize>)> + 'a {
    let mut next = 0;
    std::iter::from_fn(move || {
        let skip = counts[next..].iter().position(|&count| count > 0)?;
        let start = next + skip;
        let mut end = start + 1;
        while let Some(gap) = counts[end..].iter().take(SPAN_GAP + 1).position(|&count| count > 0) {
            end += gap + 1;
        }
        let offset = if next == 0 {
            native.number(start + 1)
        } else {
            i32::try_from(start - next).unwrap_or(0)
        };
        next = end;
        Some((offset, start..end))
    })
}

/// Returns the factor from one bucket to the next.
fn growth(schema: i32) -> f64 {
    f64::from(-schema).exp2().exp2()
}

/// An exponential histogram in the terms of OpenTelemetry.
#[derive(Clone, Debug, PartialEq)]
pub struct Exponential {
    /// The scale, which Prometheus calls the schema.
    pub scale: i32,
    /// Bucket `i` of the counts has the values above base^(offset + i) and up to
    /// base^(offset + i + 1), where base is 2^(2^-scale).
    pub offset: i32,
    /// The counts from the first to the last bucket that is filled.
    pub counts: Vec<u64>,
    /// The number of values up to the threshold.
    pub zero_count: u64,
    /// The greatest value that counts as zero.
    pub zero_threshold: f64,
}

impl NativeBuckets {
    /// Returns these buckets as OpenTelemetry numbers them. Prometheus' bucket `k` ends at
    /// base^k, and OpenTelemetry's bucket `k` begins there, so that the offset is one less.
    pub(crate) fn exponential(&self, cells: &[u64]) -> Option<Exponential> {
        let (&zero_count, counts) = cells.split_first()?;
        let first = counts.iter().position(|&count| count > 0).unwrap_or(0);
        let end = counts.iter().rposition(|&count| count > 0).map_or(first, |last| last + 1);
        Some(Exponential {
            scale: self.schema,
            offset: self.number(first + 1) - 1,
            counts: counts[first..end].to_vec(),
            zero_count,
            zero_threshold: self.zero_threshold(),
        })
    }
}

/// Splits a positive number into a fraction from one half up to 1, and a power of two.
#[inline]
fn split(value: f64) -> (f64, i32) {
    const EXPONENT: u64 = 0x7ff << 52;
    let bits = value.to_bits();
    // Eleven bits, and no recorded value is subnormal but 0, whose exponent is least.
    #[allow(clippy::cast_possible_truncation, clippy::cast_possible_wrap)]
    let exponent = ((bits & EXPONENT) >> 52) as i32 - 1022;
    (f64::from_bits((bits & !EXPONENT) | (1022 << 52)), exponent)
}

impl fmt::Debug for NativeBuckets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NativeBuckets")
            .field("schema", &self.schema)
            .field("cells", &self.cells)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{NativeBuckets, Scale};

    fn seconds(factor: f64) -> NativeBuckets {
        NativeBuckets::new(Scale::Nanos, factor, 10_000_000_000).expect("valid")
    }

    #[test]
    fn the_schema_is_the_coarsest_that_grows_no_faster() {
        for (factor, schema) in [(2.0, 0), (1.5, 1), (1.2, 2), (1.1, 3), (1.05, 4), (1.0905, 4)] {
            assert_eq!(
                NativeBuckets::new(Scale::Ones, factor, 1024).expect("valid").schema(),
                schema,
                "{factor}"
            );
        }
    }

    #[test]
    fn a_value_on_a_power_of_two_ends_its_bucket() {
        let native = seconds(1.1);
        let number = |nanos| native.number(native.index(nanos));
        assert_eq!(number(1_000_000_000), 0, "(2^(-1/8), 1]");
        assert_eq!(number(1_000_000_001), 1);
        assert_eq!(number(2_000_000_000), 8);
        assert_eq!(number(500_000_000), -8);
    }

    #[test]
    fn the_ends_of_the_range_take_the_rest() {
        let native = seconds(1.1);
        assert_eq!(native.index(0), 0);
        assert_eq!(native.index(953), 0, "2^-20 s is 953.7 ns");
        assert_eq!(native.index(954), 1);
        assert_eq!(native.index(u64::MAX), native.cells() - 1);
        assert_eq!(native.number(native.cells() - 1), 7 * 8, "2^7 s, three octaves above 10 s");
        let sizes = NativeBuckets::new(Scale::Ones, 2.0, 1 << 30).expect("valid");
        assert_eq!((sizes.index(0), sizes.number(sizes.index(1))), (0, 0));
    }

    #[test]
    fn a_factor_that_cannot_be_had_is_refused() {
        for factor in [1.0, 1.01, 2.5, f64::NAN, -1.0] {
            let err = NativeBuckets::new(Scale::Nanos, factor, 1).expect_err("refused");
            assert_eq!(err.field(), "buckets.native factor");
        }
        let err = NativeBuckets::new(Scale::Nanos, 1.05, 86_400_000_000_000).expect_err("too many");
        assert!(err.rule().contains("more than 320"), "{err}");
    }

    proptest! {
        /// The bounds are computed from the scale and the offset alone, as a receiver does.
        #[test]
        fn an_exponential_bucket_holds_what_lies_between_its_bounds(
            nanos in 1_000_u64..100_000_000_000,
            schema in 0..4_usize,
        ) {
            let factor = [2.0, 1.5, 1.2, 1.1][schema];
            let native = seconds(factor);
            let mut cells = vec![0; native.cells()];
            cells[0] = 3;
            cells[native.index(nanos)] += 7;
            let exponential = native.exponential(&cells).expect("cells");
            prop_assert_eq!(exponential.counts, [7]);
            prop_assert_eq!(exponential.zero_count, 3);
            let base = f64::from(-exponential.scale).exp2().exp2();
            let value = nanos as f64 / 1e9;
            let slack = 1.0 + 1e-12;
            prop_assert!(value * slack > base.powi(exponential.offset));
            prop_assert!(value <= base.powi(exponential.offset + 1) * slack);
        }

        #[test]
        fn a_bucket_holds_what_lies_between_its_bounds(nanos in 1_000_u64..100_000_000_000) {
            let native = seconds(1.1);
            let number = f64::from(native.number(native.index(nanos)));
            let value = nanos as f64 / 1e9;
            let slack = 1.0 + 1e-12;
            prop_assert!(value <= (number / 8.0).exp2() * slack);
            prop_assert!(value * slack > ((number - 1.0) / 8.0).exp2());
        }
    }
}
