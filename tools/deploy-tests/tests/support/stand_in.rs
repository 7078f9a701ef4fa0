//! Scripts run with stand-ins for programs that reach the outside.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

/// A folder with programs that write down how they are called.
#[derive(Debug)]
pub(crate) struct StandIns {
    dir: TempDir,
}

/// How a script ended and what it said.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: i32,
    pub(crate) said: String,
}

impl StandIns {
    /// Each program is a shell script of this body, after a line that writes down the call.
    pub(crate) fn new(programs: &[(&str, &str)]) -> Self {
        let all = Self { dir: tempfile::tempdir().expect("a temporary directory") };
        fs::create_dir(all.path("bin")).expect("made");
        for (name, body) in programs {
            all.program(name, body);
        }
        all
    }

    /// One more program.
    pub(crate) fn program(&self, name: &str, body: &str) {
        let file = self.path("bin").join(name);
        let text = format!("#!/bin/bash\necho \"{name} $*\" >>\"$CALLS\"\n{body}\n");
        fs::write(&file, text).expect("written");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).expect("set");
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> String {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        fs::write(&path, text).expect("written");
        path.to_str().expect("text").to_owned()
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_default()
    }

    /// Runs a program with nothing of the caller's environment.
    pub(crate) fn run(&self, program: &Path, args: &[&str], env: &[(&str, &str)]) -> Ended {
        let path = format!("{}:/usr/local/bin:/usr/bin:/bin", self.path("bin").display());
        let Output { status, stdout, stderr } = Command::new(program)
            .args(args)
            .current_dir(self.dir.path())
            .env_clear()
            .env("PATH", path)
            .env("HOME", self.dir.path())
            .env("CALLS", self.path("calls"))
            .env("DIR", self.dir.path())
            .envs(env.iter().copied())
            .output()
            .expect("the program runs");
        let said = String::from_utf8_lossy(&[stdout, stderr].concat()).into_owned();
        Ended { code: status.code().expect("ends by itself"), said }
    }

    /// The calls that begin with these words.
    pub(crate) fn calls(&self, beginning: &str) -> Vec<String> {
        let calls = self.read("calls");
        calls.lines().filter(|line| line.starts_with(beginning)).map(str::to_owned).collect()
    }
}
