//! Every route that was met, and the series of each.

use std::collections::HashMap;
use std::fmt;
use std::sync::{OnceLock, PoisonError, RwLock};

use super::addresses::{Addresses, Text};
use super::source::{Found, RouteSource, Source};
use crate::ConfigError;
use crate::golden_signals::head::RequestHead;
use crate::golden_signals::series::key::{METHODS, SCHEMES};
use crate::golden_signals::series::{Index, Rows};
use crate::metrics::internal::Slots;

/// A route's number in its directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RouteId(u32);

const UNMATCHED: RouteId = RouteId(0);
const OVERFLOW: RouteId = RouteId(1);
/// Numbers of the routes proper begin here.
const FIRST: usize = 2;

/// What a builder said of single routes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Flags {
    /// Records nothing.
    pub(crate) excluded: bool,
    /// Every response is a stream.
    pub(crate) stream: bool,
}

/// The rows of one route, method and scheme.
pub(crate) type Entry = Rows;

/// One route. Aligned so that two routes never share a cache line with
/// something that one of them writes.
#[repr(align(128))]
pub(crate) struct Route {
    /// `http_route="..."`, empty without a route.
    pub(crate) template: Option<Box<str>>,
    pub(crate) flags: Flags,
    entries: [OnceLock<Entry>; METHODS.len() * SCHEMES.len()],
    /// Series of the duration histogram.
    pub(crate) durations: Index,
    /// Series of the stream lifetimes.
    pub(crate) streams: Index,
    overflow: bool,
}

impl Route {
    fn new(template: Option<&str>, flags: Flags, overflow: bool) -> Self {
        Self {
            template: template.map(Into::into),
            flags,
            entries: [const { OnceLock::new() }; METHODS.len() * SCHEMES.len()],
            durations: Index::new(),
            streams: Index::new(),
            overflow,
        }
    }

    /// The rows for a method and scheme, made now if they are new.
    #[inline]
    pub(crate) fn entry(
        &self,
        method: usize,
        scheme: usize,
        make: impl FnOnce() -> Entry,
    ) -> Entry {
        *self.entries[method * SCHEMES.len() + scheme].get_or_init(make)
    }

    /// Whether this stands for every route past the limit.
    pub(crate) fn is_overflow(&self) -> bool {
        self.overflow
    }
}

/// The routes of one layer.
pub(crate) struct Directory {
    source: RouteSource,
    routes: Slots<Route>,
    by_text: RwLock<HashMap<Box<str>, RouteId>>,
    by_address: Addresses,
    flags: HashMap<String, Flags>,
    max_routes: usize,
}

impl Directory {
    pub(crate) fn new(
        source: RouteSource,
        flags: HashMap<String, Flags>,
        max_routes: usize,
    ) -> Result<Self, ConfigError> {
        if max_routes == 0 || max_routes > crate::metrics::internal::MAX_SLOTS - FIRST {
            return Err(ConfigError::new(
                "max_routes",
                max_routes,
                "it lies between 1 and 65 533",
                "leave it out to have 1 000",
            ));
        }
        let directory = Self {
            source,
            routes: Slots::new(),
            by_text: RwLock::default(),
            by_address: Addresses::new(),
            flags,
            max_routes,
        };
        directory.put(UNMATCHED, Route::new(None, Flags::default(), false));
        directory.put(OVERFLOW, Route::new(None, Flags::default(), true));
        directory.declare()?;
        Ok(directory)
    }

    /// Makes the routes of a table, in its order, and checks the flags against it.
    fn declare(&self) -> Result<(), ConfigError> {
        let Source::Table(table) = &self.source.0 else { return Ok(()) };
        let templates = table.templates();
        if templates.len() > self.max_routes {
            return Err(ConfigError::new(
                "max_routes",
                self.max_routes,
                format!("the table declares {} routes", templates.len()),
                "raise the limit or declare fewer routes",
            ));
        }
        for template in templates {
            self.by_text(template);
        }
        if let Some(unknown) = self.flags.keys().find(|name| !templates.contains(*name)) {
            return Err(ConfigError::new(
                "route",
                unknown,
                "it is excluded or marked as a stream, but the route table does not declare it",
                "spell it as the table does, or remove the mark",
            ));
        }
        Ok(())
    }

    /// The route of a request.
    #[inline]
    pub(crate) fn resolve(&self, head: RequestHead<'_>) -> (RouteId, &Route) {
        let id = match self.source.find(head) {
            Found::Unmatched => UNMATCHED,
            // A table's routes were made first and in its order.
            Found::Declared(place) => RouteId(u32::try_from(place + FIRST).unwrap_or(0)),
            Found::Text(text) => match self.by_address.get(text) {
                Some(id) => RouteId(id),
                None => self.learn(text),
            },
        };
        (id, self.get(id))
    }

    #[inline]
    pub(crate) fn get(&self, id: RouteId) -> &Route {
        self.routes
            .get(id.0 as usize)
            .or_else(|| self.routes.get(UNMATCHED.0 as usize))
            .expect("the unmatched route is made with the directory")
    }

    #[cold]
    fn learn(&self, text: Text<'_>) -> RouteId {
        let id = self.by_text(text.as_str());
        if id != OVERFLOW {
            self.by_address.remember(text, id.0);
        }
        id
    }

    fn by_text(&self, text: &str) -> RouteId {
        let known = self.by_text.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(&id) = known.get(text) {
            return id;
        }
        if known.len() >= self.max_routes {
            return OVERFLOW;
        }
        drop(known);
        let mut known = self.by_text.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(&id) = known.get(text) {
            return id;
        }
        let number = known.len();
        if number >= self.max_routes {
            return OVERFLOW;
        }
        let Ok(id) = u32::try_from(number + FIRST).map(RouteId) else { return OVERFLOW };
        let flags = self.flags.get(text).copied().unwrap_or_default();
        self.put(id, Route::new(Some(text), flags, false));
        known.insert(text.into(), id);
        id
    }

    fn put(&self, id: RouteId, route: Route) {
        self.routes.get_or_init(id.0 as usize, || route);
    }
}

impl fmt::Debug for Directory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Directory").field("source", &self.source).finish_non_exhaustive()
    }
}
