//! Tests of the console in a browser, against the running demo.
//!
//! Each test runs a scenario of `console_browser/scenarios.mjs` with Playwright in Debian's
//! Chromium. The screenshots are in `target/console/`.

#[allow(clippy::disallowed_methods, reason = "a test may sleep between two looks at a process")]
mod support;

use std::path::{Path, PathBuf};
use std::process::Command;

use support::Demo;

/// Runs one scenario with a new demo.
fn play(scenario: &str) {
    let demo = Demo::start(&["--database-url", "sqlite::memory:"]);
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/console_browser");
    let screenshots = screenshots();
    std::fs::create_dir_all(&screenshots).expect("a directory for screenshots");
    let packages = std::env::var_os("SRE_KIT_NPM_CONSOLE")
        .expect("SRE_KIT_NPM_CONSOLE says where the packages of tools/toolbox/npm/console are");
    let status = Command::new("node")
        .arg(here.join("scenarios.mjs"))
        .arg(scenario)
        .env("APP", &demo.app)
        .env("ADMIN", &demo.admin)
        .env("DEMO_PID", demo.pid().to_string())
        .env("PACKAGES", packages)
        .env("SCREENSHOTS", screenshots)
        .status()
        .expect("node runs");
    assert!(status.success(), "the scenario `{scenario}` failed; what it saw is above");
}

/// Returns the directory `console` in the target directory.
fn screenshots() -> PathBuf {
    let scratch = Path::new(env!("CARGO_TARGET_TMPDIR"));
    scratch.parent().unwrap_or(scratch).join("console")
}

#[test]
#[ignore = "needs chromium, node and playwright-core; cargo xtask test --only browser"]
fn the_numbers_are_those_of_metrics() {
    play("numbers");
}

#[test]
#[ignore = "needs chromium, node and playwright-core; cargo xtask test --only browser"]
fn a_fault_turns_a_budget_red_and_says_so_in_one_sentence() {
    play("fault");
}

#[test]
#[ignore = "needs chromium, node and playwright-core; cargo xtask test --only browser"]
fn the_page_asks_nobody_but_the_process_and_could_not() {
    play("alone");
}

#[test]
#[ignore = "needs chromium, node and playwright-core; cargo xtask test --only browser"]
fn everything_can_be_done_with_a_keyboard_and_the_focus_stays() {
    play("keyboard");
}

#[test]
#[ignore = "needs chromium, node and playwright-core; cargo xtask test --only browser"]
fn axe_finds_nothing_in_light_and_dark_and_on_a_phone() {
    play("accessible");
}

#[test]
#[ignore = "needs chromium, node and playwright-core; cargo xtask test --only browser"]
fn a_phone_shows_all_of_it_without_scrolling_sideways() {
    play("phone");
}

#[test]
#[ignore = "needs chromium, node and playwright-core; cargo xtask test --only browser"]
fn the_end_of_the_process_is_shown_while_it_drains_and_after() {
    play("end");
}

#[test]
#[ignore = "needs chromium, node and playwright-core; cargo xtask test --only browser"]
fn the_pool_the_token_and_the_limits_are_meters() {
    play("database");
}

#[test]
#[ignore = "needs chromium, node and playwright-core; cargo xtask test --only browser"]
fn one_route_can_be_looked_at_alone() {
    play("route");
}
