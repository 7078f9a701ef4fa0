//! A response, read to its end.

use bytes::Bytes;
use http::{HeaderMap, StatusCode};

/// A response whose body was read to its end.
#[derive(Clone, Debug)]
pub struct TestResponse {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) trailers: HeaderMap,
    pub(super) body: Bytes,
}

impl TestResponse {
    /// Returns the status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// Returns the headers.
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// Returns the trailers, which are empty if the body had none.
    pub fn trailers(&self) -> &HeaderMap {
        &self.trailers
    }

    /// Returns the body.
    pub fn body(&self) -> &Bytes {
        &self.body
    }

    /// Returns the body as text, with a replacement character for what is not UTF-8.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// Asserts that the status is `expected`.
    ///
    /// # Panics
    ///
    /// Panics if it is not. The message has the start of the body.
    #[track_caller]
    pub fn assert_status(&self, expected: u16) -> &Self {
        assert!(
            self.status.as_u16() == expected,
            "expected the status {expected}, but it is {}.\nThe body is: {}",
            self.status,
            self.text().chars().take(1_000).collect::<String>()
        );
        self
    }
}
