//! Where the files of the process's own control group are.

use std::fs;
use std::path::{Component, Path, PathBuf};

/// The directories of one process's group, its own first, then those above it
/// that can be seen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Group {
    pub(crate) levels: Vec<PathBuf>,
}

impl Group {
    pub(crate) fn own(&self) -> Option<&Path> {
        self.levels.first().map(PathBuf::as_path)
    }
}

/// A group and the version of its files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Versioned {
    V1(Group),
    V2(Group),
}

/// What was found. A controller belongs to version 1 or 2, one by one: a hybrid
/// machine has some of each.
#[derive(Clone, Debug, Default)]
pub(crate) struct Location {
    pub(crate) cpu: Option<Versioned>,
    pub(crate) memory: Option<Versioned>,
    /// Pressure files are of version 2 only.
    pub(crate) unified: Option<Group>,
}

impl Location {
    /// Looks below `root`, which is `/` but for tests.
    ///
    /// `/proc/self/cgroup` says which groups the process is in, as seen from the
    /// root of its cgroup namespace, and `/proc/self/mountinfo` which parts of
    /// the hierarchies are mounted where; see `cgroups(7)` and `proc(5)`.
    pub(crate) fn find(root: &Path) -> Self {
        let read = |path: &str| fs::read_to_string(root.join(path)).unwrap_or_default();
        let memberships = memberships(&read("proc/self/cgroup"));
        let mounts = mounts(&read("proc/self/mountinfo"));
        let group = |controller: Option<&str>| -> Option<Group> {
            let path = memberships.iter().find(|m| m.has(controller)).map(|m| &m.path)?;
            let candidates = mounts.iter().filter(|mount| mount.has(controller));
            candidates
                .filter_map(|mount| mount.group(path, root))
                .max_by_key(|group| group.levels.len())
                .filter(|group| group.own().is_some_and(Path::is_dir))
        };
        let unified = group(None);
        let versioned = |controller| {
            group(Some(controller))
                .map(Versioned::V1)
                .or_else(|| unified.clone().map(Versioned::V2))
        };
        Self { cpu: versioned("cpu"), memory: versioned("memory"), unified }
    }
}

/// A line of `/proc/self/cgroup`: `hierarchy:controllers:path`.
struct Membership {
    controllers: Vec<String>,
    path: PathBuf,
}

impl Membership {
    /// The unified hierarchy is the one without controllers.
    fn has(&self, controller: Option<&str>) -> bool {
        match controller {
            Some(name) => self.controllers.iter().any(|has| has == name),
            None => self.controllers.is_empty(),
        }
    }
}

fn memberships(text: &str) -> Vec<Membership> {
    text.lines()
        .filter_map(|line| {
            let mut fields = line.splitn(3, ':').skip(1);
            let (controllers, path) = (fields.next()?, fields.next()?);
            path.starts_with('/').then_some(())?;
            Some(Membership {
                controllers: names(controllers),
                path: PathBuf::from(path.strip_suffix(" (deleted)").unwrap_or(path)),
            })
        })
        .collect()
}

fn names(list: &str) -> Vec<String> {
    list.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

/// A mount of a cgroup hierarchy, or of a part of one.
struct Mount {
    /// Which part of the hierarchy is mounted.
    part: PathBuf,
    point: PathBuf,
    /// `None` for version 2.
    controllers: Option<Vec<String>>,
}

impl Mount {
    fn has(&self, controller: Option<&str>) -> bool {
        match (&self.controllers, controller) {
            (Some(has), Some(name)) => has.iter().any(|has| has == name),
            (None, None) => true,
            _ => false,
        }
    }

    /// The directories of the group `path`, as far as this mount shows them.
    ///
    /// In a container that shares the host's cgroup namespace, `path` is the
    /// host's and only the container's own part is mounted, as the mount's root. A
    /// process outside of its namespace's root has a path that goes up by `..`. In
    /// both cases what can be seen begins at the mount point.
    fn group(&self, path: &Path, root: &Path) -> Option<Group> {
        let below = path.strip_prefix(&self.part).unwrap_or(Path::new(""));
        let plain = |part: Component<'_>| matches!(part, Component::Normal(_));
        let below = below.strip_prefix("/").unwrap_or(below);
        let below = if below.components().all(plain) { below } else { Path::new("") };
        let top = root.join(self.point.strip_prefix("/").ok()?);
        let levels = below.ancestors().map(|level| top.join(level)).collect();
        Some(Group { levels })
    }
}

fn mounts(text: &str) -> Vec<Mount> {
    text.lines().filter_map(mount).collect()
}

/// A line of `/proc/self/mountinfo`:
/// `id parent device part point options [tags...] - type source super-options`.
fn mount(line: &str) -> Option<Mount> {
    let (before, after) = line.split_once(" - ")?;
    let mut before = before.split(' ').skip(3);
    let (part, point) = (unescape(before.next()?), unescape(before.next()?));
    let mut after = after.split(' ');
    let controllers = match (after.next()?, after.nth(1)) {
        ("cgroup2", _) => None,
        ("cgroup", options) => Some(names(options?)),
        _ => return None,
    };
    Some(Mount { part, point, controllers })
}

/// Space, tab, line break and backslash are written as `\` and three octal digits.
fn unescape(text: &str) -> PathBuf {
    let mut plain = text.to_owned();
    for (escape, character) in [("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")] {
        plain = plain.replace(escape, character);
    }
    PathBuf::from(plain)
}
