//! The image, without a daemon: the Dockerfile's own commands are run, and what they
//! leave is started as a cluster starts it.
//!
//! The base images are not fetched. In the builder's place the commands run in this
//! machine's system with /src, /target and /rootfs laid as there; in the base's place
//! is nothing at all, which is less than distroless has.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::docker::{Dockerfile, ROOT};
use crate::sandbox::{Running, built, run_to_end};

/// What distroless/static adds: 2 MB of certificates, time zones and a passwd.
const BASE: u64 = 2_500_000;
const MOST: u64 = 25_000_000;

#[test]
#[ignore = "needs hadolint; cargo xtask test --only deploy"]
fn a_linter_finds_nothing_in_the_dockerfile() {
    let lint = |text: &str| {
        let dir = tempfile::tempdir().expect("a directory");
        let file = dir.path().join("Dockerfile");
        fs::write(&file, text).expect("written");
        let output = Command::new("hadolint").arg(&file).output().expect("hadolint runs");
        (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let text = Dockerfile::text();
    let (good, said) = lint(&text);
    assert!(good && said.is_empty(), "{said}");
    assert!(!text.contains("hadolint ignore"), "nothing is passed over");

    let (good, said) = lint(&text.replace("WORKDIR /src", "WORKDIR src"));
    assert!(!good && said.contains("DL3000"), "{said}");
}

#[test]
fn each_base_is_one_digest_and_the_program_runs_as_nobody() {
    let file = Dockerfile::read();
    let bases: Vec<_> = file.all("FROM").collect();
    assert_eq!(bases.len(), 2, "{bases:?}");
    for base in bases {
        let digest = base.split_once("@sha256:").map_or("", |(_, digest)| digest);
        let digest = digest.split_whitespace().next().unwrap_or_default();
        assert!(digest.len() == 64 && digest.bytes().all(|b| b.is_ascii_hexdigit()), "{base}");
    }
    assert_eq!(file.last("USER"), "65532:65532", "a number, or Kubernetes cannot tell");
    assert_eq!(file.entrypoint(), ["/usr/local/bin/demo-app", "serve"]);
    assert_eq!(file.all("ADD").count(), 0, "COPY does not unpack or download");
    for label in ["title", "licenses", "source", "version", "revision", "created"] {
        let label = format!("org.opencontainers.image.{label}=");
        assert!(file.last("LABEL").contains(&label), "{label}");
    }
}

#[test]
fn tools_of_the_dockerfile_have_the_versions_that_the_tests_use() {
    let catalogue = fs::read_to_string(Path::new(ROOT).join("tools/toolbox/src/tools.rs"));
    let catalogue = catalogue.expect("there is one");
    let install = Dockerfile::read().runs().remove(0);
    let mut words = install.split_whitespace().rev();
    let (name, version) = (words.next().expect("a name"), words.next().expect("a version"));
    assert!(catalogue.contains(&format!("Crate(\"{name}\", \"{version}\")")), "{name} {version}");
    let oldest = fs::read_to_string(Path::new(ROOT).join("Cargo.toml")).expect("read");
    let rust = Dockerfile::read().all("FROM").next().expect("one").to_owned();
    let rust = rust.trim_start_matches("rust:").split('-').next().unwrap_or_default().to_owned();
    assert!(oldest.contains(&format!("rust-version = \"{rust}\"")), "{rust} builds the image");
}

#[test]
fn the_context_holds_what_the_build_reads_and_nothing_that_could_leak() {
    let context = crate::docker::context();
    let has = |path: &str| context.iter().any(|found| found == Path::new(path));
    for needed in ["Cargo.lock", "Cargo.toml", "sre-kit/src/lib.rs", "demo-app/src/main.rs"] {
        assert!(has(needed), "{needed}");
    }
    for other in ["README.md", ".github/workflows/image.yml", "Dockerfile", ".ci/run"] {
        assert!(!has(other), "{other}");
    }
    assert!(!context.iter().any(|path| path.starts_with("demo-app/load")));
}

#[test]
#[ignore = "needs bwrap and cargo-auditable; cargo xtask test --only deploy"]
fn the_image_is_small_static_auditable_and_names_no_path_of_its_builder() {
    let rootfs = built();
    let files = crate::sandbox::files(&rootfs);
    let program = rootfs.join("usr/local/bin/demo-app");
    assert_eq!(files.iter().map(|(path, _)| path).collect::<Vec<_>>(), [&program]);
    let bytes: u64 = files.iter().map(|(_, bytes)| bytes).sum();
    println!("{bytes} bytes, uncompressed and without the base");
    assert!(bytes + BASE < MOST, "{bytes} bytes");

    let program = fs::read(program).expect("read");
    let holds = |text: &str| program.windows(text.len()).any(|part| part == text.as_bytes());
    assert!(holds(".dep-v0"), "scanners find the list of crates");
    assert!(holds("/src/") || holds("/cargo/"), "paths are there, but others");
    let home = std::env::var("HOME").expect("there is a HOME");
    let cargo = std::env::var("CARGO_HOME").unwrap_or_else(|_| format!("{home}/.cargo"));
    assert!(!holds(&cargo), "{cargo} is in the program");
}

#[test]
#[ignore = "needs bwrap and cargo-auditable; cargo xtask test --only deploy"]
fn it_serves_with_a_read_only_root_no_capabilities_and_nobodys_rights() {
    let running = Running::start(&built());
    assert_eq!(running.get(&running.app, "/").0, 200, "the volume holds the visits");
    assert_eq!(running.get(&running.admin, "/readyz").0, 200);
    let (status, metrics) = running.get(&running.admin, "/metrics");
    assert_eq!(status, 200);
    assert!(metrics.contains("slo_events_total"));

    let state = running.status();
    for set in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"] {
        assert_eq!(state[set].trim_start_matches('0'), "", "{set}");
    }
    assert_eq!(state["NoNewPrivs"], "1");
    assert_eq!(running.inner_uid(), "65532");
    // As process 1, whose signals nobody else handles.
    assert!(state["NSpid"].ends_with("\t1"), "{}", state["NSpid"]);
    assert_eq!(running.terminate(), Some(0), "SIGTERM ends it well");
}

#[test]
#[ignore = "needs bwrap and cargo-auditable; cargo xtask test --only deploy"]
fn nothing_but_the_volume_can_be_written() {
    let rootfs = built();
    let migrate = |url: &str| run_to_end(&rootfs, &["migrate", "--database-url", url]);
    assert_eq!(migrate("sqlite:///var/lib/demo-app/visits.sqlite").0, Some(0));
    let (code, said) = migrate("sqlite:///usr/visits.sqlite");
    assert_eq!(code, Some(3), "{said}");
}

/// A static program has no NSS to load; glibc has to read files and ask DNS by itself.
#[test]
#[ignore = "needs bwrap and cargo-auditable; cargo xtask test --only deploy"]
fn it_finds_hosts_by_name() {
    let rootfs = built();
    let running = Running::start(&rootfs);
    // The admin listener would refuse the name, since it listens on loopback.
    let port = running.app.rsplit(':').next().expect("a port");
    let url = format!("http://named-in-etc-hosts:{port}/=200");
    let (code, said) = run_to_end(&rootfs, &["probe", "--within", "20", &url]);
    assert_eq!(code, Some(0), "{said}");
}
