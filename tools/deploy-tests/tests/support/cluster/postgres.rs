//! A PostgreSQL server beside the cluster: on this machine's end of the link,
//! where pods reach it as they reach a managed one, with TLS.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::{EVER, HOST, Namespace, succeeded};

/// Who owns the tables, who counts visits, and the password of both.
pub(crate) const MIGRATOR: &str = "migrator";
pub(crate) const APP: &str = "app";
const PASSWORD: &str = "hunter2";

pub(crate) struct Postgres {
    port: u16,
    directory: tempfile::TempDir,
    child: Option<Child>,
}

impl Postgres {
    /// Starts it. The cluster has to be up, since its link has the address.
    pub(crate) fn start() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let mut server = Self { port: 0, directory, child: None };
        own(server.directory.path());
        let data = server.data();
        let made = as_postgres("initdb")
            .args(["--username", "postgres", "--auth", "trust", "--no-sync", "--locale", "C"])
            .args(["--encoding", "UTF8", "--pgdata"])
            .arg(&data)
            .output();
        succeeded("initdb", made.expect("initdb runs"));
        // Pods come with addresses of their own.
        let rules = "local all all trust\nhostssl all all 198.18.0.0/15 scram-sha-256\n";
        fs::write(data.join("pg_hba.conf"), rules).expect("written");
        server.certify();
        server.up_on(free_port);
        server.sql("postgres", &format!("CREATE ROLE {MIGRATOR} LOGIN PASSWORD '{PASSWORD}'"));
        server.sql("postgres", &format!("CREATE ROLE {APP} LOGIN PASSWORD '{PASSWORD}'"));
        server.sql("postgres", &format!("CREATE DATABASE demo OWNER {MIGRATOR}"));
        // No grant: the migration makes those.
        server
    }

    /// The chart's values for it. Makes the Secret that they name.
    pub(crate) fn values(&self, namespace: &Namespace) -> serde_json::Value {
        let password = format!("--from-literal=password={PASSWORD}");
        namespace.kubectl(&["create", "secret", "generic", "demo-database", &password]);
        serde_json::json!({
            "database": {
                "mode": "password", "host": HOST, "port": self.port, "name": "demo", "user": APP,
                "serverCa": fs::read_to_string(self.directory.path().join("ca.crt")).expect("there"),
                "serverName": HOST,
                "passwordSecret": {"name": "demo-database"},
            },
            "migration": {"user": MIGRATOR},
        })
    }

    fn data(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    /// A CA, and a certificate of its for the server.
    fn certify(&self) {
        let (directory, data) = (self.directory.path(), self.data());
        let openssl = |subject: &str, certificate: &Path, key: &Path, more: &[&str]| {
            let out = Command::new("openssl")
                .args(["req", "-x509", "-new", "-days", "30", "-nodes", "-newkey", "ec"])
                .args(["-pkeyopt", "ec_paramgen_curve:P-256", "-subj", subject, "-out"])
                .arg(certificate)
                .arg("-keyout")
                .arg(key)
                .args(more)
                .output();
            succeeded("openssl", out.expect("openssl is there"));
        };
        let (ca, ca_key) = (directory.join("ca.crt"), directory.join("ca.key"));
        openssl("/CN=ca", &ca, &ca_key, &["-addext", "keyUsage=critical,keyCertSign"]);
        let key = data.join("server.key");
        let (ca, ca_key) = (ca.display().to_string(), ca_key.display().to_string());
        let signed = ["-CA", &ca, "-CAkey", &ca_key, "-addext"];
        let names = format!("subjectAltName=IP:{HOST}");
        let leaf = [&signed[..], &[&names, "-addext", "basicConstraints=critical,CA:FALSE"]];
        openssl("/CN=postgres", &data.join("server.crt"), &key, &leaf.concat());
        fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).expect("set");
        own(directory);
    }

    /// Starts it again, where it was.
    pub(crate) fn up(&mut self) {
        let port = self.port;
        self.up_on(|| port);
    }

    /// Starts it, and waits until it answers. Its port may be a connection's by
    /// then, of the many that go out from this address, so that it may take some.
    fn up_on(&mut self, port: impl Fn() -> u16) {
        let began = Instant::now();
        loop {
            self.port = port();
            let mut child = self.spawn();
            let ended = loop {
                if self.psql("postgres", "SELECT 1").output().expect("psql runs").status.success() {
                    break false;
                }
                if child.try_wait().expect("it is ours").is_some() {
                    break true;
                }
                assert!(began.elapsed() < EVER, "the server does not answer: {}", self.log());
                sleep(Duration::from_millis(100));
            };
            if !ended {
                self.child = Some(child);
                return;
            }
            let log = self.log();
            let taken = log.contains("Address already in use") && began.elapsed() < EVER;
            assert!(taken, "the server has ended: {log}");
            sleep(Duration::from_millis(100));
        }
    }

    fn spawn(&self) -> Child {
        let log = fs::File::create(self.directory.path().join("log")).expect("made");
        as_postgres("postgres")
            .arg("-D")
            .arg(self.data())
            .args(["-p", &self.port.to_string(), "-c", &format!("listen_addresses={HOST}")])
            .args(["-c", "ssl=on", "-c", "fsync=off", "-c"])
            .arg(format!("unix_socket_directories={}", self.directory.path().display()))
            .stdout(Stdio::null())
            .stderr(Stdio::from(log))
            .spawn()
            .expect("postgres runs")
    }

    fn log(&self) -> String {
        fs::read_to_string(self.directory.path().join("log")).unwrap_or_default()
    }

    /// Ends it at once, with every connection.
    pub(crate) fn down(&mut self) {
        if let Some(mut child) = self.child.take() {
            // Immediate shutdown: what a crash looks like, but leaves no process behind.
            let _ = Command::new("kill").args(["-QUIT", &child.id().to_string()]).status();
            let _ = child.wait();
        }
    }

    fn psql(&self, database: &str, sql: &str) -> Command {
        let mut command = Command::new("psql");
        command
            .arg("-h")
            .arg(self.directory.path())
            .args(["-p", &self.port.to_string(), "-U", "postgres", "-d", database])
            .args(["-v", "ON_ERROR_STOP=1", "-qAtc", sql]);
        command
    }

    /// Runs a statement as the superuser.
    pub(crate) fn sql(&self, database: &str, sql: &str) -> String {
        let out = self.psql(database, sql).output().expect("psql runs");
        succeeded(sql, out).trim().to_owned()
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.down();
    }
}

/// Free a moment ago, which is as much as can be had for another program.
fn free_port() -> u16 {
    let port = TcpListener::bind((HOST, 0)).expect("the cluster's link is up");
    port.local_addr().expect("bound").port()
}

/// The server refuses root, which a cluster needs; its package has made a user.
fn as_postgres(program: &str) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups", program]);
    command
}

fn own(path: &Path) {
    let out = Command::new("chown").args(["-R", "postgres:postgres"]).arg(path).output();
    succeeded("chown", out.expect("chown runs"));
}
