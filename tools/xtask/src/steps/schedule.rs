//! Which step comes next, and how much time is left.
//!
//! Tiers run in their order, and the steps of a tier in theirs. A step whose tools are still
//! being built gives way to the first step of another tier whose tools are there.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use toolbox::about;

use super::report::human;
use super::times::Times;
use super::{Action, Report, Runner, Step};
use crate::tiers::{Plan, Tier};

/// What a step takes that was never measured here: a few tests, or a compilation.
const SHORT: Duration = Duration::from_secs(20);

/// Runs everything that is planned, with the tests on the cluster beside the rest: they mostly
/// wait. Within a limit of time they come last, so that they slow nothing that is sure to fit.
pub(crate) fn run(runner: &Runner<'_>, plans: Vec<Plan>, times: &Times) -> Report {
    let side_by_side = plans.len() > 1 && !runner.fail_fast && runner.budget.is_none();
    let (beside, here): (Vec<_>, Vec<_>) = if side_by_side {
        plans.into_iter().partition(|plan| plan.tier == Tier::Cluster)
    } else {
        (Vec::new(), plans)
    };
    let mut report = Report::default();
    let second = Runner { prefix: "cluster | ", ..*runner };
    std::thread::scope(|scope| {
        let beside = (!beside.is_empty()).then(|| scope.spawn(|| lane(&second, beside, times)));
        report.append(lane(runner, here, times));
        if let Some(beside) = beside {
            println!("\nthe tests on the cluster go on");
            match beside.join() {
                Ok(other) => report.append(other),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
    });
    report
}

fn lane(runner: &Runner<'_>, plans: Vec<Plan>, times: &Times) -> Report {
    let mut report = Report::default();
    let began = Instant::now();
    let count: usize = plans.iter().map(|plan| plan.steps.len()).sum();
    let mut queues: Vec<(String, VecDeque<Step>)> =
        plans.into_iter().map(|plan| (plan.tier.to_string(), plan.steps.into())).collect();
    for number in 1..=count {
        let heads: Vec<_> = queues.iter().map(|(_, steps)| steps.front()).collect();
        let Some(at) = next(&heads, |step| runner.is_ready(step)) else { break };
        let left = left(&queues, times, |step| runner.cold(step));
        let (tier, steps) = &mut queues[at];
        let Some(step) = steps.pop_front() else { break };
        let where_we_are =
            format!("step {number} of {count}, {} so far, {}", human(began.elapsed()), left);
        let name = format!("{tier}: {}", step.name);
        let started = Instant::now();
        let go_on = runner.run_one(tier, step, &where_we_are, &mut report);
        if report.last_passed() {
            times.took(&name, started.elapsed());
        }
        if !go_on {
            break;
        }
    }
    report
}

/// Returns the queue whose first step comes next: the first of those that are ready, else the
/// first of all.
fn next(heads: &[Option<&Step>], is_ready: impl Fn(&Step) -> bool) -> Option<usize> {
    let ready = heads.iter().position(|head| head.is_some_and(&is_ready));
    ready.or_else(|| heads.iter().position(Option::is_some))
}

fn left(
    queues: &[(String, VecDeque<Step>)],
    times: &Times,
    cold: impl Fn(&Step) -> Duration,
) -> String {
    let mut time = Duration::ZERO;
    let mut tools = Duration::ZERO;
    for (tier, steps) in queues {
        for step in steps {
            if matches!(step.action, Action::LeaveOut(_)) {
                continue;
            }
            time += times.of(&format!("{tier}: {}", step.name), SHORT);
            // Each tool is counted once: the slowest step's tools have the others' as a rule.
            tools = tools.max(cold(step));
        }
    }
    format!("{} left", about(time + tools))
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::time::Duration;

    use shell::Cmd;

    use super::{left, next};
    use crate::steps::Step;
    use crate::steps::times::Times;

    fn step(name: &str) -> Step {
        Step::run(name, Cmd::new("true"))
    }

    #[test]
    fn what_waits_for_its_tools_gives_way_to_what_has_them() {
        let (a, b, c) = (step("a"), step("b"), step("c"));
        let heads = [None, Some(&a), Some(&b), Some(&c)];
        assert_eq!(next(&heads, |step| step.name == "b"), Some(2));
        assert_eq!(next(&heads, |_| true), Some(1));
        assert_eq!(next(&heads, |_| false), Some(1), "then the first one waits");
        assert_eq!(next(&[None, None], |_| true), None);
    }

    #[test]
    fn the_time_left_is_what_was_measured_and_the_tools() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let times = Times::read(dir.path().join("times"));
        times.took("rust: a", Duration::from_mins(4));
        let steps = VecDeque::from([step("a"), step("b"), Step::leave_out("c", "no")]);
        let queues = [("rust".to_owned(), steps)];
        assert_eq!(left(&queues, &times, |_| Duration::ZERO), "about 4 min left");
        assert_eq!(left(&queues, &times, |_| Duration::from_mins(9)), "about 13 min left");
    }
}
