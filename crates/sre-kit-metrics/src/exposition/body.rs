//! The body of a response to a scraper.

use std::error::Error;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use super::scrape_limiter::ScrapePieces;

/// The body of an [`Exposition`](crate::Exposition)'s response.
///
/// It hands out pieces of at most 64 KiB. If the limit of concurrent scrapes is reached and the
/// client of this response reads nothing, the body ends with an [`ExpositionBodyError`].
#[must_use = "a response without its body is not sent"]
pub struct ExpositionBody {
    inner: Inner,
}

enum Inner {
    Whole(Bytes),
    Pieces(ScrapePieces),
}

impl ExpositionBody {
    pub(super) fn whole(bytes: Bytes) -> Self {
        Self { inner: Inner::Whole(bytes) }
    }

    pub(super) fn pieces(pieces: ScrapePieces) -> Self {
        Self { inner: Inner::Pieces(pieces) }
    }

    /// Returns the number of bytes that are left.
    pub(super) fn left(&self) -> usize {
        match &self.inner {
            Inner::Whole(bytes) => bytes.len(),
            Inner::Pieces(pieces) => pieces.left(),
        }
    }
}

impl Body for ExpositionBody {
    type Data = Bytes;
    type Error = ExpositionBodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, ExpositionBodyError>>> {
        let piece = match &mut self.inner {
            Inner::Whole(bytes) => Ok(Some(std::mem::take(bytes)).filter(|all| !all.is_empty())),
            Inner::Pieces(pieces) => pieces.take().map_err(|_| ExpositionBodyError(())),
        };
        Poll::Ready(piece.transpose().map(|piece| piece.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        self.left() == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left() as u64)
    }
}

impl fmt::Debug for ExpositionBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExpositionBody").field("left", &self.left()).finish()
    }
}

/// The error of a response that was given up: as many scrapes as are allowed were under way, and
/// its client did not read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpositionBodyError(());

impl fmt::Display for ExpositionBodyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "the scrape was given up, because its client did not read and another one needed its \
             place",
        )
    }
}

impl Error for ExpositionBodyError {}
