//! Steps of the workflows, executed as GitHub's runner does, with stand-ins for what
//! reaches Google, the cluster and the visitors.

use std::fs;
use std::path::Path;

use serde_yaml_ng::Value;

use crate::deploy::root;
use crate::stand_in::{Ended, StandIns};

mod images;
mod load;
mod rollout;
mod state;
mod terraform;

pub(crate) fn workflow(file: &str) -> Value {
    let text = fs::read_to_string(root().join(".github/workflows").join(file)).expect("text");
    serde_yaml_ng::from_str(&text).expect("YAML")
}

/// The step of this name.
fn step(file: &str, name: &str) -> Value {
    let workflow = workflow(file);
    let jobs = workflow["jobs"].as_mapping().expect("jobs");
    let mut steps = jobs.values().flat_map(|job| job["steps"].as_sequence().into_iter().flatten());
    let found = steps.find(|step| step["name"] == name);
    found.unwrap_or_else(|| panic!("{file} has no step {name}")).clone()
}

/// Runs a step. `env` is what the runner would have; the step's own variables are
/// expressions, so each of them has to be in it.
pub(crate) fn run(stand_ins: &StandIns, file: &str, name: &str, env: &[(&str, &str)]) -> Ended {
    let step = step(file, name);
    for (variable, _) in step["env"].as_mapping().into_iter().flatten() {
        let variable = variable.as_str().expect("text");
        assert!(env.iter().any(|(name, _)| *name == variable), "{name} needs {variable}");
    }
    let script = step["run"].as_str().expect("a script");
    assert!(
        !script.contains("${{"),
        "an expression in a script runs as code, and its author may be anyone"
    );
    let script = stand_ins.write("step.sh", script);
    let out = |name: &str| stand_ins.path(name).display().to_string();
    let files = [
        ("GITHUB_ENV", out("github.env")),
        ("GITHUB_OUTPUT", out("github.output")),
        ("GITHUB_STEP_SUMMARY", out("github.summary")),
        ("GITHUB_PATH", out("github.path")),
    ];
    let mut env: Vec<_> = env.to_vec();
    env.extend(files.iter().map(|(name, path)| (*name, path.as_str())));
    let args = ["--noprofile", "--norc", "-eo", "pipefail", &script];
    stand_ins.run(Path::new("/bin/bash"), &args, &env)
}
