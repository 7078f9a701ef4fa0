//! The command line.

use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, Parser, Subcommand};
use shell::Workspace;

use crate::cmd;

const EXIT_CODES: &str = "Exit codes:
  0  everything that was asked for ran and passed
  1  something failed; its command is printed again at the end
  2  the command line is wrong
  3  nothing failed, but something could not be run on this machine; with --all, that has failed";

/// Every check of sre-kit, the same for a person and for CI.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", after_help = EXIT_CODES)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the tests, tier by tier, and install what they need
    Test(cmd::test::TestArgs),
    /// Check format, structure, clippy and licences
    Lint,
    /// Build the documentation, run its examples and follow its links
    Docs,
    /// Measure sre-kit beside its peers in one run and print the ratios
    Bench(cmd::bench::BenchArgs),
    /// Say what GKE Autopilot would refuse or change in rendered manifests
    #[command(disable_help_flag = true)]
    Autopilot(Rest),
    /// Third parties' charts, as charts/observability pins them
    #[command(disable_help_flag = true)]
    Charts(Rest),
    /// A Kubernetes on this machine, for tests: one node, in a network of its own
    #[command(disable_help_flag = true)]
    Cluster(Rest),
    /// Get tools that the tests use, for use by hand; without names, list them
    Tools {
        /// As a test names them after `needs`
        #[arg(value_name = "TOOL")]
        names: Vec<String>,
    },
}

/// The command line of another tool, passed on as it is.
#[derive(Debug, Args)]
pub(crate) struct Rest {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "ARGS")]
    args: Vec<String>,
}

impl Cli {
    /// Does what the command line says.
    pub(crate) fn run(self) -> Result<ExitCode> {
        let workspace = Workspace::find()?;
        match self.command {
            Command::Test(args) => cmd::test::run(&workspace, &args),
            Command::Lint => cmd::lint::run(&workspace),
            Command::Docs => cmd::docs::run(&workspace),
            Command::Bench(args) => cmd::bench::run(&workspace, &args),
            Command::Autopilot(Rest { args }) => {
                cmd::other::run(&workspace, "deploy-tests", Some("autopilot"), args)
            }
            Command::Charts(Rest { args }) => {
                cmd::other::run(&workspace, "deploy-tests", Some("charts"), args)
            }
            Command::Cluster(Rest { args }) => {
                cmd::other::run(&workspace, "local-cluster", None, args)
            }
            Command::Tools { names } => toolbox::run(&names),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use clap::{CommandFactory, Parser};

    use super::{Cli, Command};

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_tier_that_does_not_exist_is_refused_with_the_names_of_those_that_do() {
        let err = Cli::try_parse_from(["xtask", "test", "--only", "moon"]).unwrap_err();
        let text = err.to_string();
        assert!(text.contains("moon") && text.contains("servers"), "{text}");
        assert_eq!(err.exit_code(), 2);
    }

    #[test]
    fn what_is_for_another_tool_is_passed_on_as_it_is() {
        let line = ["xtask", "cluster", "load-image", "--name", "x", "--help"];
        let Ok(Cli { command: Command::Cluster(rest) }) = Cli::try_parse_from(line) else {
            panic!("not taken for the cluster")
        };
        assert_eq!(rest.args, ["load-image", "--name", "x", "--help"]);
    }

    /// CI runs the commands that a person types, and they exist.
    #[test]
    fn every_command_of_the_matrix_is_one_of_ours() {
        let ci = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.github/workflows/ci.yml");
        let ci = fs::read_to_string(ci).expect("there is one");
        let mut tiers = Vec::new();
        for line in ci.lines() {
            let Some((_, rest)) = line.split_once("command: ") else { continue };
            let command = rest.split(',').next().unwrap_or_default();
            let words = command.split(' ');
            if let Err(err) = Cli::try_parse_from(["xtask"].into_iter().chain(words)) {
                panic!("cargo xtask {command}: {err}");
            }
            tiers.extend(command.split_once("--only ").map(|(_, tier)| tier.to_owned()));
        }
        assert_eq!(tiers, ["rust", "servers", "browser", "deploy", "cluster"], "none is left out");
    }
}
