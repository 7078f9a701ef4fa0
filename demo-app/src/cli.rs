//! The command line and the environment variables.

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
  curl localhost:9464/metrics               show the metrics, with your requests

Exit codes:
  0  success; serve: every request was answered before the process ended
  1  an error that is not caused by a setting
  2  a setting cannot work; the message on standard error says which and why
  3  the database cannot be reached or migrated
  4  generate --check: the files are stale
  5  gate: roll back
  6  gate: too little data for a decision
  80 serve: the graceful shutdown reached its time limit with unfinished work
  81 serve: a second signal ended the process at once";

/// A small service that shows every part of sre-kit.
///
/// Without a subcommand it serves. The options of `serve` can also be set in the environment.
#[derive(Debug, Parser)]
#[command(version, after_help = AFTER_HELP, subcommand_negates_reqs = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,

    #[command(flatten)]
    pub(crate) serve: Serve,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Serve requests until SIGTERM or Ctrl-C (the default).
    Serve(Serve),
    /// Apply pending database migrations and exit.
    Migrate(Migrate),
    /// Generate rules, alert routes, dashboards, runbooks and load-test thresholds from the SLOs.
    Generate(Generate),
    /// Request URLs until each returns its expected status, for tests in a cluster.
    Probe(Probe),
    /// Compare the burn rates of a canary with the fleet's and decide: promote or roll back.
    Gate(Gate),
}

/// Settings of `migrate`.
#[derive(Clone, Debug, Args)]
pub(crate) struct Migrate {
    #[command(flatten)]
    pub(crate) database: Database,

    /// Role that may read and write the tables, if it is not the one that migrates. It is granted
    /// what is there and what later migrations create.
    #[arg(long, env = "MIGRATION_GRANT_TO", value_name = "ROLE")]
    pub(crate) grant_to: Option<String>,
}

/// Settings of `gate`.
#[derive(Clone, Debug, Args)]
pub(crate) struct Gate {
    /// URL of Prometheus, such as http://localhost:9090.
    #[arg(long, env = "PROMETHEUS_URL", value_name = "URL")]
    pub(crate) prometheus: Uri,

    /// PromQL label matchers of the canary's series: 'pod=~"demo-app-6b4f-.+"'.
    #[arg(long, value_name = "MATCHERS")]
    pub(crate) canary: String,

    /// PromQL label matchers of the fleet's series [default: compare with the objectives only].
    #[arg(long, value_name = "MATCHERS")]
    pub(crate) fleet: Option<String>,

    /// Seconds to watch. Ends earlier, with "roll back", once the canary is significantly worse.
    #[arg(long = "for", value_name = "SECONDS", default_value_t = 900)]
    pub(crate) seconds: u32,

    /// Seconds between two comparisons.
    #[arg(long, value_name = "SECONDS", default_value_t = 30,
          value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) every: u32,

    /// Accepted probability of rolling back a version that is as good as the fleet.
    #[arg(long, value_name = "SHARE", default_value_t = 0.01)]
    pub(crate) significance: f64,
}

/// Settings of `probe`.
#[derive(Clone, Debug, Args)]
pub(crate) struct Probe {
    /// Seconds within which all URLs must return their expected status.
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    pub(crate) within: u64,

    /// URLs with their expected status, such as http://localhost:9464/readyz=200.
    #[arg(required = true, value_name = "URL=STATUS")]
    pub(crate) expected: Vec<Expectation>,
}

/// Settings of `serve`.
#[derive(Clone, Debug, Args)]
pub(crate) struct Serve {
    /// Address of the service. Port 0 picks a free port.
    #[arg(long, env = "DEMO_LISTEN", value_name = "ADDR", default_value = "127.0.0.1:8080")]
    pub(crate) listen: SocketAddr,

    /// Address of the admin listener (metrics, probes, console). Do not expose it to visitors.
    #[arg(long, env = "DEMO_ADMIN", value_name = "ADDR", default_value = "127.0.0.1:9464")]
    pub(crate) admin: SocketAddr,

    /// Enable /error and /panic [default: true if --listen is a loopback address].
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
    /// Returns whether `/error` and `/panic` are enabled.
    pub(crate) fn faults(&self) -> bool {
        self.allow_faults.unwrap_or_else(|| self.listen.ip().is_loopback())
    }
}

/// Settings of `generate`.
#[derive(Clone, Debug, Args)]
#[group(id = "what", required = true, multiple = true, args = ["out", "check"])]
pub(crate) struct Generate {
    /// Directory to write to. It is created if it does not exist.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,

    /// Directory to compare with. Prints the difference and exits with 4 if it is stale.
    #[arg(long, value_name = "DIR")]
    pub(crate) check: Option<PathBuf>,

    /// Base URL of the runbooks, which the alerts link to.
    #[arg(long, value_name = "URL")]
    pub(crate) runbooks: Option<String>,

    /// URL of Grafana, so that alerts link to the dashboard of SLOs.
    #[arg(long, value_name = "URL")]
    pub(crate) grafana: Option<String>,

    /// Namespace of the Kubernetes objects.
    #[arg(long, value_name = "NAME")]
    pub(crate) namespace: Option<String>,

    /// Select only series with this label, and add it to every rule, such as namespace=shop.
    #[arg(long, value_name = "NAME=VALUE", value_parser = label)]
    pub(crate) scope: Vec<(String, String)>,

    /// Webhook that receives pages.
    #[arg(long, value_name = "URL")]
    pub(crate) page_url: Option<String>,

    /// Webhook that receives tickets.
    #[arg(long, value_name = "URL")]
    pub(crate) ticket_url: Option<String>,

    /// Webhook that is called every five minutes while alerting works, by the alert Watchdog.
    #[arg(long, value_name = "URL")]
    pub(crate) heartbeat_url: Option<String>,

    /// Route alerts of other rules too: critical as pages, warning as tickets.
    #[arg(long)]
    pub(crate) other_alerts: bool,

    /// Divide every window by this number, so that alerts fire within minutes in a test.
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
    /// URL of the database: sqlite://FILE (created if it does not exist), `sqlite::memory:`, or
    /// PostgreSQL as postgres://USER@HOST/DB, postgres+iam://USER@HOST/DB (login by token) or
    /// cloudsql://USER@PROJECT:REGION:INSTANCE/DB (Cloud SQL connector).
    ///
    /// DATABASE_PASSWORD(_FILE), DATABASE_CA(_FILE), DATABASE_SERVER_NAME and
    /// DATABASE_MAX_CONNECTIONS set the rest. `serve` migrates SQLite itself; on PostgreSQL it
    /// waits until `demo-app migrate` has run.
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
    fn clap_accepts_the_definition() {
        Cli::command().debug_assert();
    }

    #[test]
    fn faults_default_to_loopback_addresses_only() {
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
