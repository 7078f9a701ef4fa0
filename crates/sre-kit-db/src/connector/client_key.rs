//! The key pair of the client certificates.

use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

use crate::transport::{DialError, DialErrorKind};

/// The key pair of all client certificates of a connector. Google's connectors keep one for the
/// life of the process too: the private key never leaves it.
pub(super) struct ClientKey {
    /// The public key as PEM.
    pub(super) public: String,
    private: PrivatePkcs8KeyDer<'static>,
}

impl ClientKey {
    /// Whether this build can generate RSA keys.
    pub(super) const CAN_GENERATE: bool = cfg!(feature = "aws-lc-rs");

    /// Generates a key pair. That takes a tenth of a second and more, so it runs on a blocking
    /// thread.
    pub(super) async fn generate() -> Result<Self, DialError> {
        let made = tokio::task::spawn_blocking(Self::generate_rsa);
        made.await.ok().flatten().ok_or_else(|| {
            let message = "no key for a certificate can be made";
            DialError::new(DialErrorKind::AdminApi, "key", message)
        })
    }

    #[cfg(feature = "aws-lc-rs")]
    fn generate_rsa() -> Option<Self> {
        use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der};
        use aws_lc_rs::rsa::{KeyPair, KeySize};
        use aws_lc_rs::signature::KeyPair as _;
        use x509_cert::der::pem;

        let pair = KeyPair::generate(KeySize::Rsa2048).ok()?;
        let private: Pkcs8V1Der<'_> = pair.as_der().ok()?;
        let public: PublicKeyX509Der<'_> = pair.public_key().as_der().ok()?;
        let public = pem::encode_string("PUBLIC KEY", pem::LineEnding::LF, public.as_ref());
        let private = PrivatePkcs8KeyDer::from(private.as_ref().to_vec());
        Some(Self { public: public.ok()?, private })
    }

    #[cfg(not(feature = "aws-lc-rs"))]
    fn generate_rsa() -> Option<Self> {
        None
    }

    pub(super) fn private(&self) -> PrivateKeyDer<'static> {
        PrivateKeyDer::from(self.private.clone_key())
    }
}
