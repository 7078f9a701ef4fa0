//! What each principal can do in a project, computed from what Terraform grants and from
//! the permissions of Google's roles, and compared with the table in terraform/README.md.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use serde_json::Value;

use crate::deploy::root;
use crate::terraform::engine::Engine;
use crate::terraform::{Tree, environments, examples, plan};
use crate::terraform_modules::{planned, text_planned};

/// What matters most, and the permissions each of which is enough for it.
const POWERS: &[(&str, &[&str])] = &[
    ("Read objects of buckets, a Terraform state among them", &["storage.objects.get"]),
    ("Write objects of buckets", &["storage.objects.create", "storage.objects.update"]),
    ("Delete objects of buckets", &["storage.objects.delete"]),
    ("Set the policy of buckets", &["storage.buckets.setIamPolicy"]),
    ("Grant roles on the project", &["resourcemanager.projects.setIamPolicy"]),
    ("Set the policy of service accounts, and so become them", SET_ACCOUNT_POLICY),
    ("Make service accounts", &["iam.serviceAccounts.create"]),
    ("Get a token of a service account", TOKENS),
    ("Run a machine as a service account", &["iam.serviceAccounts.actAs"]),
    ("Make a key of a service account", &["iam.serviceAccountKeys.create"]),
    ("Change custom roles", &["iam.roles.update", "iam.roles.create"]),
    ("Read secrets of Secret Manager", &["secretmanager.versions.access"]),
    ("Create machines, or log in to one", MACHINES),
    ("Change firewall rules", &["compute.firewalls.update"]),
    ("Create, change and delete clusters", &["container.clusters.update"]),
    ("Reach the API server of a cluster, where RBAC decides", &["container.clusters.connect"]),
    ("Read or change objects in a cluster without RBAC", CLUSTER_OBJECTS),
    ("Create, change and delete databases and their users", &["cloudsql.users.create"]),
    ("Log in to a database as a user that has the principal's name", &["cloudsql.instances.login"]),
    ("Push images", &["artifactregistry.repositories.uploadArtifacts"]),
    ("Pull images", &["artifactregistry.repositories.downloadArtifacts"]),
    ("Delete images", &["artifactregistry.versions.delete"]),
    ("Change DNS records", &["dns.resourceRecordSets.update"]),
    ("Read logs", &["logging.logEntries.list"]),
];

const SET_ACCOUNT_POLICY: &[&str] = &["iam.serviceAccounts.setIamPolicy"];
const TOKENS: &[&str] = &[
    "iam.serviceAccounts.getAccessToken",
    "iam.serviceAccounts.implicitDelegation",
    "iam.serviceAccounts.signBlob",
    "iam.serviceAccounts.signJwt",
];
const MACHINES: &[&str] =
    &["compute.instances.create", "compute.instances.osLogin", "compute.instances.setMetadata"];
const CLUSTER_OBJECTS: &[&str] = &[
    "container.pods.create",
    "container.pods.exec",
    "container.secrets.get",
    "container.secrets.create",
    "container.deployments.update",
    "container.roleBindings.create",
    "container.clusterRoleBindings.create",
];

/// One role of one principal.
#[derive(Debug)]
struct Grant {
    principal: String,
    /// The kind of thing that it is granted at, and the title of its condition.
    place: String,
    conditional: bool,
    permissions: BTreeSet<String>,
}

fn google_roles() -> BTreeMap<String, BTreeSet<String>> {
    let path = root().join("tools/deploy-tests/tests/google/roles.json");
    let data: Value = serde_json::from_str(&fs::read_to_string(path).expect("text")).expect("JSON");
    serde_json::from_value(data["roles"].clone()).expect("lists")
}

/// The custom roles of a plan by the name of their resource, since their own names are not
/// known before they are made.
fn custom_roles(plan: &Value) -> BTreeMap<String, BTreeSet<String>> {
    plan::resources(plan)
        .into_iter()
        .filter(|(kind, ..)| *kind == "google_project_iam_custom_role")
        .map(|(_, address, after)| {
            let permissions = serde_json::from_value(after["permissions"].clone()).expect("a list");
            (resource_name(address), permissions)
        })
        .collect()
}

/// `buckets` of `google_project_iam_member.buckets["dev"]`.
fn resource_name(address: &str) -> String {
    let address = address.split_once('[').map_or(address, |(before, _)| before);
    address.rsplit('.').next().expect("a name").to_owned()
}

/// Whom a member is, in a word: what differs between environments is left out.
fn principal(member: &str) -> String {
    if let Some((_, job)) = member.split_once("/attribute.job/") {
        return format!("job {}", job.split_once('-').expect("repository and environment").1);
    }
    if let Some((_, subject)) = member.split_once("/subject/ns/") {
        return format!("pods {}", subject.replace("/sa/", "/"));
    }
    let account = member.strip_prefix("serviceAccount:").unwrap_or(member);
    let account = account.split('@').next().expect("a name");
    let account = account.trim_start_matches("demo-dev-").trim_start_matches("demo-prod-");
    format!("account {account}")
}

fn grants(plan: &Value, google: &BTreeMap<String, BTreeSet<String>>) -> Vec<Grant> {
    let custom = custom_roles(plan);
    plan::resources(plan)
        .into_iter()
        .filter(|(kind, ..)| kind.ends_with("_iam_member"))
        .map(|(kind, address, after)| {
            let permissions = match after["role"].as_str() {
                Some(role) => google
                    .get(role)
                    .unwrap_or_else(|| panic!("{address}: roles.json does not have {role}")),
                None => custom
                    .get(&resource_name(address))
                    .unwrap_or_else(|| panic!("{address}: no custom role has its name")),
            };
            let member = after["member"].as_str();
            let member = member.unwrap_or_else(|| panic!("{address}: its member is not known"));
            let kind = kind.trim_start_matches("google_").trim_end_matches("_iam_member");
            let place = match kind {
                "project" => "project",
                "service_account" => "one account",
                "storage_bucket" => "one bucket",
                "artifact_registry_repository" => "one repository",
                other => other,
            };
            let title = after["condition"][0]["title"].as_str();
            Grant {
                principal: principal(member),
                place: title.map_or(place.to_owned(), |title| {
                    format!(
                        "{place}, {}",
                        title.replace("demo-dev", "this").replace("demo-prod", "this")
                    )
                }),
                conditional: title.is_some(),
                permissions: permissions.clone(),
            }
        })
        .collect()
}

fn all_grants() -> Vec<Grant> {
    let google = google_roles();
    let engine = Engine::terraform();
    let tree = Tree::new();
    let mut found = Vec::new();
    for example in examples(&tree, "bootstrap") {
        let planned = text_planned(&engine, &tree, "bootstrap", &example).expect("a plan");
        found.extend(grants(&planned, &google));
    }
    for environment in environments() {
        found.extend(grants(&planned(&engine, &tree, &environment), &google));
    }
    assert!(found.len() > 50, "{} grants", found.len());
    found
}

fn who<'a>(grants: &'a [Grant], permissions: &'a [&str]) -> impl Iterator<Item = &'a Grant> + 'a {
    grants.iter().filter(|grant| permissions.iter().any(|p| grant.permissions.contains(*p)))
}

/// The table, a power a line.
fn table(grants: &[Grant]) -> String {
    let mut lines =
        vec!["| A principal can | Which one, and where |".to_owned(), "|---|---|".to_owned()];
    for (power, permissions) in POWERS {
        let mut by_place = BTreeMap::<&str, BTreeSet<String>>::new();
        for grant in who(grants, permissions) {
            by_place.entry(&grant.place).or_default().insert(format!("`{}`", grant.principal));
        }
        let cells: Vec<_> = by_place
            .into_iter()
            .map(|(place, who)| {
                format!("{}: {}", place, who.into_iter().collect::<Vec<_>>().join(", "))
            })
            .collect();
        let cell = if cells.is_empty() { "no one".to_owned() } else { cells.join("; ") };
        lines.push(format!("| {power} | {cell} |"));
    }
    lines.join("\n")
}

const BEGIN: &str = "<!-- What each principal reaches; written by the test `reach`. -->\n";
const END: &str = "\n<!-- Its end. -->";

#[test]
#[ignore = "needs terraform and terraform-provider-google; cargo xtask test --only deploy"]
fn what_each_principal_reaches_is_in_the_readme_and_no_more() {
    let grants = all_grants();
    let refused = beyond(&grants);
    assert_eq!(refused, Vec::<String>::new());

    let path = root().join("terraform/README.md");
    let readme = fs::read_to_string(&path).expect("text");
    let (before, rest) = readme.split_once(BEGIN).expect("the table begins");
    let (written, after) = rest.split_once(END).expect("the table ends");
    let computed = table(&grants);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&path, format!("{before}{BEGIN}{computed}{END}{after}")).expect("written");
        return;
    }
    assert!(
        written == computed,
        "terraform/README.md is stale; look at the difference after UPDATE_GOLDEN=1 cargo test -p \
         deploy-tests --test deploy reach -- --ignored\n{computed}"
    );
}

/// What the table may never say, whatever Terraform grants.
fn beyond(grants: &[Grant]) -> Vec<String> {
    let mut found = Vec::new();
    let mut refuse = |what: &str, permissions: &[&str], allowed: &dyn Fn(&Grant) -> bool| {
        for grant in who(grants, permissions).filter(|grant| !allowed(grant)) {
            found.push(format!("{} can {what} ({})", grant.principal, grant.place));
        }
    };
    let no_exception = |_: &Grant| false;
    refuse("make keys", &["iam.serviceAccountKeys.create"], &no_exception);
    refuse("read secrets", &["secretmanager.versions.access"], &no_exception);
    refuse("pass RBAC by", CLUSTER_OBJECTS, &no_exception);
    refuse("have a machine", MACHINES, &no_exception);
    refuse("change roles", &["iam.roles.update", "iam.roles.create"], &no_exception);
    refuse("grant without a limit", &["resourcemanager.projects.setIamPolicy"], &|grant| {
        grant.conditional
    });
    // A state, or a bucket of its own.
    let objects = &["storage.objects.get", "storage.objects.create", "storage.objects.delete"];
    refuse("use objects of every bucket", objects, &|grant| {
        grant.conditional || grant.place == "one bucket"
    });
    refuse("get a token of every account", TOKENS, &|grant| grant.place == "one account");
    refuse("act as every account", &["iam.serviceAccounts.actAs"], &|grant| {
        grant.place == "one account"
    });
    // The bootstrap makes an environment's accounts, and says who lets pods use each.
    refuse("set the policy of every account", SET_ACCOUNT_POLICY, &|grant| {
        grant.place == "one account"
    });
    refuse("make accounts", &["iam.serviceAccounts.create"], &no_exception);
    let applies = |grant: &Grant| ["job dev", "job prod"].contains(&grant.principal.as_str());
    refuse("set the policy of accounts", SET_ACCOUNT_POLICY, &applies);
    refuse("change clusters", &["container.clusters.update"], &applies);
    refuse("delete images", &["artifactregistry.versions.delete"], &applies);
    found
}

/// Each rule, with a grant that breaks it.
#[test]
fn a_grant_that_reaches_too_far_is_found() {
    let google = google_roles();
    let grant = |principal: &str, place: &str, conditional, role: &str| Grant {
        principal: principal.to_owned(),
        place: place.to_owned(),
        conditional,
        permissions: google[role].clone(),
    };
    for (grant, word) in [
        (grant("job dev", "project", false, "roles/resourcemanager.projectIamAdmin"), "limit"),
        (grant("job dev", "project", false, "roles/storage.objectUser"), "every bucket"),
        (grant("account app", "project", false, "roles/iam.workloadIdentityUser"), "a token"),
        (grant("job dev", "project", false, "roles/iam.serviceAccountUser"), "act as"),
        (grant("job dev", "project", false, "roles/iam.serviceAccountAdmin"), "every account"),
        (grant("job publish", "one account", false, "roles/iam.serviceAccountAdmin"), "the policy"),
        (grant("job dev-plan", "project", false, "roles/container.clusterAdmin"), "clusters"),
        (grant("job publish", "project", false, "roles/artifactregistry.admin"), "images"),
    ] {
        let found = beyond(&[grant]).join("\n");
        assert!(found.contains(word), "{word}: {found}");
    }
    for (permission, word) in [
        ("iam.serviceAccountKeys.create", "keys"),
        ("secretmanager.versions.access", "secrets"),
        ("container.pods.exec", "RBAC"),
        ("compute.instances.setMetadata", "machine"),
        ("iam.roles.update", "roles"),
        ("iam.serviceAccounts.create", "make accounts"),
    ] {
        let grant = Grant {
            principal: "job dev".to_owned(),
            place: "project".to_owned(),
            conditional: false,
            permissions: BTreeSet::from([permission.to_owned()]),
        };
        assert!(beyond(&[grant])[0].contains(word), "{permission}");
    }
    let fine = grant("job dev", "one bucket, only dev", true, "roles/storage.objectUser");
    assert_eq!(beyond(&[fine]), Vec::<String>::new());
}
