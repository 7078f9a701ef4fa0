//! The `traceparent` header, as the W3C Trace Context recommendation writes it.

use std::fmt;

use super::TraceContext;

const LEN: usize = 55;
const SAMPLED: u8 = 1;

/// A `traceparent` header of version 00, on the stack.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Traceparent([u8; LEN]);

impl Traceparent {
    /// The header's text.
    pub fn as_str(&self) -> &str {
        // Only hexadecimal digits and dashes are ever written.
        std::str::from_utf8(&self.0).unwrap_or("")
    }

    /// The header's bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Traceparent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl TraceContext {
    /// Reads a `traceparent` header.
    ///
    /// `None` for anything malformed: a request that sends such a header gets a
    /// trace of its own. A later version may carry more behind the flags, which
    /// is left unread; unknown flags are dropped.
    ///
    /// Source: <https://www.w3.org/TR/trace-context/#traceparent-header>
    pub fn from_traceparent(header: &[u8]) -> Option<Self> {
        let (head, rest) = header.split_at_checked(LEN)?;
        if head[2] != b'-' || head[35] != b'-' || head[52] != b'-' {
            return None;
        }
        let version = hex(&head[..2])?;
        if version == 0xff || (version == 0 && !rest.is_empty()) || !matches!(rest, [] | [b'-', ..])
        {
            return None;
        }
        let trace_id = hex(&head[3..35])?;
        let span_id = u64::try_from(hex(&head[36..52])?).ok()?;
        let flags = u8::try_from(hex(&head[53..])?).ok()?;
        Self::new(trace_id, span_id, flags & SAMPLED != 0)
    }

    /// The header that tells another service of this context.
    pub fn traceparent(&self) -> Traceparent {
        let mut out = *b"00-00000000000000000000000000000000-0000000000000000-00";
        digits(&mut out[3..35], self.trace_id.0);
        digits(&mut out[36..52], u128::from(self.span_id.0));
        digits(&mut out[53..], u128::from(self.sampled));
        Traceparent(out)
    }
}

/// At most 32 lower-case digits; upper case is malformed here.
fn hex(digits: &[u8]) -> Option<u128> {
    digits.iter().try_fold(0_u128, |value, digit| {
        let digit = match digit {
            b'0'..=b'9' => digit - b'0',
            b'a'..=b'f' => digit - b'a' + 10,
            _ => return None,
        };
        Some(value << 4 | u128::from(digit))
    })
}

fn digits(out: &mut [u8], mut value: u128) {
    for place in out.iter_mut().rev() {
        *place = b"0123456789abcdef"[(value & 0xf) as usize];
        value >>= 4;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::TraceContext;

    fn read(header: &str) -> Option<TraceContext> {
        TraceContext::from_traceparent(header.as_bytes())
    }

    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
    const SPAN: &str = "00f067aa0ba902b7";

    #[test]
    fn the_examples_of_the_recommendation_are_read() {
        let sampled = read(&format!("00-{TRACE}-{SPAN}-01")).expect("valid");
        assert!(sampled.is_sampled());
        assert_eq!(sampled.trace_id().to_string(), TRACE);
        assert_eq!(sampled.span_id().to_string(), SPAN);
        assert!(!read(&format!("00-{TRACE}-{SPAN}-00")).expect("valid").is_sampled());
        assert!(read(&format!("00-{TRACE}-{SPAN}-ff")).expect("unknown flags").is_sampled());
        assert!(read(&format!("cc-{TRACE}-{SPAN}-01-what-comes-later")).is_some());
    }

    #[test]
    fn what_is_malformed_is_no_context() {
        for header in [
            String::new(),
            "0".repeat(55),
            format!("00-{TRACE}-{SPAN}"),
            format!("00-{TRACE}-{SPAN}-1"),
            format!("00-{TRACE}-{SPAN}-01-"),
            format!("00-{TRACE}-{SPAN}-01x"),
            format!("cc-{TRACE}-{SPAN}-01x"),
            format!("ff-{TRACE}-{SPAN}-01"),
            format!("00-{}-{SPAN}-01", "0".repeat(32)),
            format!("00-{TRACE}-{}-01", "0".repeat(16)),
            format!("00-{}-{SPAN}-01", TRACE.to_uppercase()),
            format!("00_{TRACE}_{SPAN}_01"),
            format!("00-{}ß-{SPAN}-01", &TRACE[..30]),
        ] {
            assert_eq!(read(&header), None, "{header:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(trace in 1_u128.., span in 1_u64.., sampled: bool) {
            let context = TraceContext::new(trace, span, sampled).expect("not zero");
            prop_assert_eq!(read(context.traceparent().as_str()), Some(context));
        }

        #[test]
        fn no_bytes_make_it_panic(bytes: Vec<u8>) {
            let _ = TraceContext::from_traceparent(&bytes);
        }
    }
}
