//! A PostgreSQL server with TLS, for one test.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::authority::{Authority, Leaf};
use super::ldap::Ldap;
use super::tokens::Tokens;

/// The logins over TCP.
pub(crate) enum Logins {
    /// A token in clear text, over TLS only, as in Cloud SQL with IAM.
    Token(Tokens),
    /// The password `hunter2`.
    Password,
}

pub(crate) struct Postgres {
    pub(crate) port: u16,
    pub(crate) authority: Authority,
    pub(crate) directory: tempfile::TempDir,
    child: Option<Child>,
    settings: Vec<String>,
    ldap: Option<Ldap>,
}

pub(crate) const INSTANCE: &str = "project:main";

impl Postgres {
    pub(crate) async fn start(logins: Logins) -> Self {
        Self::start_with(logins, &[]).await
    }

    /// Starts a server with settings like `max_connections=20`.
    pub(crate) async fn start_with(logins: Logins, settings: &[&str]) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let authority = Authority::new("the test's CA");
        let leaf = authority.server(INSTANCE, &["127.0.0.1", "localhost"], false);
        let mut server = Self {
            port: free_port(),
            authority,
            directory,
            child: None,
            settings: settings.iter().map(ToString::to_string).collect(),
            ldap: None,
        };
        let data = server.data();
        own(server.directory.path());
        let text = data.to_str().expect("text");
        let made = as_postgres("initdb")
            .args(["--pgdata", text, "--username", "postgres", "--auth", "trust", "--no-sync"])
            .args(["--encoding", "UTF8", "--locale", "C"])
            .stdout(Stdio::null())
            .status()
            .expect("initdb runs");
        assert!(made.success());
        let rule = match logins {
            Logins::Token(tokens) => {
                let ldap = Ldap::start(tokens).await;
                let rule = format!(
                    "hostssl all all 127.0.0.1/32 ldap ldapserver=127.0.0.1 ldapport={} \
                     ldapprefix=\"uid=\" ldapsuffix=\"\"",
                    ldap.port
                );
                server.ldap = Some(ldap);
                rule
            }
            Logins::Password => "host all all 127.0.0.1/32 scram-sha-256".to_owned(),
        };
        let rules = format!("local all all trust\n{rule}\n");
        fs::write(data.join("pg_hba.conf"), rules).expect("written");
        server.install(&leaf);
        server.up().await;
        server.sql("CREATE ROLE \"shop@project.iam\" LOGIN PASSWORD 'hunter2'");
        server.sql("CREATE DATABASE shop OWNER \"shop@project.iam\"");
        server
    }

    fn data(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    fn install(&self, leaf: &Leaf) {
        fs::write(self.data().join("server.crt"), &leaf.certificate).expect("written");
        let key = self.data().join("server.key");
        fs::write(&key, &leaf.key).expect("written");
        fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).expect("set");
        own(self.directory.path());
    }

    /// Restarts the server with another certificate.
    pub(crate) async fn show(&mut self, leaf: &Leaf) {
        self.down();
        self.install(leaf);
        self.up().await;
    }

    /// Starts the server, and waits until it answers.
    pub(crate) async fn up(&mut self) {
        let mut command = as_postgres("postgres");
        command.arg("-D").arg(self.data()).args(["-p", &self.port.to_string()]);
        for setting in [
            "listen_addresses=127.0.0.1",
            "ssl=on",
            "fsync=off",
            "log_min_messages=fatal",
            &format!("unix_socket_directories={}", self.directory.path().display()),
        ] {
            command.args(["-c", setting]);
        }
        for setting in &self.settings {
            command.args(["-c", setting]);
        }
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        self.child = Some(child.expect("postgres runs"));
        for _ in 0..300 {
            let asked = self.psql("SELECT 1").stdout(Stdio::null()).stderr(Stdio::null()).status();
            if asked.is_ok_and(|status| status.success()) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("the server does not answer");
    }

    /// Stops the server, at once or after the last client has disconnected.
    pub(crate) fn down(&mut self) {
        if let Some(mut child) = self.child.take() {
            // Immediate shutdown: what a crash looks like, but leaves no process behind.
            let _ = Command::new("kill").args(["-QUIT", &child.id().to_string()]).status();
            let _ = child.wait();
        }
    }

    fn psql(&self, sql: &str) -> Command {
        let mut command = Command::new("psql");
        command
            .args(["-h", self.directory.path().to_str().expect("text")])
            .args(["-p", &self.port.to_string(), "-U", "postgres", "-d", "postgres"])
            .args(["-v", "ON_ERROR_STOP=1", "-qAtc", sql]);
        command
    }

    /// Runs a statement as the superuser.
    pub(crate) fn sql(&self, sql: &str) -> String {
        self.sql_in("postgres", sql)
    }

    pub(crate) fn sql_in(&self, database: &str, sql: &str) -> String {
        let output = self.psql(sql).args(["-d", database]).output().expect("psql runs");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{sql}: {said}");
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    pub(crate) fn iam_url(&self) -> String {
        format!("postgres+iam://shop%40project.iam@127.0.0.1:{}/shop", self.port)
    }

    pub(crate) fn password_url(&self) -> String {
        format!("postgres://shop%40project.iam:hunter2@127.0.0.1:{}/shop", self.port)
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.down();
    }
}

/// Returns a command that runs as the user `postgres` if this is root, which the server refuses.
fn as_postgres(program: &str) -> Command {
    if !is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups", program]);
    command
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output().expect("id runs");
    id.stdout.trim_ascii() == b"0"
}

fn own(path: &Path) {
    if is_root() {
        let status = Command::new("chown").args(["-R", "postgres:postgres"]).arg(path).status();
        assert!(status.expect("chown runs").success());
    }
}

/// Returns a port that was free a moment ago.
fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("bound").port()
}
