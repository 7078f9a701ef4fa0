//! `cargo xtask cluster`: a Kubernetes on this machine.

use std::path::{PathBuf, absolute};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use clap::Subcommand;
use shell::Workspace;
use toolbox::{Cache, Installer};

use crate::cluster::Cluster;

/// What can be done with it.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Start it, and first build and install what it is made of
    Up,
    /// Put an image into it: a static program, a folder, or an archive of images
    LoadImage {
        /// The image's name, as a pod writes it; without one, the file's
        #[arg(long)]
        name: Option<String>,
        /// How a folder's file system is started, as an image's configuration says it:
        /// JSON with Entrypoint, Cmd, Env, User
        #[arg(long, value_name = "JSON", value_parser = json)]
        config: Option<serde_json::Value>,
        /// The program, the folder or the archive
        file: PathBuf,
    },
    /// Take it down, also after a crash; its logs stay
    Down,
    /// Say what of it runs; exit code 3 when not all of it does
    Status,
}

fn json(text: &str) -> serde_json::Result<serde_json::Value> {
    serde_json::from_str(text)
}

/// Does what the command line says.
pub fn run(workspace: &Workspace, verb: &Verb) -> Result<ExitCode> {
    let up = matches!(verb, Verb::Up);
    let installer = Installer { cache: Cache::find()?, install: up, slow: up };
    let set: Vec<_> = toolbox::by_name("cluster").into_iter().collect();
    let ready = installer.ready(&set);
    if let Some(missing) = ready.missing.first().filter(|_| up) {
        bail!("{}: {}", missing.name, missing.reason);
    }
    let cluster = Cluster::new(ready.dirs, toolbox::versions(&set));
    match verb {
        Verb::Up => cluster.up()?,
        Verb::LoadImage { name, config, file } => {
            let file = absolute(workspace.started_in().join(file))?;
            let loaded = cluster.load_image(name.as_deref(), config.as_ref(), &file);
            loaded.context("loading the image")?;
        }
        Verb::Down => cluster.down()?,
        Verb::Status => {
            if !cluster.status()? {
                return Ok(ExitCode::from(3));
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}
