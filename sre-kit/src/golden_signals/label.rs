//! Custom labels with a closed set of values.

use std::fmt;
use std::sync::Arc;

use super::key::{MAX_LABELS, NO_VALUE};
use crate::ConfigError;
use crate::{RequestHead, ResponseHead};

/// A custom label on `http_server_request_duration_seconds` with a closed set of values.
///
/// The cardinality is bounded by construction, because a value is an index into
/// [`VALUES`](Label::VALUES) and never text that a client could choose. Read the value from the
/// request with [`request_label`] or from the response with [`response_label`].
///
/// ```
/// use sre_kit::golden_signals::Label;
///
/// #[derive(Clone, Copy)]
/// enum Tier { Free, Paid }
///
/// impl Label for Tier {
///     const NAME: &'static str = "tier";
///     const VALUES: &'static [&'static str] = &["free", "paid"];
///     fn index(self) -> usize { self as usize }
/// }
/// ```
///
/// [`request_label`]: super::GoldenSignalsBuilder::request_label
/// [`response_label`]: super::GoldenSignalsBuilder::response_label
pub trait Label: Copy + 'static {
    /// The name of the label.
    const NAME: &'static str;
    /// All values, at most 255.
    const VALUES: &'static [&'static str];

    /// Returns the index of this value in [`VALUES`](Self::VALUES). An index out of range means
    /// that there is no value.
    fn index(self) -> usize;
}

/// A custom label with its type erased.
#[derive(Clone)]
pub(crate) struct LabelDef {
    pub(crate) name: &'static str,
    values: &'static [&'static str],
    read: Read,
}

#[derive(Clone)]
enum Read {
    Request(Arc<dyn Fn(RequestHead<'_>) -> usize + Send + Sync>),
    Response(Arc<dyn Fn(ResponseHead<'_>) -> usize + Send + Sync>),
}

impl LabelDef {
    pub(crate) fn request<L: Label>(
        read: impl Fn(RequestHead<'_>) -> Option<L> + Send + Sync + 'static,
    ) -> Self {
        let read = move |head: RequestHead<'_>| read(head).map_or(usize::MAX, Label::index);
        Self { name: L::NAME, values: L::VALUES, read: Read::Request(Arc::new(read)) }
    }

    pub(crate) fn response<L: Label>(
        read: impl Fn(ResponseHead<'_>) -> Option<L> + Send + Sync + 'static,
    ) -> Self {
        let read = move |head: ResponseHead<'_>| read(head).map_or(usize::MAX, Label::index);
        Self { name: L::NAME, values: L::VALUES, read: Read::Response(Arc::new(read)) }
    }

    pub(crate) fn of_request(&self, head: RequestHead<'_>) -> Option<u8> {
        match &self.read {
            Read::Request(read) => Some(self.fold(read(head))),
            Read::Response(_) => None,
        }
    }

    pub(crate) fn of_response(&self, head: ResponseHead<'_>) -> Option<u8> {
        match &self.read {
            Read::Response(read) => Some(self.fold(read(head))),
            Read::Request(_) => None,
        }
    }

    fn fold(&self, index: usize) -> u8 {
        u8::try_from(index).ok().filter(|_| index < self.values.len()).unwrap_or(NO_VALUE)
    }

    /// Returns the text of a value, which is empty if there is none.
    pub(crate) fn text(&self, index: usize) -> &'static str {
        self.values.get(index).copied().unwrap_or("")
    }
}

impl fmt::Debug for LabelDef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Label")
            .field("name", &self.name)
            .field("values", &self.values)
            .finish_non_exhaustive()
    }
}

/// The label names that the duration histogram already has.
const TAKEN: [&str; 7] = [
    "error_type",
    "http_request_method",
    "http_response_status_code",
    "http_route",
    "network_protocol_version",
    "otel_metric_overflow",
    "url_scheme",
];

/// Checks the custom labels of one layer together.
pub(crate) fn check(labels: &[LabelDef]) -> Result<(), ConfigError> {
    if labels.len() > MAX_LABELS {
        return Err(ConfigError::new(
            "labels",
            labels.len(),
            "a layer has at most 4 labels of its own",
            "merge two into one enum, or record a metric of your own",
        ));
    }
    let names: Vec<_> = TAKEN.into_iter().chain(labels.iter().map(|label| label.name)).collect();
    sre_kit_core::internal::check_labels(&names)?;
    for label in labels {
        if label.values.is_empty() || label.values.len() > usize::from(NO_VALUE) {
            return Err(ConfigError::new(
                format!("label `{}`", label.name),
                label.values.len(),
                "a label has between 1 and 255 values",
                "list every value in `VALUES`",
            ));
        }
    }
    Ok(())
}
