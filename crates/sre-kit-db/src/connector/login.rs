//! Who logs in over a connection.

use std::sync::Arc;

/// The login that a connection was made for.
///
/// The token is in the client certificate of the connection, so there is a user and no password.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ConnectorLogin {
    pub(super) user: Arc<str>,
    pub(super) generation: u64,
}

impl ConnectorLogin {
    /// Returns the PostgreSQL user to log in as.
    pub fn user(&self) -> &str {
        &self.user
    }
}

/// Returns the PostgreSQL user of an account. PostgreSQL limits names to 63 bytes, so Cloud SQL
/// cuts the domain of service accounts.
pub(super) fn database_user(account: &str) -> &str {
    account.strip_suffix(".gserviceaccount.com").unwrap_or(account)
}

#[cfg(test)]
mod tests {
    use super::database_user;

    #[test]
    fn a_service_account_logs_in_without_its_domain() {
        for (account, user) in [
            ("shop@project.iam.gserviceaccount.com", "shop@project.iam"),
            ("shop@project.iam", "shop@project.iam"),
            ("somebody@example.com", "somebody@example.com"),
        ] {
            assert_eq!(database_user(account), user);
        }
    }
}
