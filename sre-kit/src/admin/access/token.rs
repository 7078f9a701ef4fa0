//! The bearer token of the admin listener.

use std::fmt;
use std::hint::black_box;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::HeaderValue;
use tokio::time::Instant;

use crate::ConfigError;
use crate::server::reload::{Reloaded, SettingFile};

/// The shortest token: 16 characters of hexadecimal digits are 64 bits.
const MIN_LENGTH: usize = 16;

/// How long a token is used before its file is read again.
const MAX_AGE: Duration = Duration::from_secs(1);

/// The bearer token, read from a file, and read again when the file changes.
pub(crate) struct Token {
    file: Arc<Reloaded<Vec<u8>>>,
    checked: Mutex<Instant>,
}

impl Token {
    /// Reads the token from the file at `path`.
    ///
    /// # Errors
    ///
    /// Returns an error if the file cannot be read, or its content cannot be a token. The error does
    /// not show the content.
    pub(crate) fn read(path: PathBuf) -> Result<Self, ConfigError> {
        let file = SettingFile { field: "admin.token_file", path };
        let of = file.clone();
        let file = Reloaded::new(vec![file], move |contents| {
            let token = contents[0].trim_ascii();
            if token.len() < MIN_LENGTH || !token.iter().all(u8::is_ascii_graphic) {
                return Err(of.error(
                    "it holds no token: at least 16 visible ASCII characters without a space",
                    "write one to it, for example by `openssl rand -hex 32`",
                ));
            }
            Ok(token.to_vec())
        })?;
        Ok(Self { file: Arc::new(file), checked: Mutex::new(Instant::now()) })
    }

    /// Returns whether an `Authorization` header has the token.
    pub(crate) async fn matches(&self, sent: &HeaderValue) -> bool {
        // A token that is in use no longer may have been replaced because it leaked, and a new one
        // should work at once, so a file of a few bytes is read for it, at most once a second.
        if self.is_due() {
            let file = Arc::clone(&self.file);
            let _ = tokio::task::spawn_blocking(move || file.check()).await;
        }
        let Some((scheme, token)) = sent.as_bytes().split_at_checked("bearer ".len()) else {
            return false;
        };
        scheme.eq_ignore_ascii_case(b"bearer ") && equal(token.trim_ascii(), &self.file.get())
    }

    fn is_due(&self) -> bool {
        let mut checked = self.checked.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let due = now.duration_since(*checked) >= MAX_AGE;
        if due {
            *checked = now;
        }
        due
    }
}

/// Compares in a time that does not depend on where the two differ. It may depend on their lengths.
fn equal(a: &[u8], b: &[u8]) -> bool {
    let difference = a.iter().zip(b).fold(0, |sum, (a, b)| black_box(sum | (a ^ b)));
    a.len() == b.len() && difference == 0
}

/// Shows the path only.
impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token").field("file", &self.file).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::time::Duration;

    use super::{Token, equal};

    #[test]
    fn only_equal_texts_are_equal() {
        assert!(equal(b"abc", b"abc") && equal(b"", b""));
        for other in ["abd", "bbc", "ab", "abcd", ""] {
            assert!(!equal(b"abc", other.as_bytes()), "{other}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_rotated_token_replaces_the_old_one() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("token");
        fs::write(&path, "first-token-of-the-test\n").expect("written");
        let token = Token::read(path.clone()).expect("valid");
        let matches = async |text: &str| token.matches(&text.parse().expect("valid")).await;
        assert!(matches("Bearer first-token-of-the-test").await);
        assert!(matches("bearer first-token-of-the-test").await, "the scheme has no case");
        for wrong in [
            "Bearer first-token-of-the-tesT",
            "Bearer first-token-of-the-test2",
            "Bearer ",
            "Bearer",
            "Basic first-token-of-the-test",
            "first-token-of-the-test",
        ] {
            assert!(!matches(wrong).await, "{wrong}");
        }
        fs::write(&path, "second-token-of-the-test\n").expect("written");
        tokio::time::advance(Duration::from_secs(1)).await;
        assert!(matches("Bearer second-token-of-the-test").await);
        assert!(!matches("Bearer first-token-of-the-test").await);
        fs::write(&path, "short").expect("written");
        tokio::time::advance(Duration::from_secs(1)).await;
        assert!(matches("Bearer second-token-of-the-test").await, "a bad file keeps the old one");
        assert!(!format!("{token:?}").contains("second"), "{token:?}");
    }

    #[test]
    fn a_file_that_holds_no_token_is_refused_without_showing_it() {
        let dir = tempfile::tempdir().expect("a directory");
        for content in ["", "short-secret", "a secret with spaces in it"] {
            let path = dir.path().join("token");
            fs::write(&path, content).expect("written");
            let err = Token::read(path).expect_err(content);
            assert_eq!(err.field(), "admin.token_file");
            assert!(content.is_empty() || !err.to_string().contains(content), "{err}");
        }
    }
}
