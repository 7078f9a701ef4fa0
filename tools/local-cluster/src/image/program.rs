//! One static program as an image.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use serde_json::json;
use shell::Cmd;

use super::archive::{ROOT_OWNS_ALL, write};

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
    let root = tar.with_extension("root");
    let _ = fs::remove_dir_all(&root);
    let tmp = root.join("tmp");
    fs::create_dir_all(&tmp).with_context(|| format!("making {}", tmp.display()))?;
    let file_name = program.file_name().context("a program has a name")?.to_string_lossy();
    let inside = root.join(file_name.as_ref());
    fs::copy(program, &inside)?;
    for (mode, path) in [("755", &inside), ("1777", &tmp)] {
        Cmd::new("chmod").arg(mode).arg(path.display().to_string()).read()?;
    }

    let own = format!("/{file_name}");
    let entrypoint = if entrypoint.is_empty() { vec![own.as_str()] } else { entrypoint.to_vec() };
    let config = json!({"Entrypoint": entrypoint, "Env": ["PATH=/"], "User": "65532:65532"});
    write(&root, &ROOT_OWNS_ALL, &config, name, tar)?;
    Ok(fs::remove_dir_all(&root)?)
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

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use serde_json::Value;

    use super::{Elf, interpreter, of_program};
    use crate::image::is_archive;
    use shell::Cmd;

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
}
