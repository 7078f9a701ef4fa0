//! `X::new(&registry)` is the short form of `X::builder().build(&registry)`.
#![cfg(all(feature = "console", feature = "saturation"))]

use sre_kit::admin::{Admin, Console};
use sre_kit::golden_signals::GoldenSignals;
use sre_kit::health::Health;
use sre_kit::lifecycle::Lifecycle;
use sre_kit::metrics::{Registry, TextFormat};
use sre_kit::saturation::Saturation;

/// The families that a constructor registers.
fn families(construct: impl FnOnce(&Registry)) -> Vec<String> {
    let registry = Registry::new();
    construct(&registry);
    let mut text = String::new();
    registry.encode_text(&mut text, TextFormat::Prometheus);
    let lines = text.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    lines.filter_map(|line| line.split(' ').next()).map(str::to_owned).collect()
}

macro_rules! both {
    ($($part:ty),*) => {$(
        assert_eq!(
            families(|registry| drop(<$part>::new(registry).expect("valid"))),
            families(|registry| drop(<$part>::builder().build(registry).expect("valid"))),
            stringify!($part),
        );
    )*};
}

#[tokio::test]
async fn the_short_form_registers_what_the_builder_with_its_defaults_does() {
    both!(GoldenSignals, Health, Saturation, Admin, Lifecycle);
    let _console = Console::new(&Registry::new());
}

#[tokio::test]
async fn the_short_form_refuses_a_registry_that_has_the_part_already() {
    let registry = Registry::new();
    let _signals = GoldenSignals::new(&registry).expect("free");
    assert_eq!(GoldenSignals::new(&registry).expect_err("taken").field(), "metric name");
    let _health = Health::new(&registry).expect("free");
    assert_eq!(Health::new(&registry).expect_err("taken").field(), "metric name");
}
