//! The settings of the environment.

use super::{DbSettings, Target};
use crate::secret::Secret;
use sre_kit_core::ConfigError;

impl DbSettings {
    /// Creates settings from the environment variables in the table above.
    ///
    /// # Errors
    ///
    /// Returns an error if
    ///
    /// - `DATABASE_URL` is not set;
    /// - a variable is malformed, or names a file that cannot be read;
    /// - two variables set the same thing.
    pub fn from_env() -> Result<Self, ConfigError> {
        let url = std::env::var("DATABASE_URL").map_err(|_| {
            ConfigError::new(
                "DATABASE_URL",
                "",
                "it says where the database is",
                "set it, to sqlite://file.sqlite or postgres://user@host/database",
            )
        })?;
        Self::new(&url)?.with_env()
    }

    /// Overlays the environment variables in the table above, except `DATABASE_URL`. An empty
    /// variable counts as not set.
    ///
    /// # Errors
    ///
    /// Returns an error if a variable is malformed, names a file that cannot be read, or sets what
    /// is set already.
    pub fn with_env(self) -> Result<Self, ConfigError> {
        self.with_vars(|name| std::env::var(name).ok())
    }

    /// Overlays variables like [`with_env`](Self::with_env), but reads them with `lookup`: for
    /// tests.
    ///
    /// # Errors
    ///
    /// Returns the same errors as [`with_env`](Self::with_env).
    pub fn with_vars(
        mut self,
        lookup: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, ConfigError> {
        let get = |name: &str| lookup(name).filter(|value| !value.trim().is_empty());
        if let Some(max) = get("DATABASE_MAX_CONNECTIONS") {
            self.max_connections = max.trim().parse().map_err(|_| {
                ConfigError::new(
                    "DATABASE_MAX_CONNECTIONS",
                    max,
                    "it is a number from 1 to 10000",
                    "leave it out to have 10",
                )
            })?;
        }
        if let Some(password) = text_or_file("DATABASE_PASSWORD", &get)? {
            if matches!(&self.target, Target::Postgres(p) if p.password.is_some()) {
                return Err(twice("DATABASE_PASSWORD", "DATABASE_URL"));
            }
            // Editors and `echo` append a line break that is not part of the password.
            let password = password.trim_end_matches(['\r', '\n']).to_owned();
            self = self.password(Secret::from(password));
        }
        if let Some(pem) = text_or_file("DATABASE_CA", &get)? {
            self = self.server_ca(&pem)?;
        }
        if let Some(name) = get("DATABASE_SERVER_NAME") {
            self.server_name = Some(name.trim().to_owned());
        }
        if let Some(url) = get("DATABASE_SQLADMIN_ENDPOINT") {
            self.sqladmin_endpoint = Some(url.trim().to_owned());
        }
        Ok(self)
    }
}

/// Returns the variable `name`, or the content of the file that the variable `{name}_FILE` names.
fn text_or_file(
    name: &'static str,
    get: &impl Fn(&str) -> Option<String>,
) -> Result<Option<String>, ConfigError> {
    let in_file = format!("{name}_FILE");
    match (get(name), get(&in_file)) {
        (Some(_), Some(_)) => Err(twice(name, &in_file)),
        (Some(text), None) => Ok(Some(text)),
        (None, Some(path)) => std::fs::read_to_string(&path).map(Some).map_err(|error| {
            ConfigError::new(
                in_file,
                path,
                format!("the file cannot be read: {error}"),
                "name a file that the process may read",
            )
        }),
        (None, None) => Ok(None),
    }
}

fn twice(one: &'static str, other: &str) -> ConfigError {
    ConfigError::new(one, "...", format!("{other} says it as well"), "leave one of them out")
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::{DbSettings, Target};
    use sre_kit_core::ConfigError;

    fn read(url: &str, vars: &[(&str, &str)]) -> Result<DbSettings, ConfigError> {
        let vars: HashMap<_, _> = vars.iter().copied().collect();
        DbSettings::new(url)?.with_vars(|name| vars.get(name).map(ToString::to_string))
    }

    fn password(settings: &DbSettings) -> Option<&str> {
        match &settings.target {
            Target::Postgres(postgres) => postgres.password.as_ref().map(crate::Secret::expose),
            Target::Sqlite(_) => None,
        }
    }

    #[test]
    fn a_password_comes_by_url_variable_or_file_and_from_one_of_them() {
        let directory = tempfile::tempdir().expect("a directory");
        let file = directory.path().join("password");
        std::fs::write(&file, "from file\n").expect("written");
        let file = file.to_str().expect("text");
        let alone = "postgres://u@h/d";
        let found = read(alone, &[("DATABASE_PASSWORD", "x")]).expect("valid");
        assert_eq!(password(&found), Some("x"));
        let found = read(alone, &[("DATABASE_PASSWORD_FILE", file)]).expect("valid");
        assert_eq!(password(&found), Some("from file"), "without the line's end");
        assert_eq!(password(&read(alone, &[("DATABASE_PASSWORD", "")]).expect("valid")), None);
        for (url, vars) in [
            ("postgres://u:p@h/d", vec![("DATABASE_PASSWORD", "x")]),
            (alone, vec![("DATABASE_PASSWORD", "x"), ("DATABASE_PASSWORD_FILE", file)]),
        ] {
            let said = read(url, &vars).expect_err("twice").to_string();
            assert!(said.contains("says it as well"), "{said}");
        }
        let said = read(alone, &[("DATABASE_CA_FILE", "/nowhere.pem")]).expect_err("no file");
        assert_eq!(said.field(), "DATABASE_CA_FILE");
    }

    #[test]
    fn the_connector_takes_no_ca() {
        let ca = rcgen::generate_simple_self_signed(["db".to_owned()]).expect("made").cert.pem();
        let url = "cloudsql://u@p:r:i/d";
        let refused = read(url, &[("DATABASE_CA", &ca)]).and_then(|settings| settings.check());
        let field = refused.expect_err("the API tells").field().to_owned();
        assert_eq!(field, if cfg!(feature = "iam") { "DATABASE_CA_FILE" } else { "DATABASE_URL" });
        let vars = [("DATABASE_SQLADMIN_ENDPOINT", " https://sqladmin-x.p.googleapis.com ")];
        let found = read(url, &vars).expect("valid").sqladmin_endpoint;
        assert_eq!(found.as_deref(), Some("https://sqladmin-x.p.googleapis.com"));
    }

    #[test]
    fn settings_that_cannot_work_are_refused_before_a_dial() {
        // A build without a TLS provider, or without IAM, refuses the URL that needs it.
        let with_tls = cfg!(any(feature = "aws-lc-rs", feature = "ring"));
        let tls = if with_tls { "DATABASE_CA_FILE" } else { "DATABASE_URL" };
        let iam = if cfg!(feature = "iam") { "DATABASE_CA_FILE" } else { "DATABASE_URL" };
        for (url, vars, field) in [
            (
                "postgres://u@h/d",
                vec![("DATABASE_MAX_CONNECTIONS", "0")],
                "DATABASE_MAX_CONNECTIONS",
            ),
            (
                "postgres://u@h/d",
                vec![("DATABASE_MAX_CONNECTIONS", "x")],
                "DATABASE_MAX_CONNECTIONS",
            ),
            ("postgres://u@h/d?sslmode=verify-full", vec![], tls),
            ("postgres+iam://u@h/d", vec![], iam),
            ("postgres://u@h/d", vec![("DATABASE_CA", "not a certificate")], "the database's CA"),
        ] {
            let refused = read(url, &vars).and_then(|settings| settings.check());
            assert_eq!(refused.expect_err(url).field(), field, "{url}");
        }
    }
}
