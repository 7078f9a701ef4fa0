//! The key that certificates are for.

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::KeyPair as _;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use x509_cert::der::pem;

use super::super::DialError;

/// Made once in a process, as Google's own connectors do: it is never on the way, and
/// what makes a connection good is the certificate, which is another one each time.
pub(super) struct Key {
    /// As PEM.
    pub(super) public: String,
    private: PrivatePkcs8KeyDer<'static>,
}

impl Key {
    /// Makes one, which takes a tenth of a second and more: on a thread where that
    /// harms nobody.
    pub(super) async fn make() -> Result<Self, DialError> {
        let made = tokio::task::spawn_blocking(|| {
            let pair = KeyPair::generate(KeySize::Rsa2048).ok()?;
            let private: Pkcs8V1Der<'_> = pair.as_der().ok()?;
            let public: PublicKeyX509Der<'_> = pair.public_key().as_der().ok()?;
            let public = pem::encode_string("PUBLIC KEY", pem::LineEnding::LF, public.as_ref());
            let private = PrivatePkcs8KeyDer::from(private.as_ref().to_vec());
            Some(Self { public: public.ok()?, private })
        });
        made.await
            .ok()
            .flatten()
            .ok_or_else(|| DialError::new("key", "no key for a certificate can be made"))
    }

    pub(super) fn private(&self) -> PrivateKeyDer<'static> {
        PrivateKeyDer::from(self.private.clone_key())
    }
}
