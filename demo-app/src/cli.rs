//! What can be asked for on the command line and in the environment.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use http::Uri;

use crate::probe::Expectation;

const AFTER_HELP: &str = "\
Try it:
  demo-app                                  serve on 127.0.0.1:8080, SQLite in this directory
  curl localhost:8080/                      count a visit
  curl -H 'accept: application/json' localhost:8080/
  curl 'localhost:8080/error?status=503&rate=0.2'
  curl localhost:9464/metrics               read your own requests

Exit codes:
  0  a clean end: every request was answered
  1  something failed that no setting explains
  2  a setting cannot work; the sentence on standard error says which and why
  3  the database cannot be reached or migrated
  4  generate --check found something stale
  5  the gate says: roll back
  6  the gate has too little data to say anything
  80 the drain ran into its bound, and something was cut off
  81 a second signal ended it at once";

/// A small service that shows every part of sre-kit.
///
/// Without a subcommand it serves. Each option can be set in the environment as well.
#[derive(Debug, Parser)]
#[command(version, after_help = AFTER_HELP, subcommand_negates_reqs = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,

    #[command(flatten)]
    pub(crate) serve: Serve,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Serve requests until SIGTERM or Ctrl-C (the default).
    Serve(Serve),
    /// Bring the database to the newest schema and exit.
    Migrate(Database),
    /// Write rules, alerts, routes, dashboards, runbooks and load-test thresholds.
    Generate(Generate),
    /// Ask addresses until each gives its status: for tests in a cluster.
    Probe(Probe),
    /// Say whether a canary burns its error budgets faster than the fleet: go on, or roll back.
    Gate(Gate),
}

/// Settings of `gate`.
#[derive(Clone, Debug, Args)]
pub(crate) struct Gate {
    /// Where Prometheus answers, such as http://localhost:9090.
    #[arg(long, env = "PROMETHEUS_URL", value_name = "URL")]
    pub(crate) prometheus: Uri,

    /// Which series are the canary's, as in PromQL: 'pod=~"demo-app-6b4f-.+"'.
    #[arg(long, value_name = "MATCHERS")]
    pub(crate) canary: String,

    /// Which are the fleet's. Without them the objectives alone are compared with.
    #[arg(long, value_name = "MATCHERS")]
    pub(crate) fleet: Option<String>,

    /// Seconds to watch. A canary that is worse is sent back as soon as that is certain.
    #[arg(long = "for", value_name = "SECONDS", default_value_t = 900)]
    pub(crate) seconds: u32,

    /// Seconds between two looks.
    #[arg(long, value_name = "SECONDS", default_value_t = 30,
          value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) every: u32,

    /// The share of rollouts of an equally good version that may be sent back by bad luck.
    #[arg(long, value_name = "SHARE", default_value_t = 0.01)]
    pub(crate) significance: f64,
}

/// Settings of `probe`.
#[derive(Clone, Debug, Args)]
pub(crate) struct Probe {
    /// Seconds until all have to answer as expected.
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    pub(crate) within: u64,

    /// Addresses with the status each is to give, such as http://localhost:9464/readyz=200.
    #[arg(required = true, value_name = "URL=STATUS")]
    pub(crate) expected: Vec<Expectation>,
}

/// Settings of `serve`.
#[derive(Clone, Debug, Args)]
pub(crate) struct Serve {
    /// Where visitors are served. Port 0 takes a free one.
    #[arg(long, env = "DEMO_LISTEN", value_name = "ADDR", default_value = "127.0.0.1:8080")]
    pub(crate) listen: SocketAddr,

    /// Where metrics and probes are served. Keep it away from visitors.
    #[arg(long, env = "DEMO_ADMIN", value_name = "ADDR", default_value = "127.0.0.1:9464")]
    pub(crate) admin: SocketAddr,

    /// Whether /error and /panic may be used [default: only when listening on loopback].
    #[arg(
        long,
        env = "DEMO_ALLOW_FAULTS",
        value_name = "BOOL",
        num_args = 0..=1,
        default_missing_value = "true"
    )]
    pub(crate) allow_faults: Option<bool>,

    #[command(flatten)]
    pub(crate) database: Database,
}

impl Serve {
    /// Whether faults may be asked for.
    pub(crate) fn faults(&self) -> bool {
        self.allow_faults.unwrap_or_else(|| self.listen.ip().is_loopback())
    }
}

/// Settings of `generate`.
#[derive(Clone, Debug, Args)]
#[group(id = "what", required = true, multiple = true, args = ["out", "check"])]
pub(crate) struct Generate {
    /// The directory to write to, made when it is missing.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,

    /// The directory to compare with. Ends with 4 and the difference when it is stale.
    #[arg(long, value_name = "DIR")]
    pub(crate) check: Option<PathBuf>,

    /// Where the runbooks will be found: the alerts link to them.
    #[arg(long, value_name = "URL")]
    pub(crate) runbooks: Option<String>,

    /// The namespace of the Kubernetes objects.
    #[arg(long, value_name = "NAME")]
    pub(crate) namespace: Option<String>,

    /// Read only series with this label and put it on every rule, such as namespace=shop.
    #[arg(long, value_name = "NAME=VALUE", value_parser = label)]
    pub(crate) scope: Vec<(String, String)>,

    /// The webhook that pages go to.
    #[arg(long, value_name = "URL")]
    pub(crate) page_url: Option<String>,

    /// The webhook that tickets go to.
    #[arg(long, value_name = "URL")]
    pub(crate) ticket_url: Option<String>,

    /// Divide every window by this, to see an alert fire without waiting for hours.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) compressed: u32,
}

fn label(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("a label is written like namespace=shop")?;
    Ok((name.to_owned(), value.to_owned()))
}

/// Settings of the database.
#[derive(Clone, Debug, Args)]
pub(crate) struct Database {
    /// The database: a SQLite file, made when it is missing, `sqlite::memory:`, or
    /// PostgreSQL: postgres://USER@HOST/DB, postgres+iam://USER@HOST/DB (login by token),
    /// cloudsql://USER@PROJECT:REGION:INSTANCE/DB (the connector).
    ///
    /// DATABASE_PASSWORD(_FILE), DATABASE_CA(_FILE), DATABASE_SERVER_NAME and
    /// DATABASE_MAX_CONNECTIONS say the rest. PostgreSQL is migrated by `demo-app migrate`,
    /// and `serve` waits for it.
    #[arg(
        long = "database-url",
        env = "DATABASE_URL",
        value_name = "URL",
        default_value = "sqlite://demo-app.sqlite",
        hide_env_values = true
    )]
    pub(crate) url: String,
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};

    use super::{Cli, Command};

    #[test]
    fn the_definition_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn faults_are_allowed_on_loopback_only_unless_somebody_says_otherwise() {
        let faults = |args: &[&str]| {
            Cli::try_parse_from([&["demo-app"], args].concat()).expect("valid").serve.faults()
        };
        assert!(faults(&[]));
        assert!(faults(&["--listen", "[::1]:0"]));
        assert!(!faults(&["--listen", "0.0.0.0:80"]));
        assert!(faults(&["--listen", "0.0.0.0:80", "--allow-faults"]));
        assert!(!faults(&["--allow-faults", "false"]));
    }

    #[test]
    fn serve_may_be_named_or_left_out() {
        let cli = Cli::try_parse_from(["demo-app", "serve", "--listen", "127.0.0.1:1"]);
        let Some(Command::Serve(serve)) = cli.expect("valid").command else { panic!("serve") };
        assert_eq!(serve.listen.port(), 1);
    }
}
