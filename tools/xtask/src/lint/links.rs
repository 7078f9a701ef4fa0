//! Links in Markdown lead somewhere: to a file of this tree, and to a heading in it.
//!
//! Links to the web are left alone; a check that fails because a site is down
//! would say nothing about this tree.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use anyhow::Result;

use super::source::line_of;
use shell::Workspace;

/// Links that lead nowhere.
pub(crate) fn check(workspace: &Workspace) -> Result<Vec<String>> {
    let mut pages = BTreeMap::new();
    for path in workspace.files_with("md")? {
        if let Some(text) = workspace.text(&path)? {
            pages.insert(path, text);
        }
    }
    let exists = |path: &Path| workspace.root().join(path).exists();
    Ok(pages.iter().flat_map(|(path, text)| check_page(path, text, &pages, exists)).collect())
}

fn check_page(
    page: &Path,
    text: &str,
    pages: &BTreeMap<PathBuf, String>,
    exists: impl Fn(&Path) -> bool,
) -> Vec<String> {
    let prose = without_code(text);
    let mut findings = Vec::new();
    for (at, target) in targets(&prose) {
        let (file, heading) = target.split_once('#').map_or((target, None), |(f, h)| (f, Some(h)));
        let place = format!("{}:{}", page.display(), line_of(text, at));
        let path = if file.is_empty() { Some(page.to_owned()) } else { resolve(page, file) };
        let Some(path) = path.filter(|path| exists(path)) else {
            findings.push(format!("{place}: {target} leads to no file; mend the link"));
            continue;
        };
        if let Some((heading, text)) = heading.zip(pages.get(&path))
            && !anchors(text).contains(&heading.to_owned())
        {
            findings.push(format!(
                "{place}: {} has no heading #{heading}; mend the link",
                path.display()
            ));
        }
    }
    findings
}

/// `to` as seen from `page`; `None` when it leaves the tree.
fn resolve(page: &Path, to: &str) -> Option<PathBuf> {
    let mut path = page.parent().map(Path::to_owned).unwrap_or_default();
    for part in Path::new(to).components() {
        match part {
            Component::Normal(name) => path.push(name),
            Component::ParentDir => {
                if !path.pop() {
                    return None;
                }
            }
            Component::CurDir => {}
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(path)
}

/// Where links point to: `[text](target "title")` and `[name]: target`, without the web.
fn targets(prose: &str) -> Vec<(usize, &str)> {
    let inline = prose.match_indices("](").filter_map(|(at, _)| {
        let rest = &prose[at + 2..];
        Some((at, rest.split([')', ' ', '\n']).next()?))
    });
    let mut offset = 0;
    let mut references = Vec::new();
    for line in prose.split_inclusive('\n') {
        if let Some((name, target)) = line.trim().split_once("]: ")
            && name.starts_with('[')
            && !name.starts_with("[^")
        {
            references.push((offset, target.split(' ').next().unwrap_or_default()));
        }
        offset += line.len();
    }
    let mut all: Vec<_> = inline.chain(references).collect();
    all.retain(|(_, to)| !to.is_empty() && !to.contains("://") && !to.starts_with("mailto:"));
    all
}

/// The anchors that GitHub gives to a page's headings, and those written by hand.
fn anchors(text: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for line in without_fences(text).lines() {
        for (at, _) in line.match_indices("<a id=\"") {
            found.extend(line[at + 7..].split('"').next().map(str::to_owned));
        }
        let title = line.trim_start_matches('#');
        if title.len() == line.len() || !title.starts_with(' ') {
            continue;
        }
        let kept = title.trim().chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
        let slug = kept.collect::<String>().to_lowercase().replace(' ', "-");
        let same = found.iter().filter(|other| **other == slug).count();
        found.push(if same == 0 { slug } else { format!("{slug}-{same}") });
    }
    found
}

/// `text` with the insides of fences blank, byte for byte.
fn without_fences(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut fence: Option<&str> = None;
    for line in text.split_inclusive('\n') {
        let start = line.trim_start();
        let mark = ["```", "~~~"].into_iter().find(|mark| start.starts_with(mark));
        let inside = fence.is_some();
        match (fence, mark) {
            (None, Some(mark)) => fence = Some(mark),
            (Some(open), Some(mark)) if open == mark => fence = None,
            _ => {}
        }
        if inside || mark.is_some() {
            out.extend(line.bytes().map(|b| if b == b'\n' { '\n' } else { ' ' }));
        } else {
            out.push_str(line);
        }
    }
    out
}

/// Without fences, and without what stands between backticks.
fn without_code(text: &str) -> String {
    let mut in_code = false;
    let mut last = ' ';
    let blank = |c: char| {
        if c == '`' {
            in_code = !in_code;
        }
        // Code in a line ends with its paragraph; a lonely backtick hides no more.
        in_code &= (last, c) != ('\n', '\n');
        last = c;
        if c == '\n' || !(in_code || c == '`') { c.to_string() } else { " ".repeat(c.len_utf8()) }
    };
    without_fences(text).chars().map(blank).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::path::{Path, PathBuf};

    use super::{anchors, check_page};

    fn check(text: &str) -> Vec<String> {
        let other = "# Guide\n## What it *costs*, in `ns`\n## Twice\n## Twice\n".to_owned();
        let pages = BTreeMap::from([
            (PathBuf::from("docs/page.md"), text.to_owned()),
            (PathBuf::from("GUIDE.md"), other),
        ]);
        let exists = |path: &Path| pages.contains_key(path) || path == Path::new("docs");
        check_page(Path::new("docs/page.md"), text, &pages, exists)
    }

    #[test]
    fn links_that_lead_somewhere_are_fine() {
        let text = "# Here\n[a](../GUIDE.md), [b](../GUIDE.md#what-it-costs-in-ns \"title\"), [c](#here)\n\
                    [d](https://example.org/x#y), [e](../docs), [f](../GUIDE.md#twice-1), [g][g]\n\n\
                    [g]: ../GUIDE.md#guide\n[^1]: a note\n";
        assert_eq!(check(text), Vec::<String>::new());
    }

    #[test]
    fn each_way_to_lead_nowhere_is_found_with_its_line() {
        for (text, line) in [
            ("\n[a](missing.md)", 2),
            ("[a](../GUIDE.md#no-such-heading)", 1),
            ("[a](#nowhere)", 1),
            ("\n\n[g]: gone.md", 3),
            ("[a](../../outside.md)", 1),
            ("[a](/etc/passwd)", 1),
        ] {
            let found = check(text);
            assert_eq!(found.len(), 1, "{text}: {found:?}");
            assert!(found[0].starts_with(&format!("docs/page.md:{line}:")), "{found:?}");
        }
    }

    #[test]
    fn code_is_not_a_link() {
        assert!(
            check("`[a](b.md)`\n```rust\n[a](c.md)\n# Not a heading\n```\n~~~\n[x](y)\n~~~\n")
                .is_empty()
        );
        assert_eq!(check("a lonely ` mark\n\n[a](b.md)\n").len(), 1);
        assert_eq!(anchors("```\n# no\n```\n# Yes\n"), ["yes"]);
    }
}
