//! Tests of the exit codes of `demo-app gate`, against a fake Prometheus. `servers` uses a
//! real one.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use crate::support::run;

/// Returns good and bad events of both SLOs in the format of Prometheus's API.
fn counted(good: u32, bad: u32) -> String {
    let series: Vec<_> = ["availability", "visits-latency"]
        .iter()
        .flat_map(|slo| [(slo, "good", good), (slo, "bad", bad)])
        .map(|(slo, outcome, n)| {
            format!(
                r#"{{"metric":{{"slo":"{slo}","outcome":"{outcome}"}},"value":[1.5,"{n}.25"]}}"#
            )
        })
        .collect();
    let result = series.join(",");
    format!(r#"{{"status":"success","data":{{"resultType":"vector","result":[{result}]}}}}"#)
}

/// Starts a server that returns `answers` in order and sends the requests to the receiver.
fn prometheus(answers: Vec<(u16, String)>) -> (String, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("bound");
    let (asked, questions) = channel();
    thread::spawn(move || {
        for (status, body) in answers {
            let (mut stream, _) = listener.accept().expect("a question");
            let mut request = [0; 4096];
            let read = stream.read(&mut request).expect("a request");
            let _ = asked.send(String::from_utf8_lossy(&request[..read]).into_owned());
            let length = body.len();
            let answer = format!("HTTP/1.1 {status} x\r\ncontent-length: {length}\r\n\r\n{body}");
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    (format!("http://{address}"), questions)
}

const BOTH: [&str; 4] = ["--canary", "pod=\"new\"", "--fleet", "pod!=\"new\""];

fn gate(url: &str, more: &[&str]) -> (Option<i32>, String) {
    run(&[&["gate", "--prometheus", url, "--for", "0"], more].concat())
}

#[test]
fn a_canary_as_good_as_the_fleet_goes_on() {
    let (url, questions) = prometheus(vec![(200, counted(2_000, 4)), (200, counted(20_000, 40))]);
    assert_eq!(gate(&url, &BOTH).0, Some(0));
    let (canary, fleet) = (questions.recv().expect("asked"), questions.recv().expect("asked"));
    assert!(canary.contains("pod%3D%22new%22") && fleet.contains("pod%21%3D%22new%22"));
    assert!(canary.contains("slo_events_total") && !canary.contains("slo_instance"), "{canary}");
}

#[test]
fn a_canary_that_burns_faster_is_sent_back_before_the_time_is_over() {
    let (url, _questions) =
        prometheus(vec![(200, counted(1_900, 100)), (200, counted(20_000, 40))]);
    // The gate must decide at the first comparison, because the server answers no second query.
    let (code, said) = run(&[&["gate", "--prometheus", &url, "--for", "3600"], &BOTH[..]].concat());
    assert_eq!(code, Some(5), "{said}");
}

#[test]
fn without_a_fleet_the_objective_decides() {
    let (url, _) = prometheus(vec![(200, counted(2_000, 4))]);
    assert_eq!(gate(&url, &BOTH[..2]).0, Some(0));
    let (url, _) = prometheus(vec![(200, counted(1_900, 100))]);
    assert_eq!(gate(&url, &BOTH[..2]).0, Some(5));
}

#[test]
fn a_canary_that_nobody_called_has_proved_nothing() {
    let none = r#"{"status":"success","data":{"resultType":"vector","result":[]}}"#;
    let (url, _questions) = prometheus(vec![(200, none.to_owned()), (200, counted(20_000, 40))]);
    assert_eq!(gate(&url, &BOTH).0, Some(6));
}

#[test]
fn a_prometheus_that_is_away_or_starting_gives_no_data_and_may_come_back() {
    let (url, _) = prometheus(Vec::new());
    assert_eq!(gate(&url, &BOTH).0, Some(6), "nobody listens");

    let starting = (503, "starting".to_owned());
    let (url, _questions) =
        prometheus(vec![starting, (200, counted(2_000, 4)), (200, counted(20_000, 40))]);
    let again = ["gate", "--prometheus", &url, "--for", "1", "--every", "1"];
    let (code, said) = run(&[&again[..], &BOTH[..]].concat());
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("503"), "{said}");
}

#[test]
fn a_setting_that_cannot_work_is_told_and_not_waited_for() {
    let error = r#"{"status":"error","errorType":"bad_data","error":"parse error: unexpected"}"#;
    let (url, _questions) = prometheus(vec![(400, error.to_owned())]);
    let (code, said) = run(&["gate", "--prometheus", &url, "--canary", "pod="]);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("--canary") && said.contains("parse error"), "{said}");

    let (code, said) = run(&["gate", "--prometheus", "https://x/", "--canary", "a=\"b\""]);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("--prometheus"), "{said}");

    let significance = ["--canary", "a=\"b\"", "--significance", "0.9"];
    assert_eq!(gate("http://localhost:1", &significance).0, Some(2));
}
