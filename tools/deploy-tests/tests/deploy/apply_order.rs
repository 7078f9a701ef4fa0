//! What Terraform makes before what, where the other order is refused on a fresh project.

use std::collections::{BTreeMap, BTreeSet};

use crate::deploy::succeed;
use crate::terraform::Tree;
use crate::terraform::engine::Engine;

/// Edges of the graph that `terraform graph` draws.
fn edges(drawn: &str) -> BTreeMap<String, BTreeSet<String>> {
    let mut edges: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for line in drawn.lines() {
        if let Some((from, to)) = line.trim().trim_end_matches(';').split_once(" -> ") {
            let name = |text: &str| text.trim_matches('"').to_owned();
            edges.entry(name(from)).or_default().insert(name(to));
        }
    }
    edges
}

fn reaches(edges: &BTreeMap<String, BTreeSet<String>>, from: &str, to: &str) -> bool {
    let mut todo = vec![from.to_owned()];
    let mut seen = BTreeSet::new();
    while let Some(node) = todo.pop() {
        if node.ends_with(to) {
            return true;
        }
        if seen.insert(node.clone()) {
            todo.extend(edges.get(&node).into_iter().flatten().cloned());
        }
    }
    false
}

/// `PROJECT.svc.id.goog` exists from the project's first cluster on, and IAM refuses its
/// members before: "Identity Pool does not exist".
#[test]
#[ignore = "needs terraform and terraform-provider-google; cargo xtask test --only deploy"]
fn accounts_of_pods_are_granted_rights_after_the_cluster_is_there() {
    let engine = Engine::terraform();
    let tree = Tree::new();
    let root = "environments/prod";
    tree.write(&format!("{root}/local_override.tf"), "terraform {\n  backend \"local\" {}\n}\n");
    let dir = tree.path(root);
    succeed(engine.command(&dir).args(["init", "-no-color"]));
    let edges = edges(&succeed(engine.command(&dir).arg("graph")));
    let platform = "module.platform.module";
    for grant in [
        "identities.google_service_account_iam_member.impersonation",
        "identities.google_project_iam_member.role",
        "observability.google_project_iam_member.signal",
        "observability.google_storage_bucket_iam_member.store",
        "observability.google_project_iam_member.queue_reader",
        "observability.google_project_iam_member.dns_writer",
        "standard.google_project_iam_member.karpenter",
        "standard.google_service_account_iam_member.karpenter",
    ] {
        let cluster = "google_container_cluster.cluster";
        assert!(reaches(&edges, &format!("{platform}.{grant}"), cluster), "{grant}");
    }
}
