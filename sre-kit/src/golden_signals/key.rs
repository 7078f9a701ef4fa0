//! The labels that distinguish the series of one route, packed into 64 bits.

use http::{StatusCode, Version};
use sre_kit_core::internal::METHODS;

use super::outcome::{Cause, Outcome};

/// The highest number of custom labels per series.
pub(crate) const MAX_LABELS: usize = 4;

/// The index of a label without a value.
pub(crate) const NO_VALUE: u8 = u8::MAX;

pub(crate) const SCHEMES: [&str; 2] = ["http", "https"];

/// The number of combinations of method and scheme.
pub(crate) const METHOD_SCHEMES: usize = METHODS.len() * SCHEMES.len();

/// Returns the index of a method and scheme among the [`METHOD_SCHEMES`].
#[inline]
pub(crate) fn method_scheme_index(method: usize, scheme: usize) -> usize {
    method * SCHEMES.len() + scheme
}

const VERSIONS: [&str; 6] = ["", "0.9", "1.0", "1.1", "2", "3"];

#[inline]
fn version_index(version: Version) -> u64 {
    match version {
        Version::HTTP_09 => 1,
        Version::HTTP_10 => 2,
        Version::HTTP_11 => 3,
        Version::HTTP_2 => 4,
        Version::HTTP_3 => 5,
        _ => 0,
    }
}

/// The labels of one series of the duration histogram, without the route.
///
/// The bits from the lowest are: status 10, outcome 4, method 4, version 3, scheme 1, cause 5,
/// custom labels 4 x 8. The highest bit is always set, so a key is never 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Key(u64);

const STATUS: u32 = 0;
const OUTCOME: u32 = 10;
const METHOD: u32 = 14;
const VERSION: u32 = 18;
const SCHEME: u32 = 21;
const CAUSE: u32 = 22;
const LABELS: u32 = 27;

impl Key {
    /// Selects the bits of the method and the scheme, and the bit that is always set.
    pub(crate) const METHOD_AND_SCHEME: u64 = 1 << 63 | 0xF << METHOD | 1 << SCHEME;

    /// Creates the key that all requests of a method and scheme have in common.
    #[inline]
    pub(crate) fn new(method: usize, scheme: usize) -> Self {
        let (method, scheme) = ((method as u64) << METHOD, (scheme as u64) << SCHEME);
        Self(1 << 63 | method | scheme | 0xFFFF_FFFF << LABELS)
    }

    /// Returns this key with the version of HTTP.
    #[inline]
    pub(crate) fn with_version(self, version: Version) -> Self {
        Self(self.0 | version_index(version) << VERSION)
    }

    /// Returns this key with the value of a custom label.
    #[inline]
    pub(crate) fn with_label(self, label: usize, value: u8) -> Self {
        let shift = LABELS + 8 * u32::try_from(label).unwrap_or(0);
        Self(self.0 & !(0xFF << shift) | u64::from(value) << shift)
    }

    /// Returns this key with the outcome, the status and the cause of an error.
    #[inline]
    pub(crate) fn with_end(
        self,
        outcome: Outcome,
        status: Option<StatusCode>,
        cause: Cause,
    ) -> Self {
        let status = status.map_or(0, |status| u64::from(status.as_u16()));
        Self(self.0 | status << STATUS | (outcome as u64) << OUTCOME | cause.bits() << CAUSE)
    }

    /// Returns a hash below `slots`, a power of two, that depends on every bit of the key.
    #[inline]
    pub(crate) fn slot(self, slots: usize) -> usize {
        // Fibonacci hashing: the mask keeps a few of the upper 16 bits.
        #[allow(clippy::cast_possible_truncation)]
        let hash = (self.0.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 48) as usize;
        hash & (slots - 1)
    }

    #[inline]
    pub(crate) fn bits(self) -> u64 {
        self.0
    }

    fn field(self, shift: u32, bits: u32) -> usize {
        // A field has at most ten bits.
        usize::try_from(self.0 >> shift & ((1 << bits) - 1)).unwrap_or(0)
    }

    pub(crate) fn method(self) -> &'static str {
        METHODS.get(self.field(METHOD, 4)).copied().unwrap_or(METHODS[0])
    }

    pub(crate) fn scheme(self) -> &'static str {
        SCHEMES[self.field(SCHEME, 1)]
    }

    pub(crate) fn version(self) -> &'static str {
        VERSIONS.get(self.field(VERSION, 3)).copied().unwrap_or("")
    }

    /// Returns the status as text, which is empty if there was no response head.
    pub(crate) fn status(self) -> String {
        match self.field(STATUS, 10) {
            0 => String::new(),
            status => status.to_string(),
        }
    }

    /// Returns the index of the value of a custom label, or [`NO_VALUE`].
    pub(crate) fn label(self, label: usize) -> usize {
        self.field(LABELS + 8 * u32::try_from(label).unwrap_or(0), 8)
    }
}

#[cfg(test)]
mod tests {
    use http::{StatusCode, Version};

    use super::{Key, MAX_LABELS, METHODS, NO_VALUE};
    use crate::golden_signals::outcome::{Cause, Outcome};

    #[test]
    fn each_field_round_trips_without_changing_another() {
        for (method, name) in METHODS.into_iter().enumerate() {
            for status in [100, 200, 404, 599, 999] {
                let status = StatusCode::from_u16(status).expect("valid");
                let key = Key::new(method, 1)
                    .with_version(Version::HTTP_2)
                    .with_label(3, 7)
                    .with_end(Outcome::Panic, Some(status), Cause::BODY);
                assert_eq!(key.method(), name);
                assert_eq!((key.scheme(), key.version()), ("https", "2"));
                assert_eq!(key.status(), status.as_str());
                assert_eq!(key.label(3), 7);
                for label in 0..MAX_LABELS - 1 {
                    assert_eq!(key.label(label), usize::from(NO_VALUE));
                }
            }
        }
    }

    #[test]
    fn a_key_without_a_status_has_an_empty_status_label() {
        let key = Key::new(1, 0).with_end(Outcome::Panic, None, Cause::STATUS);
        assert_eq!(key.status(), "");
    }
}
