use std::collections::VecDeque;
use std::time::Duration;

use proptest::prelude::*;
use tokio::time::Instant;

use super::{FRESH, Follower, MARGIN, SYNC, Step, statement_timeout};

const TIMEOUT: Duration = Duration::from_secs(30);
const READY: &[u8] = b"Z\0\0\0\x05I";

fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 4).expect("short");
    [&[kind], length.to_be_bytes().as_slice(), body].concat()
}

fn statement() -> Vec<u8> {
    [message(b'P', b"\0SELECT 1\0\0\0"), message(b'E', b"\0\0\0\0\0"), SYNC.to_vec()].concat()
}

fn started() -> (Follower, Instant) {
    let now = Instant::now();
    (Follower::new(b'I', Some(TIMEOUT), now), now)
}

#[test]
fn a_lone_sync_is_answered_with_the_last_status() {
    let (mut follower, now) = started();
    assert_eq!(follower.client_sent(&SYNC, now), Step::Answer(*b"Z\0\0\0\x05I"));
    let asked = statement();
    assert_eq!(follower.client_sent(&asked, now), Step::Forward(asked.len()));
    follower.server_sent(b"Z\0\0\0\x05E", now);
    assert_eq!(follower.client_sent(&SYNC, now), Step::Answer(*b"Z\0\0\0\x05E"));
}

#[test]
fn a_sync_goes_to_a_server_that_was_silent_for_a_second() {
    let (mut follower, now) = started();
    assert_eq!(follower.client_sent(&SYNC, now + FRESH), Step::Forward(5));
    follower.server_sent(READY, now + FRESH);
    assert!(matches!(follower.client_sent(&SYNC, now + FRESH), Step::Answer(_)));
}

#[test]
fn a_sync_that_completes_a_statement_is_forwarded_wherever_it_is_cut() {
    let asked = statement();
    for cut in 1..asked.len() {
        let (mut follower, now) = started();
        let (first, second) = asked.split_at(cut);
        assert_eq!(follower.client_sent(first, now), Step::Forward(first.len()), "{cut}");
        assert_eq!(follower.client_sent(second, now), Step::Forward(second.len()), "{cut}");
        assert!(follower.is_waiting());
    }
}

#[test]
fn no_answer_is_put_into_a_message_of_the_server() {
    let (mut follower, now) = started();
    follower.server_sent(b"N\0\0\0\x0aab", now);
    assert!(!follower.can_interject());
    assert_eq!(follower.client_sent(&SYNC, now), Step::Forward(5));
}

#[test]
fn a_sync_during_a_statement_cancels_it_once() {
    let (mut follower, now) = started();
    // The Sync may arrive with the statement.
    let both = [statement(), SYNC.to_vec()].concat();
    let Step::Forward(first) = follower.client_sent(&both, now) else { panic!("forwarded first") };
    assert_eq!(first, both.len() - 5);
    assert_eq!(follower.client_sent(&SYNC, now), Step::Cancel);
    follower.canceled(now);
    assert_eq!(follower.client_sent(&SYNC, now), Step::Forward(5));
    follower.server_sent(&[READY, READY].concat(), now);
    assert!(!follower.is_waiting());
    assert!(matches!(follower.client_sent(&SYNC, now), Step::Answer(_)));
    follower.client_sent(&statement(), now);
    assert_eq!(follower.client_sent(&SYNC, now), Step::Cancel, "the next one is canceled too");
}

#[test]
fn a_statement_that_ends_while_it_is_canceled_leaves_its_sync_to_be_answered() {
    let (mut follower, now) = started();
    follower.client_sent(&statement(), now);
    assert_eq!(follower.client_sent(&SYNC, now), Step::Cancel);
    follower.server_sent(READY, now);
    follower.canceled(now);
    assert!(matches!(follower.client_sent(&SYNC, now), Step::Answer(_)));
}

#[test]
fn a_rollback_cancels_what_runs_and_is_never_canceled() {
    let rollback = message(b'Q', b"ROLLBACK\0");
    let (mut follower, now) = started();
    let release = [rollback.as_slice(), &SYNC].concat();
    // Nothing runs.
    let Step::Forward(first) = follower.client_sent(&release, now) else { panic!("forwarded") };
    if first < release.len() {
        assert_eq!(follower.client_sent(&release[first..], now), Step::Forward(5));
    }
    follower.server_sent(&[READY, READY].concat(), now);
    // A statement runs.
    follower.client_sent(&statement(), now);
    assert_eq!(follower.client_sent(&release, now), Step::Cancel);
    follower.canceled(now);
    assert!(matches!(follower.client_sent(&release, now), Step::Forward(_)));
    for end in ["COMMIT", "ROLLBACK TO SAVEPOINT a", "ROLLBACK"] {
        let (mut follower, now) = started();
        follower.client_sent(&message(b'Q', format!("{end}\0").as_bytes()), now);
        assert_eq!(follower.client_sent(&SYNC, now), Step::Forward(5), "{end}");
    }
}

#[test]
fn a_copy_to_the_server_is_not_canceled() {
    let (mut follower, now) = started();
    follower.client_sent(&message(b'Q', b"COPY t FROM STDIN\0"), now);
    follower.server_sent(&message(b'G', &[0, 0, 0]), now);
    follower.client_sent(&message(b'd', b"1\n"), now);
    assert_eq!(follower.client_sent(&SYNC, now), Step::Forward(5));
}

#[test]
fn a_statement_may_be_silent_for_its_timeout_and_a_margin() {
    let (mut follower, now) = started();
    assert_eq!(follower.deadline(), None);
    follower.client_sent(&statement(), now);
    assert_eq!(follower.deadline(), Some(now + TIMEOUT + MARGIN));
    let later = now + Duration::from_secs(3);
    follower.server_sent(b"N", later);
    assert_eq!(follower.deadline(), Some(later + TIMEOUT + MARGIN));
    follower.client_is_slow(later);
    assert_eq!(follower.deadline(), Some(later + TIMEOUT + MARGIN));
}

#[test]
fn a_session_that_sets_its_own_timeout_has_no_limit() {
    let (mut follower, now) = started();
    follower.client_sent(&message(b'Q', b"SET LOCAL Statement_Timeout = 0\0"), now);
    assert_eq!(follower.deadline(), None);
    assert!(follower.is_waiting());
}

#[test]
fn the_timeout_is_the_last_one_of_the_startup_message() {
    let found = |options: &str| statement_timeout(format!("options\0{options}\0").as_bytes());
    assert_eq!(found("-c statement_timeout=30000 -c x=1"), Some(Duration::from_secs(30)));
    assert_eq!(
        found("-c statement_timeout=1 -c statement_timeout=20"),
        Some(Duration::from_millis(20))
    );
    for none in ["", "-c statement_timeout=0", "-c statement_timeout=5min"] {
        assert_eq!(found(none), None, "{none}");
    }
}

/// One message of a client, as sqlx sends it.
#[derive(Clone, Debug)]
enum Sent {
    Statement,
    Query,
    Sync,
    Rollback,
}

fn sent() -> impl Strategy<Value = Sent> {
    prop_oneof![Just(Sent::Statement), Just(Sent::Query), Just(Sent::Sync), Just(Sent::Rollback)]
}

proptest! {
    /// Compares the client's view with a server without a bridge: it gets one ReadyForQuery for
    /// each request, in order and with the status of that request, and the server gets each byte
    /// that was not answered.
    #[test]
    fn a_client_sees_what_the_server_alone_would_show(
        sent in prop::collection::vec((sent(), any::<bool>()), 1..40),
        cuts in prop::collection::vec(1_usize..24, 1..40),
        millis in 0_u64..1500,
    ) {
        let (mut follower, mut now) = started();
        let (mut all, mut expected) = (Vec::new(), 0);
        for (message_kind, _) in &sent {
            expected += 1;
            match message_kind {
                Sent::Statement => all.extend(statement()),
                Sent::Query => all.extend(message(b'Q', b"SELECT 1\0")),
                Sent::Sync => all.extend(SYNC),
                Sent::Rollback => all.extend(message(b'Q', b"ROLLBACK\0")),
            }
        }
        let replies: Vec<bool> = sent.iter().map(|(_, reply)| *reply).collect();
        let (mut pending, mut forwarded, mut answered) = (VecDeque::from(all.clone()), Vec::new(), 0);
        let mut seen = 0;
        let mut buffer: Vec<u8> = Vec::new();
        for round in 0.. {
            let size = cuts[round % cuts.len()].min(pending.len());
            buffer.extend(pending.drain(..size));
            while !buffer.is_empty() {
                match follower.client_sent(&buffer, now) {
                    Step::Forward(count) => {
                        prop_assert!(count > 0 && count <= buffer.len());
                        forwarded.extend(buffer.drain(..count));
                    }
                    Step::Answer(_) => {
                        prop_assert_eq!(&buffer[..5], SYNC.as_slice());
                        // Only if the server has answered everything that it got.
                        prop_assert_eq!(seen, requests(&forwarded));
                        buffer.drain(..5);
                        answered += 1;
                    }
                    Step::Cancel => {
                        prop_assert!(seen < requests(&forwarded));
                        follower.canceled(now);
                    }
                }
            }
            let due = requests(&forwarded);
            if replies[round % replies.len()] || pending.is_empty() {
                while seen < due {
                    follower.server_sent(READY, now);
                    seen += 1;
                }
                prop_assert_eq!(follower.is_waiting(), false);
            }
            now += Duration::from_millis(millis);
            if pending.is_empty() {
                break;
            }
        }
        prop_assert_eq!(seen + answered, expected);
        prop_assert_eq!(forwarded.len() + answered * 5, all.len());
    }

    #[test]
    fn no_bytes_make_it_panic_or_stand_still(client: Vec<u8>, server: Vec<u8>) {
        let (mut follower, now) = started();
        follower.server_sent(&server, now);
        let mut rest = client.as_slice();
        while !rest.is_empty() {
            match follower.client_sent(rest, now) {
                Step::Forward(count) => {
                    prop_assert!(count > 0);
                    rest = &rest[count..];
                }
                Step::Answer(_) => rest = &rest[5..],
                Step::Cancel => follower.canceled(now),
            }
        }
    }
}

/// Counts the complete requests in what was forwarded.
fn requests(mut bytes: &[u8]) -> usize {
    let mut count = 0;
    while bytes.len() >= 5 {
        let length = u32::from_be_bytes([bytes[1], bytes[2], bytes[3], bytes[4]]) as usize;
        count += usize::from(matches!(bytes[0], b'S' | b'Q'));
        bytes = bytes.get(length + 1..).unwrap_or_default();
    }
    count
}
