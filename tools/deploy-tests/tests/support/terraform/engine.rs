//! Terraform and OpenTofu, which take the same words.

use std::env;
use std::fmt::Write;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

use serde_json::Value;
use tempfile::TempDir;

use super::Tree;

/// The host that each asks for providers, if it had to ask.
const REGISTRIES: [&str; 2] = ["registry.terraform.io", "registry.opentofu.org"];

/// A program, and a configuration that lets it take providers from this machine only.
#[derive(Debug)]
pub(crate) struct Engine {
    program: &'static str,
    dir: TempDir,
}

/// Whether OpenTofu stands in for Terraform, as on a machine that has none.
pub(crate) fn terraform_is_opentofu() -> bool {
    static IS: OnceLock<bool> = OnceLock::new();
    *IS.get_or_init(|| {
        let version = Command::new("terraform").arg("version").output();
        version.is_ok_and(|said| said.stdout.starts_with(b"OpenTofu"))
    })
}

/// What a run of tests came to.
#[derive(Debug)]
pub(crate) struct Tested {
    pub(crate) passed: u64,
    /// States after each run that applied something, with the run's name.
    pub(crate) states: Vec<(String, Value)>,
}

impl Engine {
    pub(crate) fn terraform() -> Self {
        Self::new("terraform")
    }

    pub(crate) fn opentofu() -> Self {
        Self::new("tofu")
    }

    fn new(program: &'static str) -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let Ok(built) = env::var("SRE_KIT_TERRAFORM_MIRROR").map(PathBuf::from) else {
            panic!("SRE_KIT_TERRAFORM_MIRROR says where the provider is; see cargo xtask tools");
        };
        let mirror = dir.path().join("mirror");
        for registry in REGISTRIES {
            link_packages(&built.join(REGISTRIES[0]), &mirror.join(registry), 4);
        }
        let config = format!(
            "disable_checkpoint = true\n\
             provider_installation {{\n  filesystem_mirror {{\n    path = \"{}\"\n  }}\n}}\n",
            mirror.display()
        );
        fs::write(dir.path().join("config.tfrc"), config).expect("written");
        Self { program, dir }
    }

    /// A command that nothing in the caller's environment changes. The token is none:
    /// whatever asked Google with it would be refused.
    pub(crate) fn command(&self, dir: &Path) -> Command {
        let mut command = Command::new(self.program);
        command.current_dir(dir);
        for (name, _) in env::vars() {
            if name.starts_with("TF_")
                || name.starts_with("GOOGLE_")
                || name.starts_with("CLOUDSDK")
            {
                command.env_remove(name);
            }
        }
        command
            .env("TF_CLI_CONFIG_FILE", self.dir.path().join("config.tfrc"))
            .env("TF_IN_AUTOMATION", "1")
            .env("TF_INPUT", "0")
            .env("GOOGLE_OAUTH_ACCESS_TOKEN", "none");
        command
    }

    fn run(&self, dir: &Path, args: &[&str]) -> Result<String, String> {
        let output = self.command(dir).args(args).output();
        let output = output.unwrap_or_else(|error| panic!("{}: {error}", self.program));
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        if output.status.success() { Ok(said) } else { Err(complaint(&output)) }
    }

    pub(crate) fn init(&self, dir: &Path) -> Result<(), String> {
        self.run(dir, &["init", "-backend=false", "-no-color"]).map(drop)
    }

    /// What is valid without a warning, against the provider's own schema.
    pub(crate) fn validate(&self, dir: &Path) -> Result<(), String> {
        let said = self.run(dir, &["validate", "-json"])?;
        let said: Value = serde_json::from_str(&said).map_err(|error| error.to_string())?;
        if said["valid"] == true && said["warning_count"] == 0 {
            return Ok(());
        }
        Err(said["diagnostics"].to_string())
    }

    /// The folder's own tests.
    pub(crate) fn test(&self, dir: &Path) -> Result<Tested, String> {
        self.tested(dir, &["test", "-json"])
    }

    /// The folder's own tests, and what they applied: megabytes for each run.
    pub(crate) fn test_with_states(&self, dir: &Path) -> Result<Tested, String> {
        self.tested(dir, &["test", "-json", "-verbose"])
    }

    fn tested(&self, dir: &Path, args: &[&str]) -> Result<Tested, String> {
        let said = self.run(dir, args)?;
        let lines: Vec<Value> =
            said.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
        let summary = lines
            .iter()
            .find_map(|line| line.get("test_summary"))
            .ok_or_else(|| format!("no summary: {said}"))?;
        let count = |key: &str| summary[key].as_u64().unwrap_or_default();
        if count("passed") == 0 || count("failed") + count("errored") + count("skipped") > 0 {
            return Err(summary.to_string());
        }
        let states = lines
            .iter()
            .filter_map(|line| {
                let run = line["@testrun"].as_str().unwrap_or_default().to_owned();
                Some((run, line.get("test_state")?.clone()))
            })
            .collect();
        Ok(Tested { passed: count("passed"), states })
    }

    /// What would be made, by the real provider. Nothing is there yet, so that it has
    /// nobody to ask.
    pub(crate) fn plan(&self, dir: &Path) -> Result<Value, String> {
        self.run(dir, &["plan", "-no-color", "-refresh=false", "-lock=false", "-out=tfplan"])?;
        let said = self.run(dir, &["show", "-json", "tfplan"])?;
        serde_json::from_str(&said).map_err(|error| error.to_string())
    }
}

/// The packages below `from`, as many directories deep as namespace, name, version and
/// platform are: links to directories are only followed there.
fn link_packages(from: &Path, to: &Path, depth: usize) {
    if depth == 0 {
        symlink(from, to).expect("linked");
        return;
    }
    fs::create_dir_all(to).expect("made");
    for entry in fs::read_dir(from).expect("a mirror") {
        let name = entry.expect("read").file_name();
        link_packages(&from.join(&name), &to.join(&name), depth - 1);
    }
}

/// What a person would read: the errors of a run of tests, or all that was said.
fn complaint(output: &Output) -> String {
    let said = String::from_utf8_lossy(&output.stdout);
    let errors: Vec<_> = said
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|line| line["@level"] == "error" && line["type"] == "diagnostic")
        .map(|line| {
            let of = &line["diagnostic"];
            format!("{}: {} {}", line["@testrun"], of["summary"], of["detail"])
        })
        .collect();
    if errors.is_empty() {
        return format!("{said}{}", String::from_utf8_lossy(&output.stderr));
    }
    errors.join("\n")
}

/// Writes what tests of whole environments need as OpenTofu takes it: its mock providers
/// have no `source`, and it overrides neither one instance of a resource nor any in a
/// module, but all of a module's outputs.
pub(crate) fn write_for_opentofu(tree: &Tree) {
    let mocks = tree.read("testing/google.tfmock.hcl");
    for name in super::files().into_keys().filter(|name| name.ends_with(".tftest.hcl")) {
        let text = tree.read(&name).replace("  source = \"../../testing\"\n", &mocks);
        let text = match (text.find("override_resource {"), text.find("\nvariables {")) {
            (Some(start), Some(end)) => {
                format!("{}{}{}", &text[..start], identities(&text[start..end]), &text[end..])
            }
            _ => text,
        };
        tree.write(&name, &text);
    }
}

/// The outputs of the module whose accounts are overridden.
fn identities(overrides: &str) -> String {
    let after = |word: &str| {
        let found = overrides.lines().filter_map(|line| line.trim().strip_prefix(word));
        found.map(str::to_owned).collect::<Vec<_>>()
    };
    let targets = after("target = ");
    let (module, _) = targets[0].split_once(".google_service_account").expect("an account");
    let mut emails = String::new();
    let mut accounts = String::new();
    for (target, email) in targets.iter().zip(after("email = ")) {
        let name = target.split('"').nth(1).expect("a key");
        // Writing into a string cannot fail.
        let _ = writeln!(emails, "      \"{name}\" = {email}");
        let _ = writeln!(
            accounts,
            "      \"{name}\" = {{ name = \"{name}\", \
             annotations = {{ \"iam.gke.io/gcp-service-account\" = {email} }} }}"
        );
    }
    format!(
        "override_module {{\n  target = {module}\n  outputs = {{\n    emails = {{\n{emails}    }}\n    \
         service_accounts = {{\n{accounts}    }}\n  }}\n}}\n"
    )
}
