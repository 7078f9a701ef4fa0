//! One route: what was said of it, its series, and the sites of each column.

use std::sync::{Arc, OnceLock};

use crate::golden_signals::series::Index;
use crate::golden_signals::series::key::SCHEMES;
use crate::golden_signals::site::Site;
use sre_kit_core::internal::METHODS;
use sre_kit_metrics::internal::CellOffset;

/// What a builder said of single routes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Flags {
    /// Records nothing.
    pub(crate) excluded: bool,
    /// Every response is a stream.
    pub(crate) stream: bool,
}

/// What the requests of one method and scheme have in common, in one place each.
const SITES: usize = METHODS.len() * SCHEMES.len();

/// Which series a route has, in all columns together.
pub(crate) struct RouteSeries {
    /// `None` without a route.
    pub(crate) template: Option<Box<str>>,
    overflow: bool,
    rows: [OnceLock<CellOffset>; SITES],
    /// Series of the duration histogram.
    pub(crate) durations: Index,
    /// Series of the stream lifetimes.
    pub(crate) streams: Index,
}

impl RouteSeries {
    /// The rows for a method and scheme, made now if they are new.
    pub(crate) fn rows(
        &self,
        method: usize,
        scheme: usize,
        make: impl FnOnce() -> CellOffset,
    ) -> CellOffset {
        *self.rows[place(method, scheme)].get_or_init(make)
    }

    /// Whether this stands for every route past the limit.
    pub(crate) fn is_overflow(&self) -> bool {
        self.overflow
    }
}

/// One route. Aligned so that two routes never share a cache line with
/// something that one of them writes.
#[repr(align(128))]
pub(crate) struct Route {
    pub(crate) flags: Flags,
    pub(crate) series: Arc<RouteSeries>,
    /// By column, made when its thread first serves the route.
    columns: Box<[OnceLock<Box<Sites>>]>,
}

#[repr(align(128))]
struct Sites([OnceLock<Arc<Site>>; SITES]);

impl Route {
    pub(crate) fn new(
        template: Option<&str>,
        flags: Flags,
        overflow: bool,
        columns: usize,
    ) -> Self {
        let series = RouteSeries {
            template: template.map(Into::into),
            overflow,
            rows: [const { OnceLock::new() }; SITES],
            durations: Index::new(),
            streams: Index::new(),
        };
        let columns = (0..columns).map(|_| OnceLock::new()).collect();
        Self { flags, series: Arc::new(series), columns }
    }

    /// The site of a column, method and scheme, if it was made.
    #[inline]
    pub(crate) fn site(&self, column: usize, method: usize, scheme: usize) -> Option<&Arc<Site>> {
        self.columns.get(column)?.get()?.0.get(place(method, scheme))?.get()
    }

    /// The same, made now if it is new.
    pub(crate) fn new_site(
        &self,
        column: usize,
        method: usize,
        scheme: usize,
        make: impl FnOnce() -> Arc<Site>,
    ) -> &Arc<Site> {
        let sites = self.columns[column]
            .get_or_init(|| Box::new(Sites([const { OnceLock::new() }; SITES])));
        sites.0[place(method, scheme)].get_or_init(make)
    }
}

#[inline]
fn place(method: usize, scheme: usize) -> usize {
    method * SCHEMES.len() + scheme
}
