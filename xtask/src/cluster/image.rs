//! A static program as an image, and images into containerd.
//!
//! There is no image registry: an image is a file in the layout that the OCI
//! image specification describes
//! (<https://github.com/opencontainers/image-spec/blob/v1.1.1/image-layout.md>),
//! written here in a few lines and imported.

use std::fs;
use std::io::Read;
use std::path::Path;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use super::layout::Layout;
use crate::shell::Cmd;

/// Makes an image of one static program, with nothing else in it but `/tmp`.
///
/// `entrypoint` is what runs; empty means the program alone.
pub(crate) fn of_program(
    program: &Path,
    name: &str,
    entrypoint: &[&str],
    tar: &Path,
) -> Result<()> {
    if let Some(reason) = no_image_of(program)? {
        bail!("{} {reason}", program.display());
    }
    let dir = tar.with_extension("layout");
    let _ = fs::remove_dir_all(&dir);
    let root = dir.join("root");
    let blobs = dir.join("blobs/sha256");
    for made in [&root.join("tmp"), &blobs] {
        fs::create_dir_all(made).with_context(|| format!("making {}", made.display()))?;
    }
    let file_name = program.file_name().context("a program has a name")?.to_string_lossy();
    fs::copy(program, root.join(file_name.as_ref()))?;
    Cmd::new("chmod")
        .args(["755"])
        .arg(root.join(file_name.as_ref()).display().to_string())
        .read()?;
    Cmd::new("chmod").args(["1777"]).arg(root.join("tmp").display().to_string()).read()?;
    let layer = dir.join("layer.tar");
    pack(&root, &layer)?;
    fs::remove_dir_all(&root)?;

    let own = format!("/{file_name}");
    let entrypoint = if entrypoint.is_empty() { vec![own.as_str()] } else { entrypoint.to_vec() };
    let layer = Blob::take(&blobs, &layer, "application/vnd.oci.image.layer.v1.tar")?;
    let config = json!({
        "architecture": go_arch(), "os": "linux",
        "config": {"Entrypoint": entrypoint, "Env": ["PATH=/"], "User": "65532:65532"},
        "rootfs": {"type": "layers", "diff_ids": [layer.digest]},
    });
    let config = Blob::json(&dir, &blobs, &config, "application/vnd.oci.image.config.v1+json")?;
    let manifest = json!({
        "schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": config.descriptor(), "layers": [layer.descriptor()],
    });
    let manifest =
        Blob::json(&dir, &blobs, &manifest, "application/vnd.oci.image.manifest.v1+json")?;
    let mut descriptor = manifest.descriptor();
    descriptor["annotations"] = json!({"io.containerd.image.name": name});
    let index = json!({"schemaVersion": 2, "manifests": [descriptor]});
    fs::write(dir.join("index.json"), index.to_string())?;
    fs::write(dir.join("oci-layout"), json!({"imageLayoutVersion": "1.0.0"}).to_string())?;
    pack(&dir, tar)?;
    Ok(fs::remove_dir_all(&dir)?)
}

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
    let opened = fs::File::open(file).with_context(|| format!("reading {}", file.display()))?;
    opened.take(512).read_to_end(&mut start)?;
    Ok(start.get(257..262) == Some(b"ustar".as_slice()))
}

/// Why a program cannot be an image by itself.
fn no_image_of(program: &Path) -> Result<Option<&'static str>> {
    let bytes = fs::read(program).with_context(|| format!("reading {}", program.display()))?;
    Ok(match interpreter(&bytes) {
        Elf::No => Some("is no Linux program and no archive of images"),
        Elf::Dynamic => Some(
            "is linked dynamically, and an image of one file has no loader; build it with \
             RUSTFLAGS='-C target-feature=+crt-static' and --target",
        ),
        Elf::Static => None,
    })
}

#[derive(Debug, PartialEq, Eq)]
enum Elf {
    No,
    Dynamic,
    Static,
}

/// Whether a 64-bit little-endian ELF file asks for a loader (a program header
/// of type `PT_INTERP`, 3).
fn interpreter(bytes: &[u8]) -> Elf {
    let number = |at: usize, length: usize| {
        let bytes = bytes.get(at..at + length)?;
        Some(bytes.iter().rev().fold(0_usize, |sum, byte| sum << 8 | usize::from(*byte)))
    };
    if bytes.get(..6) != Some(b"\x7fELF\x02\x01".as_slice()) {
        return Elf::No;
    }
    let headers = (|| Some((number(32, 8)?, number(54, 2)?, number(56, 2)?)))();
    let Some((start, size, count)) = headers else { return Elf::No };
    let mut kinds = (0..count).map(|n| number(start + n * size, 4));
    if kinds.any(|kind| kind == Some(3)) { Elf::Dynamic } else { Elf::Static }
}

fn go_arch() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

/// A tar file that depends on what is in `dir` and on nothing else.
fn pack(dir: &Path, tar: &Path) -> Result<()> {
    Cmd::new("tar")
        .args(["--create", "--format=ustar", "--sort=name", "--mtime=@0", "--numeric-owner"])
        .args(["--owner=0", "--group=0"])
        .args([format!("--file={}", tar.display()), format!("--directory={}", dir.display())])
        .arg(".")
        .read()?;
    Ok(())
}

/// A file named by its hash.
struct Blob {
    digest: String,
    size: u64,
    kind: &'static str,
}

impl Blob {
    fn take(blobs: &Path, file: &Path, kind: &'static str) -> Result<Self> {
        let hashed = Cmd::new("sha256sum").arg(file.display().to_string()).read()?;
        let hash = hashed.split_whitespace().next().context("sha256sum gives a hash")?.to_owned();
        let size = fs::metadata(file)?.len();
        fs::rename(file, blobs.join(&hash))?;
        Ok(Self { digest: format!("sha256:{hash}"), size, kind })
    }

    fn json(dir: &Path, blobs: &Path, value: &Value, kind: &'static str) -> Result<Self> {
        let file = dir.join("blob.json");
        fs::write(&file, value.to_string())?;
        Self::take(blobs, &file, kind)
    }

    fn descriptor(&self) -> Value {
        json!({"mediaType": self.kind, "digest": self.digest, "size": self.size})
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use serde_json::Value;

    use super::{Elf, full_name, interpreter, is_archive, of_program};
    use crate::shell::Cmd;

    /// A 64-bit ELF file with one program header of this type.
    fn elf(kind: u8) -> Vec<u8> {
        let mut bytes = vec![0; 64 + 56];
        bytes[..6].copy_from_slice(b"\x7fELF\x02\x01");
        bytes[32] = 64;
        bytes[54] = 56;
        bytes[56] = 1;
        bytes[64] = kind;
        bytes
    }

    #[test]
    fn a_program_that_needs_a_loader_is_refused() {
        assert_eq!(interpreter(&elf(1)), Elf::Static);
        assert_eq!(interpreter(&elf(3)), Elf::Dynamic);
        assert_eq!(interpreter(b"#!/bin/sh"), Elf::No);
        assert_eq!(interpreter(b"\x7fELF\x02\x01"), Elf::No);
        let err = of_program(Path::new("/bin/sh"), "x", &[], Path::new("/nowhere/x.tar"));
        assert!(err.unwrap_err().to_string().contains("linked dynamically"));
    }

    #[test]
    fn an_image_is_the_same_whenever_it_is_made_and_its_parts_fit_together() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let program = dir.path().join("server");
        fs::write(&program, elf(1)).expect("written");
        let tar = dir.path().join("server.tar");
        of_program(&program, "localhost/server:1", &[], &tar).expect("made");
        let first = fs::read(&tar).expect("there");
        assert!(is_archive(&tar).expect("readable") && !is_archive(&program).expect("readable"));
        of_program(&program, "localhost/server:1", &[], &tar).expect("made");
        assert!(fs::read(&tar).expect("there") == first, "differs from run to run");

        let out = dir.path().join("out");
        fs::create_dir(&out).expect("made");
        let place = out.display().to_string();
        Cmd::new("tar")
            .args(["-xf", &tar.display().to_string(), "-C", &place])
            .read()
            .expect("tar");
        let json = |path: &Path| -> Value {
            serde_json::from_slice(&fs::read(path).expect("there")).expect("JSON")
        };
        let blob = |digest: &Value| {
            let digest = digest.as_str().expect("text").replace(':', "/");
            out.join("blobs").join(digest)
        };
        let index = json(&out.join("index.json"));
        let entry = &index["manifests"][0];
        assert_eq!(entry["annotations"]["io.containerd.image.name"], "localhost/server:1");
        let manifest = json(&blob(&entry["digest"]));
        let layer = &manifest["layers"][0];
        let config = json(&blob(&manifest["config"]["digest"]));
        assert_eq!(config["rootfs"]["diff_ids"][0], layer["digest"]);
        assert_eq!(config["config"]["Entrypoint"][0], "/server");
        let size = fs::metadata(blob(&layer["digest"])).expect("there").len();
        assert_eq!(layer["size"].as_u64(), Some(size));
        let listed = Cmd::new("tar")
            .args(["-tvf".to_owned(), blob(&layer["digest"]).display().to_string()])
            .read()
            .expect("tar");
        assert!(listed.contains("-rwxr-xr-x 0/0") && listed.contains("./server"), "{listed}");
        assert!(listed.contains("drwxrwxrwt 0/0"), "{listed}");
    }

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
