use std::collections::VecDeque;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::time::Instant;

use super::{Supervisor, Token, TokenError, TokenSource};
use crate::instrument::{CredentialMetrics, DbMetrics};
use crate::secret::Secret;
use sre_kit_metrics::Registry;

type TokenResult = Result<Token, TokenError>;

/// A script of answers. The last one repeats.
#[derive(Default)]
struct Script {
    answers: Mutex<VecDeque<TokenResult>>,
    asked: AtomicU32,
    resets: AtomicU32,
    /// The permanent error that is returned until the source is reset.
    stuck: Mutex<Option<TokenError>>,
    asked_at: Mutex<Vec<Instant>>,
}

#[derive(Clone, Default)]
struct Source(Arc<Script>);

impl Source {
    fn new(answers: impl IntoIterator<Item = TokenResult>) -> Self {
        let source = Self::default();
        source.0.answers.lock().expect("held").extend(answers);
        source
    }
    fn asked(&self) -> u32 {
        self.0.asked.load(Ordering::SeqCst)
    }
    fn resets(&self) -> u32 {
        self.0.resets.load(Ordering::SeqCst)
    }
}

impl TokenSource for Source {
    fn token(&self) -> BoxFuture<'_, TokenResult> {
        let script = &self.0;
        script.asked.fetch_add(1, Ordering::SeqCst);
        script.asked_at.lock().expect("held").push(Instant::now());
        if let Some(error) = &*script.stuck.lock().expect("held") {
            return std::future::ready(Err(error.clone())).boxed();
        }
        let mut answers = script.answers.lock().expect("held");
        let answer = if answers.len() > 1 { answers.pop_front() } else { answers.front().cloned() };
        match answer {
            None => std::future::pending().boxed(),
            Some(answer) => {
                if let Err(error) = &answer
                    && error.is_permanent()
                {
                    *script.stuck.lock().expect("held") = Some(error.clone());
                }
                std::future::ready(answer).boxed()
            }
        }
    }

    fn reset(&self) {
        self.0.resets.fetch_add(1, Ordering::SeqCst);
        *self.0.stuck.lock().expect("held") = None;
    }
}

fn token(text: &str) -> Token {
    Token::new(Secret::from(text.to_owned()))
}

fn supervise(source: &Source) -> Supervisor {
    let metrics = DbMetrics::new(&Registry::new()).expect("free");
    Supervisor::spawn(Arc::new(source.clone()), CredentialMetrics::new(&metrics, "main"))
}

fn soon() -> Instant {
    Instant::now() + Duration::from_mins(1)
}

#[tokio::test(start_paused = true)]
async fn a_new_token_is_a_new_generation_and_the_same_one_is_not() {
    let source = Source::new([Ok(token("a")), Ok(token("a")), Ok(token("b"))]);
    let supervisor = supervise(&source);
    let first = supervisor.token(soon()).await.expect("there is one");
    assert_eq!((first.secret.expose(), first.generation), ("a", 1));
    let second = supervisor.newer_than(1, soon()).await.expect("there will be");
    assert_eq!((second.secret.expose(), second.generation), ("b", 2));
    assert_eq!(source.asked(), 3);
    assert!(supervisor.state().is_healthy());
    assert_eq!(source.resets(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_permanent_error_resets_the_source() {
    let source = Source::new([Err(TokenError::permanent("403")), Ok(token("a"))]);
    let supervisor = supervise(&source);
    let found = supervisor.token(soon()).await.expect("it heals");
    assert_eq!(found.secret.expose(), "a");
    assert_eq!(source.resets(), 1);
    assert!(supervisor.state().is_healthy());
}

#[tokio::test(start_paused = true)]
async fn a_transient_error_keeps_the_token_and_is_shown() {
    let source = Source::new([Ok(token("a")), Err(TokenError::transient("503"))]);
    let supervisor = supervise(&source);
    supervisor.token(soon()).await.expect("there is one");
    tokio::time::sleep(Duration::from_secs(10)).await;
    let state = supervisor.state();
    assert!(!state.is_healthy());
    assert_eq!(&*state.outage.expect("shown").reason, "503");
    assert_eq!(supervisor.token(soon()).await.expect("kept").secret.expose(), "a");
    assert_eq!(source.resets(), 0, "it may go away by itself");
    tokio::time::sleep(Duration::from_mins(2)).await;
    assert!(source.resets() > 0, "but not for ever");
}

#[tokio::test(start_paused = true)]
async fn a_source_that_hangs_is_given_up_and_asked_again() {
    let source = Source::default();
    let supervisor = supervise(&source);
    let error = supervisor.token(Instant::now() + Duration::from_secs(15)).await;
    assert!(error.expect_err("none").to_string().contains("no answer within 10s"));
    source.0.answers.lock().expect("held").push_back(Ok(token("a")));
    supervisor.token(soon()).await.expect("it heals");
}

#[tokio::test(start_paused = true)]
async fn errors_are_spaced_out_and_a_thousand_waiters_ask_no_more_than_one() {
    let source = Source::new([Err(TokenError::permanent("403"))]);
    let supervisor = Arc::new(supervise(&source));
    let waiters: Vec<_> = (0..1_000)
        .map(|_| {
            let supervisor = Arc::clone(&supervisor);
            tokio::spawn(async move {
                supervisor.token(Instant::now() + Duration::from_mins(10)).await.is_err()
            })
        })
        .collect();
    for waiter in waiters {
        assert!(waiter.await.expect("no panic"));
    }
    // Full jitter up to 30 s: 15 s at the mean, far from 1 000 waiters or 600 seconds.
    assert!((15..=120).contains(&source.asked()), "{}", source.asked());
}

#[tokio::test(start_paused = true)]
async fn a_rejected_token_is_replaced_at_once_and_not_over_and_over() {
    let source = Source::new([
        Ok(token("a").expires_in(Duration::from_hours(1))),
        Ok(token("b").expires_in(Duration::from_hours(1))),
    ]);
    let supervisor = supervise(&source);
    let first = supervisor.token(soon()).await.expect("there is one");
    supervisor.reject(first.generation);
    let second = supervisor.newer_than(first.generation, soon()).await.expect("replaced");
    assert_eq!((second.secret.expose(), source.resets()), ("b", 1));
    for _ in 0..100 {
        supervisor.reject(first.generation);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(source.resets(), 1, "that one was replaced already");
    for _ in 0..100 {
        supervisor.reject(second.generation);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(source.resets(), 1, "a server that rejects every token resets nothing");
}

#[tokio::test(start_paused = true)]
async fn a_token_with_an_expiry_is_renewed_at_half_of_it() {
    let hour = Duration::from_hours(1);
    let source = Source::new([Ok(token("a").expires_in(hour)), Ok(token("b").expires_in(hour))]);
    let supervisor = supervise(&source);
    let deadline = Instant::now() + hour;
    let second = supervisor.newer_than(1, deadline).await.expect("before the first one ends");
    assert_eq!(second.secret.expose(), "b");
    let asked = source.0.asked_at.lock().expect("held");
    let pause = (asked[1] - asked[0]).as_secs_f64() / hour.as_secs_f64();
    assert!((0.45..=0.55).contains(&pause), "{pause}");
}
