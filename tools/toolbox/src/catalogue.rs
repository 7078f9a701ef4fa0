//! The tools by their names.

use super::tool::{Source, Tool};
use super::tools::TOOLS;

/// Returns the tool that a test means by `needs NAME`.
pub fn by_name(name: &str) -> Option<&'static Tool> {
    TOOLS.iter().find(|tool| tool.name == name)
}

/// Returns every tool.
pub fn all() -> impl Iterator<Item = &'static Tool> {
    TOOLS.iter()
}

/// Replaces every set by the tools in it.
pub fn expand(tools: &[&'static Tool]) -> Vec<&'static Tool> {
    let mut all = Vec::new();
    for tool in tools {
        match &tool.source {
            Source::Set(names) => all.extend(names.iter().filter_map(|name| by_name(name))),
            _ => all.push(*tool),
        }
    }
    all
}

/// Describes what the tools are built from: a cluster that runs for days compares it to know
/// whether this clone would build the same.
pub fn versions(tools: &[&'static Tool]) -> String {
    let sources = expand(tools).iter().map(|tool| format!("{:?}", tool.source)).collect::<Vec<_>>();
    sources.join("\n")
}

/// Returns all names, for an error that has to list them.
pub fn names() -> String {
    TOOLS.iter().map(|tool| tool.name).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::{Path, PathBuf};

    use super::{TOOLS, by_name, expand, names, versions};
    use crate::Source;

    fn folder(registry: &str, name: &str) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join(registry).join(name)
    }

    #[test]
    fn names_are_unique_and_found() {
        for tool in TOOLS {
            assert_eq!(by_name(tool.name), Some(tool));
            assert!(names().contains(tool.name));
        }
        assert_eq!(by_name("no-such-tool"), None);
    }

    #[test]
    fn a_wrapper_module_pins_the_version_that_the_catalogue_names() {
        for tool in TOOLS {
            let Source::GoWrapper(wrapper) = &tool.source else { continue };
            let dir = folder("go", wrapper.folder);
            let module = fs::read_to_string(dir.join("go.mod")).expect("the wrapper has a go.mod");
            for package in wrapper.packages {
                let pinned = module.lines().any(|line| {
                    let mut words = line.trim().trim_start_matches("require ").split_whitespace();
                    // A program of our own has the version of what it is made of.
                    words.next().is_some_and(|path| {
                        package.starts_with(path) || package.ends_with(wrapper.folder)
                    }) && words.next() == Some(wrapper.version)
                });
                assert!(pinned, "{} has no {package} {}", dir.display(), wrapper.version);
            }
            assert!(dir.join("go.sum").is_file());
            for (variable, value) in wrapper.stamps {
                let part = value.trim_start_matches('v');
                assert!(wrapper.version.contains(part), "{variable} says {value}");
            }
        }
    }

    #[test]
    fn a_set_names_tools_that_exist_and_are_no_sets() {
        for tool in TOOLS {
            let Source::Set(names) = &tool.source else { continue };
            let inside = expand(&[tool]);
            assert_eq!(inside.len(), names.len(), "{} names a tool that is not there", tool.name);
            assert!(inside.iter().all(|tool| !matches!(tool.source, Source::Set(_))));
            assert!(versions(&[tool]).contains("k8s.io/kubernetes/cmd/kubelet"));
        }
    }

    #[test]
    fn an_npm_folder_pins_exact_versions_and_has_a_lock() {
        for tool in TOOLS {
            let Source::Npm(name) = &tool.source else { continue };
            let dir = folder("npm", name);
            let text = fs::read_to_string(dir.join("package.json")).expect("has a package.json");
            let package: serde_json::Value = serde_json::from_str(&text).expect("is JSON");
            for (name, version) in package["dependencies"].as_object().expect("has dependencies") {
                let version = version.as_str().expect("a version is text");
                assert!(
                    version.starts_with(|c: char| c.is_ascii_digit()),
                    "{name} is {version}, which is no exact version"
                );
            }
            assert!(dir.join("package-lock.json").is_file());
        }
    }
}
