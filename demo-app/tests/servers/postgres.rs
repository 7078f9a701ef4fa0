//! Tests of the demo on a real PostgreSQL server, which `DATABASE_URL` selects.

use std::process::{Child, Stdio};
use std::time::Duration;

use crate::db_support::postgres::{Logins, Postgres};
use crate::support::{self, Demo, run};

/// Creates the roles as Terraform does on Cloud SQL, and returns the URL of the service's: the
/// migrator is a member of the role that owns the database, and the service is a member of none.
fn roles(server: &Postgres) -> String {
    server.sql("CREATE ROLE cloudsqlsuperuser NOLOGIN");
    server.sql("ALTER DATABASE shop OWNER TO cloudsqlsuperuser");
    server.sql("GRANT cloudsqlsuperuser TO \"shop@project.iam\"");
    server.sql("CREATE ROLE app LOGIN PASSWORD 'app'");
    app(server)
}

fn app(server: &Postgres) -> String {
    format!("postgres://app:app@127.0.0.1:{}/shop", server.port)
}

fn migrate(url: &str) -> (Option<i32>, String) {
    run(&["migrate", "--database-url", url, "--grant-to", "app"])
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs postgres and initdb; cargo xtask test --only servers"]
async fn the_migrator_grants_the_service_its_tables_and_nothing_else() {
    let server = Postgres::start(Logins::Password).await;
    roles(&server);
    // Somebody else's table in the schema is left alone, and stops nothing.
    server.sql_in("shop", "CREATE TABLE of_an_extension (x int)");
    for round in ["new", "again"] {
        let (code, said) = migrate(&server.password_url());
        assert_eq!(code, Some(0), "{round}: {said}");
    }
    let may = |privilege: &str, table: &str| {
        server
            .sql_in("shop", &format!("SELECT has_table_privilege('app', '{table}', '{privilege}')"))
    };
    for privilege in ["SELECT", "INSERT", "UPDATE", "DELETE"] {
        assert_eq!(may(privilege, "visits"), "t", "{privilege}");
        assert_eq!(may(privilege, "of_an_extension"), "f", "{privilege}");
    }
    assert_eq!(may("TRUNCATE", "visits"), "f");
    let record = ["SELECT", "INSERT", "UPDATE", "DELETE"].map(|p| may(p, "seaql_migrations"));
    assert_eq!(record, ["t", "f", "f", "f"]);
    // A table of a later migration needs no further grant.
    server.sql_in("shop", "SET ROLE \"shop@project.iam\"; CREATE TABLE later (id serial)");
    assert_eq!(may("INSERT", "later"), "t");
    let sequence = "SELECT has_sequence_privilege('app', 'later_id_seq', 'USAGE')";
    assert_eq!(server.sql_in("shop", sequence), "t");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs postgres and initdb; cargo xtask test --only servers"]
async fn a_role_that_does_not_exist_is_named_and_nothing_is_migrated() {
    let server = Postgres::start(Logins::Password).await;
    roles(&server);
    let url = server.password_url();
    let (code, said) = run(&["migrate", "--database-url", &url, "--grant-to", "a\"pp"]);
    assert_eq!(code, Some(3), "{said}");
    assert!(said.contains("does not exist on this server; create it"), "{said}");
    assert_eq!(server.sql_in("shop", "SELECT to_regclass('visits') IS NULL"), "t");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs postgres and initdb; cargo xtask test --only servers"]
async fn visits_are_counted_by_two_instances_with_no_right_but_to_count() {
    let server = Postgres::start(Logins::Password).await;
    let app = roles(&server);
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
    roles(&server);
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
    let app = roles(&server);
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
    let app = roles(&server);
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
