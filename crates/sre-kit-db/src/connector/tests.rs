use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use rustls::pki_types::ServerName;
use tokio::time::{Instant, sleep};
use tokio_rustls::TlsConnector;

use super::connection_info::IssuedConnectionInfo;
use super::issuer::CertificateIssuer;
use super::refresh_limiter::REFRESH_INTERVAL;
use super::refresher::Refresher;
use crate::address::Address;
use crate::credentials::{IssuedToken, Supervisor};
use crate::instrument::{CertificateMetrics, CredentialMetrics, DbMetrics};
use crate::transport::{DialError, DialErrorKind, Identity, client_config};
use crate::{Secret, Token, TokenError, TokenSource};
use sre_kit_metrics::Registry;

const HOUR: Duration = Duration::from_hours(1);

/// An Admin API that returns scripted answers: the lifetime of a certificate, or an error. The last
/// answer repeats; with no answer at all a call hangs.
#[derive(Default)]
struct Api {
    answers: Mutex<VecDeque<Result<Duration, DialError>>>,
    asked: Mutex<Vec<(Instant, String)>>,
}

impl Api {
    fn new(answers: impl IntoIterator<Item = Result<Duration, DialError>>) -> Arc<Self> {
        let answers = Mutex::new(answers.into_iter().collect());
        Arc::new(Self { answers, asked: Mutex::default() })
    }

    fn asked(&self) -> Vec<Instant> {
        self.asked.lock().expect("held").iter().map(|(at, _)| *at).collect()
    }

    fn tokens(&self) -> Vec<String> {
        self.asked.lock().expect("held").iter().map(|(_, token)| token.clone()).collect()
    }

    fn say(&self, answer: Result<Duration, DialError>) {
        *self.answers.lock().expect("held") = [answer].into();
    }
}

impl CertificateIssuer for Api {
    fn issue<'a>(
        &'a self,
        login: &'a IssuedToken,
    ) -> BoxFuture<'a, Result<IssuedConnectionInfo, DialError>> {
        let token = login.secret.expose().to_owned();
        self.asked.lock().expect("held").push((Instant::now(), token));
        let mut answers = self.answers.lock().expect("held");
        let answer = if answers.len() > 1 { answers.pop_front() } else { answers.front().cloned() };
        match answer {
            None => std::future::pending().boxed(),
            Some(answer) => std::future::ready(answer.map(issued)).boxed(),
        }
    }
}

fn issued(lasts: Duration) -> IssuedConnectionInfo {
    let address = Address { host: "10.0.0.3".to_owned(), port: 3307 };
    let identity = Identity::named("server_name", "shop:main").expect("valid");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = client_config(provider, &[], identity, &[&rustls::version::TLS13]);
    let config = config.expect("a configuration").with_no_client_auth();
    IssuedConnectionInfo {
        address,
        server_name: ServerName::try_from("10.0.0.3").expect("an address"),
        tls: TlsConnector::from(Arc::new(config)),
        not_after: SystemTime::now() + lasts,
    }
}

/// A source whose token changes with each reset.
#[derive(Default)]
struct Source(AtomicU64);

impl TokenSource for Source {
    fn token(&self) -> BoxFuture<'_, Result<Token, TokenError>> {
        let number = self.0.load(Ordering::SeqCst);
        let token = Token::new(Secret::from(format!("token-{number}")));
        std::future::ready(Ok(token)).boxed()
    }

    fn reset(&self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

fn start(api: &Arc<Api>) -> (Arc<Refresher>, Arc<Supervisor>) {
    let metrics = DbMetrics::new(&Registry::new()).expect("free");
    let credentials = CredentialMetrics::new(&metrics, "main");
    let login = Arc::new(Supervisor::spawn(Arc::new(Source::default()), credentials));
    let metrics = CertificateMetrics::new(&metrics, "main");
    let issuer: Arc<dyn CertificateIssuer> = Arc::<Api>::clone(api);
    let refresher = Refresher::spawn(issuer, Arc::clone(&login), metrics);
    (Arc::new(refresher), login)
}

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(5)
}

fn busy() -> DialError {
    DialError::new(DialErrorKind::AdminApi, "server", "the Admin API says 503").transient()
}

#[tokio::test(start_paused = true)]
async fn a_certificate_is_renewed_at_half_of_its_life_and_the_old_one_serves_till_then() {
    let api = Api::new([Ok(HOUR)]);
    let (refresher, _login) = start(&api);
    let first = refresher.current(soon()).await.expect("there is one");
    assert_eq!(first.generation, 1);
    sleep(HOUR / 4).await;
    assert_eq!(refresher.current(soon()).await.expect("the same").generation, 1);
    assert!(refresher.has_newer(1, Instant::now() + HOUR).await);
    let asked = api.asked();
    let share = (asked[1] - asked[0]).as_secs_f64() / HOUR.as_secs_f64();
    assert!((0.45..=0.55).contains(&share), "{share}");
}

#[tokio::test(start_paused = true)]
async fn two_hundred_dials_request_one_certificate() {
    let api = Api::new([Ok(HOUR)]);
    let (refresher, _login) = start(&api);
    let waiters: Vec<_> = (0..200)
        .map(|_| {
            let refresher = Arc::clone(&refresher);
            tokio::spawn(async move { refresher.current(soon()).await.is_ok() })
        })
        .collect();
    for waiter in waiters {
        assert!(waiter.await.expect("no panic"));
    }
    assert_eq!(api.asked().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_outage_of_the_api_keeps_what_is_good_is_shown_and_ends() {
    let api = Api::new([Ok(HOUR), Err(busy())]);
    let (refresher, _login) = start(&api);
    refresher.current(soon()).await.expect("there is one");
    sleep(HOUR.mul_f64(0.7)).await;
    assert_eq!(refresher.current(soon()).await.expect("still good").generation, 1);
    assert_eq!(refresher.state().failure.expect("shown").error_type, "server");
    sleep(HOUR.mul_f64(0.4)).await;
    let Err(error) = refresher.current(soon()).await else { panic!("it is over") };
    assert_eq!(error.error_type, "server", "and it is said why");
    // Half an hour and more of it, at 15 s each at the mean.
    assert!((60..=600).contains(&api.asked().len()), "{}", api.asked().len());
    api.say(Ok(HOUR));
    assert!(refresher.has_newer(1, Instant::now() + Duration::from_mins(1)).await, "it heals");
    assert!(refresher.state().failure.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_dial_fails_at_once_if_a_refresh_failed_and_waits_for_one_that_hangs() {
    let api =
        Api::new([Err(
            DialError::new(DialErrorKind::Instance, "instance", "it is elsewhere").permanent()
        )]);
    let (refresher, _login) = start(&api);
    sleep(Duration::from_millis(100)).await;
    let start_of_wait = Instant::now();
    let Err(error) = refresher.current(soon()).await else { panic!("none") };
    assert_eq!((error.error_type, start_of_wait.elapsed()), ("instance", Duration::ZERO));

    let hanging = Api::new([]);
    let (refresher, _login) = start(&hanging);
    let Err(error) = refresher.current(soon()).await else { panic!("none") };
    assert_eq!(error.error_type, "timeout");
    sleep(Duration::from_mins(1)).await;
    assert!(refresher.state().failure.is_some(), "it is given up");
}

#[tokio::test(start_paused = true)]
async fn a_rejected_certificate_is_replaced_at_once_and_twice_but_not_over_and_over() {
    let api = Api::new([Ok(HOUR)]);
    let (refresher, _login) = start(&api);
    refresher.current(soon()).await.expect("there is one");
    sleep(Duration::from_mins(5)).await;
    for generation in [1, 2] {
        assert!(refresher.reject(generation));
        assert!(refresher.has_newer(generation, soon()).await, "{generation}");
        sleep(Duration::from_secs(1)).await;
    }
    assert!(!refresher.reject(3), "no newer one is on its way");
    assert!(refresher.reject(2), "that one was replaced already");
    for _ in 0..1_000 {
        refresher.reject(refresher.state().info.expect("there").generation);
        sleep(Duration::from_millis(100)).await;
    }
    let most = 3 + Duration::from_secs(100).as_secs() / REFRESH_INTERVAL.as_secs() + 1;
    assert!(api.asked().len() as u64 <= most, "{}", api.asked().len());
}

#[tokio::test(start_paused = true)]
async fn a_new_token_gets_a_new_certificate() {
    let api = Api::new([Ok(HOUR)]);
    let (refresher, login) = start(&api);
    let first = refresher.current(soon()).await.expect("there is one");
    sleep(Duration::from_mins(5)).await;
    login.reject(first.token_generation);
    assert!(refresher.has_newer_token(first.token_generation, soon()).await);
    assert_eq!(api.tokens(), ["token-0", "token-1"]);
}

#[tokio::test(start_paused = true)]
async fn a_certificate_of_seconds_is_renewed_in_time() {
    let life = Duration::from_secs(8);
    let api = Api::new([Ok(life)]);
    let (refresher, _login) = start(&api);
    let end = Instant::now() + Duration::from_mins(2);
    refresher.current(soon()).await.expect("there is one");
    while Instant::now() < end {
        assert!(!refresher.current(soon()).await.expect("always").has_expired());
        sleep(Duration::from_millis(200)).await;
    }
    let asked = api.asked().len();
    assert!((25..=36).contains(&asked), "{asked}");
}

#[cfg(not(feature = "aws-lc-rs"))]
#[tokio::test]
async fn a_build_without_rsa_keys_says_which_feature_has_them() {
    let metrics = DbMetrics::new(&Registry::new()).expect("free");
    let connector = super::Connector::builder().instance("p:europe-west1:main").user("app@p.iam");
    let error = connector.token_source(Source::default()).build(&metrics).expect_err("no keys");
    assert_eq!(error.field(), "connector.instance");
    assert!(error.advice().contains("`aws-lc-rs`"), "{error}");
}
