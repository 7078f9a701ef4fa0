//! Reading and removing files, with errors that name them.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::Path;

/// Adds the path of every file below `dir` to `found`, relative to it and with forward slashes.
pub(super) fn list(dir: &Path, prefix: &str, found: &mut BTreeSet<String>) -> io::Result<()> {
    let entries = match fs::read_dir(dir) {
        Err(err) if err.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries.map_err(|err| at(dir, &err))?,
    };
    for entry in entries {
        let entry = entry.map_err(|err| at(dir, &err))?;
        let path = format!("{prefix}{}", entry.file_name().to_string_lossy());
        // A symbolic link is listed and not followed, because it may lead anywhere.
        if entry.file_type().map_err(|err| at(&entry.path(), &err))?.is_dir() {
            list(&entry.path(), &format!("{path}/"), found)?;
        } else {
            found.insert(path);
        }
    }
    Ok(())
}

/// Reads a file. Returns `None` if it does not exist.
pub(super) fn read(file: &Path) -> io::Result<Option<Vec<u8>>> {
    match fs::read(file) {
        Err(err) if err.kind() == io::ErrorKind::NotFound => Ok(None),
        bytes => bytes.map(Some).map_err(|err| at(file, &err)),
    }
}

/// Removes the parent folders of a removed file that became empty, up to `dir` itself.
pub(super) fn remove_empty_parents(dir: &Path, file: &Path) {
    let parents = file.ancestors().skip(1).take_while(|parent| *parent != dir);
    for parent in parents {
        // Removing fails if the folder still holds something. Its parents do so as well.
        if fs::remove_dir(parent).is_err() {
            break;
        }
    }
}

/// Adds the path to the message of an error.
pub(super) fn at(path: &Path, err: &io::Error) -> io::Error {
    io::Error::new(err.kind(), format!("{}: {err}", path.display()))
}
