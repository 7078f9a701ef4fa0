//! `cargo xtask test`: the tests, tier by tier.

use std::process::ExitCode;

use anyhow::Result;
use clap::Args;
use shell::Workspace;
use toolbox::{Cache, Installer};

use super::background;
use crate::steps::{Action, Budget, Runner, Step, Times, run_plans};
use crate::tiers::{Plan, Tier};

/// What `cargo xtask test` may be asked for.
#[derive(Debug, Default, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch on the command line")]
pub(crate) struct TestArgs {
    /// Every tier with the lints and the documentation, and every tool: one that cannot be had
    /// fails the run
    #[arg(long)]
    pub(crate) all: bool,
    /// This tier and no other; may be given more than once. With --all: everything in it
    #[arg(long, value_name = "TIER")]
    pub(crate) only: Vec<Tier>,
    /// Print the tiers, their steps and their commands, and run nothing
    #[arg(long)]
    pub(crate) list: bool,
    /// Stop at the first failure
    #[arg(long)]
    pub(crate) fail_fast: bool,
    /// Install nothing; leave out what needs a tool that is not there
    #[arg(long)]
    pub(crate) no_install: bool,
    /// Leave out a step that, with getting its tools, takes longer than is left of this time,
    /// and end one that still runs a few minutes after it
    #[arg(long, value_name = "MINUTES")]
    pub(crate) within: Option<u64>,
}

/// Says what will run, runs it, and says what did not.
pub(crate) fn run(workspace: &Workspace, args: &TestArgs) -> Result<ExitCode> {
    let budget = args.within.map(Budget::minutes);
    let installer = Installer { cache: Cache::find()?, install: !args.no_install, slow: args.all };
    let chosen: Vec<_> = Tier::ALL.into_iter().filter(|tier| is_chosen(args, *tier)).collect();
    let plan = || -> Result<Vec<Plan>> {
        chosen.iter().map(|tier| tier.plan(workspace, &installer)).collect()
    };
    let plans = plan()?;
    announce(&plans, &installer, args.list);
    if args.list {
        return Ok(ExitCode::SUCCESS);
    }
    let runner = Runner {
        workspace,
        installer: &installer,
        fail_fast: args.fail_fast,
        all: args.all,
        prefix: "",
        budget,
    };
    let _tools = background::start(workspace, &installer, &plans);
    // Once more, with what was installed.
    let plans = plan()?;
    let times = Times::read(workspace.target_directory()?.join("xtask/times"));
    let mut report = run_plans(&runner, plans, &times);
    for tier in Tier::ALL.into_iter().filter(|tier| !chosen.contains(tier)) {
        let left = Step::leave_out("everything", why_not(args, tier));
        runner.run(&tier.to_string(), vec![left], &mut report);
    }
    Ok(report.finish())
}

fn is_chosen(args: &TestArgs, tier: Tier) -> bool {
    if args.only.is_empty() { args.all || tier.by_default() } else { args.only.contains(&tier) }
}

fn why_not(args: &TestArgs, tier: Tier) -> String {
    if args.only.is_empty() {
        format!("runs with --all or --only {tier}")
    } else {
        "not asked for".to_owned()
    }
}

fn announce(plans: &[Plan], installer: &Installer, with_commands: bool) {
    println!("What will run, and how long it takes on two cores with nothing built or installed:");
    for Plan { tier, steps, cold_minutes } in plans {
        match cold_minutes {
            0 => println!("\n{tier}"),
            minutes => println!("\n{tier}: about {minutes} min"),
        }
        for step in steps {
            announce_step(step, installer, with_commands);
        }
    }
    let total: u32 = plans.iter().map(|plan| plan.cold_minutes).sum();
    println!(
        "\nIn all about {total} min cold; what is built and installed stays for the next run."
    );
}

fn announce_step(step: &Step, installer: &Installer, with_commands: bool) {
    match &step.action {
        Action::LeaveOut(left) => println!("  {} (left out: {})", step.name, left.reason),
        Action::Check { rules, again } => {
            println!("  {}", step.name);
            if with_commands {
                for rule in rules {
                    println!("    # {}: {again}", rule.name);
                }
            }
        }
        Action::Run(run) => {
            let needs: Vec<_> = run.needs.iter().map(|tool| installer.describe(tool)).collect();
            match needs.as_slice() {
                [] => println!("  {}", step.name),
                needs => println!("  {}, needs {}", step.name, needs.join(", ")),
            }
            if with_commands {
                for cmd in &run.cmds {
                    println!("    {cmd}");
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{TestArgs, is_chosen, why_not};
    use crate::tiers::Tier;

    fn chosen(args: &TestArgs) -> Vec<String> {
        let all = Tier::ALL.into_iter().filter(|tier| is_chosen(args, *tier));
        all.map(|tier| tier.to_string()).collect()
    }

    #[test]
    fn a_plain_run_leaves_the_slow_tiers_out_and_all_takes_them_in() {
        assert_eq!(chosen(&TestArgs::default()), ["rust", "servers", "browser"]);
        let all = TestArgs { all: true, ..TestArgs::default() };
        assert_eq!(chosen(&all).len(), Tier::ALL.len());
        assert!(why_not(&TestArgs::default(), Tier::Cluster).contains("--only cluster"));
    }

    #[test]
    fn only_takes_what_it_names_and_nothing_else() {
        let only = vec![Tier::Cluster, Tier::Rust];
        let args = TestArgs { only, ..TestArgs::default() };
        assert_eq!(chosen(&args), ["rust", "cluster"]);
        // Then `--all` asks for slow tools, not for other tiers.
        assert_eq!(chosen(&TestArgs { all: true, ..args }), ["rust", "cluster"]);
    }
}
