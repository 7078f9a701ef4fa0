//! Histogram bounds: checked once, compared as integers.

use std::fmt::{self, Write};
use std::sync::Arc;

use sre_kit_core::ConfigError;

use crate::floats;
use crate::native_buckets::NativeBuckets;
use crate::scale::Scale;

/// The most bounds that a histogram can have. Each costs one line per series and scrape.
const MAX_BOUNDS: usize = 200;

/// The upper bounds of a histogram's buckets, without the last one, `+Inf`.
///
/// Clones share the bounds and are cheap.
///
/// ```
/// use sre_kit_metrics::Buckets;
///
/// assert!(Buckets::seconds([0.01, 0.1, 1.0]).is_ok());
/// let err = Buckets::seconds([0.1, 0.01]).unwrap_err();
/// assert_eq!(err.field(), "buckets");
/// ```
#[derive(Clone)]
pub struct Buckets {
    inner: Arc<Inner>,
}

struct Inner {
    scale: Scale,
    /// Inclusive upper bounds in recorded units, in ascending order.
    bounds: Box<[u64]>,
    /// The first of them.
    first: u64,
    /// `le="..."} ` of each bound and of `+Inf`, as both text formats print it.
    le: Box<[Box<str>]>,
    native: Option<NativeBuckets>,
}

impl Buckets {
    /// Creates bounds in seconds, for durations that are recorded in nanoseconds.
    ///
    /// # Errors
    ///
    /// Returns an error if
    /// - there is no bound, or there are more than 200;
    /// - a bound is not a finite number of at least one nanosecond;
    /// - the bounds do not ascend.
    pub fn seconds(bounds: impl IntoIterator<Item = f64>) -> Result<Self, ConfigError> {
        let mut nanos = Vec::new();
        for bound in bounds {
            let scaled = (bound * 1e9).round();
            // 9e18 ns is 285 years. Above it the conversion would saturate. NaN is in no range.
            if !(1.0..=9e18).contains(&scaled) {
                return Err(ConfigError::new(
                    "buckets",
                    bound,
                    "a bound in seconds is a finite number of at least one nanosecond",
                    "leave +Inf out, it is always there",
                ));
            }
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
            nanos.push(scaled as u64);
        }
        Self::new(Scale::Nanos, nanos)
    }

    /// Creates bounds in whole units, such as bytes.
    ///
    /// # Errors
    ///
    /// Returns an error if there is no bound, if there are more than 200, or if they do not
    /// ascend.
    pub fn units(bounds: impl IntoIterator<Item = u64>) -> Result<Self, ConfigError> {
        Self::new(Scale::Ones, bounds.into_iter().collect())
    }

    /// Creates bounds of any unit, for values that are floats, such as milliseconds.
    ///
    /// The sum is a float too, so it is exact to 15 digits only. Prefer [`seconds`](Self::seconds)
    /// and [`units`](Self::units). Without bounds a histogram has its count and its sum.
    ///
    /// # Errors
    ///
    /// Returns an error if there are more than 200 bounds, if one is not finite, or if they do not
    /// ascend.
    pub fn floats(bounds: impl IntoIterator<Item = f64>) -> Result<Self, ConfigError> {
        let mut ordered = Vec::new();
        for bound in bounds {
            if !bound.is_finite() {
                return Err(ConfigError::new(
                    "buckets",
                    bound,
                    "a bound is a finite number",
                    "leave +Inf out, it is always there",
                ));
            }
            // Both zeros are one bound.
            ordered.push(floats::to_ordered(bound + 0.0));
        }
        Self::new(Scale::Floats, ordered)
    }

    fn new(scale: Scale, bounds: Vec<u64>) -> Result<Self, ConfigError> {
        let least = usize::from(scale != Scale::Floats);
        if bounds.len() < least || bounds.len() > MAX_BOUNDS {
            return Err(ConfigError::new(
                "buckets",
                bounds.len(),
                "a histogram has between 1 and 200 bounds",
                "pick bounds around the thresholds that you alert on",
            ));
        }
        if let Some(pair) = bounds.windows(2).find(|pair| pair[0] >= pair[1]) {
            return Err(ConfigError::new(
                "buckets",
                pair,
                "each bound is greater than the one before it",
                "sort the bounds and drop the repeated ones",
            ));
        }
        let le = bounds
            .iter()
            .map(|&bound| scale.value(bound))
            .chain([f64::INFINITY])
            .map(|bound| {
                let mut text = "le=\"".to_owned();
                push_float(&mut text, bound);
                text.push_str("\"} ");
                text.into_boxed_str()
            })
            .collect();
        let inner = Inner {
            scale,
            first: bounds.first().copied().unwrap_or(u64::MAX),
            bounds: bounds.into(),
            le,
            native: None,
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Returns these bounds with a native histogram beside them: exponential buckets that grow by
    /// at most `factor`, such as 1.1.
    ///
    /// [`Format::Protobuf`](crate::Format::Protobuf) and
    /// [`Format::OpenMetrics2`](crate::Format::OpenMetrics2) carry it; the other text formats export
    /// the bounds as before. It costs one more addition per observation and, at 1.1, eight cells of
    /// 8 bytes per power of two, series and shard: about 1.7 KB for bounds up to 10 s. The buckets
    /// reach from just under a microsecond, or from 1 for whole units, to eight times the greatest
    /// bound. Values outside are counted in the first and the last bucket.
    ///
    /// ```
    /// use sre_kit_metrics::Buckets;
    ///
    /// let buckets = Buckets::seconds([0.01, 0.1, 1.0])?.with_native(1.1)?;
    /// # Ok::<(), sre_kit_metrics::ConfigError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Returns an error if the factor is not between 1.04 and 2, or if the range would need more
    /// than 320 buckets.
    pub fn with_native(&self, factor: f64) -> Result<Self, ConfigError> {
        let &Inner { scale, first, ref bounds, ref le, .. } = &*self.inner;
        if scale == Scale::Floats {
            return Err(ConfigError::new(
                "buckets.native factor",
                factor,
                "native buckets need bounds in seconds or in whole units",
                "create the bounds with `Buckets::seconds` or `Buckets::units`",
            ));
        }
        let greatest = bounds.last().copied().unwrap_or(1);
        let native = Some(NativeBuckets::new(scale, factor, greatest)?);
        let inner = Inner { scale, first, bounds: bounds.clone(), le: le.clone(), native };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Returns the fourteen bounds that OpenTelemetry's HTTP semantic conventions advise for
    /// `http.server.request.duration`.
    pub(crate) fn http_duration() -> Self {
        const BOUNDS: [u64; 14] =
            [5, 10, 25, 50, 75, 100, 250, 500, 750, 1_000, 2_500, 5_000, 7_500, 10_000];
        Self::constant(Scale::Nanos, BOUNDS.map(|ms| ms * 1_000_000))
    }

    /// Returns bounds for body sizes: 0, then powers of four from 64 B to 1 GiB.
    pub(crate) fn body_size() -> Self {
        let mut bounds = [0_u64; 14];
        let mut bound = 64;
        for next in bounds.iter_mut().skip(1) {
            *next = bound;
            bound *= 4;
        }
        Self::constant(Scale::Ones, bounds)
    }

    /// Returns bounds for streams and upgraded connections, from 0.1 s to a day.
    pub(crate) fn stream_duration() -> Self {
        const SECONDS_TIMES_TEN: [u64; 14] =
            [1, 5, 10, 50, 100, 300, 600, 3_000, 6_000, 18_000, 36_000, 72_000, 216_000, 864_000];
        Self::constant(Scale::Nanos, SECONDS_TIMES_TEN.map(|tenths| tenths * 100_000_000))
    }

    fn constant(scale: Scale, bounds: [u64; 14]) -> Self {
        Self::new(scale, bounds.to_vec()).expect("the constants ascend")
    }

    /// Returns the unit of recorded values.
    #[inline]
    pub(crate) fn scale(&self) -> Scale {
        self.inner.scale
    }

    /// Returns the inclusive upper bounds, in recorded units.
    #[inline]
    pub(crate) fn bounds(&self) -> &[u64] {
        &self.inner.bounds
    }

    /// Returns `le="..."} ` per bucket, `+Inf` last: the text from the label to the value.
    pub(crate) fn le(&self) -> &[Box<str>] {
        &self.inner.le
    }

    /// Returns how many cells a histogram needs: one per bound, `+Inf`, the sum, and behind them
    /// those of the native buckets.
    pub(crate) fn cell_count(&self) -> usize {
        let native = self.native().map_or(0, NativeBuckets::cells);
        self.inner.bounds.len() + 2 + native
    }

    /// Returns the exponential buckets, if there are any.
    #[inline]
    pub(crate) fn native(&self) -> Option<&NativeBuckets> {
        self.inner.native.as_ref()
    }

    /// Returns the cells that an observation of `value` adds to: its bucket and the sum.
    #[inline]
    pub(crate) fn bucket_and_sum(&self, value: u64) -> (usize, usize) {
        let Inner { bounds, first, .. } = &*self.inner;
        // Most requests end in the first bucket, so it is tested alone. The search behind it is
        // linear: fifteen integer comparisons cost less than one mispredicted branch.
        let bucket = if value <= *first {
            0
        } else {
            bounds.iter().position(|&bound| value <= bound).unwrap_or(bounds.len())
        };
        (bucket, bounds.len() + 1)
    }
}

impl fmt::Debug for Buckets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.le().iter().map(|le| le.trim_end_matches("} "))).finish()
    }
}

/// Appends a float as both text formats read it back: `10.0`, not `10`.
///
/// Prometheus 3 normalises `le="10"` to `le="10.0"`, Prometheus 2 does not. A rule that names a
/// bucket works on both only if the decimal point is there.
pub(crate) fn push_float(out: &mut String, value: f64) {
    if value.is_nan() {
        out.push_str("NaN");
    } else if value.is_infinite() {
        out.push_str(if value > 0.0 { "+Inf" } else { "-Inf" });
    } else {
        let start = out.len();
        // Writing into a string cannot fail.
        let _ = write!(out, "{value}");
        if !out[start..].contains('.') {
            out.push_str(".0");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Buckets;

    #[test]
    fn a_value_on_a_bound_belongs_to_that_bound() {
        let buckets = Buckets::seconds([0.005, 0.01]).expect("valid");
        assert_eq!(buckets.bucket_and_sum(0).0, 0);
        assert_eq!(buckets.bucket_and_sum(5_000_000).0, 0, "le means less than or equal");
        assert_eq!(buckets.bucket_and_sum(5_000_001).0, 1);
        assert_eq!(buckets.bucket_and_sum(u64::MAX).0, 2, "+Inf takes the rest");
    }

    #[test]
    fn le_is_printed_as_prometheus_three_normalises_it() {
        let buckets = Buckets::http_duration();
        let le: Vec<_> = buckets.le().iter().map(AsRef::as_ref).collect();
        assert_eq!(le[0], "le=\"0.005\"} ");
        assert_eq!(le[9], "le=\"1.0\"} ");
        assert_eq!(le[13], "le=\"10.0\"} ");
        assert_eq!(le[14], "le=\"+Inf\"} ");
    }

    #[test]
    fn bad_bounds_are_named_with_the_rule_they_break() {
        for bad in [vec![], vec![f64::NAN], vec![0.0], vec![-1.0], vec![f64::INFINITY], vec![1e300]]
        {
            let err = Buckets::seconds(bad.clone()).expect_err("refused");
            assert_eq!(err.field(), "buckets", "{bad:?}");
        }
        let err = Buckets::seconds([0.1, 0.1]).expect_err("refused");
        assert!(err.rule().contains("greater than the one before"), "{err}");
        assert!(Buckets::units(0..201).is_err());
    }

    #[test]
    fn the_built_in_bounds_are_what_their_sources_say() {
        assert_eq!(Buckets::body_size().bounds()[..3], [0, 64, 256]);
        assert_eq!(Buckets::body_size().bounds()[13], 1 << 30);
        assert_eq!(Buckets::stream_duration().bounds()[13], 86_400_000_000_000);
    }
}
