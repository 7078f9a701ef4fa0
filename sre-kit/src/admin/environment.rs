//! The environment variables of the admin listener.

use super::AdminBuilder;
use crate::ConfigError;

/// The prefix of the variables that name the PEM files of TLS.
const TLS: &str = "SRE_KIT_ADMIN_TLS";

/// Overlays the settings of `admin` with what `lookup` returns.
///
/// # Errors
///
/// Returns an error if a value is malformed, or a variable needs a feature that is off.
pub(super) fn apply(
    admin: AdminBuilder,
    lookup: impl Fn(&str) -> Option<String>,
) -> Result<AdminBuilder, ConfigError> {
    let value = |name: &str| {
        let value = lookup(name)?;
        Some(value.trim().to_owned()).filter(|value| !value.is_empty())
    };
    let admin = match value("SRE_KIT_ADMIN") {
        Some(address) => admin.listen(address),
        None => admin,
    };
    let admin = match value("SRE_KIT_ADMIN_TOKEN_FILE") {
        Some(path) => admin.token_file(path),
        None => admin,
    };
    let admin = match value("SRE_KIT_ADMIN_OPEN").as_deref() {
        None => admin,
        Some("true") => admin.open(true),
        Some("false") => admin.open(false),
        Some(other) => {
            return Err(ConfigError::new(
                "SRE_KIT_ADMIN_OPEN",
                other,
                "it is true or false",
                "leave it out to keep the pages closed",
            ));
        }
    };
    #[cfg(feature = "tls")]
    return Ok(admin.overlay_tls(|tls| tls.with_prefix(TLS, value)));
    #[cfg(not(feature = "tls"))]
    crate::server::refuse_tls_variables(TLS, value).map(|()| admin)
}
