//! What is put into the cluster as an image.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::image::{self, EXAMPLE};
use crate::layout::Layout;

/// Puts an image into the cluster: an archive of images, one static program, or, with how
/// it is started, a folder with a file system.
pub(crate) fn image(
    layout: &Layout,
    name: Option<&str>,
    config: Option<&Value>,
    file: &Path,
) -> Result<()> {
    let said = file.display();
    if config.is_some() && !file.is_dir() {
        bail!("{said} is no folder, and only a folder has a --config; leave it out");
    }
    if !file.is_dir() && image::is_archive(file)? {
        if name.is_some() {
            bail!("{said} is an archive, which names its images itself; leave --name out");
        }
        return image::import(layout, file);
    }
    let own = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let name = image::full_name(name.unwrap_or(&own))?;
    if file.is_dir() {
        let Some(config) = config else {
            bail!("{said} is a folder; say with --config how it is started: '{EXAMPLE}'");
        };
        import(layout, |tar| image::of_root(file, config, &name, tar))?;
    } else {
        import(layout, |tar| image::of_program(file, &name, &[], tar))?;
    }
    println!("loaded {name}; in a pod: image: {name}, imagePullPolicy: Never");
    Ok(())
}

/// Puts a program from one of the directories `path`, or of this machine, into the cluster
/// as the image `name`.
pub(crate) fn program(
    layout: &Layout,
    path: &[PathBuf],
    program: &str,
    name: &str,
    entrypoint: &[&str],
) -> Result<()> {
    let found = path.iter().map(|dir| dir.join(program)).find(|path| path.is_file());
    let found = found.or_else(|| toolbox::find_program(program));
    let file = found.with_context(|| format!("{program} is nowhere in PATH"))?;
    import(layout, |tar| image::of_program(&file, name, entrypoint, tar))
}

fn import(layout: &Layout, make: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    let tar = PathBuf::from(layout.of("image.tar"));
    make(&tar)?;
    image::import(layout, &tar)?;
    Ok(fs::remove_file(tar)?)
}
