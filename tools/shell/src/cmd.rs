//! A command that can be printed, run, and read.

use std::ffi::OsString;
use std::fmt;
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::quote::{quote, quote_value};
use super::{Tally, lines};

/// A program, its arguments, and what it needs around it.
///
/// `Display` gives a line for a shell in the directory the user is in.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "a command does nothing until it runs"]
pub struct Cmd {
    program: String,
    args: Vec<String>,
    env: Vec<(String, String)>,
    unset: Vec<String>,
    dir: Option<PathBuf>,
    asks: bool,
}

impl Cmd {
    /// Creates a command that runs `program` without arguments.
    pub fn new(program: impl Into<String>) -> Self {
        Self {
            program: program.into(),
            args: Vec::new(),
            env: Vec::new(),
            unset: Vec::new(),
            dir: None,
            asks: false,
        }
    }

    /// Creates a command that runs `cargo` with `args`, which spaces separate.
    pub fn cargo(args: &str) -> Self {
        Self::new("cargo").args(args.split_whitespace())
    }

    /// Adds an argument.
    pub fn arg(mut self, arg: impl Into<String>) -> Self {
        self.args.push(arg.into());
        self
    }

    /// Adds arguments.
    pub fn args<S: Into<String>>(mut self, args: impl IntoIterator<Item = S>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// Returns a test command that runs these tests and no others.
    pub fn only_tests(mut self, names: &[&str]) -> Self {
        let end = self.args.iter().position(|arg| arg == "--").unwrap_or(self.args.len());
        let one_by_one = self.args.iter().any(|arg| arg == "--test-threads=1");
        self.args.truncate(end);
        self = self.args(["--", "--include-ignored", "--exact"]);
        if one_by_one {
            self = self.arg("--test-threads=1");
        }
        self.args(names.iter().copied())
    }

    /// Sets a variable for this command alone.
    pub fn env(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.env.push((name.into(), value.into()));
        self
    }

    /// Sets more variables.
    pub fn envs(mut self, variables: &[(String, String)]) -> Self {
        self.env.extend_from_slice(variables);
        self
    }

    /// Removes a variable for this command alone.
    pub fn unset(mut self, name: impl Into<String>) -> Self {
        self.unset.push(name.into());
        self
    }

    /// Puts directories in front of `PATH`.
    pub fn path_first(self, dirs: &[PathBuf]) -> Self {
        if dirs.is_empty() {
            return self;
        }
        let dirs: Vec<_> = dirs.iter().map(|d| d.display().to_string()).collect();
        self.env("PATH", format!("{}:$PATH", dirs.join(":")))
    }

    /// Lets the command read standard input, as `sudo` does for a password.
    pub fn ask(mut self) -> Self {
        self.asks = true;
        self
    }

    /// Sets the directory to run in, relative to the root of the workspace or absolute.
    pub fn dir(mut self, dir: impl Into<PathBuf>) -> Self {
        self.dir = Some(dir.into());
        self
    }

    /// Prints the command, runs it with its output on the terminal, and returns its status.
    pub fn run(&self) -> Result<ExitStatus> {
        self.announce();
        self.command().status().with_context(|| self.did_not_start())
    }

    /// Runs the command like [`run`](Self::run). A failure is an error that repeats the
    /// command.
    pub fn must_run(&self) -> Result<()> {
        let status = self.run()?;
        if !status.success() {
            bail!("{status} from: {self}");
        }
        Ok(())
    }

    /// Runs the command like [`run`](Self::run), and `tally` reads every line that is printed,
    /// after `prefix`. Returns `None` if the command was ended because it took longer than
    /// `limit`.
    pub fn run_counted(
        &self,
        tally: &mut Tally,
        limit: Option<Duration>,
        prefix: &str,
    ) -> Result<Option<ExitStatus>> {
        print!("{prefix}");
        self.announce();
        let mut command = self.command();
        if io::stdout().is_terminal() {
            command.env("CARGO_TERM_COLOR", "always");
        }
        let ended = lines::run(command, limit, |line| {
            println!("{prefix}{line}");
            tally.read_line(line);
        });
        ended.with_context(|| self.did_not_start())
    }

    /// Runs the command without printing it and returns its standard output: for questions such
    /// as `cargo metadata`, not for work.
    pub fn read(&self) -> Result<String> {
        let out =
            self.command().stderr(Stdio::piped()).output().with_context(|| self.did_not_start())?;
        if !out.status.success() {
            let said = String::from_utf8_lossy(&out.stderr);
            bail!("{} from: {self}\n{}", out.status, said.trim_end());
        }
        String::from_utf8(out.stdout).with_context(|| format!("{self} did not write UTF-8"))
    }

    /// Returns the variables as they stand in front of the printed command.
    pub fn assignments(&self) -> String {
        let assignments =
            self.env.iter().map(|(name, value)| format!("{name}={}", quote_value(value)));
        assignments.collect::<Vec<_>>().join(" ")
    }

    fn announce(&self) {
        println!("$ {self}");
        // The child writes to the same place without our buffer.
        let _ = io::stdout().flush();
    }

    fn did_not_start(&self) -> String {
        format!("could not start: {self}")
    }

    /// Returns the command of the standard library, for a process that outlives this one.
    pub fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&self.args);
        if !self.asks {
            command.stdin(Stdio::null());
        }
        for name in &self.unset {
            command.env_remove(name);
        }
        for (name, value) in &self.env {
            command.env(name, expand_path(value));
        }
        if let Some(dir) = &self.dir {
            command.current_dir(dir);
        }
        command
    }
}

/// Replaces `$PATH` at the end of a value as a shell does.
fn expand_path(value: &str) -> OsString {
    let Some(head) = value.strip_suffix("$PATH") else { return value.into() };
    let mut whole = OsString::from(head);
    whole.push(std::env::var_os("PATH").unwrap_or_default());
    whole
}

impl fmt::Display for Cmd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nested = self.dir.as_deref().filter(|d| *d != Path::new("."));
        if let Some(dir) = nested {
            write!(f, "(cd {} && ", quote(&dir.display().to_string()))?;
        }
        if !self.unset.is_empty() {
            write!(f, "env")?;
            for name in &self.unset {
                write!(f, " -u {name}")?;
            }
            write!(f, " ")?;
        }
        if !self.env.is_empty() {
            write!(f, "{} ", self.assignments())?;
        }
        write!(f, "{}", quote(&self.program))?;
        for arg in &self.args {
            write!(f, " {}", quote(arg))?;
        }
        if nested.is_some() {
            write!(f, ")")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;
    use std::process::Command;

    use super::Cmd;
    use crate::Tally;

    #[test]
    fn prints_as_a_line_for_a_shell() {
        let cmd = Cmd::cargo("doc --no-deps").env("RUSTDOCFLAGS", "-D warnings");
        assert_eq!(cmd.to_string(), "RUSTDOCFLAGS='-D warnings' cargo doc --no-deps");
        let cmd = Cmd::new("go").arg("build").dir("tools/toolbox/go/etcd").unset("GOFLAGS");
        assert_eq!(cmd.to_string(), "(cd tools/toolbox/go/etcd && env -u GOFLAGS go build)");
    }

    #[test]
    fn a_test_command_is_narrowed_to_what_failed() {
        let narrowed = |args: &str| Cmd::cargo(args).only_tests(&["a::b", "c d"]).to_string();
        let exact = "-- --include-ignored --exact";
        assert_eq!(narrowed("test --doc"), format!("cargo test --doc {exact} a::b 'c d'"));
        assert_eq!(
            narrowed("test --test cluster -- --ignored --test-threads=1 a::"),
            format!("cargo test --test cluster {exact} --test-threads=1 a::b 'c d'")
        );
    }

    #[test]
    fn does_what_its_printed_form_does() {
        let cmd = Cmd::new("sh")
            .args(["-c", "echo \"$A|$1|$PATH\" && pwd", "sh", "it's *"])
            .env("A", "b c")
            .path_first(&[PathBuf::from("/opt/x y")])
            .dir("/");
        let printed = Command::new("sh").args(["-c", &cmd.to_string()]).output().expect("sh runs");
        assert_eq!(cmd.read().expect("runs"), String::from_utf8_lossy(&printed.stdout));
    }

    #[test]
    fn counts_the_lines_of_both_streams_in_order() {
        let script = "echo '     Running tests/a.rs (target/debug/deps/a-0123456789abcdef)' >&2
            echo 'test one ... ok'
            exit 3";
        let mut tally = Tally::default();
        let cmd = Cmd::new("sh").args(["-c", script]);
        let status = cmd.run_counted(&mut tally, None, "").expect("starts").expect("has no limit");
        assert_eq!(status.code(), Some(3));
        assert_eq!(tally.passed(), 1);
    }

    #[test]
    fn a_program_that_does_not_exist_is_an_error_that_names_it() {
        let err = Cmd::new("no-such-program").run().unwrap_err();
        assert_eq!(err.to_string(), "could not start: no-such-program");
        let err = Cmd::new("sh").args(["-c", "echo why >&2; exit 4"]).read().unwrap_err();
        assert!(err.to_string().contains("why"), "{err}");
    }
}
