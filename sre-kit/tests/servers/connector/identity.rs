//! Which servers are trusted, and settings that cannot work with any.

use std::time::Duration;

use serde_json::json;
use sre_kit::db::{Db, DbErrorKind, DbMetrics, DbSettings};
use sre_kit::metrics::Registry;

use super::cloud_sql::{Proxy, URL};
use super::{Rig, SOON};
use crate::db_support::authority::Authority;

const DNS: &str = "0123.abcd.europe-west1.sql.goog";

async fn connect(rig: &Rig, settings: &DbSettings) -> Result<(), sre_kit::db::DbError> {
    let db = Db::new(settings, &DbMetrics::new(&Registry::new()).expect("free")).expect("valid");
    let connected = db.connect(SOON).await;
    db.close().await;
    // Each connector has its own limit of refreshes.
    rig.cloud.state().proxy = Proxy::Fine;
    connected
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs postgres and initdb; cargo xtask test --only servers"]
async fn a_server_that_is_not_the_right_one_gets_no_login() {
    let rig = Rig::new().await;
    let refuse = async |what: &str, says: &str| {
        let refused = connect(&rig, &rig.settings(URL)).await.expect_err(what);
        assert_eq!(refused.kind(), DbErrorKind::Unreachable, "{what}: {refused}");
        assert!(refused.to_string().contains(says), "{what}: {refused}");
    };
    rig.cloud.show("project:other", &[], false);
    refuse("the common name", "its common name is project:other").await;
    rig.cloud.show("", &["db.example.com"], false);
    refuse("no common name", "certificate").await;
    rig.cloud.show("project:main", &[], true);
    refuse("an old certificate", "certificate").await;
    rig.cloud.show("project:main", &[], false);
    rig.cloud.state().settings["serverCaCert"]["cert"] = Authority::new("another CA").pem.into();
    refuse("the CA", "certificate").await;
    rig.cloud.show("project:main", &[], false);
    rig.cloud.state().proxy = Proxy::Tls12;
    refuse("TLS 1.2", "no TLS 1.3").await;
    assert_eq!(rig.cloud.state().handshakes, 0);
    assert_eq!(rig.tokens.logins().len(), 0, "nobody logged in");
    connect(&rig, &rig.settings(URL)).await.expect("and the right one works");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs postgres and initdb; cargo xtask test --only servers"]
async fn a_name_is_looked_for_as_the_instance_has_its_certificates() {
    let rig = Rig::new().await;
    let own = json!([{
        "name": format!("{DNS}."),
        "connectionType": "PRIVATE_SERVICES_ACCESS",
        "dnsScope": "INSTANCE",
    }]);
    rig.cloud.state().settings["dnsNames"] = own;
    for (mode, common, names, fits) in [
        // An instance with a CA of its own has a common name, and may have the other as well.
        ("GOOGLE_MANAGED_INTERNAL_CA", "project:main", vec![], true),
        ("GOOGLE_MANAGED_INTERNAL_CA", "", vec![DNS], true),
        ("GOOGLE_MANAGED_INTERNAL_CA", "other:main", vec!["other.sql.goog"], false),
        // A shared CA signs for other instances too.
        ("GOOGLE_MANAGED_CAS_CA", "", vec![DNS], true),
        ("GOOGLE_MANAGED_CAS_CA", "project:main", vec!["other.sql.goog"], false),
        ("CUSTOMER_MANAGED_CAS_CA", "project:main", vec![DNS], true),
        ("CUSTOMER_MANAGED_CAS_CA", "project:main", vec![], false),
    ] {
        rig.cloud.show(common, &names, false);
        rig.cloud.state().settings["serverCaMode"] = mode.into();
        let connected = connect(&rig, &rig.settings(URL)).await;
        assert_eq!(connected.is_ok(), fits, "{mode}, {common:?}, {names:?}: {connected:?}");
    }
    // The name in the settings replaces those of the API.
    rig.cloud.show("", &["db.example.com"], false);
    let settings = rig.settings(URL).server_name("db.example.com");
    connect(&rig, &settings).await.expect("the configured name");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs postgres and initdb; cargo xtask test --only servers"]
async fn a_permanent_error_is_returned_at_once() {
    let rig = Rig::new().await;
    let other = |from: &str, to: &str| URL.replace(from, to);
    let wrong = [
        (other("europe-west1", "us-east1"), "is in europe-west1, and not in us-east1"),
        (other(":main", ":nobody"), "404 instanceDoesNotExist"),
        (format!("{URL}?ip=public"), "no address of the kind public, but private, psc"),
    ];
    rig.cloud.state().settings["ipAddresses"].as_array_mut().expect("a list").remove(0);
    let start = std::time::Instant::now();
    for (url, says) in wrong {
        let refused = connect(&rig, &rig.settings(&url)).await.expect_err(says);
        assert_eq!(refused.kind(), DbErrorKind::Unreachable, "{refused}");
        assert!(refused.to_string().contains(says), "{says}: {refused}");
    }
    rig.cloud.state().settings["databaseVersion"] = "MYSQL_8_0".into();
    let refused = connect(&rig, &rig.settings(URL)).await.expect_err("MySQL");
    assert!(refused.to_string().contains("no PostgreSQL"), "{refused}");
    assert!(start.elapsed() < SOON, "none of them is tried until the end");
    assert_eq!(rig.cloud.state().handshakes, 0, "nothing was dialled");
}

#[tokio::test]
#[ignore = "needs postgres and initdb; cargo xtask test --only servers"]
async fn an_endpoint_that_tokens_must_not_go_to_is_refused() {
    for (url, says) in [
        ("http://sqladmin.example.com", "it is https:"),
        ("https://user@sqladmin.example.com", "a URL of scheme"),
        ("sqladmin.googleapis.com", "a URL of scheme"),
        ("", "a URL of scheme"),
    ] {
        let settings = DbSettings::new(URL).expect("valid").sqladmin_endpoint(url);
        let refused = Db::new(&settings, &DbMetrics::new(&Registry::new()).expect("free"));
        let refused = refused.expect_err(url);
        assert_eq!(refused.field(), "DATABASE_SQLADMIN_ENDPOINT");
        assert!(refused.to_string().contains(says), "{refused}");
    }
    let settings = DbSettings::new(URL).expect("valid").server_name("not a name");
    let refused = Db::new(&settings, &DbMetrics::new(&Registry::new()).expect("free"));
    assert_eq!(refused.expect_err("no name").field(), "DATABASE_SERVER_NAME");
    tokio::time::sleep(Duration::ZERO).await;
}
