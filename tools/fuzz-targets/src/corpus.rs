//! The corpus of a target.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

/// Returns the inputs in `fuzz/corpus/TARGET`, in the order of their names.
///
/// # Errors
///
/// Returns an error if the folder cannot be read, or is empty.
pub fn corpus(target: &str) -> Result<Vec<Vec<u8>>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(target);
    let entries = fs::read_dir(&folder).with_context(|| folder.display().to_string())?;
    let mut paths: Vec<PathBuf> = entries.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
    paths.sort();
    let inputs: Vec<_> = paths
        .iter()
        .map(|path| fs::read(path).with_context(|| path.display().to_string()))
        .collect::<Result<_>>()?;
    ensure!(!inputs.is_empty(), "{} is empty: add an input", folder.display());
    Ok(inputs)
}
