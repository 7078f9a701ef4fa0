//! Runs steps and records how each ended.

use std::time::{Duration, Instant};

use shell::{Cmd, Tally, Workspace};
use toolbox::Installer;

use super::budget::{self, Budget};
use super::{Action, LeftOut, Outcome, Report, Row, Run, Step};
use crate::lint::Rule;

/// What a run of steps shares.
pub(crate) struct Runner<'a> {
    pub(crate) workspace: &'a Workspace,
    pub(crate) installer: &'a Installer,
    /// Stop at the first failure.
    pub(crate) fail_fast: bool,
    /// Everything was asked for: what cannot be had has failed, rather than being left out.
    pub(crate) all: bool,
    /// In front of each line, where two steps run side by side.
    pub(crate) prefix: &'static str,
    /// Leave out what takes too long to get.
    pub(crate) budget: Option<Budget>,
}

impl Runner<'_> {
    /// Runs `steps` for the table's `tier`. A failure does not keep later steps
    /// from running, unless `fail_fast`: one run shows everything that is wrong.
    ///
    /// Returns whether to go on.
    pub(crate) fn run(&self, tier: &str, steps: Vec<Step>, report: &mut Report) -> bool {
        let count = steps.len();
        steps.into_iter().enumerate().all(|(at, step)| {
            self.run_one(tier, step, &format!("step {} of {count}", at + 1), report)
        })
    }

    /// Runs one step and says `where_we_are`. Returns whether to go on.
    pub(crate) fn run_one(
        &self,
        tier: &str,
        step: Step,
        where_we_are: &str,
        report: &mut Report,
    ) -> bool {
        let started = Instant::now();
        let mut tally = Tally::default();
        let prefix = self.prefix;
        let (outcome, counted) = match &step.action {
            Action::LeaveOut(left) => (Outcome::LeftOut(left.clone()), false),
            action => {
                println!("\n{prefix}=== {tier}: {} ({where_we_are})", step.name);
                match action {
                    Action::Run(run) => (self.run_cmds(tier, run, &mut tally), run.counted),
                    Action::Check { rules, again } => (check(self.workspace, rules, again), false),
                    Action::LeaveOut(_) => unreachable!("handled above"),
                }
            }
        };
        if let Outcome::Failed { again } = &outcome {
            println!("\n{prefix}FAILED {tier}: {}. To see it again:", step.name);
            for line in again {
                println!("{prefix}    {line}");
            }
        }
        let stop = self.fail_fast && matches!(outcome, Outcome::Failed { .. });
        report.add(
            Row {
                tier: tier.to_owned(),
                step: step.name,
                outcome,
                tests: counted.then(|| (tally.passed(), tally.failed())),
                took: started.elapsed(),
            },
            &tally,
        );
        !stop
    }

    /// Returns whether a step's tools are there.
    pub(crate) fn is_ready(&self, step: &Step) -> bool {
        self.cold(step) == Duration::ZERO
    }

    /// Returns how long it takes to get a step's tools.
    pub(crate) fn cold(&self, step: &Step) -> Duration {
        match &step.action {
            Action::Run(run) => self.installer.cold(&run.needs).0,
            Action::Check { .. } | Action::LeaveOut(_) => Duration::ZERO,
        }
    }

    fn run_cmds(&self, tier: &str, run: &Run, tally: &mut Tally) -> Outcome {
        let again = format!("cargo xtask test --all --only {tier}");
        let refusal = self.budget.and_then(|budget| {
            // What is no test may have to clean up, and takes no time.
            let own = if run.counted { budget::allowance(&run.needs) } else { Duration::ZERO };
            budget.refuses(self.installer.cold(&run.needs), own, &again)
        });
        if let Some(reason) = refusal {
            // A budget asks only for what fits into it, so this was not asked for.
            return Outcome::LeftOut(LeftOut { reason, asked_for: false });
        }
        let ready = self.installer.ready(&run.needs);
        if let Some(missing) = ready.missing.first() {
            let reason = format!("{}: {}", missing.name, missing.reason);
            if self.all {
                println!("{reason}");
                let names = missing.name;
                return Outcome::Failed {
                    again: vec![format!("cargo xtask tools {names}"), again],
                };
            }
            return Outcome::LeftOut(LeftOut { reason, asked_for: !missing.unasked });
        }
        for cmd in &run.cmds {
            let cmd = cmd.clone().path_first(&ready.dirs).envs(&ready.env);
            // What needs nothing is what every machine can do in time.
            let budget = self.budget.filter(|_| !run.needs.is_empty());
            let ended = if run.counted {
                cmd.run_counted(tally, budget.map(|budget| budget.at_most()), self.prefix)
            } else if self.prefix.is_empty() {
                cmd.run().map(Some)
            } else {
                cmd.run_counted(&mut Tally::default(), None, self.prefix)
            };
            match ended {
                Ok(Some(status)) if status.success() => continue,
                Ok(Some(_)) => {}
                Ok(None) => {
                    let reason = budget.map(|budget| budget.ended(&again)).unwrap_or_default();
                    return cut_off(reason, tally, &cmd);
                }
                Err(err) => println!("{err:#}"),
            }
            return Outcome::Failed { again: again_by(&cmd, run.counted, tally) };
        }
        if run.counted && tally.passed() == 0 {
            println!("no test ran, which proves nothing; has its name changed?");
            return Outcome::Failed { again: run.cmds.iter().map(ToString::to_string).collect() };
        }
        Outcome::Passed
    }
}

/// Returns the command that shows a failure again: of tests, those that failed and no others,
/// each with its panic above the command. A run that failed before its first test is repeated as
/// a whole.
fn again_by(cmd: &Cmd, counted: bool, tally: &Tally) -> Vec<String> {
    match tally.failures().as_slice() {
        failed @ [_, ..] if counted => {
            let why = |name: &&str| {
                tally.panic_of(name).map(|panic| format!("# {name} panicked at {panic}"))
            };
            let mut again: Vec<_> = failed.iter().filter_map(why).collect();
            again.push(cmd.clone().only_tests(failed).to_string());
            again
        }
        _ => vec![cmd.to_string()],
    }
}

/// Returns the outcome of a command that was ended in the middle: it shows nothing, unless a
/// test had failed by then.
fn cut_off(reason: String, tally: &Tally, cmd: &Cmd) -> Outcome {
    if tally.failed() == 0 {
        return Outcome::LeftOut(LeftOut { reason, asked_for: false });
    }
    Outcome::Failed { again: again_by(cmd, true, tally) }
}

fn check(workspace: &Workspace, rules: &[&'static Rule], again: &str) -> Outcome {
    let mut count = 0;
    for rule in rules {
        let findings = (rule.check)(workspace).unwrap_or_else(|err| vec![format!("{err:#}")]);
        println!("{}: {}", rule.name, if findings.is_empty() { "fine" } else { "broken" });
        for finding in &findings {
            println!("  {finding}");
        }
        count += findings.len();
    }
    if count == 0 { Outcome::Passed } else { Outcome::Failed { again: vec![again.to_owned()] } }
}

#[cfg(test)]
mod tests {
    use super::{Outcome, Runner, cut_off};
    use crate::lint::Rule;
    use crate::steps::{Budget, Report, Step};
    use shell::Workspace;
    use shell::{Cmd, Tally};
    use toolbox::{Cache, Installer};

    static BROKEN: Rule = Rule { name: "broken", check: |_| Ok(vec!["here: this".to_owned()]) };
    static FINE: Rule = Rule { name: "fine", check: |_| Ok(Vec::new()) };

    fn sh(script: &str) -> Cmd {
        Cmd::new("sh").args(["-c", script])
    }

    fn report(steps: Vec<Step>, fail_fast: bool) -> (Report, bool) {
        report_within(steps, fail_fast, false, None)
    }

    fn report_within(
        steps: Vec<Step>,
        fail_fast: bool,
        all: bool,
        budget: Option<Budget>,
    ) -> (Report, bool) {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let installer = Installer { cache: Cache::at(dir.path()), install: false, slow: false };
        let mut report = Report::default();
        let workspace = Workspace::at(dir.path());
        let runner = Runner {
            workspace: &workspace,
            installer: &installer,
            fail_fast,
            all,
            prefix: "",
            budget,
        };
        let went_on = runner.run("t", steps, &mut report);
        (report, went_on)
    }

    #[test]
    fn a_budget_leaves_out_what_must_first_be_built_and_nothing_else() {
        let steps = vec![
            Step::run("built first", sh("exit 1")).needs(toolbox::by_name("promtool-3")),
            Step::tests("there", sh("echo 'test a ... ok'")),
        ];
        let (report, _) = report_within(steps, false, true, Some(Budget::minutes(2)));
        assert_eq!((report.totals(), report.exit_code()), ((1, 0, 1), 0));
        let text = report.to_string();
        assert!(text.contains("of 2 minutes are left"), "{text}");
        assert!(text.contains("cargo xtask test --all --only t"), "{text}");
    }

    #[test]
    fn a_tool_that_cannot_be_had_fails_a_run_of_everything_and_is_named_by_any_other() {
        let steps = || vec![Step::run("a", sh("exit 0")).needs(toolbox::by_name("promtool-3"))];
        let (report, _) = report_within(steps(), false, true, None);
        assert_eq!((report.totals(), report.exit_code()), ((0, 1, 0), 1));
        assert!(report.to_string().contains("cargo xtask tools promtool-3"), "{report}");
        let (report, _) = report_within(steps(), false, false, None);
        assert_eq!((report.totals(), report.exit_code()), ((0, 0, 1), 0));
    }

    #[test]
    fn what_was_ended_in_the_middle_is_left_out_unless_something_had_failed() {
        let mut tally = Tally::default();
        tally.read_line("test a ... ok");
        let outcome = |tally: &Tally| cut_off("no time".to_owned(), tally, &sh("x"));
        assert!(matches!(outcome(&tally), Outcome::LeftOut(left) if left.reason == "no time"));
        tally.read_line("test b ... FAILED");
        assert!(matches!(outcome(&tally), Outcome::Failed { .. }));
    }

    #[test]
    fn a_failure_does_not_hide_the_next_one() {
        let steps = || {
            vec![
                Step::all("first", vec![sh("exit 1"), sh("echo not reached; exit 1")]),
                Step::check("second", [&FINE, &BROKEN], "cargo xtask lint"),
                Step::tests("third", sh("echo 'test a ... ok'; echo 'test b ... ignored'")),
            ]
        };
        let (all, went_on) = report(steps(), false);
        assert!(went_on);
        // One test, two checks that failed, one test that was skipped.
        assert_eq!(all.totals(), (1, 2, 1));
        let text = all.to_string();
        assert!(text.contains("sh -c 'exit 1'") && text.contains("cargo xtask lint"), "{text}");
        assert!(!text.contains("not reached"), "{text}");

        let (first, went_on) = report(steps(), true);
        assert!(!went_on);
        assert_eq!(first.totals(), (0, 1, 0));
    }

    #[test]
    fn a_test_that_failed_is_repeated_alone() {
        let said = "echo 'test a::b ... ok'; echo 'test a::c ... FAILED'
            echo '---- a::c stdout ----'
            echo \"thread 'a::c' (1) panicked at src/c.rs:3:5:\"; echo 'no such file'; exit 1";
        let (report, _) = report(vec![Step::tests("a", sh(said))], false);
        let text = report.to_string();
        assert!(text.contains("-- --include-ignored --exact a::c"), "{text}");
        let why = "    # a::c panicked at src/c.rs:3:5: no such file\n";
        assert!(text.contains(why), "{text}");
        let (report, _) = super::tests::report(vec![Step::tests("a", sh("exit 101"))], false);
        assert!(report.to_string().contains("    sh -c 'exit 101'\n"), "{report}");
    }

    #[test]
    fn a_runner_that_ran_no_test_has_failed() {
        let steps = vec![Step::tests("a", sh("echo 'running 0 tests'"))];
        assert_eq!(report(steps, false).0.totals(), (0, 1, 0));
    }

    #[test]
    fn a_program_that_does_not_start_is_a_failed_step() {
        let (report, _) = report(vec![Step::run("a", Cmd::new("no-such-program"))], false);
        assert_eq!(report.totals(), (0, 1, 0));
        assert_eq!(report.exit_code(), 1);
    }
}
