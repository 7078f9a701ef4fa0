//! What a tool is, and where it can come from.

use std::time::Duration;

/// A program that some check runs.
#[derive(Debug, PartialEq, Eq)]
pub struct Tool {
    /// The program, as it is found in `PATH`.
    pub name: &'static str,
    /// Where it comes from.
    pub source: Source,
    /// Seconds to get it on two cores with nothing cached. Measured.
    pub cold: u64,
    /// Too slow to be built unasked: only `--all` does, every run uses it once it is there.
    pub slow: bool,
}

/// Where a tool comes from.
#[derive(Debug, PartialEq, Eq)]
pub enum Source {
    /// A Debian package.
    Debian(&'static str),
    /// A crate, at a version.
    Crate(&'static str, &'static str),
    /// A Go package, at a version of its module. The program is kept under the
    /// tool's name, so that two versions of one program can stand side by side.
    Go(&'static str, &'static str),
    /// A Go module that replaces others, so that `go install` refuses it.
    GoWrapper(Wrapper),
    /// A program of a Python package, at a version, in an environment of its own.
    Python(&'static str, &'static str),
    /// A Python with a package, at a version, under the tool's name: for a package that
    /// is imported and brings no program.
    PythonWith(&'static str, &'static str),
    /// A program of the packages that `npm/<folder>/package-lock.json` pins.
    Npm(&'static str),
    /// A Terraform provider, built from its Go module and put where Terraform
    /// looks for one without asking a registry.
    Provider(Provider),
    /// A program that only the machine can have; where it has none, another tool of the
    /// catalogue under its name.
    MachineOr(&'static str),
    /// Root's rights: a sentence says what for.
    Root(&'static str),
    /// Several tools under one name.
    Set(&'static [&'static str]),
}

/// Programs of a Go module that a module in `go/` wraps.
#[derive(Debug, PartialEq, Eq)]
pub struct Wrapper {
    /// The wrapping module, in `go/<folder>`, takes the replacements over and pins all
    /// versions. Tools of one module are compiled from the same packages, once.
    pub folder: &'static str,
    /// Built together. One alone is kept under the tool's name, several under
    /// their own unless `names` has others.
    pub packages: &'static [&'static str],
    /// For packages whose own names say too little, such as `operator`.
    pub names: &'static [&'static str],
    /// The version of the module that they are in.
    pub version: &'static str,
    /// Of Go's build constraints, those that hold.
    pub tags: &'static [&'static str],
    /// Go variables that say the version, and what they say.
    pub stamps: &'static [(&'static str, &'static str)],
}

/// A Terraform provider.
#[derive(Debug, PartialEq, Eq)]
pub struct Provider {
    /// As Terraform names it.
    pub address: &'static str,
    /// As Terraform names it.
    pub version: &'static str,
    /// The Go module.
    pub module: &'static str,
    /// The module's version, which follows the tag only for Go's old major versions.
    pub module_version: &'static str,
}

impl Tool {
    /// Returns how long it takes to get it with nothing cached.
    pub fn cold(&self) -> Duration {
        Duration::from_secs(self.cold)
    }
}
