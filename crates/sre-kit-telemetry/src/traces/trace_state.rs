//! The `tracestate` header, kept as the text that the caller sent.
//!
//! The SDK's type knows the grammar of an earlier draft and drops some keys that are valid now. The
//! text is therefore a value of OpenTelemetry's context, and is sent where the SDK's state is empty.

use opentelemetry::Context;
use opentelemetry::trace::{TraceContextExt, TraceState};

use super::span_context::to_otel;
use crate::context::TraceContext;

/// The longest `tracestate` that is propagated, in bytes. The recommendation requires 512.
const MAX_LENGTH: usize = 8192;

/// The largest number of members.
const MAX_MEMBERS: usize = 32;

/// A well-formed `tracestate` with at least one member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TraceStateText(String);

impl TraceStateText {
    /// Parses the values of all `tracestate` headers. A malformed one is dropped; the trace itself is
    /// kept.
    ///
    /// Source: <https://www.w3.org/TR/trace-context-2/#tracestate-header>
    pub(super) fn parse<'a>(values: impl Iterator<Item = &'a str>) -> Option<Self> {
        let mut text = String::new();
        for (count, member) in members(values).enumerate() {
            if count == MAX_MEMBERS || !is_member(member) {
                return None;
            }
            if count > 0 {
                text.push(',');
            }
            text.push_str(member);
            if text.len() > MAX_LENGTH {
                return None;
            }
        }
        (!text.is_empty()).then_some(Self(text))
    }
}

fn members<'a>(values: impl Iterator<Item = &'a str>) -> impl Iterator<Item = &'a str> {
    let members = values.flat_map(|value| value.split(','));
    members.map(|member| member.trim_matches([' ', '\t'])).filter(|member| !member.is_empty())
}

/// Returns whether a member is well formed.
///
/// Source: <https://www.w3.org/TR/trace-context-2/#tracestate-header-field-values>
fn is_member(member: &str) -> bool {
    let Some((key, value)) = member.split_once('=') else { return false };
    let key_char =
        |c: u8| matches!(c, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-' | b'*' | b'/' | b'@');
    let value_char = |c: u8| matches!(c, b' '..=b'~') && c != b'=' && c != b',';
    key.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
        && key.len() <= 256
        && key.bytes().all(key_char)
        && !value.is_empty()
        && value.len() <= 256
        && value.bytes().all(value_char)
}

/// Returns `context` with the caller's span and its state.
pub(super) fn with_remote_span(
    context: &Context,
    parent: &TraceContext,
    state: Option<TraceStateText>,
) -> Context {
    let sdk: TraceState = state.as_ref().and_then(|state| state.0.parse().ok()).unwrap_or_default();
    let context = context.with_remote_span_context(to_otel(parent, sdk));
    match state {
        Some(state) => context.with_value(state),
        None => context,
    }
}

/// Returns the `tracestate` to send, which may be empty.
pub(super) fn header(context: &Context) -> String {
    let state = context.span().span_context().trace_state().header();
    if !state.is_empty() {
        return state;
    }
    context.get::<TraceStateText>().map_or_else(String::new, |text| text.0.clone())
}

#[cfg(test)]
mod tests {
    use super::{Context, TraceContext, TraceStateText, header, with_remote_span};

    fn sent(values: &[&str]) -> String {
        let parent = TraceContext::new(7, 7, true).expect("valid");
        let state = TraceStateText::parse(values.iter().copied());
        header(&with_remote_span(&Context::new(), &parent, state))
    }

    #[test]
    fn members_are_joined_without_the_space_around_them() {
        assert_eq!(sent(&["foo=1", "bar=2 ,\t baz=a b"]), "foo=1,bar=2,baz=a b");
        assert_eq!(sent(&["foo=1,,", " ", ""]), "foo=1");
        assert_eq!(sent(&[]), "");
    }

    #[test]
    fn keys_that_the_sdk_does_not_know_are_kept() {
        for key in ["foo@@bar", "@foo", "foo@", "1", "a@1", &"t".repeat(256)] {
            let member = format!("{key}=1,b=2");
            let expected = if key.starts_with('@') { "" } else { &member };
            assert_eq!(sent(&[&member]), expected, "{key}");
        }
        let tenant = format!("{}@{}=1", "t".repeat(241), "v".repeat(14));
        assert_eq!(sent(&[&tenant]), tenant);
    }

    #[test]
    fn a_malformed_or_longer_state_is_dropped_whole() {
        let thirty_three: Vec<_> = (0..33).map(|n| format!("k{n}=1")).collect();
        assert_eq!(sent(&[&thirty_three[..32].join(",")]), thirty_three[..32].join(","));
        assert_eq!(sent(&[&thirty_three.join(",")]), "");
        for bad in
            ["foo", "=1", "foo=", "FOO=1", "foo =1", "foo=1=2", &format!("{}=1", "z".repeat(257))]
        {
            assert_eq!(sent(&["a=b", bad]), "", "{bad}");
        }
    }
}
