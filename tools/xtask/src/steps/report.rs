//! The table at the end, what was left out and why, and the counts.

use std::fmt;
use std::process::ExitCode;
use std::time::Duration;

use shell::Tally;

use super::{Outcome, Row};

/// Everything that ran, failed and was left out.
#[derive(Debug, Default)]
pub(crate) struct Report {
    rows: Vec<Row>,
    tally: Tally,
}

impl Report {
    /// Adds a finished step and the tests that it ran.
    pub(crate) fn add(&mut self, row: Row, tally: &Tally) {
        self.tally.add(tally);
        self.rows.push(row);
    }

    /// Adds the steps of another report.
    pub(crate) fn append(&mut self, other: Self) {
        self.tally.add(&other.tally);
        self.rows.extend(other.rows);
    }

    /// Returns whether the last step passed.
    pub(crate) fn last_passed(&self) -> bool {
        self.rows.last().is_some_and(|row| row.outcome == Outcome::Passed)
    }

    /// Returns how many passed, failed and were skipped. A step that runs no tests, or fails
    /// before its first test, counts as one.
    pub(crate) fn totals(&self) -> (usize, usize, usize) {
        let mut totals = (self.tally.passed(), self.tally.failed(), self.tally.skipped());
        for row in &self.rows {
            match (&row.outcome, row.tests) {
                (Outcome::Passed, None) => totals.0 += 1,
                (Outcome::Failed { .. }, None | Some((_, 0))) => totals.1 += 1,
                (Outcome::LeftOut(_), _) => totals.2 += 1,
                _ => {}
            }
        }
        totals
    }

    /// Returns the exit code; `cli` lists them.
    pub(crate) fn exit_code(&self) -> u8 {
        let cannot = |row: &Row| matches!(&row.outcome, Outcome::LeftOut(left) if left.asked_for);
        if self.totals().1 > 0 {
            1
        } else if self.rows.iter().any(cannot) {
            3
        } else {
            0
        }
    }

    /// Prints the report and returns the exit code.
    pub(crate) fn finish(&self) -> ExitCode {
        println!("\n{self}");
        ExitCode::from(self.exit_code())
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = |of: fn(&Row) -> usize| self.rows.iter().map(of).max().unwrap_or(0).max(4);
        let tier = width(|row| row.tier.len());
        let step = width(|row| row.step.len());
        writeln!(f, "{:tier$}  {:step$}  {:22}  time", "tier", "step", "result")?;
        for row in &self.rows {
            let line = format!(
                "{:tier$}  {:step$}  {:22}  {}",
                row.tier,
                row.step,
                result(row),
                if matches!(row.outcome, Outcome::LeftOut(_)) {
                    String::new()
                } else {
                    human(row.took)
                }
            );
            writeln!(f, "{}", line.trim_end())?;
        }
        let left: Vec<_> = self
            .rows
            .iter()
            .filter_map(|row| match &row.outcome {
                Outcome::LeftOut(left) => Some((row, left)),
                _ => None,
            })
            .collect();
        if !left.is_empty() {
            writeln!(f, "\nLeft out:")?;
            for (row, left) in left {
                writeln!(f, "  {}, {}: {}", row.tier, row.step, left.reason)?;
            }
        }
        let failed: Vec<_> = self
            .rows
            .iter()
            .filter_map(|row| match &row.outcome {
                Outcome::Failed { again } => Some((row, again)),
                _ => None,
            })
            .collect();
        if !failed.is_empty() {
            writeln!(f, "\nFailed, and how to see it again:")?;
            for (row, again) in failed {
                writeln!(f, "  {}, {}", row.tier, row.step)?;
                again.iter().try_for_each(|line| writeln!(f, "    {line}"))?;
            }
        }
        let (passed, failed, skipped) = self.totals();
        write!(f, "\n{passed} passed, {failed} failed, {skipped} skipped")
    }
}

fn result(row: &Row) -> String {
    match (&row.outcome, row.tests) {
        (Outcome::Passed, None) => "passed".to_owned(),
        (Outcome::Passed, Some((passed, _))) => format!("passed, {passed} tests"),
        (Outcome::Failed { .. }, None) => "FAILED".to_owned(),
        (Outcome::Failed { .. }, Some((passed, failed))) => {
            format!("FAILED, {failed} of {}", passed + failed)
        }
        (Outcome::LeftOut(_), _) => "left out".to_owned(),
    }
}

/// Formats a time such as `0.3 s`, `42 s` or `3 min 05 s`.
pub(crate) fn human(took: Duration) -> String {
    let seconds = took.as_secs();
    if seconds < 10 {
        format!("{:.1} s", took.as_secs_f64())
    } else if seconds < 60 {
        format!("{seconds} s")
    } else {
        format!("{} min {:02} s", seconds / 60, seconds % 60)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Report, human};
    use crate::steps::{LeftOut, Outcome, Row};
    use shell::Tally;

    fn row(step: &str, outcome: Outcome, tests: Option<(usize, usize)>) -> Row {
        Row {
            tier: "rust".to_owned(),
            step: step.to_owned(),
            outcome,
            tests,
            took: Duration::from_secs(65),
        }
    }

    fn left(asked_for: bool) -> Outcome {
        Outcome::LeftOut(LeftOut { reason: "no apt-get here".to_owned(), asked_for })
    }

    fn with(rows: Vec<Row>, lines: &str) -> Report {
        let mut report = Report::default();
        let mut tally = Tally::default();
        lines.lines().for_each(|line| tally.read_line(line));
        for row in rows {
            report.add(row, &tally);
            tally = Tally::default();
        }
        report
    }

    #[test]
    fn reads_as_a_table_and_ends_on_the_counts_alone() {
        let failed = Outcome::Failed { again: vec!["cargo clippy".to_owned()] };
        let rows = vec![
            row("tests", Outcome::Passed, Some((2, 0))),
            row("clippy", failed, None),
            row("haproxy", left(true), None),
        ];
        let text =
            with(rows, "test a ... ok\ntest b ... ok\ntest c ... ignored, needs x").to_string();
        assert_eq!(
            text,
            "tier  step     result                  time\n\
             rust  tests    passed, 2 tests         1 min 05 s\n\
             rust  clippy   FAILED                  1 min 05 s\n\
             rust  haproxy  left out\n\
             \nLeft out:\n  rust, haproxy: no apt-get here\n\
             \nFailed, and how to see it again:\n  rust, clippy\n    cargo clippy\n\
             \n2 passed, 1 failed, 2 skipped"
        );
    }

    #[test]
    fn the_exit_code_tells_failed_from_impossible_from_not_wanted() {
        let failed = || Outcome::Failed { again: Vec::new() };
        let code = |outcomes: Vec<Outcome>| {
            with(outcomes.into_iter().map(|o| row("x", o, None)).collect(), "").exit_code()
        };
        assert_eq!(code(vec![Outcome::Passed, left(false)]), 0);
        assert_eq!(code(vec![Outcome::Passed, left(true)]), 3);
        assert_eq!(code(vec![failed(), left(true)]), 1);
    }

    #[test]
    fn a_test_run_that_does_not_compile_counts_as_one_failure() {
        let failed = Outcome::Failed { again: Vec::new() };
        assert_eq!(with(vec![row("x", failed.clone(), Some((0, 0)))], "").totals(), (0, 1, 0));
        let report = with(
            vec![row("x", failed, Some((1, 2)))],
            "test a ... ok\ntest b ... FAILED\ntest c ... FAILED",
        );
        assert_eq!(report.totals(), (1, 2, 0));
    }

    #[test]
    fn times_are_for_people() {
        assert_eq!(human(Duration::from_millis(340)), "0.3 s");
        assert_eq!(human(Duration::from_secs(42)), "42 s");
        assert_eq!(human(Duration::from_secs(601)), "10 min 01 s");
    }
}
