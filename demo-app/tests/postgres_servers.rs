//! Tests of the demo on a real PostgreSQL server, which `DATABASE_URL` selects.

#[path = "../../sre-kit/tests/db_support/mod.rs"]
mod db_support;
#[allow(clippy::disallowed_methods, reason = "a test may sleep between two looks at a process")]
mod support;

use std::process::{Child, Stdio};
use std::time::Duration;

use db_support::postgres::{Logins, Postgres};
use support::{Demo, run};

/// Creates the role `app`, which can read and write rows but not change the schema, and returns its
/// URL. The owner of the schema migrates.
fn grants(server: &Postgres) -> String {
    server.sql("CREATE ROLE app LOGIN PASSWORD 'app'");
    for statement in [
        "REVOKE CREATE ON SCHEMA public FROM PUBLIC",
        "GRANT CREATE, USAGE ON SCHEMA public TO \"shop@project.iam\"",
        "GRANT USAGE ON SCHEMA public TO app",
        "ALTER DEFAULT PRIVILEGES FOR ROLE \"shop@project.iam\" IN SCHEMA public \
         GRANT SELECT, INSERT, UPDATE ON TABLES TO app",
    ] {
        server.sql_in("shop", statement);
    }
    format!("postgres://app:app@127.0.0.1:{}/shop", server.port)
}

fn migrate(url: &str) -> (Option<i32>, String) {
    run(&["migrate", "--database-url", url])
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs postgres and initdb; cargo xtask test --only servers"]
async fn visits_are_counted_by_two_instances_with_no_right_but_to_count() {
    let server = Postgres::start(Logins::Password).await;
    let app = grants(&server);
    let (code, said) = migrate(&server.password_url());
    assert_eq!(code, Some(0), "{said}");

    let demos = [Demo::start(&["--database-url", &app]), Demo::start(&["--database-url", &app])];
    std::thread::scope(|threads| {
        for demo in &demos {
            for _ in 0..4 {
                threads.spawn(|| {
                    for _ in 0..50 {
                        // On a busy machine, a login may exceed the timeout of a visit.
                        while demo.get("/").0 != 200 {}
                    }
                });
            }
        }
    });
    // Every successful statement must be counted exactly once.
    let visits = demos[0].get_as("/", "application/json").1;
    let labels = ["db_operation_name=\"INSERT\"", "db_collection_name=\"visits\""];
    let failed = [labels[0], labels[1], "error_type="];
    let count = "db_client_operation_duration_seconds_count";
    // A successful statement has no `error_type`.
    let inserted: f64 =
        demos.iter().map(|demo| demo.metric(count, &labels) - demo.metric(count, &failed)).sum();
    assert!(inserted > 400.5, "{inserted}");
    assert_eq!(visits.trim(), format!("{{\"visits\":{inserted}}}"));
    assert!(demos[0].metric("saturation_pool_max", &["pool=\"main\""]) > 9.5);
    assert_eq!(demos[0].admin("/readyz/database-main").0, 200);
    for mut demo in demos {
        demo.signal("TERM");
        assert_eq!(demo.wait().code(), Some(0));
    }
    assert_eq!(server.sql("SELECT count(*) FROM pg_stat_activity WHERE usename = 'app'"), "0");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs postgres and initdb; cargo xtask test --only servers"]
async fn eight_migrators_at_once_all_succeed_twenty_times() {
    let server = Postgres::start(Logins::Password).await;
    grants(&server);
    let url = server.password_url();
    for round in 0..20 {
        server.sql_in("shop", "DROP TABLE IF EXISTS visits, seaql_migrations");
        let start = || -> Child {
            let mut command = support::command();
            command.args(["migrate", "--database-url", &url]);
            command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts")
        };
        let migrators: Vec<_> = (0..8).map(|_| start()).collect();
        for mut migrator in migrators {
            assert_eq!(support::wait(&mut migrator).code(), Some(0), "round {round}");
        }
        assert_eq!(server.sql_in("shop", "SELECT count(*) FROM seaql_migrations"), "1");
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs postgres and initdb; cargo xtask test --only servers"]
async fn a_service_waits_for_the_migrations_and_its_probes_say_so() {
    let server = Postgres::start(Logins::Password).await;
    let app = grants(&server);
    let port = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let admin = port.local_addr().expect("bound").to_string();
    drop(port);
    let mut command = support::command();
    command.args(["serve", "--listen", "127.0.0.1:0", "--admin", &admin, "--database-url", &app]);
    let mut demo = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("starts");
    let startup = || {
        let agent: ureq::Agent =
            ureq::Agent::config_builder().http_status_as_error(false).build().into();
        agent.get(format!("http://{admin}/startupz")).call().map(|r| r.status().as_u16()).ok()
    };
    let until = async |wanted: u16| {
        for _ in 0..300 {
            if startup() == Some(wanted) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("/startupz never said {wanted}, last {:?}", startup());
    };
    until(503).await;
    assert_eq!(migrate(&server.password_url()).0, Some(0));
    until(200).await;
    let _ = demo.kill();
    let _ = demo.wait();
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs postgres and initdb; cargo xtask test --only servers"]
async fn what_a_migrator_cannot_do_ends_it_with_the_right_code_and_no_secret() {
    let server = Postgres::start(Logins::Password).await;
    let app = grants(&server);
    let port = server.port;
    for (url, code) in [
        (format!("postgres://app:secret-1@127.0.0.1:{port}/shop?sslmode=wrong"), 2),
        ("cloudsql://app@project:instance/shop".to_owned(), 2),
        (format!("postgres://shop%40project.iam:hunter2@127.0.0.1:{port}/nothing-here"), 3),
        (app, 3),
    ] {
        let (found, said) = migrate(&url);
        assert_eq!(found, Some(code), "{url}: {said}");
        assert!(!said.contains("secret-1") && !said.contains("hunter2"), "{said}");
    }
}
