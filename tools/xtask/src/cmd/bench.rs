//! `cargo xtask bench`: sre-kit beside its peers, in one run on this machine.

use std::path::{PathBuf, absolute};
use std::process::ExitCode;

use anyhow::Result;
use clap::Args;
use shell::{Cmd, Workspace};
use toolbox::{Cache, Installer};

/// What `cargo xtask bench` may be asked for.
#[derive(Debug, Args)]
pub(crate) struct BenchArgs {
    /// Also write each ratio, its peer and both raw figures to this file
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
    /// Measure instead what each feature, and each peer, adds to a build: half an hour
    #[arg(long, conflicts_with = "json")]
    pub(crate) builds: bool,
    /// Count instead the instructions of the request paths, and compare them with
    /// benches/counts.tsv: five minutes
    #[arg(long, conflicts_with_all = ["json", "builds"])]
    pub(crate) counts: bool,
    /// With --counts: write benches/counts.tsv anew
    #[arg(long, requires = "counts")]
    pub(crate) renew: bool,
    /// Passed on to the report as it is, after `--`
    #[arg(last = true)]
    pub(crate) rest: Vec<String>,
}

/// Tools, and what is not measured without them.
const NEEDS: [(&[&str], &str); 2] =
    [(&["valgrind"], "instructions are"), (&["postgres", "initdb"], "the database is")];

/// Builds and runs the report of the `benches` member.
pub(crate) fn run(workspace: &Workspace, args: &BenchArgs) -> Result<ExitCode> {
    if args.builds {
        return super::other::run(workspace, "build-costs", None, args.rest.clone());
    }
    let installer = Installer { cache: Cache::find()?, install: true, slow: false };
    if args.counts {
        return counts(&installer, args.renew);
    }
    let mut dirs = Vec::new();
    for (names, figures) in NEEDS {
        let needed: Vec<_> = names.iter().filter_map(|name| toolbox::by_name(name)).collect();
        let ready = installer.ready(&needed);
        for missing in &ready.missing {
            println!("{}: {}; {figures} left out of the table", missing.name, missing.reason);
        }
        dirs.extend(ready.dirs);
    }
    finish(&report(workspace, args)?.path_first(&dirs))
}

/// Compares the instruction counts with the kept ones, or writes them anew.
fn counts(installer: &Installer, renew: bool) -> Result<ExitCode> {
    let needed: Vec<_> = toolbox::by_name("valgrind").into_iter().collect();
    let ready = installer.ready(&needed);
    if let Some(missing) = ready.missing.first() {
        anyhow::bail!("{}: {}; nothing can be counted without it", missing.name, missing.reason);
    }
    let run = "run --release --package sre-kit-benches --bin counts --";
    let renew = renew.then_some("--renew");
    finish(&Cmd::cargo(run).args(renew).args(["benches/counts.tsv"]).path_first(&ready.dirs))
}

fn finish(cmd: &Cmd) -> Result<ExitCode> {
    Ok(if cmd.run()?.success() {
        ExitCode::SUCCESS
    } else {
        println!("\nFAILED. To see it again:\n    {cmd}");
        ExitCode::FAILURE
    })
}

fn report(workspace: &Workspace, args: &BenchArgs) -> Result<Cmd> {
    let mut cmd = Cmd::cargo("run --release --package sre-kit-benches --bin report --");
    if let Some(file) = &args.json {
        let file = match absolute(workspace.started_in().join(file))? {
            file if file.starts_with(workspace.root()) => {
                file.strip_prefix(workspace.root())?.to_owned()
            }
            file => file,
        };
        cmd = cmd.args(["--json".to_owned(), file.display().to_string()]);
    }
    Ok(cmd.args(args.rest.iter().cloned()))
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use super::{BenchArgs, NEEDS, report};
    use shell::Workspace;

    fn line(started_in: &str, json: &str) -> String {
        let workspace = Workspace::at(Path::new("/clone")).started_from(Path::new(started_in));
        let json = Some(PathBuf::from(json));
        let args = BenchArgs {
            json,
            builds: false,
            counts: false,
            renew: false,
            rest: vec!["--quick".to_owned()],
        };
        report(&workspace, &args).expect("a path").to_string()
    }

    #[test]
    fn what_is_measured_with_a_tool_names_one_that_can_be_had() {
        let names = NEEDS.iter().flat_map(|(names, _)| names.iter());
        assert!(names.clone().count() >= 3);
        for name in names {
            assert!(toolbox::by_name(name).is_some(), "{name}");
        }
    }

    #[test]
    fn the_file_is_where_the_user_was_and_the_rest_is_passed_on() {
        let run = "cargo run --release --package sre-kit-benches --bin report -- --json";
        assert_eq!(line("/clone", "out.json"), format!("{run} out.json --quick"));
        assert_eq!(line("/clone/benches", "out.json"), format!("{run} benches/out.json --quick"));
        assert_eq!(
            line("/clone", "/elsewhere/out.json"),
            format!("{run} /elsewhere/out.json --quick")
        );
    }
}
