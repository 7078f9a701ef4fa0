//! The sampling decision, made from ids alone.

use crate::context::TraceContext;
use crate::ignored::Effect;
use crate::vars::Vars;
use sre_kit_core::ConfigError;

/// The sampling decision: whether a trace is recorded. It is made before a span is built.
///
/// The samplers are those of `OTEL_TRACES_SAMPLER`. A [`parent_based`] sampler follows the
/// decision of the caller, and decides itself only if there is no caller. [`ratio`] depends on
/// the trace id only, so all services with the same ratio sample the same traces.
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
/// [`ratio`]: Self::ratio
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[must_use = "a sampler has no effect until a `TelemetryBuilder` gets it"]
pub struct Sampler {
    /// The trace ids that are sampled: those whose fold to 63 bits is below this.
    threshold: u64,
    parent_based: bool,
}

/// The number of values that a trace id is folded to.
const ALL: u64 = 1 << 63;

impl Sampler {
    /// Samples every trace.
    pub const fn always_on() -> Self {
        Self { threshold: ALL, parent_based: false }
    }

    /// Samples no trace. Contexts are still propagated.
    pub const fn always_off() -> Self {
        Self { threshold: 0, parent_based: false }
    }

    /// Samples this ratio of all traces, from 0 to 1.
    ///
    /// # Errors
    ///
    /// Returns an error if `ratio` is not between 0 and 1.
    pub fn ratio(ratio: f64) -> Result<Self, ConfigError> {
        if !(0.0..=1.0).contains(&ratio) {
            return Err(ConfigError::new(
                "sampling ratio",
                ratio,
                "it lies between 0 and 1",
                "write 0.05 to keep one trace in twenty",
            ));
        }
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "the ratio lies between 0 and 1"
        )]
        let threshold = (ratio * ALL as f64) as u64;
        Ok(Self { threshold, parent_based: false })
    }

    /// Follows the decision of the caller if there is one, and decides as before otherwise.
    pub const fn parent_based(mut self) -> Self {
        self.parent_based = true;
        self
    }

    /// Returns whether a trace with this id and this parent is sampled.
    #[inline]
    pub(crate) fn should_sample(self, trace_id: u128, parent: Option<&TraceContext>) -> bool {
        match parent {
            Some(parent) if self.parent_based => parent.is_sampled(),
            // The OpenTelemetry SDK for Rust folds ids in the same way, to the low 64 bits without
            // the lowest one, so that both make the same decisions.
            #[allow(clippy::cast_possible_truncation)]
            _ => (trace_id as u64) >> 1 < self.threshold,
        }
    }

    /// Reads `OTEL_TRACES_SAMPLER` and `OTEL_TRACES_SAMPLER_ARG`.
    pub(crate) fn from_vars(vars: &Vars<'_>) -> Result<Self, ConfigError> {
        #[derive(Clone, Copy)]
        enum Root {
            On,
            Off,
            Ratio,
        }
        const NAME: &str = "OTEL_TRACES_SAMPLER";
        let words: [(&str, (Root, bool)); 6] = [
            ("always_on", (Root::On, false)),
            ("always_off", (Root::Off, false)),
            ("traceidratio", (Root::Ratio, false)),
            ("parentbased_always_on", (Root::On, true)),
            ("parentbased_always_off", (Root::Off, true)),
            ("parentbased_traceidratio", (Root::Ratio, true)),
        ];
        let Some((root, parent_based)) = vars.word(&[NAME.to_owned()], &words)? else {
            return Ok(Self::default());
        };
        let sampler = match root {
            Root::On => Self::always_on(),
            Root::Off => Self::always_off(),
            Root::Ratio => Self::ratio_from_vars(vars)?,
        };
        Ok(if parent_based { sampler.parent_based() } else { sampler })
    }

    fn ratio_from_vars(vars: &Vars<'_>) -> Result<Self, ConfigError> {
        const NAME: &str = "OTEL_TRACES_SAMPLER_ARG";
        let Some(text) = vars.get(NAME) else { return Ok(Self::always_on()) };
        if let Some(sampler) = text.parse().ok().and_then(|ratio| Self::ratio(ratio).ok()) {
            return Ok(sampler);
        }
        let error = ConfigError::new(
            NAME,
            text,
            "the ratio lies between 0 and 1",
            "write 0.05 to keep one trace in twenty",
        );
        vars.ignore(error, Effect::Default).map(|()| Self::always_on())
    }
}

impl Default for Sampler {
    /// Returns `parentbased_always_on`, the default of the specification.
    fn default() -> Self {
        Self::always_on().parent_based()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Sampler, TraceContext, Vars};

    fn from(sampler: &str, arg: &str) -> Result<Sampler, sre_kit_core::ConfigError> {
        let lookup = |name: &str| match name {
            "OTEL_TRACES_SAMPLER" => Some(sampler.to_owned()),
            "OTEL_TRACES_SAMPLER_ARG" => Some(arg.to_owned()),
            _ => None,
        };
        Sampler::from_vars(&Vars::new(&lookup))
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
    fn an_unknown_sampler_or_argument_is_ignored() {
        for sampler in ["jaeger_remote", "sometimes"] {
            assert_eq!(from(sampler, "0.5").expect("lenient"), Sampler::default(), "{sampler}");
        }
        for arg in ["2", "x", "NaN"] {
            assert_eq!(from("traceidratio", arg).expect("lenient"), Sampler::always_on(), "{arg}");
        }
        assert_eq!(from("ALWAYS_OFF", "x").expect("any case"), Sampler::always_off());
        assert!(Sampler::ratio(f64::NAN).is_err());
    }

    #[test]
    fn the_parent_decides_only_if_the_sampler_is_parent_based() {
        let parent = |sampled| TraceContext::new(1, 1, sampled);
        let off = Sampler::always_off();
        assert!(!off.should_sample(1, parent(true).as_ref()));
        assert!(off.parent_based().should_sample(1, parent(true).as_ref()));
        assert!(!Sampler::default().should_sample(1, parent(false).as_ref()));
    }

    proptest! {
        #[test]
        fn a_larger_ratio_samples_no_less(id: u128, a in 0.0..=1.0, b in 0.0..=1.0) {
            let (less, more) = if a < b { (a, b) } else { (b, a) };
            let sampled = |ratio| Sampler::ratio(ratio).expect("valid").should_sample(id, None);
            prop_assert!(!sampled(less) || sampled(more));
        }
    }

    #[test]
    fn a_ratio_samples_about_its_share() {
        let sampler = Sampler::ratio(0.25).expect("valid");
        let mut random = fastrand::Rng::with_seed(7);
        let kept = (0..100_000).filter(|_| sampler.should_sample(random.u128(..), None)).count();
        assert!((24_000..26_000).contains(&kept), "{kept}");
    }
}
