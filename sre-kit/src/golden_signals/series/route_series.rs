//! The series of one route.

use std::sync::OnceLock;

use sre_kit_metrics::internal::CellOffset;

use crate::golden_signals::key::{METHOD_SCHEMES, method_scheme_index};
use crate::id_map::IdMap;

/// The series of one route, which all shards have in common.
pub(crate) struct RouteSeries {
    /// The value of `http_route`. `None` if the requests match no route.
    pub(crate) template: Option<Box<str>>,
    is_overflow: bool,
    /// The cells of each method and scheme.
    offsets: [OnceLock<CellOffset>; METHOD_SCHEMES],
    /// The series of the duration histogram.
    pub(super) durations: IdMap,
    /// The series of the stream lifetimes.
    pub(super) streams: IdMap,
}

impl RouteSeries {
    pub(crate) fn new(template: Option<&str>, is_overflow: bool) -> Self {
        Self {
            template: template.map(Into::into),
            is_overflow,
            offsets: [const { OnceLock::new() }; METHOD_SCHEMES],
            durations: IdMap::new(),
            streams: IdMap::new(),
        }
    }

    /// Returns the offset of the cells of a method and scheme, and creates them with `make` if
    /// there are none.
    pub(super) fn cells(
        &self,
        method: usize,
        scheme: usize,
        make: impl FnOnce() -> CellOffset,
    ) -> CellOffset {
        *self.offsets[method_scheme_index(method, scheme)].get_or_init(make)
    }

    /// Returns whether this stands for every route above the limit.
    pub(crate) fn is_overflow(&self) -> bool {
        self.is_overflow
    }
}
