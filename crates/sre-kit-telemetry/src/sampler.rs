//! Which traces are recorded, decided from ids alone.

use super::context::TraceContext;
use super::settings::vars::{Vars, unknown};
use sre_kit_core::ConfigError;

/// Decides whether a trace is recorded, before anything of a span is built.
///
/// The names are those of `OTEL_TRACES_SAMPLER`. With [`parent_based`] the
/// caller's decision stands, and a request without a caller is decided anew.
/// The ratio looks at the trace id only, so every service that uses the same
/// ratio keeps the same traces.
///
/// ```
/// use sre_kit_telemetry::Sampler;
///
/// let sampler = Sampler::ratio(0.05)?.parent_based();
/// let err = Sampler::ratio(1.5).unwrap_err();
/// assert_eq!(err.field(), "sampling ratio");
/// # Ok::<(), sre_kit_telemetry::ConfigError>(())
/// ```
///
/// [`parent_based`]: Self::parent_based
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sampler {
    /// Of the 2^63 values that a trace id is folded to, those below are kept.
    below: u64,
    parent_based: bool,
}

const ALL: u64 = 1 << 63;

impl Sampler {
    /// Every trace.
    pub const fn always_on() -> Self {
        Self { below: ALL, parent_based: false }
    }

    /// No trace. Contexts are propagated all the same.
    pub const fn always_off() -> Self {
        Self { below: 0, parent_based: false }
    }

    /// This share of all traces, between 0 and 1.
    ///
    /// # Errors
    ///
    /// When `ratio` is not between 0 and 1.
    pub fn ratio(ratio: f64) -> Result<Self, ConfigError> {
        if !(0.0..=1.0).contains(&ratio) {
            return Err(ConfigError::new(
                "sampling ratio",
                ratio,
                "it lies between 0 and 1",
                "write 0.05 to keep one trace in twenty",
            ));
        }
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        // In range by the check above.
        let below = (ratio * ALL as f64) as u64;
        Ok(Self { below, parent_based: false })
    }

    /// The same for requests without a caller's decision; with one, that stands.
    #[must_use]
    pub const fn parent_based(mut self) -> Self {
        self.parent_based = true;
        self
    }

    /// Whether a span with this trace id and this parent is recorded.
    #[inline]
    pub(crate) fn keeps(self, trace_id: u128, parent: Option<&TraceContext>) -> bool {
        match parent {
            Some(parent) if self.parent_based => parent.is_sampled(),
            // The low 64 bits without the lowest, as the OpenTelemetry SDK for
            // Rust folds them: both decide alike.
            #[allow(clippy::cast_possible_truncation)]
            _ => (trace_id as u64) >> 1 < self.below,
        }
    }

    /// Reads `OTEL_TRACES_SAMPLER` and `OTEL_TRACES_SAMPLER_ARG`.
    pub(crate) fn from_vars(vars: &Vars<'_>) -> Result<Self, ConfigError> {
        const NAME: &str = "OTEL_TRACES_SAMPLER";
        const KNOWN: [&str; 6] = [
            "always_on",
            "always_off",
            "traceidratio",
            "parentbased_always_on",
            "parentbased_always_off",
            "parentbased_traceidratio",
        ];
        let name = vars.get(NAME).unwrap_or_else(|| "parentbased_always_on".to_owned());
        let root = name.strip_prefix("parentbased_").unwrap_or(&name);
        let sampler = match root {
            "always_on" => Self::always_on(),
            "always_off" => Self::always_off(),
            "traceidratio" => Self::ratio_from_vars(vars)?,
            _ => return Err(unknown(NAME, &name, KNOWN)),
        };
        Ok(if root.len() < name.len() { sampler.parent_based() } else { sampler })
    }

    fn ratio_from_vars(vars: &Vars<'_>) -> Result<Self, ConfigError> {
        const NAME: &str = "OTEL_TRACES_SAMPLER_ARG";
        let Some(text) = vars.get(NAME) else { return Ok(Self::always_on()) };
        text.parse().ok().and_then(|ratio| Self::ratio(ratio).ok()).ok_or_else(|| {
            ConfigError::new(
                NAME,
                text,
                "the ratio lies between 0 and 1",
                "write 0.05 to keep one trace in twenty",
            )
        })
    }
}

impl Default for Sampler {
    /// `parentbased_always_on`, the specification's default.
    fn default() -> Self {
        Self::always_on().parent_based()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Sampler, TraceContext, Vars};

    fn from(sampler: &str, arg: &str) -> Result<Sampler, sre_kit_core::ConfigError> {
        let read = |name: &str| match name {
            "OTEL_TRACES_SAMPLER" => Some(sampler.to_owned()),
            "OTEL_TRACES_SAMPLER_ARG" => Some(arg.to_owned()),
            _ => None,
        };
        Sampler::from_vars(&Vars::new(&read))
    }

    #[test]
    fn the_variables_mean_what_the_specification_says() {
        assert_eq!(from("", "").expect("default"), Sampler::default());
        assert_eq!(from("always_off", "").expect("known"), Sampler::always_off());
        let quarter = Sampler::ratio(0.25).expect("valid");
        assert_eq!(from("traceidratio", "0.25").expect("known"), quarter);
        assert_eq!(
            from("parentbased_traceidratio", "0.25").expect("known"),
            quarter.parent_based()
        );
        assert_eq!(from("traceidratio", "").expect("known"), Sampler::always_on());
    }

    #[test]
    fn what_it_does_not_know_is_refused() {
        for (sampler, arg) in
            [("jaeger_remote", ""), ("sometimes", ""), ("traceidratio", "2"), ("traceidratio", "x")]
        {
            let err = from(sampler, arg).expect_err(sampler);
            assert!(err.field().starts_with("OTEL_TRACES_SAMPLER"), "{err}");
        }
        assert!(Sampler::ratio(f64::NAN).is_err());
    }

    #[test]
    fn a_parent_decides_only_where_it_is_asked() {
        let parent = |sampled| TraceContext::new(1, 1, sampled);
        let off = Sampler::always_off();
        assert!(!off.keeps(1, parent(true).as_ref()));
        assert!(off.parent_based().keeps(1, parent(true).as_ref()));
        assert!(!Sampler::default().keeps(1, parent(false).as_ref()));
    }

    proptest! {
        #[test]
        fn a_larger_ratio_keeps_what_a_smaller_one_keeps(id: u128, a in 0.0..=1.0, b in 0.0..=1.0) {
            let (less, more) = if a < b { (a, b) } else { (b, a) };
            let keeps = |ratio| Sampler::ratio(ratio).expect("valid").keeps(id, None);
            prop_assert!(!keeps(less) || keeps(more));
        }
    }

    #[test]
    fn a_ratio_keeps_about_its_share() {
        let sampler = Sampler::ratio(0.25).expect("valid");
        let mut random = fastrand::Rng::with_seed(7);
        let kept = (0..100_000).filter(|_| sampler.keeps(random.u128(..), None)).count();
        assert!((24_000..26_000).contains(&kept), "{kept}");
    }
}
