//! A file system as an image: a file in the layout that the OCI image
//! specification describes
//! (<https://github.com/opencontainers/image-spec/blob/v1.1.1/image-layout.md>),
//! written here in a few lines.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use shell::Cmd;

/// Makes an image of the files below `root`, each owned by who owns it there.
///
/// `config` is how it is started: an object with the keys `Entrypoint`, `Cmd`,
/// `Env`, `User` and others of the image specification
/// (<https://github.com/opencontainers/image-spec/blob/v1.1.1/config.md>).
pub(crate) fn of_root(root: &Path, config: &Value, name: &str, tar: &Path) -> Result<()> {
    if !config.is_object() {
        bail!("the image's configuration is {config}, and has to be an object such as {EXAMPLE}");
    }
    write(root, &[], config, name, tar)
}

/// The same, with the owners that these arguments give tar.
pub(super) fn write(
    root: &Path,
    owners: &[&str],
    config: &Value,
    name: &str,
    tar: &Path,
) -> Result<()> {
    let dir = tar.with_extension("layout");
    let _ = fs::remove_dir_all(&dir);
    let blobs = dir.join("blobs/sha256");
    fs::create_dir_all(&blobs).with_context(|| format!("making {}", blobs.display()))?;
    let layer = dir.join("layer.tar");
    pack(root, &layer, owners)?;
    let layer = Blob::take(&blobs, &layer, "application/vnd.oci.image.layer.v1.tar")?;
    let config = json!({
        "architecture": go_arch(), "os": "linux", "config": config,
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
    pack(&dir, tar, &ROOT_OWNS_ALL)?;
    Ok(fs::remove_dir_all(&dir)?)
}

/// How a configuration looks, for who got it wrong.
pub(crate) const EXAMPLE: &str = r#"{"Entrypoint": ["/server"], "User": "65532:65532"}"#;

/// The user who made the files.
pub(super) const ROOT_OWNS_ALL: [&str; 2] = ["--owner=0", "--group=0"];

fn go_arch() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

/// A tar file that depends on what is in `dir` and on nothing else.
fn pack(dir: &Path, tar: &Path, owners: &[&str]) -> Result<()> {
    Cmd::new("tar")
        .args(["--create", "--format=ustar", "--sort=name", "--mtime=@0", "--numeric-owner"])
        .args(owners.iter().copied())
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
