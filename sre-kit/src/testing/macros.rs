//! The macros of burn alerts.

/// Asserts that a burn alert of an SLO fires, in virtual time.
///
/// The arguments are the [`TestKit`](crate::testing::TestKit), the name of the SLO and the tier.
/// The tier is spelled like a type: `Fast` is the tier `fast`. With `within`, the expression after
/// `while` runs once per virtual second until the alert fires or the time is over. Without it, the
/// alert has to fire now. Durations are written like `60s`, `5m`, `6h` and `3d`.
///
/// A page that has too few bad events to be more than a ticket does not count as firing.
///
/// The alert is computed in this process, by the formula and from the counters that the generated
/// Prometheus rules use. Prometheus needs up to a scrape and an evaluation interval longer.
///
/// ```
/// use std::time::Duration;
/// use sre_kit::SreKit;
/// use sre_kit::slo::Slo;
/// use sre_kit::testing::{TestKit, assert_alert, assert_no_alert};
///
/// let test = TestKit::new(
///     SreKit::builder(sre_kit::build_info!()).slo(Slo::ratio("checkout", "99.9".parse()?)),
/// )?;
/// let checkout = test.kit().slo("checkout")?;
/// test.past_traffic("checkout", 10, Duration::from_hours(2));
///
/// assert_no_alert!(test, "checkout", within = 10m, while checkout.add(10, 0));
/// assert_alert!(test, "checkout", Fast, within = 60s, while checkout.add(0, 10));
/// # Ok::<(), sre_kit::ConfigError>(())
/// ```
///
/// # Panics
///
/// Panics if the alert does not fire. The message has the burn rates of all alerts of the SLO.
#[macro_export]
#[doc(hidden)]
macro_rules! __assert_alert {
    ($test:expr, $slo:expr, $tier:tt $(,)?) => {
        $crate::testing::AlertWait::new(&$test, $slo, ::core::stringify!($tier), "0s")
            .assert_fired()
    };
    ($test:expr, $slo:expr, $tier:tt, within = $within:tt, while $traffic:expr $(,)?) => {{
        let mut wait = $crate::testing::AlertWait::new(
            &$test,
            $slo,
            ::core::stringify!($tier),
            ::core::stringify!($within),
        );
        while wait.step() {
            $traffic;
        }
        wait.assert_fired();
    }};
}

/// Asserts that no burn alert of an SLO fires, in virtual time.
///
/// The expression after `while` runs once per virtual second for the time `within`. The assertion
/// fails as soon as any tier fires. See [`assert_alert!`](crate::testing::assert_alert).
///
/// ```
/// use std::time::Duration;
/// use sre_kit::SreKit;
/// use sre_kit::slo::Slo;
/// use sre_kit::testing::{TestKit, assert_no_alert};
///
/// let test = TestKit::new(
///     SreKit::builder(sre_kit::build_info!()).slo(Slo::ratio("checkout", "99".parse()?)),
/// )?;
/// let checkout = test.kit().slo("checkout")?;
/// assert_no_alert!(test, "checkout", within = 5m, while checkout.add(999, 1));
/// # Ok::<(), sre_kit::ConfigError>(())
/// ```
///
/// # Panics
///
/// Panics if an alert fires. The message has the burn rates of all alerts of the SLO.
#[macro_export]
#[doc(hidden)]
macro_rules! __assert_no_alert {
    ($test:expr, $slo:expr, within = $within:tt, while $traffic:expr $(,)?) => {{
        let mut wait = $crate::testing::QuietWait::new(&$test, $slo, ::core::stringify!($within));
        while wait.step() {
            $traffic;
        }
        wait.assert_quiet();
    }};
}

#[doc(inline)]
pub use crate::{__assert_alert as assert_alert, __assert_no_alert as assert_no_alert};
