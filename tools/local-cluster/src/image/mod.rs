//! Images into containerd, without a registry.
//!
//! * `program`: an image of one static program
//! * `archive`: a file system and how it is started, as an archive

mod archive;
mod program;

use std::fs::File;
use std::io::Read;
use std::path::Path;

use anyhow::{Context, Result, bail};
use shell::Cmd;

use super::layout::Layout;

pub(crate) use archive::{EXAMPLE, of_root};
pub(crate) use program::of_program;

/// Imports a file of images.
pub(crate) fn import(layout: &Layout, tar: &Path) -> Result<()> {
    Cmd::new("ctr")
        .args(["--address".to_owned(), layout.containerd(), "--namespace".to_owned()])
        .args(["k8s.io", "images", "import"])
        .arg(tar.display().to_string())
        .read()?;
    Ok(())
}

/// The name with which Kubernetes finds an image: without a registry's name in
/// front, it would look for `docker.io/library/NAME`.
pub(crate) fn full_name(name: &str) -> Result<String> {
    let first = name.split('/').next().unwrap_or_default();
    let has_registry = name.contains('/') && (first.contains(['.', ':']) || first == "localhost");
    let last = name.rsplit('/').next().unwrap_or_default();
    if name.is_empty() || name.contains(char::is_whitespace) || last.starts_with(':') {
        bail!(
            "{name:?} is no name of an image; write it as in a pod, such as localhost/demo-app:1"
        );
    }
    let tag = if last.contains(':') { "" } else { ":latest" };
    Ok(if has_registry { format!("{name}{tag}") } else { format!("localhost/{name}{tag}") })
}

/// Whether a file is an archive of images and no program.
pub(crate) fn is_archive(file: &Path) -> Result<bool> {
    let mut start = Vec::new();
    let opened = File::open(file).with_context(|| format!("reading {}", file.display()))?;
    opened.take(512).read_to_end(&mut start)?;
    Ok(start.get(257..262) == Some(b"ustar".as_slice()))
}

#[cfg(test)]
mod tests {
    use super::full_name;

    #[test]
    fn names_of_images_are_those_a_pod_would_write() {
        let name = |name| full_name(name).expect("a name");
        assert_eq!(name("demo-app"), "localhost/demo-app:latest");
        assert_eq!(name("localhost/demo-app:1"), "localhost/demo-app:1");
        assert_eq!(name("registry.example:5000/a/b"), "registry.example:5000/a/b:latest");
        assert_eq!(name("team/demo-app:2"), "localhost/team/demo-app:2");
        for bad in ["", "a b", ":1"] {
            assert!(full_name(bad).unwrap_err().to_string().contains("no name of an image"));
        }
    }
}
