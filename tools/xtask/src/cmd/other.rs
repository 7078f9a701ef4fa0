//! The tools beside this one, as programs: what they need is compiled when they
//! are asked for, and not before the first test.

use std::process::ExitCode;

use anyhow::Result;
use shell::{Cmd, Workspace};

/// Builds and runs the binary of `package` where the user is, with `first` and then `rest`.
pub(crate) fn run(
    workspace: &Workspace,
    package: &str,
    first: Option<&str>,
    rest: Vec<String>,
) -> Result<ExitCode> {
    let status = command(workspace, package, first, rest).run()?;
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
}

fn command(workspace: &Workspace, package: &str, first: Option<&str>, rest: Vec<String>) -> Cmd {
    let cmd = Cmd::cargo("run --quiet --package").args([package, "--"]).args(first).args(rest);
    // It may be given a manifest on standard input.
    let cmd = cmd.ask();
    if workspace.started_in() == workspace.root() { cmd } else { cmd.dir(workspace.started_in()) }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use shell::Workspace;

    use super::command;

    #[test]
    fn a_relative_path_means_what_it_means_where_the_user_is() {
        let clone = Workspace::at(Path::new("/clone"));
        let line = |workspace: &Workspace| {
            command(workspace, "deploy-tests", Some("autopilot"), vec!["a.yaml".to_owned()])
                .to_string()
        };
        let run = "cargo run --quiet --package deploy-tests -- autopilot a.yaml";
        assert_eq!(line(&clone), run);
        let below = clone.started_from(Path::new("/clone/charts"));
        assert_eq!(line(&below), format!("(cd /clone/charts && {run})"));
    }
}
