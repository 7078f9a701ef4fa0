//! Pulls, verifies and renders each chart of the lock.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use serde_json::Value;
use shell::{Cmd, Workspace};

use super::keys;
use super::lock::{self, Release};
use crate::autopilot::{self, Effect};

const LOCK: &str = "charts/observability/releases.lock";

/// Profiles whose clusters are Autopilot's: nothing there may be refused.
const AUTOPILOT: &[&str] = &["autopilot", "gmp"];

pub(super) fn run(workspace: &Workspace, write: bool, only: &[String]) -> Result<ExitCode> {
    let path = workspace.root().join(LOCK);
    let mut text = fs::read_to_string(&path).with_context(|| LOCK.to_owned())?;
    let releases = lock::read(&text).with_context(|| LOCK.to_owned())?;
    if let Some(name) = only.iter().find(|name| releases.iter().all(|r| r.name != **name)) {
        bail!("{name} is no release of {LOCK}");
    }
    let dir = workspace.root().join("target/charts");
    let mut problems = Vec::new();
    for release in releases.iter().filter(|r| only.is_empty() || only.contains(&r.name)) {
        let archive = pull(workspace, release, &dir)?;
        let digest = digest(workspace, &archive)?;
        match &release.digest {
            Some(pinned) if *pinned != digest => {
                problems.push(format!(
                    "{}: its digest is {digest}, and {pinned} is pinned",
                    release.name
                ));
                continue;
            }
            None if write => text = lock::with_digest(&text, &release.name, &digest),
            None => {
                problems.push(format!("{}: {digest} is not pinned; --write does", release.name));
            }
            Some(_) => {}
        }
        problems.extend(verify_keys(workspace, release, &archive, write)?);
        for profile in &release.profiles {
            problems.extend(render(workspace, release, &archive, profile, &dir)?);
        }
    }
    if write {
        fs::write(&path, text).with_context(|| LOCK.to_owned())?;
    }
    for problem in &problems {
        println!("{problem}");
    }
    Ok(if problems.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn pull(workspace: &Workspace, release: &Release, dir: &Path) -> Result<PathBuf> {
    let into = dir.join(&release.name);
    // What an earlier version left would be taken for this one.
    if into.exists() {
        fs::remove_dir_all(&into).with_context(|| into.display().to_string())?;
    }
    fs::create_dir_all(&into).with_context(|| into.display().to_string())?;
    Cmd::new("helm")
        .args(["pull", &release.chart, "--version", &release.version, "--destination"])
        .arg(into.display().to_string())
        .dir(workspace.root())
        .read()?;
    let archive = fs::read_dir(&into)?
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .find(|path| path.extension().is_some_and(|ending| ending == "tgz"));
    archive.with_context(|| format!("{} was pulled, and there is no archive", release.chart))
}

fn digest(workspace: &Workspace, archive: &Path) -> Result<String> {
    let said =
        Cmd::new("sha256sum").arg(archive.display().to_string()).dir(workspace.root()).read()?;
    let hex = said.split_whitespace().next().context("sha256sum said nothing")?;
    Ok(format!("sha256:{hex}"))
}

/// Looks every key of our values up in the chart's own.
fn verify_keys(
    workspace: &Workspace,
    release: &Release,
    archive: &Path,
    write: bool,
) -> Result<Vec<String>> {
    let theirs = documented_values(workspace, archive)?;
    let folder = workspace.root().join("charts/observability").join(&release.name);
    let (mut documented, mut problems) = (BTreeSet::new(), Vec::new());
    for entry in fs::read_dir(&folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        if path.extension().is_none_or(|ending| ending != "yaml") {
            continue;
        }
        let ours = serde_yaml_ng::from_str(&fs::read_to_string(&path)?)
            .with_context(|| path.display().to_string())?;
        let looked = keys::look(&ours, &theirs);
        documented.extend(looked.documented);
        problems.extend(looked.unknown.iter().map(|key| {
            format!(
                "{} has {key}, which {} {} does not document",
                path.display(),
                release.name,
                release.version
            )
        }));
    }
    if write && problems.is_empty() {
        let mut text = format!("# {} {}\n", release.name, release.version);
        for key in documented {
            text.push_str(&key);
            text.push('\n');
        }
        let path = folder.join("keys");
        fs::write(&path, text).with_context(|| path.display().to_string())?;
    }
    Ok(problems)
}

/// Reads the chart's values, and those of the charts inside it below their names.
fn documented_values(workspace: &Workspace, archive: &Path) -> Result<Value> {
    let unpacked = archive.with_extension("unpacked");
    fs::create_dir_all(&unpacked).with_context(|| unpacked.display().to_string())?;
    Cmd::new("tar")
        .args(["-xzf", &archive.display().to_string(), "--strip-components=1", "-C"])
        .arg(unpacked.display().to_string())
        .dir(workspace.root())
        .read()?;
    values_of(&unpacked)
}

fn values_of(chart: &Path) -> Result<Value> {
    let path = chart.join("values.yaml");
    let text = fs::read_to_string(&path).unwrap_or_default();
    let mut values: Value =
        serde_yaml_ng::from_str(&text).with_context(|| path.display().to_string())?;
    if values.is_null() {
        values = Value::Object(serde_json::Map::new());
    }
    let Ok(inside) = fs::read_dir(chart.join("charts")) else { return Ok(values) };
    for entry in inside {
        let path = entry?.path();
        if let (true, Some(name)) = (path.is_dir(), path.file_name().and_then(|name| name.to_str()))
        {
            keys::with_dependency(&mut values, name, values_of(&path)?);
        }
    }
    Ok(values)
}

/// Renders with the values of one profile, and keeps the result for inspection.
fn render(
    workspace: &Workspace,
    release: &Release,
    archive: &Path,
    profile: &str,
    dir: &Path,
) -> Result<Vec<String>> {
    let mut cmd = Cmd::new("helm")
        .args(["template", &release.name])
        .arg(archive.display().to_string())
        .args(["--namespace", &release.namespace, "--include-crds", "--kube-version", "1.36.0"]);
    for file in ["values", profile] {
        let path = format!("charts/observability/{}/{file}.yaml", release.name);
        if workspace.root().join(&path).is_file() {
            cmd = cmd.args(["--values", &path]);
        }
    }
    let manifest = cmd.dir(workspace.root()).read()?;
    let kept = dir.join(format!("{}.{profile}.yaml", release.name));
    fs::write(&kept, &manifest).with_context(|| kept.display().to_string())?;
    println!("{} is rendered for {profile}: {}", release.name, kept.display());
    if !AUTOPILOT.contains(&profile) {
        return Ok(Vec::new());
    }
    let (_, findings) = autopilot::check(&manifest)?;
    let refused = findings.iter().filter(|finding| finding.effect == Effect::Refused);
    Ok(refused.map(|finding| format!("{} {profile}: {finding}", release.name)).collect())
}
