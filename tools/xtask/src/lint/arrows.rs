//! Arrows between the library's modules run downwards only.

use std::path::Path;

use anyhow::Result;
use shell::Workspace;

use super::code::{before_tests, code_only, line_of};
use super::stale;

const SRC: &str = "sre-kit/src/";

/// The layers, highest first. A module may name what is in a lower layer.
const LAYERS: &[&[&str]] = &[
    // Pages and no code: they may speak of everything.
    &["manual"],
    &["kit"],
    &["admin", "lifecycle"],
    &["golden_signals", "health", "saturation", "db"],
    &["slo", "telemetry"],
    &["metrics"],
    // What several modules need and none of them owns: small, private, free of the others.
    &["clock", "error", "head", "shed"],
];

/// Arrows inside one layer, `from -> to`, each with its reason. Never both ways.
const SIDEWAYS: &[(&str, &str)] = &[(
    "admin -> lifecycle",
    "its listener is served and drained as any other, and shows the state",
)];

/// Crates that a module must not know, so that it can be used without them.
const FOREIGN: &[(&str, &[&str], &str)] = &[(
    "slo",
    &[
        "axum",
        "http",
        "http_body",
        "hyper",
        "hyper_util",
        "tonic",
        "tower",
        "tower_layer",
        "tower_service",
    ],
    "an SLO counts events of any kind; let golden_signals or admin adapt it to HTTP",
)];

/// Imports that point upwards or sideways.
pub(crate) fn check(workspace: &Workspace) -> Result<Vec<String>> {
    let mut findings = Vec::new();
    let mut used = Vec::new();
    for path in workspace.files_with("rs")? {
        let Some(text) = workspace.text(&path)? else { continue };
        findings.extend(check_file(&path, &text, &mut used));
    }
    let allowed: Vec<_> = SIDEWAYS.iter().map(|(arrow, _)| *arrow).collect();
    findings.extend(stale("tools/xtask/src/lint/arrows.rs", &allowed, &used));
    Ok(findings)
}

fn layer(module: &str) -> Option<usize> {
    LAYERS.iter().position(|modules| modules.contains(&module))
}

fn check_file(path: &Path, text: &str, used: &mut Vec<String>) -> Vec<String> {
    let name = path.display().to_string();
    let Some(inside) = name.strip_prefix(SRC) else { return Vec::new() };
    let module = inside.split(['/', '.']).next().unwrap_or_default();
    if module == "lib" || inside.ends_with("tests.rs") || inside.contains("/tests/") {
        return Vec::new();
    }
    let Some(own) = layer(module) else {
        return vec![format!(
            "{name}: module {module} is in no layer; give it one in tools/xtask/src/lint/arrows.rs and ARCHITECTURE.md"
        )];
    };
    let code = code_only(text);
    let code = before_tests(&code);
    let mut findings = Vec::new();
    for (offset, target) in named_modules(code, depth(inside)) {
        let Some(other) = layer(&target).filter(|_| target != module) else { continue };
        let line = line_of(code, offset);
        let arrow = format!("{module} -> {target}");
        if other < own {
            findings.push(format!(
                "{name}:{line}: {arrow} points upwards; move what both need into a lower module, or pass it in"
            ));
        } else if other == own && SIDEWAYS.iter().all(|(allowed, _)| *allowed != arrow) {
            findings.push(format!(
                "{name}:{line}: {arrow} stays in one layer; move what both need down, or allow it with a reason"
            ));
        } else if other == own {
            used.push(arrow);
        }
    }
    for (_, crates, advice) in FOREIGN.iter().filter(|(from, ..)| *from == module) {
        for (offset, head) in path_heads(code).filter(|(_, head)| crates.contains(head)) {
            let line = line_of(code, offset);
            findings.push(format!("{name}:{line}: {module} names the crate {head}; {advice}"));
        }
    }
    findings
}

/// How many `super`s lead from the file to the root of the crate.
fn depth(inside: &str) -> usize {
    let parts = inside.split('/').count();
    if inside.ends_with("/mod.rs") { parts - 1 } else { parts }
}

/// Modules at the root that are named by `crate::…` or by enough `super`s.
fn named_modules(code: &str, depth: usize) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let to_root = "super::".repeat(depth);
    for prefix in ["crate::", to_root.as_str()] {
        for (at, _) in code.match_indices(prefix) {
            // `my_crate::` and one `super::` of a longer chain are something else.
            let before = code[..at].bytes().next_back();
            if before.is_some_and(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b':') {
                continue;
            }
            let names = first_names(&code[at + prefix.len()..]);
            found.extend(names.into_iter().map(|name| (at, name)));
        }
    }
    found
}

/// `a` of `a::b`, or `a` and `c` of `{a::b, c::{d, e}}`.
fn first_names(rest: &str) -> Vec<String> {
    let Some(group) = rest.strip_prefix('{') else { return identifier(rest).into_iter().collect() };
    let mut names = Vec::new();
    let mut depth = 0_usize;
    let mut start = 0;
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth > 0 => depth -= 1,
            ',' | '}' if depth == 0 => {
                names.extend(identifier(group[start..at].trim_start()));
                start = at + 1;
                if c == '}' {
                    break;
                }
            }
            _ => {}
        }
    }
    names
}

fn identifier(text: &str) -> Option<String> {
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
    (end > 0).then(|| text[..end].to_owned())
}

/// `http` of every `http::…` that is the first part of its path.
fn path_heads(code: &str) -> impl Iterator<Item = (usize, &str)> {
    code.match_indices("::").filter_map(|(at, _)| {
        let head_at =
            code[..at].rfind(|c: char| !c.is_alphanumeric() && c != '_').map_or(0, |n| n + 1);
        let nested = code[..head_at].ends_with("::");
        (head_at < at && !nested).then(|| (head_at, &code[head_at..at]))
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{LAYERS, check_file};

    fn findings(path: &str, text: &str) -> Vec<String> {
        check_file(Path::new(path), text, &mut Vec::new())
    }

    #[test]
    fn downwards_and_inside_a_module_is_fine() {
        let text = "use crate::metrics::Registry;\nuse crate::slo::{Slo, x};\nuse super::super::b;\n\
                    use crate::ConfigError;\nuse crate::health::check;\n";
        assert!(findings("sre-kit/src/health/gate/mod.rs", text).is_empty());
        assert!(findings("sre-kit/src/lib.rs", "pub use crate::kit::SreKit;").is_empty());
    }

    #[test]
    fn upwards_is_found_in_every_way_to_write_it() {
        for text in [
            "use crate::admin::Server;",
            "pub(crate) use crate::{metrics::{A, B}, admin::Server};",
            "fn f(x: &crate::admin::Server) {}",
            "use super::super::admin::Server;",
        ] {
            let found = findings("sre-kit/src/metrics/registry.rs", text);
            assert_eq!(found.len(), 1, "{text}: {found:?}");
            assert!(found[0].starts_with("sre-kit/src/metrics/registry.rs:1: metrics -> admin"));
        }
    }

    #[test]
    fn sideways_needs_an_exception() {
        let found = findings("sre-kit/src/golden_signals/layer.rs", "\nuse crate::health::Check;");
        assert!(found[0].contains("layer.rs:2: golden_signals -> health stays"), "{found:?}");
    }

    #[test]
    fn comments_texts_and_tests_may_name_anything() {
        let text = "//! [`crate::admin`]\nconst A: &str = \"crate::kit::x\";\n\
                    #[cfg(test)]\nmod tests {\n    use crate::kit::SreKit;\n}\n";
        assert!(findings("sre-kit/src/metrics/mod.rs", text).is_empty());
        assert!(findings("sre-kit/src/metrics/tests.rs", "use crate::kit::X;").is_empty());
    }

    #[test]
    fn a_new_module_has_to_be_placed() {
        let found = findings("sre-kit/src/cache/mod.rs", "");
        assert!(found[0].contains("module cache is in no layer"), "{found:?}");
    }

    #[test]
    fn slo_does_not_know_http() {
        let found =
            findings("sre-kit/src/slo/selector.rs", "use http::Method;\nuse std::http::x;\n");
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].contains("slo names the crate http"));
    }

    #[test]
    fn no_module_is_in_two_layers() {
        let mut all: Vec<_> = LAYERS.iter().copied().flatten().collect();
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), count);
    }
}
