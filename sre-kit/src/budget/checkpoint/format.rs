//! The file format.
//!
//! | Bytes | Content |
//! |---|---|
//! | 8 | `SREKSLO` and a line feed |
//! | 4 | the version, 1 |
//! | 8 | the time of writing, in milliseconds since the Unix epoch |
//! | 2 + n | the name of the service |
//! | 4 | the number of SLOs |
//! | ... | for each SLO: name (2 + n), fingerprint (4), first and newest snapshot (24 each), gaps (4 + 16 n), slots (4 + 16 n) |
//! | 4 | the CRC-32 of all bytes before it |
//!
//! Integers are little-endian. Texts, gaps and slots follow their length.

use super::error::Rejection;
use crate::budget::window::{Gap, Ring, Slot, Snapshot};

const MAGIC: &[u8; 8] = b"SREKSLO\n";
pub(super) const VERSION: u32 = 1;

/// A writer of the format, into memory.
pub(super) struct Encoder(Vec<u8>);

impl Encoder {
    pub(super) fn new(wall_millis: u64, service: &str, slos: usize) -> Self {
        let mut encoder = Self(MAGIC.to_vec());
        encoder.0.extend(VERSION.to_le_bytes());
        encoder.0.extend(wall_millis.to_le_bytes());
        encoder.text(service);
        encoder.length(slos);
        encoder
    }

    pub(super) fn slo(&mut self, name: &str, fingerprint: u32, ring: &Ring) {
        self.text(name);
        self.0.extend(fingerprint.to_le_bytes());
        for Snapshot { at, good, bad } in [ring.first(), ring.newest()] {
            for part in [at, good, bad] {
                self.0.extend(part.to_le_bytes());
            }
        }
        self.length(ring.gaps().len());
        for gap in ring.gaps() {
            self.0.extend(gap.from.to_le_bytes());
            self.0.extend(gap.to.to_le_bytes());
        }
        self.length(ring.slot_count());
        for slot in ring.slots() {
            for part in slot.0 {
                self.0.extend(part.to_le_bytes());
            }
        }
    }

    pub(super) fn finish(mut self) -> Vec<u8> {
        let checksum = crc32fast::hash(&self.0);
        self.0.extend(checksum.to_le_bytes());
        self.0
    }

    /// Appends a text. Names have at most 63 bytes, so the length fits.
    fn text(&mut self, text: &str) {
        self.0.extend(u16::try_from(text.len()).unwrap_or(u16::MAX).to_le_bytes());
        self.0.extend(text.as_bytes());
    }

    /// Appends the length of a list. No ring and no set comes near the limit.
    fn length(&mut self, length: usize) {
        self.0.extend(u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes());
    }
}

/// The content of a file.
#[derive(Debug)]
pub(super) struct Saved {
    pub(super) wall_millis: u64,
    pub(super) service: String,
    pub(super) slos: Vec<SavedSlo>,
}

/// The content of a file for one SLO.
#[derive(Debug)]
pub(super) struct SavedSlo {
    pub(super) name: String,
    pub(super) fingerprint: u32,
    pub(super) first: Snapshot,
    pub(super) newest: Snapshot,
    pub(super) gaps: Vec<Gap>,
    pub(super) slots: Vec<Slot>,
}

/// Reads the file. Rejects anything that is not complete.
pub(super) fn decode(bytes: &[u8]) -> Result<Saved, Rejection> {
    let (magic, rest) = bytes.split_first_chunk::<8>().ok_or(Rejection::NotACheckpoint)?;
    if magic != MAGIC {
        return Err(Rejection::NotACheckpoint);
    }
    let mut version = Bytes(rest);
    let version = version.u32().ok_or(Rejection::Damaged)?;
    // Another version may end in another checksum, so the version is checked first.
    if version != VERSION {
        return Err(Rejection::UnknownVersion(version));
    }
    let (body, checksum) = bytes.split_last_chunk::<4>().ok_or(Rejection::Damaged)?;
    if crc32fast::hash(body) != u32::from_le_bytes(*checksum) {
        return Err(Rejection::Damaged);
    }
    body.get(12..).and_then(|body| Bytes(body).saved()).ok_or(Rejection::Damaged)
}

/// A reader of the remaining bytes. Every method returns `None` if the bytes end too early.
struct Bytes<'a>(&'a [u8]);

impl Bytes<'_> {
    fn saved(mut self) -> Option<Saved> {
        let wall_millis = self.u64()?;
        let service = self.text()?;
        let slos = (0..self.u32()?).map(|_| self.slo()).collect::<Option<_>>()?;
        self.0.is_empty().then_some(Saved { wall_millis, service, slos })
    }

    fn slo(&mut self) -> Option<SavedSlo> {
        let name = self.text()?;
        let fingerprint = self.u32()?;
        let (first, newest) = (self.snapshot()?, self.snapshot()?);
        let gaps = (0..self.u32()?)
            .map(|_| Some(Gap { from: self.u64()?, to: self.u64()? }))
            .collect::<Option<_>>()?;
        let slots = (0..self.u32()?)
            .map(|_| Some(Slot([self.u64()?, self.u64()?])))
            .collect::<Option<_>>()?;
        Some(SavedSlo { name, fingerprint, first, newest, gaps, slots })
    }

    fn snapshot(&mut self) -> Option<Snapshot> {
        Some(Snapshot { at: self.u64()?, good: self.u64()?, bad: self.u64()? })
    }

    fn text(&mut self) -> Option<String> {
        let length = u16::from_le_bytes(self.chunk()?);
        let (text, rest) = self.0.split_at_checked(length.into())?;
        self.0 = rest;
        String::from_utf8(text.to_vec()).ok()
    }

    fn u32(&mut self) -> Option<u32> {
        self.chunk().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Option<u64> {
        self.chunk().map(u64::from_le_bytes)
    }

    fn chunk<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (chunk, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*chunk)
    }
}
