//! The `traceparent` header, as the W3C Trace Context recommendation defines it.

use std::fmt;

use super::trace_context::TraceContext;

const LEN: usize = 55;

/// A `traceparent` header of version 00, stored inline.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Traceparent([u8; LEN]);

impl Traceparent {
    /// Returns the header value as text.
    pub fn as_str(&self) -> &str {
        // Only hexadecimal digits and dashes are ever written.
        std::str::from_utf8(&self.0).unwrap_or("")
    }

    /// Returns the header value as bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl AsRef<str> for Traceparent {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl fmt::Display for Traceparent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for Traceparent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl TraceContext {
    /// Parses a `traceparent` header.
    ///
    /// Returns `None` if the header is malformed; a server then starts a new trace. A header of a
    /// later version may have more fields after the flags, which are ignored. The flags `sampled` and
    /// `random-trace-id` are kept, and unknown ones are dropped.
    ///
    /// Source: <https://www.w3.org/TR/trace-context-2/#traceparent-header>
    pub fn from_traceparent(header: &[u8]) -> Option<Self> {
        let (head, rest) = header.split_at_checked(LEN)?;
        if head[2] != b'-' || head[35] != b'-' || head[52] != b'-' {
            return None;
        }
        let version = parse_hex(&head[..2])?;
        if version == 0xff || (version == 0 && !rest.is_empty()) || !matches!(rest, [] | [b'-', ..])
        {
            return None;
        }
        let trace_id = parse_hex(&head[3..35])?;
        let span_id = u64::try_from(parse_hex(&head[36..52])?).ok()?;
        let flags = u8::try_from(parse_hex(&head[53..])?).ok()?;
        Self::with_flags(trace_id, span_id, flags)
    }

    /// Returns the `traceparent` header that propagates this context to another service.
    pub fn traceparent(&self) -> Traceparent {
        let mut header = *b"00-00000000000000000000000000000000-0000000000000000-00";
        write_hex(&mut header[3..35], self.trace_id().to_u128());
        write_hex(&mut header[36..52], u128::from(self.span_id().to_u64()));
        write_hex(&mut header[53..], u128::from(self.flags()));
        Traceparent(header)
    }
}

/// Parses at most 32 digits. The recommendation allows lower-case ones only.
fn parse_hex(digits: &[u8]) -> Option<u128> {
    digits.iter().try_fold(0_u128, |value, digit| {
        let digit = match digit {
            b'0'..=b'9' => digit - b'0',
            b'a'..=b'f' => digit - b'a' + 10,
            _ => return None,
        };
        Some(value << 4 | u128::from(digit))
    })
}

/// Fills `out` with the lowest digits of `value`.
fn write_hex(out: &mut [u8], mut value: u128) {
    for digit in out.iter_mut().rev() {
        *digit = b"0123456789abcdef"[(value & 0xf) as usize];
        value >>= 4;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::TraceContext;

    fn parse(header: &str) -> Option<TraceContext> {
        TraceContext::from_traceparent(header.as_bytes())
    }

    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
    const SPAN: &str = "00f067aa0ba902b7";

    #[test]
    fn the_examples_of_the_recommendation_are_parsed() {
        let sampled = parse(&format!("00-{TRACE}-{SPAN}-01")).expect("valid");
        assert!(sampled.is_sampled());
        assert_eq!(sampled.trace_id().to_string(), TRACE);
        assert_eq!(sampled.span_id().to_string(), SPAN);
        assert!(!parse(&format!("00-{TRACE}-{SPAN}-00")).expect("valid").is_sampled());
        let flags = |sent: &str| {
            let context = parse(&format!("00-{TRACE}-{SPAN}-{sent}")).expect("valid");
            context.traceparent().as_str()[53..].to_owned()
        };
        assert_eq!(
            ["00", "01", "02", "03", "fc", "ff"].map(flags),
            ["00", "01", "02", "03", "00", "03"]
        );
        assert!(parse(&format!("cc-{TRACE}-{SPAN}-01-what-comes-later")).is_some());
    }

    #[test]
    fn a_malformed_header_is_rejected() {
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
            assert_eq!(parse(&header), None, "{header:?}");
        }
    }

    #[test]
    fn a_trace_that_begins_here_has_a_random_id_and_says_so_in_each_of_its_spans() {
        let root = TraceContext::random(false);
        for context in [root, root.child(true), root.child(true).with_sampled(false)] {
            assert_eq!(context.flags() & 2, 2, "{context:?}");
        }
        assert!(root.child(true).is_sampled() && !root.is_sampled());
        let foreign = TraceContext::new(7, 7, true).expect("valid");
        assert_eq!(foreign.child(true).flags(), 1, "whether it is random is not known");
        assert_eq!(foreign.with_randomness_of(Some(root)).flags(), 1, "another trace");
    }

    proptest! {
        #[test]
        fn a_written_header_is_parsed_back(trace in 1_u128.., span in 1_u64.., sampled: bool) {
            let context = TraceContext::new(trace, span, sampled).expect("not zero");
            prop_assert_eq!(parse(context.traceparent().as_str()), Some(context));
        }

        #[test]
        fn no_input_panics(bytes: Vec<u8>) {
            let _ = TraceContext::from_traceparent(&bytes);
        }
    }
}
