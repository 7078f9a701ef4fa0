//! SQLSTATE codes.

/// `cannot_connect_now`: sqlx retries until the pool's `acquire_timeout`.
pub(crate) const CANNOT_CONNECT_NOW: &str = "57P03";

/// `connection_failure`: a later attempt may work.
pub(crate) const CONNECTION_FAILURE: &str = "08006";

/// `sqlclient_unable_to_establish_sqlconnection`: no attempt with these settings can work.
pub(crate) const UNABLE_TO_CONNECT: &str = "08001";

/// `invalid_catalog_name`: the database does not exist.
pub(crate) const NO_DATABASE: &str = "3D000";

/// `invalid_authorization_specification` and `invalid_password`: the user or its token is rejected.
pub(crate) const REJECTED: [&str; 2] = ["28000", "28P01"];
