//! The windows of one process, kept for the next.
//!
//! The file holds the ring of each SLO and nothing that is exported: counters
//! begin at zero in every process, and Prometheus knows resets. It is versioned,
//! ends in a checksum, and is refused as a whole or per SLO when it does not fit;
//! the service starts in any case.

mod error;
mod format;

#[cfg(test)]
mod tests;

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use crate::budget::window::Ring;
use error::Refusal;
use format::Saved;
use sre_kit_slo::{Definition, Slos};

pub use error::CheckpointError;

/// More than any sensible set of SLOs needs: what is larger is no checkpoint.
const LARGEST: u64 = 256 << 20;

/// The longest step of the wall clock that is taken for a correction, in
/// milliseconds, and not for a file from the future.
const CLOCK_SLACK: u64 = 60_000;

#[derive(Debug)]
pub(crate) struct Checkpoint {
    path: PathBuf,
    /// Held while writing, so that two writers do not share the temporary file.
    writing: Mutex<()>,
}

impl Checkpoint {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path, writing: Mutex::new(()) }
    }

    /// Writes every ring. `with_ring` shows the ring of the SLO at a place.
    pub(crate) fn save(
        &self,
        slos: &Slos,
        wall_millis: u64,
        with_ring: impl Fn(usize, &mut dyn FnMut(&Ring)),
    ) -> Result<(), CheckpointError> {
        let mut file = format::Encoder::new(wall_millis, slos.service(), slos.len());
        for (place, slo) in slos.iter().enumerate() {
            with_ring(place, &mut |ring| file.slo(slo.name(), fingerprint(slo), ring));
        }
        let bytes = file.finish();
        let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        write_whole(&self.path, &bytes).map_err(|err| CheckpointError::new(&self.path, err))
    }

    /// The rings of the SLOs that the file knows, by their place in the set. What
    /// does not fit is left out with a warning.
    pub(crate) fn load(&self, slos: &Slos, wall_millis: u64) -> Vec<(usize, Ring)> {
        let path = self.path.display();
        match self.read(slos.service(), wall_millis) {
            Ok(None) => Vec::new(),
            Ok(Some(saved)) => slos
                .iter()
                .enumerate()
                .filter_map(|(place, slo)| match restore(&saved, slo, wall_millis) {
                    Ok(ring) => Some((place, ring)),
                    Err(refusal) => {
                        let slo = slo.name();
                        tracing::warn!(%path, slo, %refusal, "windows begin empty: the checkpoint does not fit this SLO");
                        None
                    }
                })
                .collect(),
            Err(refusal) => {
                tracing::warn!(%path, %refusal, "windows begin empty: the SLO checkpoint was refused");
                Vec::new()
            }
        }
    }

    fn read(&self, service: &str, wall_millis: u64) -> Result<Option<Saved>, Refusal> {
        let file = match File::open(&self.path) {
            Ok(file) => file,
            Err(err) if err.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(err) => return Err(Refusal::Unreadable(err)),
        };
        let mut bytes = Vec::new();
        file.take(LARGEST).read_to_end(&mut bytes).map_err(Refusal::Unreadable)?;
        let saved = format::decode(&bytes)?;
        if saved.service != service {
            return Err(Refusal::OtherService(saved.service));
        }
        if saved.wall_millis > wall_millis.saturating_add(CLOCK_SLACK) {
            return Err(Refusal::FromTheFuture);
        }
        Ok(Some(saved))
    }
}

fn restore(saved: &Saved, slo: &Definition, wall_millis: u64) -> Result<Ring, Refusal> {
    let found = saved.slos.iter().find(|saved| saved.name == slo.name()).ok_or(Refusal::Unknown)?;
    if found.fingerprint != fingerprint(slo) {
        return Err(Refusal::OtherDefinition);
    }
    let pause = wall_millis.saturating_sub(saved.wall_millis);
    Ring::new(slo.period(), slo.objective())
        .restore(found.first, found.newest, found.gaps.clone(), &found.slots, pause)
        .ok_or(Refusal::Damaged)
}

/// What events mean under this definition. The objective is not in it: what was
/// good stays good when the objective is raised.
fn fingerprint(slo: &Definition) -> u32 {
    let outcomes: Vec<_> = slo.outcomes().map(|o| (o, slo.count_of(o))).collect();
    let text = format!(
        "{:?} {} {:?} {:?} {outcomes:?} {:?}",
        slo.indicator(),
        slo.period(),
        slo.routes(),
        slo.methods(),
        slo.marks()
    );
    crc32fast::hash(text.as_bytes())
}

/// Writes beside the place, flushes to the disk, renames, and flushes the folder:
/// after a crash at any point there is the old file or the new one.
fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(".tmp");
    let temporary = PathBuf::from(temporary);
    let written = File::create(&temporary).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()
    });
    if let Err(err) = written.and_then(|()| std::fs::rename(&temporary, path)) {
        // The error that is told is the first one.
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
fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}
