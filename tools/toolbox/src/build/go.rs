//! Programs from Go modules, linked statically.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use anyhow::{Context, Result};
use shell::Cmd;

use super::partial;
use crate::Wrapper;
use crate::debian::find_program;

/// The first Go that fetches the newer one which a module asks for.
const OLDEST: u32 = 21;

/// The Go that a machine gets whose own, as Debian 12's, is older than that.
const NEWER: &str = "go1.26.8";

/// No tables for debuggers, which are a third of a program and of its linking.
const SMALL: &str = "-s -w";

/// Nothing is inlined, and there is nothing for debuggers: 28 % less processor time for etcd, of
/// which a test notices nothing. All tools have the same flags, so that what they share is
/// compiled once.
const QUICK: &str = "-gcflags=all=-l -dwarf=false";

/// Returns whether there is any Go.
pub(super) fn is_there() -> bool {
    find_program("go").is_some()
}

/// Says why neither the machine's Go nor a newer one that was fetched can build.
pub(super) fn too_old() -> Option<String> {
    usable().as_ref().err().cloned()
}

/// Returns the machine's Go. If that one is too old to fetch a newer one by itself, fetches the
/// newer one as the Go module that it is also published as.
fn usable() -> &'static Result<PathBuf, String> {
    static USABLE: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    USABLE.get_or_init(|| {
        let own: PathBuf =
            find_program("go").map_or_else(|| "go".into(), |found| found.dir.join("go"));
        let version = run(&own).args(["env", "GOVERSION"]).read().unwrap_or_default();
        let version = version.trim();
        if minor(version).is_some_and(|minor| minor >= OLDEST) {
            return Ok(own);
        }
        newer(&own).map_err(|why| {
            let version = if version.is_empty() { "of an unknown version" } else { version };
            format!(
                "Go here is {version}, 1.{OLDEST} or newer is needed, and fetching {NEWER} did \
                 not work ({why:#}); put one into PATH"
            )
        })
    })
}

fn newer(own: &Path) -> Result<PathBuf> {
    let arch = run(own).args(["env", "GOARCH"]).read()?;
    let module = format!("golang.org/toolchain@v0.0.1-{NEWER}.linux-{}", arch.trim());
    let told = run(own).args(["mod", "download", "-json"]).arg(module).read()?;
    let told: serde_json::Value = serde_json::from_str(&told).context("reading what it fetched")?;
    let dir = told["Dir"].as_str().context("it was not told where it is")?;
    // A module has no programs, so that their marks are set afterwards, as newer Go
    // does with what it fetches.
    for folder in ["bin", "pkg/tool"] {
        let folder = Path::new(dir).join(folder).display().to_string();
        Cmd::new("chmod").args(["-R", "a+x"]).arg(folder).must_run()?;
    }
    Ok(Path::new(dir).join("bin/go"))
}

/// Reads 26 from `go1.26.8` and 24 from `go1.24rc1`.
fn minor(version: &str) -> Option<u32> {
    let rest = version.strip_prefix("go1.")?;
    let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    rest[..end].parse().ok()
}

/// Builds `package` at a version of its module as the file `program`.
pub(super) fn install(package: &str, version: &str, program: &Path) -> Result<()> {
    let bin = partial(program);
    let _ = fs::remove_dir_all(&bin);
    fs::create_dir_all(&bin).with_context(|| format!("making {}", bin.display()))?;
    let installed = install_cmd(package, version, &bin)
        .must_run()
        .and_then(|()| Ok(fs::rename(bin.join(program_of(package)), program)?));
    let _ = fs::remove_dir_all(&bin);
    installed
}

fn install_cmd(package: &str, version: &str, bin: &Path) -> Cmd {
    go("install")
        .args(["-trimpath", QUICK, "-ldflags", SMALL])
        .arg(format!("{package}@{version}"))
        .env("CGO_ENABLED", "0")
        .env("GOBIN", bin.display().to_string())
}

/// Returns the names under which the programs of a wrapper are kept.
pub(super) fn programs<'a>(wrapper: &Wrapper, tool: &'a str) -> Vec<&'a str>
where
    'static: 'a,
{
    match wrapper.packages {
        _ if !wrapper.names.is_empty() => wrapper.names.to_vec(),
        [_] => vec![tool],
        packages => packages.iter().map(|package| program_of(package)).collect(),
    }
}

/// Builds packages with the versions and replacements of the wrapping module into the directory
/// `bin`, which exists only when all of them are built.
pub(super) fn build(wrapper: &Wrapper, tool: &str, bin: &Path) -> Result<()> {
    let unfinished = partial(bin);
    let _ = fs::remove_dir_all(&unfinished);
    fs::create_dir_all(&unfinished).with_context(|| format!("making {}", unfinished.display()))?;
    build_cmd(wrapper, &unfinished).must_run()?;
    for (package, name) in wrapper.packages.iter().zip(programs(wrapper, tool)) {
        fs::rename(unfinished.join(program_of(package)), unfinished.join(name))?;
    }
    let _ = fs::remove_dir_all(bin);
    Ok(fs::rename(&unfinished, bin)?)
}

fn build_cmd(wrapper: &Wrapper, output: &Path) -> Cmd {
    let stamps = wrapper.stamps.iter().map(|(name, value)| format!(" -X {name}={value}"));
    let flags: String = [SMALL.to_owned()].into_iter().chain(stamps).collect();
    let mut build = go("build").args(["-trimpath", "-mod=readonly", QUICK]);
    if !wrapper.tags.is_empty() {
        build = build.arg(format!("-tags={}", wrapper.tags.join(",")));
    }
    build
        .arg("-ldflags")
        .arg(flags)
        .args(["-o".to_owned(), format!("{}/", output.display())])
        .args(wrapper.packages.iter().copied())
        .env("CGO_ENABLED", "0")
        .dir(format!("tools/toolbox/go/{}", wrapper.folder))
}

fn go(verb: &str) -> Cmd {
    run(usable().as_deref().unwrap_or(Path::new("go"))).arg(verb)
}

fn run(go: &Path) -> Cmd {
    Cmd::new(go.display().to_string()).unset("GOFLAGS")
}

/// Returns the name that `go install` gives a package's program: the last part of its path that
/// is no major version.
fn program_of(package: &str) -> &str {
    let is_major = |part: &&str| {
        part.strip_prefix('v')
            .is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()))
    };
    package.rsplit('/').find(|part| !is_major(part)).unwrap_or(package)
}

#[cfg(test)]
mod tests {
    use super::{build_cmd, install_cmd, minor, program_of, programs};
    use crate::Wrapper;

    #[test]
    fn the_command_that_builds_a_wrapper_can_be_pasted() {
        let wrapper = Wrapper {
            folder: "prometheus",
            packages: &["example.org/cmd/x", "example.org/y/v2"],
            names: &[],
            tags: &[],
            version: "v1.2.3",
            stamps: &[("example.org/cmd/x.Version", "1.2.3")],
        };
        let cmd = build_cmd(&wrapper, "/c/bin.partial".as_ref()).to_string();
        assert!(
            cmd.starts_with("(cd tools/toolbox/go/prometheus && env -u GOFLAGS CGO_ENABLED=0 "),
            "{cmd}"
        );
        assert!(
            cmd.ends_with(
                "go build -trimpath -mod=readonly '-gcflags=all=-l -dwarf=false' -ldflags '-s -w -X example.org/cmd/x.Version=1.2.3' \
                 -o /c/bin.partial/ example.org/cmd/x example.org/y/v2)"
            ),
            "{cmd}"
        );
        assert_eq!(programs(&wrapper, "both"), ["x", "y"]);
        let fewer = Wrapper { tags: &["a", "b"], ..wrapper };
        assert!(build_cmd(&fewer, "/c".as_ref()).to_string().contains(" -tags=a,b "));
        let alone = Wrapper { packages: &["example.org/cmd/x"], ..wrapper };
        assert_eq!(programs(&alone, "x-3"), ["x-3"]);
        let named = Wrapper { names: &["x-one", "y-two"], ..fewer };
        assert_eq!(programs(&named, "both"), ["x-one", "y-two"]);
    }

    #[test]
    fn the_command_that_installs_a_package_can_be_pasted() {
        let cmd = install_cmd("example.org/x/v4/cmd/x", "v4.1.0", "/c/bin".as_ref()).to_string();
        assert!(cmd.starts_with("env -u GOFLAGS CGO_ENABLED=0 GOBIN=/c/bin "), "{cmd}");
        assert!(cmd.ends_with("-trimpath '-gcflags=all=-l -dwarf=false' -ldflags '-s -w' example.org/x/v4/cmd/x@v4.1.0"), "{cmd}");
    }

    #[test]
    fn a_program_has_the_name_of_its_package_and_not_of_a_major_version() {
        assert_eq!(program_of("helm.sh/helm/v4/cmd/helm"), "helm");
        assert_eq!(program_of("example.org/tool/v2"), "tool");
        assert_eq!(program_of("github.com/terraform-linters/tflint"), "tflint");
        assert_eq!(program_of("example.org/vet"), "vet");
    }

    #[test]
    fn versions_of_go_are_compared_as_numbers() {
        assert_eq!(minor("go1.26.8"), Some(26));
        assert_eq!(minor("go1.9"), Some(9));
        assert_eq!(minor("go1.24rc1"), Some(24));
        assert_eq!(minor("devel go1.27-abc"), None);
        assert_eq!(minor(""), None);
    }
}
