//! What a plan says would be made.

use std::collections::BTreeSet;

use serde_json::Value;

/// Every resource of a plan: type, address and attributes.
pub(crate) fn resources(plan: &Value) -> Vec<(&str, &str, &Value)> {
    let changes = plan["resource_changes"].as_array().expect("a plan has changes");
    changes
        .iter()
        .filter(|change| change["mode"] == "managed")
        .map(|change| {
            assert_eq!(change["change"]["actions"], serde_json::json!(["create"]), "{change}");
            let kind = change["type"].as_str().expect("a type");
            let address = change["address"].as_str().expect("an address");
            (kind, address, &change["change"]["after"])
        })
        .collect()
}

/// Every grant: role, whom to where that is known before anything is made, and the
/// title of its condition.
pub(crate) fn grants(plan: &Value) -> BTreeSet<String> {
    let word = |value: &Value, unknown: &str| value.as_str().unwrap_or(unknown).to_owned();
    resources(plan)
        .into_iter()
        .filter(|(kind, ..)| kind.ends_with("_iam_member"))
        .map(|(kind, address, after)| {
            let place = kind.trim_start_matches("google_").trim_end_matches("_iam_member");
            let role = word(&after["role"], address);
            let member = word(&after["member"], "an account that is made");
            match after["condition"][0]["title"].as_str() {
                Some(title) => format!("{place}: {role} to {member}, {title}"),
                None => format!("{place}: {role} to {member}"),
            }
        })
        .collect()
}

/// What nobody wants in a plan, whatever it is for.
pub(crate) fn problems(plan: &Value) -> Vec<String> {
    let mut found = Vec::new();
    for (kind, address, after) in resources(plan) {
        let mut say = |what: &str| found.push(format!("{address} {what}"));
        if KEYS.contains(&kind) {
            say("is a key, a password or a command");
        }
        if kind.contains("_iam_policy") || kind.contains("_iam_binding") {
            say("takes away the grants of others");
        }
        if after["role"].as_str().is_some_and(|role| BASIC_ROLES.contains(&role)) {
            say("grants a basic role");
        }
        let all = ["allUsers", "allAuthenticatedUsers"];
        if after["member"].as_str().is_some_and(|member| all.contains(&member)) {
            say("is for everybody");
        }
        match kind {
            "google_sql_database_instance"
                if after["settings"][0]["ip_configuration"][0]["ipv4_enabled"] != false =>
            {
                say("has a public address");
            }
            "google_sql_user" if !after["password"].is_null() => say("has a password"),
            "google_container_cluster"
                if after["private_cluster_config"][0]["enable_private_nodes"] != true =>
            {
                say("has public nodes");
            }
            "google_storage_bucket" if after["public_access_prevention"] != "enforced" => {
                say("can be made public");
            }
            "google_compute_subnetwork"
                if after["purpose"].as_str().is_none_or(|purpose| purpose == "PRIVATE")
                    && after["private_ip_google_access"] != true =>
            {
                say("has no Private Google Access");
            }
            _ => {}
        }
    }
    found
}

/// Resources that hold a secret, or run something.
const KEYS: &[&str] = &[
    "google_service_account_key",
    "google_storage_hmac_key",
    "google_apikeys_key",
    "google_sql_ssl_cert",
    "google_secret_manager_secret_version",
    "google_iam_workload_identity_pool_provider_key",
    "random_password",
    "tls_private_key",
    "null_resource",
    "terraform_data",
];

/// Roles that are thousands of rights.
const BASIC_ROLES: &[&str] = &[
    "roles/owner",
    "roles/editor",
    "roles/viewer",
    "roles/admin",
    "roles/writer",
    "roles/reader",
    "roles/browser",
];
