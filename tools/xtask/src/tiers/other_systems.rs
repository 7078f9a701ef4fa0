//! The library on the systems where services are written, compiled from here.

use shell::Cmd;

use crate::steps::Step;

/// macOS on Apple's processors, and Windows. For both the compiler needs nothing but Rust's own
/// library for the target.
const TARGETS: [&str; 2] = ["aarch64-apple-darwin", "x86_64-pc-windows-gnu"];

/// What of the library contains no C, beside its default features. A compiler of C for the other
/// systems is not at hand, so the workflows check `db`, `telemetry` and their TLS there.
const WITHOUT_C: &str = "axum,console,protobuf,render,tonic";

/// Returns a step per system that compiles the library: the layer alone, the default features, and
/// all features without C.
pub(crate) fn steps() -> Vec<Step> {
    let installed = Cmd::new("rustup").args(["target", "list", "--installed"]).read().ok();
    TARGETS.map(|target| step(target, installed.as_deref())).into()
}

/// `installed` is the list of rustup, which adds a target that is missing.
fn step(target: &str, installed: Option<&str>) -> Step {
    let name = format!("the library on {target}");
    let Some(installed) = installed else {
        let reason = format!(
            "rustup is not here, which adds the target; with it, rustup target add {target} and \
             cargo xtask lint check it"
        );
        return Step::leave_out(name, reason);
    };
    let mut cmds = Vec::new();
    if !installed.lines().any(|line| line.trim() == target) {
        cmds.push(Cmd::new("rustup").args(["target", "add", target]));
    }
    let clippy = || Cmd::cargo("clippy --package sre-kit --target").arg(target);
    let deny = ["--", "-D", "warnings"];
    cmds.push(clippy().arg("--no-default-features").args(deny));
    cmds.push(clippy().args(deny));
    cmds.push(clippy().args(["--features", WITHOUT_C]).args(deny));
    Step::all(name, cmds)
}

#[cfg(test)]
mod tests {
    use super::step;
    use crate::steps::{Action, Step};

    fn commands(step: &Step) -> Vec<String> {
        match &step.action {
            Action::Run(run) => run.cmds.iter().map(ToString::to_string).collect(),
            Action::LeaveOut(left) => vec![format!("left out: {}", left.reason)],
            Action::Check { .. } => unreachable!("not a check"),
        }
    }

    #[test]
    fn a_target_is_added_where_it_is_missing() {
        let all = [
            "rustup target add x86_64-pc-windows-gnu",
            "cargo clippy --package sre-kit --target x86_64-pc-windows-gnu \
             --no-default-features -- -D warnings",
            "cargo clippy --package sre-kit --target x86_64-pc-windows-gnu -- -D warnings",
            "cargo clippy --package sre-kit --target x86_64-pc-windows-gnu \
             --features axum,console,protobuf,render,tonic -- -D warnings",
        ];
        let target = "x86_64-pc-windows-gnu";
        assert_eq!(commands(&step(target, Some("x86_64-pc-windows-gnullvm\n"))), all);
        assert_eq!(commands(&step(target, Some("x86_64-pc-windows-gnu\n"))), all[1..]);
    }

    #[test]
    fn without_rustup_it_is_said() {
        let said = commands(&step("aarch64-apple-darwin", None));
        assert!(said[0].starts_with("left out: rustup is not here"), "{said:?}");
    }
}
