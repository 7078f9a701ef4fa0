//! Every route that was met, and the series of each.

use std::collections::HashMap;
use std::fmt;
use std::sync::{OnceLock, PoisonError, RwLock};

use super::addresses::{Addresses, Text};
use super::entry::{Flags, Route};
use super::source::{RouteSource, Source};
use super::table::Routes;
use crate::ConfigError;
use crate::RequestHead;

/// A route's number in its directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct RouteId(u32);

const UNMATCHED: RouteId = RouteId(0);
const OVERFLOW: RouteId = RouteId(1);
/// Numbers of the routes proper begin here.
const FIRST: usize = 2;
/// The highest limit that may be set.
const MOST: usize = 65_533;

/// The routes of one layer.
pub(crate) struct Directory {
    source: RouteSource,
    /// By number; as many places as there may ever be routes, so that finding
    /// one is one load.
    routes: Box<[OnceLock<Box<Route>>]>,
    columns: usize,
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
        columns: usize,
    ) -> Result<Self, ConfigError> {
        if max_routes == 0 || max_routes > MOST {
            return Err(ConfigError::new(
                "max_routes",
                max_routes,
                "it lies between 1 and 65 533",
                "leave it out to have 1 000",
            ));
        }
        let directory = Self {
            source,
            routes: (0..max_routes + FIRST).map(|_| OnceLock::new()).collect(),
            columns,
            by_text: RwLock::default(),
            by_address: Addresses::new(),
            flags,
            max_routes,
        };
        directory.put(UNMATCHED, Route::new(None, Flags::default(), false, columns));
        directory.put(OVERFLOW, Route::new(None, Flags::default(), true, columns));
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

    /// Keeps a place for a route, whatever others come first.
    pub(crate) fn reserve(&self, template: &str) -> Result<(), ConfigError> {
        if self.by_text(template) != OVERFLOW {
            return Ok(());
        }
        Err(ConfigError::new(
            "max_routes",
            self.max_routes,
            format!("there is no place left for `{template}`, which an SLO names"),
            "raise the limit",
        ))
    }

    /// The route of a request.
    #[inline]
    pub(crate) fn resolve(&self, head: RequestHead<'_>) -> &Route {
        let id = match &self.source.0 {
            Source::Function(f) => f(head).map_or(UNMATCHED, |text| self.at(Text::Static(text))),
            #[cfg(feature = "axum")]
            Source::MatchedPath => head
                .extensions
                .get::<axum::extract::MatchedPath>()
                .map_or(UNMATCHED, |path| self.at(Text::Matched(path))),
            Source::Table(routes) => place_in(routes, head),
            Source::None => UNMATCHED,
        };
        self.get(id).unwrap_or_else(|| self.unmatched())
    }

    /// The route of a template, by its address where that is known.
    #[inline]
    fn at(&self, text: Text<'_>) -> RouteId {
        match self.by_address.get(text) {
            Some(id) => RouteId(id),
            None => self.learn(text),
        }
    }

    #[inline]
    fn get(&self, id: RouteId) -> Option<&Route> {
        self.routes.get(id.0 as usize)?.get().map(|route| &**route)
    }

    #[cold]
    fn unmatched(&self) -> &Route {
        self.get(UNMATCHED).expect("the unmatched route is made with the directory")
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
        self.put(id, Route::new(Some(text), flags, false, self.columns));
        known.insert(text.into(), id);
        id
    }

    fn put(&self, id: RouteId, route: Route) {
        if let Some(place) = self.routes.get(id.0 as usize) {
            place.get_or_init(|| Box::new(route));
        }
    }
}

// A call: beside the matching it is nothing, and the other sources carry less.
#[inline(never)]
fn place_in(routes: &Routes, head: RequestHead<'_>) -> RouteId {
    let place = routes.matching(head.uri.path());
    // A table's routes were made first and in its order.
    let id = place.and_then(|place| u32::try_from(place + FIRST).ok());
    id.map_or(UNMATCHED, RouteId)
}

impl fmt::Debug for Directory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Directory").field("source", &self.source).finish_non_exhaustive()
    }
}
