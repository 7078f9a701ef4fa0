//! The cause of an outcome, as it is kept in the key of a series.

use sre_kit_core::internal::GRPC_CODES;

use super::failure::CallFailure;

/// The cause of an outcome that the HTTP status does not explain. It takes five bits of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cause(u8);

/// The number of values before those of failures: the status, and the gRPC codes.
const FIRST_FAILURE: u8 = 18;

impl Cause {
    /// The status explains the outcome.
    pub(super) const STATUS: Self = Self(0);
    /// The client panicked.
    pub(super) const PANIC: Self = Self(30);
    /// The caller dropped the call.
    pub(super) const CANCELED: Self = Self(31);

    /// Creates the cause for a gRPC status code from 0 to 16.
    pub(super) const fn grpc(code: u8) -> Self {
        Self(code + 1)
    }

    pub(super) const fn failure(failure: CallFailure) -> Self {
        Self(FIRST_FAILURE + failure as u8)
    }

    pub(super) const fn from_bits(bits: u8) -> Self {
        Self(bits & 31)
    }

    #[inline]
    pub(super) const fn bits(self) -> u64 {
        self.0 as u64
    }

    /// Returns the name of the gRPC status, if the cause is one.
    pub(super) fn grpc_status(self) -> Option<&'static str> {
        GRPC_CODES.get(usize::from(self.0.checked_sub(1)?)).copied()
    }

    /// Returns the `error.type` of this cause, if it has one. For a gRPC client, every code but OK
    /// is an error.
    pub(super) fn error_type(self) -> Option<&'static str> {
        match self {
            Self::STATUS => None,
            Self::PANIC => Some("panic"),
            Self::CANCELED => Some("canceled"),
            Self(bits) if bits < FIRST_FAILURE => self.grpc_status().filter(|_| bits != 1),
            Self(bits) => {
                let failure = CallFailure::ALL.get(usize::from(bits - FIRST_FAILURE));
                failure.map(|failure| failure.as_str())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{CallFailure, Cause, GRPC_CODES};

    #[test]
    fn each_cause_keeps_its_name_in_five_bits() {
        for (i, failure) in CallFailure::ALL.into_iter().enumerate() {
            assert_eq!(failure as usize, i);
            let cause = Cause::failure(failure);
            assert!(cause.bits() < Cause::PANIC.bits());
            assert_eq!(cause.error_type(), Some(failure.as_str()));
            assert_eq!(cause.grpc_status(), None);
        }
        for (code, name) in (0_u8..).zip(GRPC_CODES) {
            assert_eq!(Cause::grpc(code).grpc_status(), Some(name));
            assert_eq!(Cause::grpc(code).error_type(), Some(name).filter(|_| code != 0));
        }
        assert_eq!(Cause::STATUS.error_type(), None);
        assert_eq!(Cause::PANIC.error_type(), Some("panic"));
        assert_eq!(Cause::CANCELED.error_type(), Some("canceled"));
    }
}
