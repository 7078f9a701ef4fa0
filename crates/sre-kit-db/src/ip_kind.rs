//! The kinds of addresses that an instance of Cloud SQL can have.

use std::fmt;
use std::str::FromStr;

use sre_kit_core::ConfigError;

/// The address of a Cloud SQL instance that is dialled. Defaults to `Private`.
///
/// ```
/// # #[cfg(feature = "iam")] {
/// use sre_kit_db::connector::IpKind;
///
/// assert_eq!("psc".parse::<IpKind>()?, IpKind::Psc);
/// assert_eq!(IpKind::default().to_string(), "private");
/// # }
/// # Ok::<(), sre_kit_db::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum IpKind {
    /// The address in a peered network (private services access).
    #[default]
    Private,
    /// The address on the internet.
    Public,
    /// The DNS name of the Private Service Connect endpoint.
    Psc,
}

impl IpKind {
    /// Returns the name, as it is written in a URL: `private`, `public` or `psc`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Private => "private",
            Self::Public => "public",
            Self::Psc => "psc",
        }
    }
}

impl fmt::Display for IpKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for IpKind {
    type Err = ConfigError;

    fn from_str(text: &str) -> Result<Self, ConfigError> {
        let kinds = [Self::Private, Self::Public, Self::Psc];
        kinds.into_iter().find(|kind| kind.as_str() == text).ok_or_else(|| {
            ConfigError::new(
                "the kind of IP address",
                text,
                "it is `private`, `public` or `psc`",
                "leave it out to have private",
            )
        })
    }
}
