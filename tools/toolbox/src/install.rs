//! Gets the tools that a step needs, or says why it cannot.

use std::path::PathBuf;
use std::time::Duration;

use super::build::{self, Location};
use super::cache::Cache;
use super::debian::{self, find_program, is_installed};
use super::{Progress, Source, Tool, expand};

/// How far a run may go to get a tool.
#[derive(Clone, Debug)]
pub struct Installer {
    /// Where built tools are kept.
    pub cache: Cache,
    /// Install what is missing.
    pub install: bool,
    /// Build what takes many minutes, too.
    pub slow: bool,
}

/// Which tools are there, and where.
#[derive(Debug, Default)]
pub struct Ready {
    /// Directories to put in front of `PATH`.
    pub dirs: Vec<PathBuf>,
    /// Variables that say where the rest is.
    pub env: Vec<(String, String)>,
    /// Tools that are not there, each with a sentence.
    pub missing: Vec<Missing>,
}

/// A tool that is not there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// The tool.
    pub name: &'static str,
    /// The sentence.
    pub reason: String,
    /// Whether the run was not asked to get it, rather than could not.
    pub unasked: bool,
}

/// Why a tool cannot be had, and whether it was asked for.
type Refusal = (String, bool);

impl Installer {
    /// Gets the tools. An installation that fails is a missing tool with the command that
    /// failed, not the end of the run.
    pub fn ready(&self, tools: &[&'static Tool]) -> Ready {
        let mut ready = Ready::default();
        let tools = &expand(tools)[..];
        let debian = self.install_packages(&self.absent_packages(tools));
        for tool in tools {
            // What fails already must not cost the building of the rest.
            if ready.missing.iter().any(|missing| !missing.unasked) && !self.is_there(tool) {
                continue;
            }
            let got = match (self.standing(tool), &tool.source, &debian) {
                (Some(location), ..) => Ok(location),
                (None, Source::Debian(_), Err(reason)) => Err((reason.clone(), !self.install)),
                (None, Source::Debian(package), Ok(())) => {
                    Err((format!("Debian's {package} does not bring it"), false))
                }
                (None, Source::Root(what_to_do), _) => Err(((*what_to_do).to_owned(), false)),
                (None, ..) => self.build(tool),
            };
            match got {
                Ok(location) => ready.add(location),
                Err((reason, unasked)) => {
                    ready.missing.push(Missing { name: tool.name, reason, unasked });
                }
            }
        }
        ready
    }

    /// Describes a tool for a list: whether it is there, and how long it takes to get.
    pub fn describe(&self, tool: &'static Tool) -> String {
        if let Source::Set(_) = tool.source {
            let (time, absent) = self.cold(&[tool]);
            return match absent.as_slice() {
                [] => format!("{} (there)", tool.name),
                absent => format!("{} (to get: {}; {})", tool.name, about(time), absent.join(", ")),
            };
        }
        match (self.standing(tool), &tool.source) {
            (Some(_), _) => format!("{} (there)", tool.name),
            (None, Source::Root(_)) => format!("{} (not there)", tool.name),
            (None, _) => format!("{} (to get: {})", tool.name, about(tool.cold())),
        }
    }

    /// Returns how long it takes to get the tools that are not there, and their names.
    pub fn cold(&self, tools: &[&'static Tool]) -> (Duration, Vec<&'static str>) {
        let tools = expand(tools);
        let absent = tools.iter().filter(|tool| !self.is_there(tool));
        absent.fold((Duration::ZERO, Vec::new()), |(time, mut names), tool| {
            names.push(tool.name);
            (time + tool.cold(), names)
        })
    }

    fn is_there(&self, tool: &Tool) -> bool {
        self.standing(tool).is_some()
    }

    /// Returns where a tool is, if it is there.
    fn standing(&self, tool: &Tool) -> Option<Location> {
        let on_machine = |name| {
            find_program(name).map(|found| Location {
                file: found.dir.join(name),
                dir: (!found.in_path).then_some(found.dir),
                env: Vec::new(),
            })
        };
        match &tool.source {
            Source::Debian(package) => on_machine(tool.name).or_else(|| {
                // A package that brings no program of its name, asked for by its own.
                (tool.name == *package && is_installed(package)).then(Location::default)
            }),
            Source::Root(_) => debian::is_root().then(Location::default),
            // Not from `PATH`: another version there has other findings.
            Source::MachineOr(_) => on_machine(tool.name).or_else(|| self.built(tool)),
            _ => self.built(tool),
        }
    }

    fn built(&self, tool: &Tool) -> Option<Location> {
        build::location(&self.cache, tool).filter(|location| location.file.is_file())
    }

    fn absent_packages(&self, tools: &[&'static Tool]) -> Vec<&'static str> {
        let mut packages: Vec<_> = tools
            .iter()
            .filter(|tool| self.standing(tool).is_none())
            .filter_map(|tool| match tool.source {
                Source::Debian(package) => Some(package),
                _ => None,
            })
            .collect();
        packages.sort_unstable();
        packages.dedup();
        packages
    }

    fn install_packages(&self, packages: &[&str]) -> Result<(), String> {
        if packages.is_empty() {
            return Ok(());
        }
        let wanted = packages.join(" ");
        if !self.install {
            return Err(format!("not installed, and --no-install was given: {wanted}"));
        }
        let rights = debian::rights()
            .map_err(|why| format!("{why}; install it first (Debian: apt-get install {wanted})"))?;
        debian::install(rights, packages).must_run().map_err(|err| err.to_string())
    }

    fn build(&self, tool: &'static Tool) -> Result<Location, Refusal> {
        if !self.install {
            return Err(("not there, and --no-install was given".to_owned(), true));
        }
        if tool.slow && !self.slow {
            return Err((format!("takes {} to build; --all does it", about(tool.cold())), true));
        }
        let could_not = |reason: String| (reason, false);
        let Some(location) = build::location(&self.cache, tool) else {
            return Err(could_not("its lock file cannot be read".to_owned()));
        };
        self.install_packages(build::absent_builders(tool)).map_err(could_not)?;
        if let Some(reason) = build::builder_too_old(tool) {
            return Err(could_not(reason));
        }
        println!(
            "getting {}, {} on two cores; kept for every later run",
            tool.name,
            about(tool.cold())
        );
        let _progress = Progress::start(format!("getting {}", tool.name), tool.cold());
        build::build(&self.cache, tool, &location).map_err(|err| could_not(format!("{err:#}")))?;
        if location.file.is_file() {
            Ok(location)
        } else {
            Err(could_not(format!("was built, but {} is not there", location.file.display())))
        }
    }
}

impl Ready {
    fn add(&mut self, location: Location) {
        if let Some(dir) = location.dir.filter(|dir| !self.dirs.contains(dir)) {
            self.dirs.push(dir);
        }
        for variable in location.env {
            if !self.env.contains(&variable) {
                self.env.push(variable);
            }
        }
    }
}

/// Formats a time such as `about 40 s` or `about 9 min`.
pub fn about(time: Duration) -> String {
    match time.as_secs() {
        seconds @ 0..90 => format!("about {seconds} s"),
        seconds => format!("about {} min", (seconds + 30) / 60),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::time::Duration;

    use super::{Installer, Tool, about};
    use crate::{Cache, Source, by_name};

    static NEVER: Tool = Tool {
        name: "no-such-server",
        source: Source::Debian("no-such-package"),
        cold: 10,
        slow: false,
    };

    static ELSEWHERE: Tool = Tool {
        name: "no-such-program",
        source: Source::MachineOr("actionlint"),
        cold: 0,
        slow: false,
    };

    fn installer(root: &std::path::Path) -> Installer {
        Installer { cache: Cache::at(root), install: false, slow: false }
    }

    #[test]
    fn what_may_not_be_installed_is_missing_with_a_reason_that_names_the_package() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let ready = installer(dir.path()).ready(&[&NEVER]);
        assert!(ready.dirs.is_empty());
        assert!(ready.missing[0].unasked);
        assert!(ready.missing[0].reason.contains("no-such-package"), "{ready:?}");
    }

    #[test]
    fn another_tool_stands_in_for_a_program_that_the_machine_does_not_have() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let built = dir.path().join("actionlint-v1.7.12/bin/actionlint");
        fs::create_dir_all(built.parent().expect("has a parent")).expect("made");
        fs::write(&built, "").expect("written");
        let refused = installer(dir.path()).ready(&[&ELSEWHERE]);
        assert_eq!(refused.missing[0].name, "no-such-program");
        let installer = Installer { install: true, ..installer(dir.path()) };
        let ready = installer.ready(&[&ELSEWHERE]);
        assert_eq!(ready.missing, []);
        let program = ready.dirs[0].join("no-such-program");
        assert_eq!(fs::read_link(program).expect("a link"), built);
    }

    #[test]
    fn a_slow_tool_is_built_only_when_asked_and_used_whenever_it_is_there() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let promtool = by_name("promtool-3").expect("in the catalogue");
        let installer = Installer { install: true, ..installer(dir.path()) };
        let ready = installer.ready(&[promtool]);
        assert!(ready.missing[0].reason.contains("--all"), "{ready:?}");
        assert_eq!(installer.cold(&[promtool]), (promtool.cold(), vec!["promtool-3"]));

        let Source::GoWrapper(wrapper) = &promtool.source else { panic!("a wrapper") };
        let bin = dir.path().join(format!("{}-{}/bin", promtool.name, wrapper.version));
        fs::create_dir_all(&bin).expect("made");
        fs::write(bin.join("promtool-3"), "").expect("written");
        let ready = installer.ready(&[promtool]);
        assert_eq!((ready.dirs, ready.missing), (vec![bin], vec![]));
        assert_eq!(installer.cold(&[promtool]), (Duration::ZERO, vec![]));
    }

    #[test]
    fn two_versions_of_one_program_stand_side_by_side() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let helms = ["helm", "helm-3"].map(|name| by_name(name).expect("in the catalogue"));
        for (helm, location) in
            helms.iter().zip(["helm-v4.2.4/bin/helm", "helm-3-v3.22.0/bin/helm-3"])
        {
            let program = dir.path().join(location);
            fs::create_dir_all(program.parent().expect("has a parent")).expect("made");
            fs::write(program, "").expect("written");
            assert_eq!(installer(dir.path()).ready(&[helm]).missing, vec![]);
        }
        assert_eq!(installer(dir.path()).ready(&helms).dirs.len(), 2);
    }

    #[test]
    fn a_provider_is_found_by_variables_and_not_by_path() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let google = by_name("terraform-provider-google").expect("in the catalogue");
        let location = crate::build::location(&Cache::at(dir.path()), google).expect("has one");
        fs::create_dir_all(location.file.parent().expect("has a parent")).expect("made");
        fs::write(&location.file, "").expect("written");
        let ready = installer(dir.path()).ready(&[google, google]);
        assert!(ready.dirs.is_empty() && ready.missing.is_empty(), "{ready:?}");
        let names: Vec<_> = ready.env.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["SRE_KIT_TERRAFORM_MIRROR", "TF_CLI_CONFIG_FILE"]);
    }

    #[test]
    fn times_are_rounded_for_people() {
        assert_eq!(about(Duration::from_secs(40)), "about 40 s");
        assert_eq!(about(Duration::from_secs(570)), "about 10 min");
    }
}
