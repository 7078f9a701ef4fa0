//! `terraform/bootstrap/github.sh` with stand-ins for gh and terraform.

use crate::deploy::root;
use crate::stand_in::StandIns;

const OUTPUT: &str = r#"{
    "dev": {"refs": ["refs/heads/main"], "variables": {"STATE_BUCKET": "states", "GCP_WORKLOAD_IDENTITY_PROVIDER": "projects/1/p"}},
    "dev-plan": {"refs": ["refs/heads/main", "refs/pull/*"], "variables": {"STATE_BUCKET": "states"}},
    "prod": {"refs": ["refs/heads/main"], "variables": {}},
    "publish": {"refs": ["refs/heads/main", "refs/tags/v*"], "variables": {}}}"#;

/// `gh` knows the policies in `policies`, and refuses what `REFUSED` is part of.
const GH: &str = r#"
case "$*" in *"${REFUSED:-nothing}"*) echo "HTTP 403" >&2; exit 1 ;; esac
case "$*" in
    *users/*) echo 7 ;;
    *--paginate*) cat "$DIR/policies" 2>/dev/null; true ;;
    *PUT*)
        for last; do case $last in repos/*) name=${last##*/} ;; esac; done
        cat >"$DIR/$name.json"
        ;;
esac
"#;

fn world() -> StandIns {
    StandIns::new(&[("terraform", &format!("cat <<'EOF'\n{OUTPUT}\nEOF")), ("gh", GH)])
}

#[test]
#[ignore = "needs jq; cargo xtask test --only deploy"]
fn environments_get_their_refs_reviewers_and_variables() {
    let all = world();
    let script = root().join("terraform/bootstrap/github.sh");
    let ended = all.run(&script, &["owner/name", "--reviewer", "ann"], &[]);
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
#[ignore = "needs jq; cargo xtask test --only deploy"]
fn variables_go_to_the_environments_that_use_them() {
    let all = world();
    let tfvars = all.write("dev.tfvars", "region = \"r\"\nzone = {}");
    let script = root().join("terraform/bootstrap/github.sh");
    let args = ["owner/name", "--tfvars", &tfvars, "--images", "registry/demo-app"];
    let ended = all.run(&script, &args, &[]);
    assert_eq!(ended.code, 0, "{}", ended.said);
    let of = |variable: &str| -> Vec<String> {
        let calls = all.calls(&format!("gh variable set {variable} "));
        calls.iter().map(|call| call.split(' ').nth(7).expect("a name").to_owned()).collect()
    };
    assert_eq!(of("TFVARS"), ["dev", "dev-plan"]);
    assert_eq!(of("IMAGE_REPOSITORY"), ["dev", "prod", "publish"]);
}

#[test]
#[ignore = "needs jq; cargo xtask test --only deploy"]
fn a_policy_that_is_not_written_is_said_and_one_that_is_there_is_left() {
    let script = root().join("terraform/bootstrap/github.sh");
    let all = world();
    let refused = [("REFUSED", "name=v*")];
    let ended = all.run(&script, &["owner/name"], &refused);
    assert_eq!(ended.code, 1, "{}", ended.said);
    assert!(ended.said.contains("publish: the policy for tag v* is not written"), "{}", ended.said);
    let all = world();
    all.write("policies", "branch main\n");
    let ended = all.run(&script, &["owner/name"], &[]);
    assert_eq!(ended.code, 0, "{}", ended.said);
    let written = all.calls("gh api --method POST");
    assert!(written.len() == 1 && written[0].contains("name=v*"), "{written:?}");
}

#[test]
#[ignore = "needs jq; cargo xtask test --only deploy"]
fn a_dry_run_writes_nothing() {
    let all = world();
    let script = root().join("terraform/bootstrap/github.sh");
    let ended = all.run(&script, &["owner/name", "--dry-run", "--images", "r"], &[]);
    assert_eq!(ended.code, 0, "{}", ended.said);
    assert_eq!(ended.said.lines().count(), ended.said.matches("would run: gh ").count());
    assert_eq!(all.calls("gh"), Vec::<String>::new());
}

#[test]
fn a_repository_without_owner_is_one_sentence() {
    let all = StandIns::new(&[("gh", ""), ("terraform", "")]);
    let ended = all.run(&root().join("terraform/bootstrap/github.sh"), &["name"], &[]);
    assert_eq!((ended.code, ended.said.lines().count()), (2, 1), "{}", ended.said);
    assert!(all.calls("").is_empty());
}
