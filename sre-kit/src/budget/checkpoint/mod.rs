//! The checkpoint file, which carries the windows of one process over to the next.
//!
//! The file holds the snapshot ring of each SLO. It holds no exported counter: counters begin at
//! zero in every process, and Prometheus handles such resets. The file has a version and ends in
//! a checksum. If it does not fit, it is rejected as a whole or per SLO, and the service starts
//! with empty windows.

mod error;
mod format;

#[cfg(test)]
mod tests;

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use crate::budget::window::Ring;
use error::Rejection;
use format::Saved;
use sre_kit_slo::{Definition, EventSource, Slos};

pub use error::CheckpointError;

/// The largest file that is read, in bytes. A thousand SLOs over 30 days need 35 MB.
const MAX_BYTES: u64 = 256 << 20;

/// How far the time of a file may lie in the future, in milliseconds: the wall clock may have
/// been corrected since.
const CLOCK_SLACK: u64 = 60_000;

/// The file, and the lock of its writers.
#[derive(Debug)]
pub(crate) struct Checkpoint {
    path: PathBuf,
    /// Held while the temporary file exists, so that two writers do not share it. No other lock
    /// is taken while it is held.
    writing: Mutex<()>,
}

impl Checkpoint {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path, writing: Mutex::new(()) }
    }

    /// Writes every ring. `with_ring` passes the ring of the SLO at an index to its closure.
    pub(crate) fn save(
        &self,
        slos: &Slos,
        wall_millis: u64,
        with_ring: impl Fn(usize, &mut dyn FnMut(&Ring)),
    ) -> Result<(), CheckpointError> {
        let mut file = format::Encoder::new(wall_millis, slos.service(), slos.len());
        for (index, slo) in slos.iter().enumerate() {
            with_ring(index, &mut |ring| file.slo(slo.name(), fingerprint(slo), ring));
        }
        let bytes = file.finish();
        let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        write_atomically(&self.path, &bytes).map_err(|err| CheckpointError::new(&self.path, err))
    }

    /// Reads the rings, each with the index of its SLO in `slos`. Leaves out what does not fit,
    /// with a warning.
    pub(crate) fn load(&self, slos: &Slos, wall_millis: u64) -> Vec<(usize, Ring)> {
        let path = self.path.display();
        match self.read(slos.service(), wall_millis) {
            Ok(None) => Vec::new(),
            Ok(Some(saved)) => slos
                .iter()
                .enumerate()
                .filter_map(|(index, slo)| match restore(&saved, slo, wall_millis) {
                    Ok(ring) => Some((index, ring)),
                    Err(rejection) => {
                        let slo = slo.name();
                        tracing::warn!(%path, slo, %rejection, "windows begin empty: the checkpoint does not fit this SLO");
                        None
                    }
                })
                .collect(),
            Err(rejection) => {
                tracing::warn!(%path, %rejection, "windows begin empty: the SLO checkpoint was rejected");
                Vec::new()
            }
        }
    }

    fn read(&self, service: &str, wall_millis: u64) -> Result<Option<Saved>, Rejection> {
        let file = match File::open(&self.path) {
            Ok(file) => file,
            Err(err) if err.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(err) => return Err(Rejection::Unreadable(err)),
        };
        let mut bytes = Vec::new();
        file.take(MAX_BYTES).read_to_end(&mut bytes).map_err(Rejection::Unreadable)?;
        let saved = format::decode(&bytes)?;
        if saved.service != service {
            return Err(Rejection::OtherService(saved.service));
        }
        if saved.wall_millis > wall_millis.saturating_add(CLOCK_SLACK) {
            return Err(Rejection::FromTheFuture);
        }
        Ok(Some(saved))
    }
}

fn restore(saved: &Saved, slo: &Definition, wall_millis: u64) -> Result<Ring, Rejection> {
    let found =
        saved.slos.iter().find(|saved| saved.name == slo.name()).ok_or(Rejection::UnknownSlo)?;
    if found.fingerprint != fingerprint(slo) {
        return Err(Rejection::OtherDefinition);
    }
    let pause = wall_millis.saturating_sub(saved.wall_millis);
    Ring::new(slo.period(), slo.objective())
        .restore(found.first, found.newest, found.gaps.clone(), &found.slots, pause)
        .ok_or(Rejection::Damaged)
}

/// Returns a hash of everything that decides how this SLO classifies events. The objective is not
/// part of it: raising the objective does not turn a good event into a bad one.
fn fingerprint(slo: &Definition) -> u32 {
    let outcomes: Vec<_> = slo.outcomes().map(|o| (o, slo.class_of(o))).collect();
    let text = format!(
        "{:?} {} {:?} {:?} {outcomes:?} {:?}",
        slo.indicator(),
        slo.period(),
        slo.routes(),
        slo.methods(),
        slo.exclusions()
    );
    // Requests have been the only source, so their fingerprint stays what it was.
    let text = match slo.source() {
        EventSource::Requests => text,
        source => format!("{text} {source}"),
    };
    crc32fast::hash(text.as_bytes())
}

/// Writes a temporary file beside `path`, syncs it, renames it and syncs the folder, so that a
/// crash at any point leaves either the old file or the new one.
fn write_atomically(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(".tmp");
    let temporary = PathBuf::from(temporary);
    let written = File::create(&temporary).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()
    });
    if let Err(err) = written.and_then(|()| std::fs::rename(&temporary, path)) {
        // The first error is the one to report.
        let _ = std::fs::remove_file(&temporary);
        return Err(err);
    }
    sync_folder(path)
}

#[cfg(unix)]
fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "a folder can only be synced on Unix")]
fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}
