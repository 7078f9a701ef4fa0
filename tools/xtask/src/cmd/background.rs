//! Gets the tools of later steps while earlier ones run.

use std::fs::{self, File};
use std::process::{Child, Stdio};

use shell::{Cmd, Workspace};
use toolbox::{Installer, Source, Tool};

use crate::steps::Action;
use crate::tiers::Plan;

/// `cargo xtask tools` in the background, which ends with the value.
#[derive(Debug)]
pub(super) struct Background(Child);

impl Drop for Background {
    fn drop(&mut self) {
        // The compiler that it has started ends by itself, and what it builds is kept.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Installs all Debian packages at once, and begins to build the other tools. A step that needs
/// one of them waits for it.
///
/// Nothing that fails here is the end of anything: the step that needs the tool tries again and
/// says why it cannot be had.
pub(super) fn start(
    workspace: &Workspace,
    installer: &Installer,
    plans: &[Plan],
) -> Option<Background> {
    if !installer.install {
        return None;
    }
    let needed = needed(plans);
    let debian: Vec<_> = needed.iter().copied().filter(|tool| is_debian(tool)).collect();
    installer.ready(&debian);
    let built: Vec<_> = needed
        .into_iter()
        .filter(|tool| !is_debian(tool) && installer.cold(&[tool]).1 == [tool.name])
        .filter(|tool| installer.slow || !tool.slow)
        .collect();
    if built.is_empty() {
        return None;
    }
    let log = workspace.target_directory().ok()?.join("xtask/tools.log");
    fs::create_dir_all(log.parent()?).ok()?;
    let file = File::create(&log).ok()?;
    // The tests come first: this takes the time that they leave.
    let cmd = Cmd::new("nice")
        .args(["-n".to_owned(), "15".to_owned()])
        .arg(std::env::current_exe().ok()?.display().to_string())
        .arg("tools")
        .args(built.iter().map(|tool| tool.name));
    let mut command = cmd.command();
    command.stdout(file.try_clone().ok()?).stderr(file).stdin(Stdio::null());
    let child = command.spawn().ok()?;
    let names: Vec<_> = built.iter().map(|tool| tool.name).collect();
    println!("\nin the background, with {} as its log: {}", log.display(), names.join(", "));
    Some(Background(child))
}

/// Returns the tools of all steps: those of the longest tier, which others wait beside, first.
fn needed(plans: &[Plan]) -> Vec<&'static Tool> {
    let mut found = Vec::new();
    for plan in plans {
        for step in &plan.steps {
            let Action::Run(run) = &step.action else { continue };
            for tool in toolbox::expand(&run.needs) {
                if !found.contains(&tool) {
                    found.push(tool);
                }
            }
        }
    }
    found
}

fn is_debian(tool: &Tool) -> bool {
    matches!(tool.source, Source::Debian(_))
}

#[cfg(test)]
mod tests {
    use shell::Cmd;

    use super::needed;
    use crate::steps::Step;
    use crate::tiers::{Plan, Tier};

    #[test]
    fn each_tool_comes_once_and_sets_as_what_is_in_them() {
        let step = |names: &[&str]| {
            Step::run("a", Cmd::new("true"))
                .needs(names.iter().filter_map(|name| toolbox::by_name(name)))
        };
        let plan = |tier, steps| Plan { tier, steps, cold_minutes: 0 };
        let plans = [
            plan(Tier::Servers, vec![step(&["haproxy", "otelcol"])]),
            plan(Tier::Cluster, vec![step(&["cluster", "otelcol"])]),
        ];
        let names: Vec<_> = needed(&plans).iter().map(|tool| tool.name).collect();
        assert_eq!(names[..2], ["haproxy", "otelcol"]);
        assert!(names.contains(&"kubernetes") && !names.contains(&"cluster"), "{names:?}");
        assert_eq!(names.iter().filter(|name| **name == "otelcol").count(), 1);
    }
}
