//! The tables of variables and outputs in the READMEs of `terraform/`.

use std::process::{Command, Output};

use crate::deploy::{root, run};
use crate::terraform::{Tree, documented};

/// terraform-docs in a folder of `tree`, with what follows.
fn tables(tree: &Tree, folder: &str, more: &[&str]) -> Output {
    run(Command::new("terraform-docs")
        .arg("--config")
        .arg(tree.path(".terraform-docs.yml"))
        .args(more)
        .arg(tree.path(folder)))
}

#[test]
#[ignore = "needs terraform-docs; cargo xtask test --only deploy"]
fn every_readme_has_the_table_of_its_variables_and_outputs() {
    let tree = Tree::new();
    let mut stale = Vec::new();
    for folder in documented() {
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            let written = tables(&tree, &folder, &[]);
            assert!(written.status.success(), "{written:?}");
            let readme = format!("{folder}/README.md");
            std::fs::write(root().join("terraform").join(&readme), tree.read(&readme))
                .expect("written");
        } else if !tables(&tree, &folder, &["--output-check"]).status.success() {
            stale.push(folder);
        }
    }
    assert!(
        stale.is_empty(),
        "stale in {stale:?}; look at the difference after UPDATE_GOLDEN=1 cargo test -p \
         deploy-tests --test deploy terraform_docs -- --ignored"
    );
}

#[test]
#[ignore = "needs terraform-docs; cargo xtask test --only deploy"]
fn a_table_that_lacks_a_variable_or_has_another_default_is_found() {
    for (right, wrong) in [
        ("variable \"region\"", "variable \"area\""),
        ("default     = \"REGULAR\"", "default     = \"RAPID\""),
        ("How early Google brings", "When Google brings"),
    ] {
        let tree = Tree::new();
        tree.change("modules/gke-autopilot/variables.tf", right, wrong);
        let checked = tables(&tree, "modules/gke-autopilot", &["--output-check"]);
        assert!(!checked.status.success(), "{wrong}");
    }
}
