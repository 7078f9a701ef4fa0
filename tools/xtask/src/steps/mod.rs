//! One check, a list of them, and the table at the end.

mod budget;
mod report;
mod run;
mod schedule;
mod times;

use std::time::Duration;

use shell::Cmd;
use toolbox::Tool;

use crate::lint::Rule;

pub(crate) use budget::Budget;
pub(crate) use report::Report;
pub(crate) use run::Runner;
pub(crate) use schedule::run as run_plans;
pub(crate) use times::Times;

/// One line of the table.
pub(crate) struct Step {
    pub(crate) name: String,
    pub(crate) action: Action,
}

/// What a step does.
pub(crate) enum Action {
    /// Commands, one after another; the first that fails ends the step.
    Run(Run),
    /// Rules that this program checks by itself, and the command that does it again.
    Check { rules: Vec<&'static Rule>, again: &'static str },
    /// Nothing, for a reason.
    LeaveOut(LeftOut),
}

/// Commands and what they need.
pub(crate) struct Run {
    pub(crate) cmds: Vec<Cmd>,
    pub(crate) needs: Vec<&'static Tool>,
    /// Whether the commands run tests and print them one by one.
    pub(crate) counted: bool,
}

/// Why something does not run, and what that means for the exit code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LeftOut {
    pub(crate) reason: String,
    /// Whether it was asked for and this machine cannot do it: exit code 3.
    pub(crate) asked_for: bool,
}

impl Step {
    /// Creates a step of one command.
    pub(crate) fn run(name: impl Into<String>, cmd: Cmd) -> Self {
        Self::all(name, vec![cmd])
    }

    /// Creates a step of several commands.
    pub(crate) fn all(name: impl Into<String>, cmds: Vec<Cmd>) -> Self {
        let run = Run { cmds, needs: Vec::new(), counted: false };
        Self { name: name.into(), action: Action::Run(run) }
    }

    /// Creates a step that runs tests.
    pub(crate) fn tests(name: impl Into<String>, cmd: Cmd) -> Self {
        let run = Run { cmds: vec![cmd], needs: Vec::new(), counted: true };
        Self { name: name.into(), action: Action::Run(run) }
    }

    /// Creates a step that checks rules.
    pub(crate) fn check(
        name: impl Into<String>,
        rules: impl IntoIterator<Item = &'static Rule>,
        again: &'static str,
    ) -> Self {
        let rules = rules.into_iter().collect();
        Self { name: name.into(), action: Action::Check { rules, again } }
    }

    /// Creates a step that does not run.
    pub(crate) fn leave_out(name: impl Into<String>, reason: impl Into<String>) -> Self {
        let left = LeftOut { reason: reason.into(), asked_for: false };
        Self { name: name.into(), action: Action::LeaveOut(left) }
    }

    /// Sets a variable for the commands of the step.
    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        if let Action::Run(run) = &mut self.action {
            run.cmds = run.cmds.drain(..).map(|cmd| cmd.env(name, value)).collect();
        }
        self
    }

    /// Adds tools that the step needs.
    pub(crate) fn needs(mut self, tools: impl IntoIterator<Item = &'static Tool>) -> Self {
        if let Action::Run(run) = &mut self.action {
            run.needs.extend(tools);
        }
        self
    }
}

/// How a step ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// All of it succeeded.
    Passed,
    /// Something failed; these commands show it again.
    Failed { again: Vec<String> },
    /// It did not run.
    LeftOut(LeftOut),
}

/// A step that is over.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) tier: String,
    pub(crate) step: String,
    pub(crate) outcome: Outcome,
    /// Tests that passed and failed, where it ran any.
    pub(crate) tests: Option<(usize, usize)>,
    pub(crate) took: Duration,
}
