//! The chart with PostgreSQL beside it: the migration goes first, and a database
//! that goes away takes no pod with it.

#![expect(clippy::disallowed_methods, reason = "waits for other processes, outside of a runtime")]

use std::thread::sleep;
use std::time::Duration;

use crate::cluster::Namespace;
use crate::cluster::chart::{deploy, helm, history, pods, ready, said, upgrade};
use crate::cluster::http::{get, ip};
use crate::cluster::postgres::{MIGRATOR, Postgres};
use crate::cluster::{image, merged};
use serde_json::json;

/// Counts a visit. On a busy machine a login may take longer than a visit waits.
fn visit(namespace: &Namespace, service: &str) {
    namespace.until("a visit is counted", || (get(service, "/").0 == 200).then_some(()));
}

#[test]
#[ignore = "needs cluster, bwrap, cargo-auditable, helm, postgres and initdb; cargo xtask test --only cluster"]
fn a_release_begins_with_its_migration_and_ends_with_one_that_fails() {
    let namespace = Namespace::new("migration");
    let database = Postgres::start();
    let values = database.values(&namespace);
    deploy(&namespace, &values);

    // The Job is gone, and what it made is another role's than the service's.
    let jobs = namespace.list("jobs", "app.kubernetes.io/instance=demo");
    assert!(jobs.is_empty(), "{jobs:?}");
    let owners = "SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'public'";
    assert_eq!(database.sql("demo", owners), MIGRATOR);
    let before = ready(&namespace);
    assert_eq!(before.len(), 2, "{before:?}");
    let service = crate::cluster::chart::address(&namespace);
    visit(&namespace, &service);

    // A migration that may not read what was migrated.
    database.sql("demo", "ALTER TABLE seaql_migrations OWNER TO postgres");
    let next = merged(&values, &json!({"podAnnotations": {"release": "next"}}));
    let once = merged(&next, &json!({"migration": {"retries": 1}}));
    let out = upgrade(&namespace, image::demo(), &once, &["--wait", "--timeout", "180s"]);
    assert!(!out.status.success(), "{}", said(&out));
    assert_eq!(ready(&namespace), before, "no pod was touched");
    // Of every try: the first may have had no answer on a busy machine.
    let tries = "batch.kubernetes.io/job-name=demo-migrate";
    let logs = namespace.kubectl(&["logs", "--selector", tries, "--tail=-1"]);
    assert!(logs.contains("permission denied for table seaql_migrations"), "{logs}");

    // Back to what was, although no migration could run now.
    let out = helm(&namespace, &["rollback"], &["1", "--wait", "--timeout", "180s"]);
    assert!(out.status.success(), "{}", said(&out));
    assert_eq!(ready(&namespace), before);
    assert_eq!(history(&namespace), ["superseded", "failed", "deployed"]);
    visit(&namespace, &service);

    // And onwards, once it can.
    database.sql("demo", &format!("ALTER TABLE seaql_migrations OWNER TO {MIGRATOR}"));
    deploy(&namespace, &next);
    let after = pods(&namespace);
    assert!(after.iter().all(|pod| pod["metadata"]["annotations"]["release"] == "next"));
    visit(&namespace, &service);
    let visits = database.sql("demo", "SELECT sum(count) FROM visits");
    assert!(visits.parse::<u64>().expect("a number") >= 3, "{visits}");
}

#[test]
#[ignore = "needs cluster, bwrap, cargo-auditable, helm, postgres and initdb; cargo xtask test --only cluster"]
fn a_database_that_goes_away_is_reported_and_restarts_nothing() {
    let namespace = Namespace::new("database");
    let mut database = Postgres::start();
    // A probe a second. One that has no answer yet has not failed: the machine may be busy.
    let probe = json!({"periodSeconds": 1, "timeoutSeconds": 10, "failureThreshold": 3});
    let probes = json!({"probes": {"readiness": probe, "liveness": probe}});
    deploy(&namespace, &merged(&database.values(&namespace), &probes));
    let before = ready(&namespace);
    assert_eq!(before.len(), 2, "{before:?}");
    let service = crate::cluster::chart::address(&namespace);
    visit(&namespace, &service);

    database.down();
    for pod in pods(&namespace) {
        let admin = format!("{}:9464", ip(&pod));
        namespace.until("the loss is reported", || {
            let (status, body) = get(&admin, "/readyz?verbose");
            assert_eq!(status, 200, "readiness holds: {body}");
            body.contains("[-]database-main failed").then_some(())
        });
    }
    // Many probes long: each of the visits waits for a connection.
    for _ in 0..6 {
        assert_eq!(ready(&namespace), before);
        assert_eq!(get(&service, "/").0, 503);
        sleep(Duration::from_millis(500));
    }
    for pod in pods(&namespace) {
        assert_eq!(get(&format!("{}:9464", ip(&pod)), "/livez").0, 200);
    }

    database.up();
    visit(&namespace, &service);
    assert_eq!(ready(&namespace), before);
    for pod in pods(&namespace) {
        assert_eq!(pod["status"]["containerStatuses"][0]["restartCount"], 0, "{pod:#}");
    }
}
