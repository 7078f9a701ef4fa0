//! `terraform/bootstrap/github.sh` with stand-ins for gh and terraform.

use crate::stand_in::{StandIns, root};

const OUTPUT: &str = r#"{
    "dev": {"refs": ["refs/heads/main"], "variables": {"STATE_BUCKET": "states", "GCP_WORKLOAD_IDENTITY_PROVIDER": "projects/1/p"}},
    "dev-plan": {"refs": ["refs/heads/main", "refs/pull/*"], "variables": {"STATE_BUCKET": "states"}},
    "prod": {"refs": ["refs/heads/main"], "variables": {}},
    "publish": {"refs": ["refs/heads/main", "refs/tags/v*"], "variables": {}}}"#;

#[test]
#[ignore = "needs jq; cargo xtask test --only deploy"]
fn environments_get_their_refs_reviewers_and_variables() {
    let all = StandIns::new(&[
        ("terraform", &format!("cat <<'EOF'\n{OUTPUT}\nEOF")),
        (
            "gh",
            "case \"$*\" in *users/*) echo 7 ;; *PUT*) for last; do case $last in repos/*) name=${last##*/} ;; esac; done; cat >\"$DIR/$name.json\" ;; esac",
        ),
    ]);
    let script = root().join("terraform/bootstrap/github.sh");
    let ended = all.run(&script, &["owner/name", "ann"], &[]);
    assert_eq!(ended.code, 0, "{}", ended.said);
    let read = |name: &str| -> serde_json::Value {
        serde_json::from_str(&all.read(&format!("{name}.json"))).expect("JSON")
    };
    assert_eq!(read("prod")["reviewers"][0]["id"], 7);
    assert_eq!(read("dev")["reviewers"], serde_json::json!([]));
    assert_eq!(read("dev")["deployment_branch_policy"]["custom_branch_policies"], true);
    assert!(read("dev-plan")["deployment_branch_policy"].is_null(), "pull requests may plan");
    let policies = all.calls("gh api --method POST");
    let has = |text: &str| policies.iter().any(|call| call.ends_with(text));
    assert!(has(
        "environments/publish/deployment-branch-policies --field name=v* --field type=tag"
    ));
    assert!(has(
        "environments/dev/deployment-branch-policies --field name=main --field type=branch"
    ));
    let variables = all.calls("gh variable set");
    let set = "gh variable set STATE_BUCKET --repo owner/name --env dev --body states";
    assert!(variables.iter().any(|call| call == set), "{variables:?}");
    assert_eq!(variables.len(), 3);
}

#[test]
fn a_repository_without_owner_is_one_sentence() {
    let all = StandIns::new(&[("gh", ""), ("terraform", "")]);
    let ended = all.run(&root().join("terraform/bootstrap/github.sh"), &["name"], &[]);
    assert_eq!((ended.code, ended.said.lines().count()), (2, 1), "{}", ended.said);
    assert!(all.calls("").is_empty());
}
