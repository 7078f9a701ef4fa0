//! The routes of a layer, by template.

use std::collections::HashMap;
use std::fmt;
use std::sync::{PoisonError, RwLock};

use super::pointer_index::{PointerIndex, TemplateRef};
use super::route_id::{RouteFlags, RouteId};
use super::source::{RouteSource, Source};
use super::table::Routes;
use crate::ConfigError;
use crate::RequestHead;

/// The highest value of `max_routes`.
const MAX_ROUTES: usize = 65_533;

/// Finds the id of the route of a request.
pub(crate) struct RouteIndex {
    source: RouteSource,
    /// The ids of the templates of a [`Source::Table`], in its order.
    declared: Box<[RouteId]>,
    by_template: RwLock<Templates>,
    by_pointer: PointerIndex,
    flags: HashMap<String, RouteFlags>,
    max_routes: usize,
}

/// The templates that have an id.
#[derive(Default)]
struct Templates {
    ids: HashMap<Box<str>, RouteId>,
    /// The templates in the order of their ids.
    ordered: Vec<Box<str>>,
}

impl RouteIndex {
    pub(crate) fn new(
        source: RouteSource,
        flags: HashMap<String, RouteFlags>,
        max_routes: usize,
    ) -> Result<Self, ConfigError> {
        if max_routes == 0 || max_routes > MAX_ROUTES {
            return Err(ConfigError::new(
                "max_routes",
                max_routes,
                "it lies between 1 and 65 533",
                "leave it out to have 1 000",
            ));
        }
        let mut index = Self {
            source,
            declared: Box::default(),
            by_template: RwLock::default(),
            by_pointer: PointerIndex::new(),
            flags,
            max_routes,
        };
        index.declared = index.declare()?;
        Ok(index)
    }

    /// Gives ids to the templates of a table, in its order, and checks the flags against it.
    fn declare(&self) -> Result<Box<[RouteId]>, ConfigError> {
        let Source::Table(table) = &self.source.0 else { return Ok(Box::default()) };
        let templates = table.templates();
        if templates.len() > self.max_routes {
            return Err(ConfigError::new(
                "max_routes",
                self.max_routes,
                format!("the table declares {} routes", templates.len()),
                "raise the limit or declare fewer routes",
            ));
        }
        let ids = templates.iter().map(|template| self.id_of(template)).collect();
        if let Some(unknown) = self.flags.keys().find(|name| !templates.contains(*name)) {
            return Err(ConfigError::new(
                "route",
                unknown,
                "it is excluded or marked as a stream, but the route table does not declare it",
                "spell it as the table does, or remove the mark",
            ));
        }
        Ok(ids)
    }

    /// Returns the number of ids that there can be.
    pub(crate) fn capacity(&self) -> usize {
        self.max_routes + RouteId::RESERVED
    }

    /// Gives an id to a route before requests to other routes can use up the limit.
    pub(crate) fn reserve(&self, template: &str) -> Result<(), ConfigError> {
        if self.id_of(template) != RouteId::OVERFLOW {
            return Ok(());
        }
        Err(ConfigError::new(
            "max_routes",
            self.max_routes,
            format!("there is no place left for `{template}`, which an SLO names"),
            "raise the limit",
        ))
    }

    /// Returns the route of a request.
    #[inline]
    pub(crate) fn resolve(&self, head: RequestHead<'_>) -> RouteId {
        match &self.source.0 {
            Source::Function(f) => {
                f(head).map_or(RouteId::UNMATCHED, |text| self.find_static(text))
            }
            #[cfg(feature = "axum")]
            Source::MatchedPath => head
                .extensions
                .get::<axum::extract::MatchedPath>()
                .map_or(RouteId::UNMATCHED, |path| self.find_matched(path)),
            Source::Table(routes) => self.match_path(routes, head),
            Source::None => RouteId::UNMATCHED,
        }
    }

    // Not inlined: a call costs little beside the matching, and the other sources carry less code.
    #[inline(never)]
    fn match_path(&self, routes: &Routes, head: RequestHead<'_>) -> RouteId {
        let declared = routes.matching(head.uri.path()).and_then(|i| self.declared.get(i));
        declared.copied().unwrap_or(RouteId::UNMATCHED)
    }

    #[inline]
    fn find_static(&self, text: &'static str) -> RouteId {
        match self.by_pointer.get(text) {
            Some(id) => id,
            None => self.insert(TemplateRef::Static(text)),
        }
    }

    #[cfg(feature = "axum")]
    #[inline]
    fn find_matched(&self, path: &axum::extract::MatchedPath) -> RouteId {
        match self.by_pointer.get(path.as_str()) {
            Some(id) => id,
            None => self.insert(TemplateRef::Matched(path)),
        }
    }

    #[cold]
    fn insert(&self, template: TemplateRef<'_>) -> RouteId {
        let id = self.id_of(template.as_str());
        if id != RouteId::OVERFLOW {
            self.by_pointer.cache_address(template, id);
        }
        id
    }

    /// Returns the id of a template, which is new if the template is.
    fn id_of(&self, template: &str) -> RouteId {
        let known = self.by_template.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(&id) = known.ids.get(template) {
            return id;
        }
        if known.ids.len() >= self.max_routes {
            return RouteId::OVERFLOW;
        }
        drop(known);
        let mut known = self.by_template.write().unwrap_or_else(PoisonError::into_inner);
        // Another thread may have inserted it between the two locks.
        if let Some(&id) = known.ids.get(template) {
            return id;
        }
        let number = known.ordered.len();
        if number >= self.max_routes {
            return RouteId::OVERFLOW;
        }
        let Some(id) = RouteId::new(number, self.flags_of(template).excluded) else {
            return RouteId::OVERFLOW;
        };
        known.ordered.push(template.into());
        known.ids.insert(template.into(), id);
        id
    }

    /// Returns the template of a route. It has none if it stands for several routes or for none.
    #[cold]
    pub(crate) fn template(&self, id: RouteId) -> Option<Box<str>> {
        let known = self.by_template.read().unwrap_or_else(PoisonError::into_inner);
        id.index().checked_sub(RouteId::RESERVED).and_then(|n| known.ordered.get(n)).cloned()
    }

    /// Returns the settings of the route with this template.
    pub(crate) fn flags_of(&self, template: &str) -> RouteFlags {
        self.flags.get(template).copied().unwrap_or_default()
    }
}

impl fmt::Debug for RouteIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RouteIndex").field("source", &self.source).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use http::Request;

    use super::super::{RouteFlags, RouteSource, Routes};
    use super::{RouteId, RouteIndex};
    use crate::RequestHead;

    fn index(source: RouteSource, max_routes: usize) -> RouteIndex {
        let excluded = RouteFlags { excluded: true, stream: false };
        let flags = HashMap::from([("/livez".to_owned(), excluded)]);
        RouteIndex::new(source, flags, max_routes).expect("valid")
    }

    fn resolve(index: &RouteIndex, path: &str) -> RouteId {
        let request = Request::get(path).body(()).expect("valid");
        index.resolve(RequestHead::of(&request))
    }

    #[test]
    fn an_excluded_route_is_known_by_its_id_from_every_source() {
        let table = Routes::new(["/", "/livez"]).expect("valid");
        let function = RouteSource::from_fn(|head| match head.uri.path() {
            "/" => Some("/"),
            "/livez" => Some("/livez"),
            _ => None,
        });
        for source in [table.into(), function] {
            let index = index(source, 2);
            for _ in 0..2 {
                let (root, livez) = (resolve(&index, "/"), resolve(&index, "/livez"));
                assert_eq!((root.is_excluded(), livez.is_excluded()), (false, true));
                assert_ne!(root.index(), livez.index());
                assert!(livez.index() < index.capacity());
                assert_eq!(index.template(root).as_deref(), Some("/"));
                assert_eq!(index.template(livez).as_deref(), Some("/livez"));
            }
            assert_eq!(resolve(&index, "/else"), RouteId::UNMATCHED);
            assert_eq!(index.template(RouteId::UNMATCHED), None);
        }
    }

    #[test]
    fn routes_above_the_limit_share_one_id() {
        let source = RouteSource::from_fn(|head| match head.uri.path() {
            "/a" => Some("/a"),
            "/b" => Some("/b"),
            _ => Some("/c"),
        });
        let index = index(source, 1);
        assert_ne!(resolve(&index, "/a"), RouteId::OVERFLOW);
        assert_eq!([resolve(&index, "/b"), resolve(&index, "/c")], [RouteId::OVERFLOW; 2]);
        assert_eq!(index.template(RouteId::OVERFLOW), None);
        assert!(index.reserve("/d").is_err());
    }
}
