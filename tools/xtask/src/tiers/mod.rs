//! Which checks belong together, what they need, and how long they take.

mod other_systems;
mod outside;
mod rust;

use std::fmt;

use anyhow::Result;
use clap::ValueEnum;
use shell::{Cmd, Workspace};
use toolbox::Installer;

use crate::steps::Step;

pub(crate) use rust::{docs_steps, lint_steps};

/// How many of the mutated rules are tested: every so many.
const MUTANTS: &str = "SRE_KIT_MUTANTS";

/// A set of checks with the same needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Tier {
    /// What needs Rust and nothing else
    Rust,
    /// Tests against real servers from Debian's packages
    Servers,
    /// The page in a headless browser
    Browser,
    /// Charts, Terraform, image and workflows
    Deploy,
    /// A Kubernetes on this machine
    Cluster,
}

/// What a tier will do.
pub(crate) struct Plan {
    pub(crate) tier: Tier,
    pub(crate) steps: Vec<Step>,
    /// Minutes on two cores with nothing built or installed. Measured.
    pub(crate) cold_minutes: u32,
}

impl Tier {
    /// In the order in which they run.
    pub(crate) const ALL: [Self; 5] =
        [Self::Rust, Self::Servers, Self::Browser, Self::Deploy, Self::Cluster];

    /// Returns whether it runs without `--all`.
    pub(crate) fn by_default(self) -> bool {
        !matches!(self, Self::Deploy | Self::Cluster)
    }

    /// Returns its steps on this machine.
    pub(crate) fn plan(self, workspace: &Workspace, installer: &Installer) -> Result<Plan> {
        let is_there = |name: &str| {
            toolbox::by_name(name).is_some_and(|tool| installer.cold(&[tool]).1.is_empty())
        };
        let (steps, cold_minutes) = match self {
            Self::Rust => {
                (rust::steps(workspace, installer.slow)?, if installer.slow { 15 } else { 8 })
            }
            Self::Servers => {
                let mut steps = outside::steps(workspace, "servers", is_there)?;
                if installer.slow && std::env::var_os(MUTANTS).is_none() {
                    // More of the mutated rules than a run at a desk, and not yet all of them.
                    steps = steps.into_iter().map(|step| step.env(MUTANTS, "11")).collect();
                }
                steps.push(outside::shell_scripts(workspace)?);
                (steps, if installer.slow { 24 } else { 14 })
            }
            Self::Browser => (outside::steps(workspace, "browser", is_there)?, 2),
            Self::Deploy => (outside::steps(workspace, "deploy", is_there)?, 35),
            Self::Cluster => {
                let mut steps = outside::steps(workspace, "cluster", is_there)?;
                // The first test that needs it starts it; each after that finds it.
                let down = Cmd::cargo("xtask cluster down");
                steps.push(Step::run("cluster down", down).needs(toolbox::by_name("root")));
                (steps, if installer.slow { 55 } else { 13 })
            }
        };
        Ok(Plan { tier: self, steps, cold_minutes })
    }
}

impl fmt::Display for Tier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Rust => "rust",
            Self::Servers => "servers",
            Self::Browser => "browser",
            Self::Deploy => "deploy",
            Self::Cluster => "cluster",
        })
    }
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum;

    use super::Tier;
    use crate::lint::outside::ENDINGS;

    #[test]
    fn every_tier_is_in_the_order_and_has_the_name_the_command_line_takes() {
        assert_eq!(Tier::ALL.as_slice(), Tier::value_variants());
        for tier in Tier::ALL {
            assert_eq!(Tier::from_str(&tier.to_string(), false), Ok(tier));
        }
    }

    #[test]
    fn every_ending_of_a_test_file_is_a_tier() {
        for ending in ENDINGS {
            assert!(Tier::from_str(ending, false).is_ok(), "{ending}");
        }
    }
}
