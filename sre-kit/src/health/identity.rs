//! The identity of the service in `application/health+json`.

/// The fields of `application/health+json` about the service itself.
#[derive(Clone, Debug, Default)]
pub(super) struct Identity {
    pub(super) service_id: Option<String>,
    pub(super) version: Option<String>,
    pub(super) release_id: Option<String>,
    pub(super) description: Option<String>,
}
