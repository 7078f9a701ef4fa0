//! Tests of `demo-app probe`, which `helm test` runs.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;

use crate::support::run;

/// Starts a server that returns each of `statuses` once and then closes.
fn server(statuses: &'static [u16]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("bound");
    thread::spawn(move || {
        for status in statuses {
            let (mut stream, _) = listener.accept().expect("a visitor");
            let _ = stream.read(&mut [0; 1024]);
            let answer = format!("HTTP/1.1 {status} x\r\ncontent-length: 0\r\n\r\n");
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    format!("http://{address}/readyz")
}

#[test]
fn it_waits_until_the_status_is_the_expected_one() {
    let (code, said) = run(&["probe", "--within", "30", &format!("{}=200", server(&[503, 200]))]);
    assert_eq!(code, Some(0), "{said}");
}

#[test]
fn what_never_answers_as_expected_is_said_in_one_sentence() {
    let (code, said) = run(&["probe", "--within", "0", &format!("{}=200", server(&[503]))]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("it answered 503"), "{said}");
    let (code, said) = run(&["probe", "--within", "0", &format!("{}=200", server(&[]))]);
    assert_eq!(code, Some(1), "{said}");
}

#[test]
fn an_address_without_a_status_is_a_mistake() {
    let (code, said) = run(&["probe", "http://localhost/"]);
    assert_eq!(code, Some(2));
    assert!(said.contains("=200"), "{said}");
}
