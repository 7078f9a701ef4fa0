//! How many tests passed, failed and were skipped, read from what the runners print.

use std::collections::BTreeMap;

use anstream::adapter::strip_str;

/// What became of one test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ended {
    Passed,
    Failed,
    Skipped,
}

/// Tests by outcome, over any number of runners.
///
/// A test that one run skips and another executes is not skipped: the ignored
/// tests of tier `rust` are the tests of tier `servers`. So the skipped ones are
/// kept by name, and every execution counts.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// The binary whose tests are being listed.
    binary: String,
    passed: usize,
    failed: usize,
    seen: BTreeMap<(String, String), Ended>,
    /// The test whose captured output is being listed.
    shown: Option<String>,
    /// Where the test panicked, until the next line says why.
    panicked_at: Option<String>,
    /// The first panic of each failed test.
    panics: BTreeMap<String, String>,
}

/// How many characters of a panic's message are kept.
const MESSAGE: usize = 300;

impl Tally {
    /// Reads one line of output and ignores a line that says nothing about a test.
    pub fn read_line(&mut self, line: &str) {
        let line = strip_str(line).to_string();
        let line = line.trim();
        if let Some(place) = self.panicked_at.take() {
            let message: String = line.chars().take(MESSAGE).collect();
            if let Some(name) = &self.shown {
                self.panics.entry(name.clone()).or_insert(format!("{place} {message}"));
            }
        } else if let Some(name) = shown_test(line) {
            self.shown = Some(name.to_owned());
        } else if let (true, Some(place)) = (self.shown.is_some(), panicked_at(line)) {
            self.panicked_at = Some(place.to_owned());
        } else if let Some(binary) = started_binary(line) {
            self.binary = binary;
        } else if let Some((name, ended)) = finished_test(line) {
            self.count(name, ended);
        }
    }

    fn count(&mut self, name: &str, ended: Ended) {
        match ended {
            Ended::Passed => self.passed += 1,
            Ended::Failed => self.failed += 1,
            Ended::Skipped => {}
        }
        let key = (self.binary.clone(), name.to_owned());
        let kept = self.seen.entry(key).or_insert(ended);
        if ended != Ended::Skipped {
            *kept = ended;
        }
    }

    /// Returns how many executions passed.
    pub fn passed(&self) -> usize {
        self.passed
    }

    /// Returns how many executions failed.
    pub fn failed(&self) -> usize {
        self.failed
    }

    /// Returns the names of the tests that failed.
    pub fn failures(&self) -> Vec<&str> {
        let failed = self.seen.iter().filter(|(_, ended)| **ended == Ended::Failed);
        failed.map(|((_, name), _)| name.as_str()).collect()
    }

    /// Returns where and why a test panicked first, on one line: `src/a.rs:12:5: a message`.
    pub fn panic_of(&self, test: &str) -> Option<&str> {
        self.panics.get(test).map(String::as_str)
    }

    /// Returns how many tests no run has executed.
    pub fn skipped(&self) -> usize {
        self.seen.values().filter(|ended| **ended == Ended::Skipped).count()
    }

    /// Adds what another run counted.
    pub fn add(&mut self, other: &Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        for (key, ended) in &other.seen {
            let kept = self.seen.entry(key.clone()).or_insert(*ended);
            if *ended != Ended::Skipped {
                *kept = *ended;
            }
        }
    }
}

/// Reads the binary's name from `Running tests/a.rs (target/debug/deps/a-0f..)` or `Doc-tests
/// sre_kit`.
fn started_binary(line: &str) -> Option<String> {
    if let Some(name) = line.strip_prefix("Doc-tests ") {
        return Some(format!("doc {name}"));
    }
    let path = line.strip_prefix("Running ")?.strip_suffix(')')?.rsplit_once('(')?.1;
    let stem = path.rsplit('/').next()?;
    // Without the hash, which differs between sets of features.
    Some(stem.rsplit_once('-').map_or(stem, |(name, _)| name).to_owned())
}

/// Reads the test from `---- a::b stdout ----`, which begins what it printed.
fn shown_test(line: &str) -> Option<&str> {
    line.strip_prefix("---- ")?.strip_suffix(" stdout ----")
}

/// Reads the place from `thread 'a::b' (12) panicked at src/a.rs:12:5:`.
fn panicked_at(line: &str) -> Option<&str> {
    Some(line.strip_prefix("thread '")?.split_once(" panicked at ")?.1)
}

/// Reads the test and its result from `test a::b ... ok`, `... FAILED` or `... ignored,
/// reason`.
fn finished_test(line: &str) -> Option<(&str, Ended)> {
    let (name, verdict) = line.strip_prefix("test ")?.split_once(" ... ")?;
    let ended = match verdict.split([',', ' ']).next()? {
        "ok" => Ended::Passed,
        "FAILED" => Ended::Failed,
        "ignored" => Ended::Skipped,
        _ => return None,
    };
    // `a - should panic` and `src/lib.rs - a (line 3)` keep their whole name.
    Some((name, ended))
}

#[cfg(test)]
mod tests {
    use super::Tally;

    fn read(lines: &str) -> Tally {
        let mut tally = Tally::default();
        lines.lines().for_each(|line| tally.read_line(line));
        tally
    }

    fn counts(tally: &Tally) -> (usize, usize, usize) {
        (tally.passed(), tally.failed(), tally.skipped())
    }

    const RUST: &str = "\
     Running unittests src/lib.rs (target/debug/deps/sre_kit-1d8e9e1a3a2f4b5c)
running 3 tests
test slo::burns ... ok
test slo::refuses_zero - should panic ... ok
test slo::wrong ... FAILED
test result: FAILED. 2 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out
     Running tests/rules_servers.rs (target/debug/deps/rules_servers-aaaaaaaaaaaaaaaa)
test promtool_accepts ... ignored, needs promtool; cargo xtask test --only servers
   Doc-tests sre_kit
test sre-kit/src/error.rs - error::ConfigError (line 11) ... ok";

    #[test]
    fn counts_tests_and_not_their_summary() {
        assert_eq!(counts(&read(RUST)), (3, 1, 1));
    }

    #[test]
    fn a_failed_test_keeps_its_first_panic() {
        let tally = read(
            "test a::b ... FAILED\n\
             thread 'worker' (7) panicked at src/other.rs:1:1:\n\
             from a test that passed\n\
             ---- a::b stdout ----\n\
             \n\
             thread 'a::b' (7) panicked at src/a.rs:12:5:\n\
             assertion failed: left == right\n\
             thread 'a::b' (7) panicked at src/drop.rs:1:1:\n\
             a second one\n",
        );
        let expected = "src/a.rs:12:5: assertion failed: left == right";
        assert_eq!(tally.panic_of("a::b"), Some(expected));
        assert_eq!(tally.panic_of("a::c"), None);
    }

    #[test]
    fn a_test_that_a_later_run_executes_is_not_skipped() {
        let mut all = read(RUST);
        all.add(&read(
            "\u{1b}[1m\u{1b}[92m     Running\u{1b}[0m tests/rules_servers.rs \
             (target/debug/deps/rules_servers-bbbbbbbbbbbbbbbb)\n\
             test promtool_accepts ... \u{1b}[32mok\u{1b}[0m",
        ));
        assert_eq!(counts(&all), (4, 1, 0));
    }

    #[test]
    fn order_does_not_matter_and_a_namesake_in_another_binary_stays_skipped() {
        let mut all = read("Running tests/a.rs (target/debug/deps/a-1)\ntest same ... ok");
        all.add(&read("Running tests/b.rs (target/debug/deps/b-1)\ntest same ... ignored"));
        all.add(&read("Running tests/a.rs (target/debug/deps/a-2)\ntest same ... ignored"));
        assert_eq!(counts(&all), (1, 0, 1));
    }

    #[test]
    fn other_lines_count_nothing() {
        assert_eq!(
            counts(&read("test that it works ... maybe\ntesting\n\ntest result: ok.")),
            (0, 0, 0)
        );
    }
}
