//! Starts the demo as a process and reads its addresses from its output.
#![allow(dead_code, reason = "not every test file uses all of it")]

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

/// A running demo. Dropping it kills the process.
pub(crate) struct Demo {
    child: Child,
    pub(crate) app: String,
    pub(crate) admin: String,
    directory: tempfile::TempDir,
}

const PROGRAM: &str = env!("CARGO_BIN_EXE_demo-app");

/// Returns a command for the program, without variables of the test's environment.
pub(crate) fn command() -> Command {
    without_variables(Command::new(PROGRAM))
}

fn without_variables(mut command: Command) -> Command {
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if ["DEMO_", "SRE_KIT_", "OTEL_"].iter().any(|prefix| text.starts_with(prefix)) {
            command.env_remove(&name);
        }
    }
    command.env_remove("DATABASE_URL").env_remove("RUST_LOG").env("NO_COLOR", "1");
    // The demo panics on request, and a backtrace would only fill the log.
    command.env("RUST_BACKTRACE", "0");
    command
}

impl Demo {
    /// Starts a demo on free ports, with a database in a temporary directory.
    pub(crate) fn start(args: &[&str]) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        Self::start_in(directory, args, &[], Stdio::inherit())
    }

    /// Starts a demo with environment variables, and its log in the file `log`.
    pub(crate) fn start_with(args: &[&str], variables: &[(&str, String)]) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let log = std::fs::File::create(directory.path().join("log")).expect("a file");
        Self::start_in(directory, args, variables, Stdio::from(log))
    }

    /// Starts a demo with this soft limit of open files, and its log in the file `log`.
    pub(crate) fn start_with_open_files(limit: u32) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let log = std::fs::File::create(directory.path().join("log")).expect("a file");
        let mut command = Command::new("sh");
        command.arg("-c").arg(format!("ulimit -Sn {limit} && exec \"$0\" \"$@\"")).arg(PROGRAM);
        Self::run(without_variables(command), directory, &[], Stdio::from(log))
    }

    fn start_in(
        directory: tempfile::TempDir,
        args: &[&str],
        variables: &[(&str, String)],
        log: Stdio,
    ) -> Self {
        let mut command = command();
        command.envs(variables.iter().map(|(name, value)| (name, value)));
        Self::run(command, directory, args, log)
    }

    fn run(mut command: Command, directory: tempfile::TempDir, args: &[&str], log: Stdio) -> Self {
        let mut child = command
            .args(["serve", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"])
            .args(args)
            .current_dir(directory.path())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .expect("the program starts");
        let stdout = BufReader::new(child.stdout.take().expect("piped"));
        let (mut app, mut admin) = (None, None);
        for line in stdout.lines().map_while(Result::ok) {
            for word in line.split_whitespace().filter(|word| word.starts_with("http://")) {
                let base: String = word.splitn(4, '/').take(3).collect::<Vec<_>>().join("/");
                if word.ends_with("/metrics") {
                    admin = Some(base);
                } else {
                    app.get_or_insert(base);
                }
            }
            if app.is_some() && admin.is_some() {
                break;
            }
        }
        let (Some(app), Some(admin)) = (app, admin) else {
            let _ = child.kill();
            panic!("the demo ended without saying where it listens");
        };
        let demo = Self { child, app, admin, directory };
        demo.until_ready();
        demo
    }

    /// Waits until the demo is ready, which is shortly after it prints its addresses.
    fn until_ready(&self) {
        for _ in 0..600 {
            if self.admin("/readyz").0 == 200 {
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("the demo does not become ready");
    }

    pub(crate) fn get(&self, path: &str) -> (u16, String) {
        self.get_as(path, "*/*")
    }

    pub(crate) fn get_as(&self, path: &str, accept: &str) -> (u16, String) {
        fetch(&format!("{}{path}", self.app), accept)
    }

    /// Asks like a client whose `User-Agent` is as long as this.
    pub(crate) fn get_with_agent(&self, path: &str, length: usize) -> u16 {
        let agent: ureq::Agent =
            ureq::Agent::config_builder().http_status_as_error(false).build().into();
        let url = format!("{}{path}", self.app);
        let response = agent.get(&url).header("user-agent", "x".repeat(length)).call();
        response.expect("an answer").status().as_u16()
    }

    pub(crate) fn admin(&self, path: &str) -> (u16, String) {
        fetch(&format!("{}{path}", self.admin), "*/*")
    }

    pub(crate) fn admin_as(&self, path: &str, accept: &str) -> (u16, String) {
        fetch(&format!("{}{path}", self.admin), accept)
    }

    /// Returns the sum of the samples of `name` whose labels contain all of `labels`.
    pub(crate) fn metric(&self, name: &str, labels: &[&str]) -> f64 {
        let (status, text) = self.admin("/metrics");
        assert_eq!(status, 200);
        text.lines()
            .filter(|line| line.split(['{', ' ']).next() == Some(name))
            .filter(|line| labels.iter().all(|label| line.contains(label)))
            .filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok())
            .sum()
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal, as `kill` does.
    pub(crate) fn signal(&self, signal: &str) {
        let pid = self.pid().to_string();
        let status = Command::new("kill").args([&format!("-{signal}"), &pid]).status();
        assert!(status.expect("kill runs").success());
    }

    /// Waits at most 30 s for the process to exit.
    pub(crate) fn wait(&mut self) -> ExitStatus {
        wait(&mut self.child)
    }

    /// Returns the working directory of the demo.
    pub(crate) fn directory(&self) -> &std::path::Path {
        self.directory.path()
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits for a process. If it does not exit in time, kills it and fails the test.
pub(crate) fn wait(child: &mut Child) -> ExitStatus {
    for _ in 0..600 {
        if let Some(status) = child.try_wait().expect("it can be waited for") {
            return status;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    let _ = child.kill();
    panic!("the process did not end");
}

/// Runs the demo to its end and returns the exit code and standard error.
pub(crate) fn run(args: &[&str]) -> (Option<i32>, String) {
    let directory = tempfile::tempdir().expect("a directory");
    let mut child = command()
        .args(args)
        .current_dir(directory.path())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let status = wait(&mut child);
    let mut said = String::new();
    child.stderr.take().expect("piped").read_to_string(&mut said).expect("text");
    (status.code(), said)
}

/// The interval of polling.
pub(crate) fn pause() {
    std::thread::sleep(Duration::from_millis(250));
}

fn fetch(url: &str, accept: &str) -> (u16, String) {
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .timeout_global(Some(Duration::from_secs(30)))
        .build()
        .into();
    let mut response = agent.get(url).header("accept", accept).call().expect("an answer");
    let body = response.body_mut().read_to_string().expect("a text");
    (response.status().as_u16(), body)
}
