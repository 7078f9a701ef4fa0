//! Links in Markdown lead somewhere: to a file of this tree, and to a heading in it.
//!
//! Links to the web are left alone; a check that fails because a site is down
//! would say nothing about this tree.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use anyhow::Result;
use pulldown_cmark::{Event, LinkType, Options, Parser, Tag, TagEnd};
use shell::Workspace;

use super::source::line_of;

/// Finds links that lead nowhere.
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
    let mut findings = Vec::new();
    for (at, target) in targets(text) {
        let (file, heading) =
            target.split_once('#').map_or((&*target, None), |(f, h)| (f, Some(h)));
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

/// Resolves `to` relative to `page`. Returns `None` if it leaves the repository.
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

fn parser(text: &str) -> Parser<'_> {
    Parser::new_ext(text, Options::ENABLE_FOOTNOTES | Options::ENABLE_TABLES)
}

/// Returns where links, images and `[name]: target` point to, without links to the web.
fn targets(text: &str) -> Vec<(usize, String)> {
    let parser = parser(text);
    let references = parser.reference_definitions().iter();
    let mut all: Vec<_> =
        references.map(|(_, to)| (to.span.start, to.dest.clone().into_string())).collect();
    for (event, range) in parser.into_offset_iter() {
        if let Event::Start(
            Tag::Link { link_type: LinkType::Inline, dest_url, .. }
            | Tag::Image { link_type: LinkType::Inline, dest_url, .. },
        ) = event
        {
            all.push((range.start, dest_url.into_string()));
        }
    }
    all.retain(|(_, to)| !to.is_empty() && !to.contains("://") && !to.starts_with("mailto:"));
    all
}

/// Returns the anchors that GitHub gives to a page's headings, and those written by hand.
fn anchors(text: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut heading: Option<String> = None;
    for event in parser(text) {
        match event {
            Event::Start(Tag::Heading { .. }) => heading = Some(String::new()),
            Event::Text(text) | Event::Code(text) => {
                if let Some(title) = &mut heading {
                    title.push_str(&text);
                }
            }
            Event::Html(html) | Event::InlineHtml(html) => {
                let ids = html.split("<a id=\"").skip(1);
                found.extend(ids.filter_map(|rest| Some(rest.split_once('"')?.0.to_owned())));
            }
            Event::End(TagEnd::Heading(_)) => {
                let title = heading.take().unwrap_or_default();
                let kept = title.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
                let slug = kept.collect::<String>().to_lowercase().replace(' ', "-");
                let same = found.iter().filter(|other| **other == slug).count();
                found.push(if same == 0 { slug } else { format!("{slug}-{same}") });
            }
            _ => {}
        }
    }
    found
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
