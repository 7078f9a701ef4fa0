//! The labels that distinguish the duration series of one peer, packed into 64 bits.

use http::{StatusCode, Version};
use sre_kit_core::internal::METHODS;

use super::cause::Cause;

const VERSIONS: [&str; 6] = ["", "0.9", "1.0", "1.1", "2", "3"];

/// The labels of one duration series, without the peer.
///
/// The bits from the lowest are: status 10, method 4, version 3, cause 5, template 8. The highest
/// bit is always set, so a key is never 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Key(u64);

const METHOD: u32 = 10;
const VERSION: u32 = 14;
const CAUSE: u32 = 17;
const TEMPLATE: u32 = 22;

impl Key {
    /// Creates the key of a call. Template 0 stands for none.
    #[inline]
    pub(super) fn new(method: usize, template: u8) -> Self {
        Self(1 << 63 | (method as u64) << METHOD | u64::from(template) << TEMPLATE)
    }

    /// Returns this key with the end of the call.
    #[inline]
    pub(super) fn with_end(self, head: Option<(StatusCode, Version)>, cause: Cause) -> Self {
        let (status, version) = head.map_or((0, 0), |(status, version)| {
            let version = match version {
                Version::HTTP_09 => 1,
                Version::HTTP_10 => 2,
                Version::HTTP_11 => 3,
                Version::HTTP_2 => 4,
                Version::HTTP_3 => 5,
                _ => 0,
            };
            (u64::from(status.as_u16()), version)
        });
        Self(self.0 | status | version << VERSION | cause.bits() << CAUSE)
    }

    #[inline]
    pub(super) fn bits(self) -> u64 {
        self.0
    }

    fn field(self, shift: u32, bits: u32) -> usize {
        // A field has at most ten bits.
        usize::try_from(self.0 >> shift & ((1 << bits) - 1)).unwrap_or(0)
    }

    pub(super) fn method_index(self) -> usize {
        self.field(METHOD, 4)
    }

    pub(super) fn method(self) -> &'static str {
        METHODS.get(self.method_index()).copied().unwrap_or(METHODS[0])
    }

    pub(super) fn version(self) -> &'static str {
        VERSIONS.get(self.field(VERSION, 3)).copied().unwrap_or("")
    }

    pub(super) fn template(self) -> usize {
        self.field(TEMPLATE, 8)
    }

    pub(super) fn cause(self) -> Cause {
        Cause::from_bits(u8::try_from(self.field(CAUSE, 5)).unwrap_or(0))
    }

    /// Returns the status as text, which is empty if there was no response head.
    pub(super) fn status(self) -> String {
        match self.field(0, 10) {
            0 => String::new(),
            status => status.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use http::{StatusCode, Version};

    use super::{Cause, Key, METHODS};

    #[test]
    fn each_field_round_trips_without_changing_another() {
        for (method, name) in METHODS.into_iter().enumerate() {
            for template in [0, 1, 255] {
                let head = Some((StatusCode::from_u16(999).expect("valid"), Version::HTTP_2));
                let key = Key::new(method, template).with_end(head, Cause::CANCELED);
                assert_eq!((key.method(), key.template()), (name, usize::from(template)));
                assert_eq!((key.status().as_str(), key.version()), ("999", "2"));
                assert_eq!(key.cause(), Cause::CANCELED);
                let key = Key::new(method, template).with_end(None, Cause::STATUS);
                assert_eq!((key.status().as_str(), key.version()), ("", ""));
            }
        }
    }
}
