//! docs.rs shows every feature, and which item needs which.

use std::fs;

use anyhow::{Context, Result};
use serde_json::json;
use shell::{Member, Workspace};

/// Without it an item does not say which feature it needs.
const DOC_CFG: &str = "#![cfg_attr(docsrs, feature(doc_cfg))]";

/// Finds published packages that docs.rs would show in part.
pub(crate) fn check(workspace: &Workspace) -> Result<Vec<String>> {
    let mut findings = Vec::new();
    for member in workspace.published()? {
        let Some(library) = &member.library else { continue };
        let text = fs::read_to_string(library)
            .with_context(|| format!("reading {}", library.display()))?;
        findings.extend(problems(&member, &text));
    }
    Ok(findings)
}

fn problems(member: &Member, library: &str) -> Vec<String> {
    let name = &member.name;
    let settings = &member.metadata["docs"]["rs"];
    let mut findings = Vec::new();
    for (key, value) in
        [("all-features", json!(true)), ("rustdoc-args", json!(["--cfg", "docsrs"]))]
    {
        if settings[key] != value {
            findings.push(format!(
                "{name}: [package.metadata.docs.rs] does not say {key} = {value}; docs.rs needs it"
            ));
        }
    }
    if !library.lines().any(|line| line == DOC_CFG) {
        findings.push(format!("{name}: the root of its library does not say {DOC_CFG}; add it"));
    }
    findings
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use shell::Member;

    use super::{DOC_CFG, problems};

    fn found(settings: &Value, library: &str) -> Vec<String> {
        let metadata = json!({"docs": {"rs": settings}});
        problems(&Member { name: "a".to_owned(), metadata, ..Member::default() }, library)
    }

    #[test]
    fn each_setting_that_is_missing_or_wrong_is_found() {
        let right = json!({"all-features": true, "rustdoc-args": ["--cfg", "docsrs"]});
        assert_eq!(found(&right, &format!("//! A.\n{DOC_CFG}\n")), Vec::<String>::new());
        let wrong = json!({"all-features": false, "rustdoc-args": ["--cfg", "docs"]});
        assert_eq!(found(&wrong, DOC_CFG).len(), 2);
        assert_eq!(found(&Value::Null, &format!("//! {DOC_CFG}\n")).len(), 3);
    }
}
