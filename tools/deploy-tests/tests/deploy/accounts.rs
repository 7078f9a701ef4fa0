//! The service accounts of an environment: the bootstrap makes them, and the environment uses
//! them by the same names.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::gke::Gke;
use crate::terraform::engine::Engine;
use crate::terraform::{Tree, environments, examples, plan};
use crate::terraform_modules::{planned, text_planned};

/// Returns the addresses of the accounts that a plan makes.
fn made(plan: &Value) -> BTreeSet<String> {
    let accounts = plan::resources(plan).into_iter();
    accounts
        .filter(|(kind, ..)| *kind == "google_service_account")
        .map(|(_, address, after)| {
            let part = |name: &str| {
                after[name].as_str().unwrap_or_else(|| panic!("{address} has no {name}"))
            };
            format!("{}@{}.iam.gserviceaccount.com", part("account_id"), part("project"))
        })
        .collect()
}

/// Returns the addresses of the accounts whose policy a plan changes.
fn used(plan: &Value) -> BTreeSet<String> {
    let grants = plan::resources(plan).into_iter();
    grants
        .filter(|(kind, ..)| *kind == "google_service_account_iam_member")
        .map(|(_, address, after)| {
            let id = after["service_account_id"].as_str();
            let id = id.unwrap_or_else(|| panic!("{address}: its account is not known"));
            id.rsplit('/').next().expect("a name").to_owned()
        })
        .collect()
}

#[test]
#[ignore = "needs terraform and terraform-provider-google; cargo xtask test --only deploy"]
fn the_bootstrap_makes_the_accounts_that_an_environment_uses() {
    let engine = Engine::terraform();
    let tree = Tree::new();
    let mut there = BTreeSet::new();
    for example in examples(&tree, "bootstrap") {
        there.extend(made(&text_planned(&engine, &tree, "bootstrap", &example).expect("a plan")));
    }
    let mut needed = BTreeSet::new();
    for environment in environments() {
        let plan = planned(&engine, &tree, &environment);
        assert_eq!(made(&plan), BTreeSet::new(), "{environment}: the pipeline may make none");
        needed.extend(used(&plan));
    }
    assert_eq!(needed, there);
}

/// `gke.sh up` writes the bootstrap's variables, which the bootstrap itself accepts.
#[test]
#[ignore = "needs jq, terraform and terraform-provider-google; cargo xtask test --only deploy"]
fn the_bootstrap_of_a_new_environment_makes_its_accounts() {
    let engine = Engine::terraform();
    let tree = Tree::new();
    let mut needed: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    for environment in environments() {
        let name = environment.rsplit('/').next().expect("a name").to_owned();
        let accounts = used(&planned(&engine, &tree, &environment));
        let names = accounts.iter().map(|address| address.split('@').next().expect("a name"));
        needed.insert(name, names.map(str::to_owned).collect());
    }
    let gke = Gke::empty();
    let ended = gke.up(&[]);
    assert_eq!(ended.code, 0, "{}", ended.said);
    let variables: Value =
        serde_json::from_str(&gke.all.read("bootstrap.tfvars.json")).expect("JSON");
    let accounts = variables["environments"]["dev"]["accounts"].clone();
    let accounts: BTreeSet<String> = serde_json::from_value(accounts).expect("a list");
    assert_eq!(accounts, needed["dev"]);
    let dir = tree.path("bootstrap");
    tree.write("bootstrap/terraform.tfvars.json", &variables.to_string());
    engine.init(&dir).and_then(|()| engine.plan(&dir)).expect("a plan");
}
