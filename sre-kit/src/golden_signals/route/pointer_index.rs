//! An index of templates by the address of their text.
//!
//! Finding a route by its text would hash the text on every request. Under axum even reading the
//! text is expensive: a matched path is an `Arc<str>` that is cloned per request, so the text
//! shares a cache line with a reference count that every core writes. The address is known without
//! reading the text. It identifies the text for as long as the memory is not freed, so the index
//! keeps the owner of each cached address alive.

use std::any::Any;
use std::sync::{Mutex, PoisonError};

use super::route_id::RouteId;
use crate::id_map::IdMap;

/// The highest number of cached addresses per route. A router has one per route. Nested services
/// create a new one per request, which must not accumulate here.
const PER_ROUTE: usize = 8;

/// The slots of the first table, which takes 2 KiB. Few services need a second one.
const SLOTS: usize = 128;

/// A template as its source returned it.
#[derive(Clone, Copy)]
pub(crate) enum TemplateRef<'a> {
    Static(&'static str),
    #[cfg(feature = "axum")]
    Matched(&'a axum::extract::MatchedPath),
    #[cfg(not(feature = "axum"))]
    #[allow(dead_code, reason = "keeps the lifetime in use without the feature")]
    Never(&'a std::convert::Infallible),
}

impl TemplateRef<'_> {
    pub(crate) fn as_str(&self) -> &str {
        match self {
            Self::Static(text) => text,
            #[cfg(feature = "axum")]
            Self::Matched(path) => path.as_str(),
            #[cfg(not(feature = "axum"))]
            Self::Never(never) => match **never {},
        }
    }

    /// Returns the owner of the text, which keeps it at its address.
    fn owner(&self) -> Option<Box<dyn Any + Send + Sync>> {
        match self {
            Self::Static(_) => None,
            #[cfg(feature = "axum")]
            Self::Matched(path) => Some(Box::new((*path).clone())),
            #[cfg(not(feature = "axum"))]
            Self::Never(never) => match **never {},
        }
    }
}

/// Returns the address and the length of a text as one key. The length distinguishes a template
/// from its own prefix.
#[inline]
fn key(text: &str) -> u64 {
    // Addresses of user space leave the upper 16 bits free on every platform that tokio runs on.
    // The highest bit keeps the key of an empty text above 0.
    (text.as_ptr().addr() as u64) ^ ((text.len() as u64) << 48 | 1 << 63)
}

/// Finds routes by the address of their template.
pub(crate) struct PointerIndex {
    ids: IdMap,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    owners: Vec<Box<dyn Any + Send + Sync>>,
    /// The number of cached addresses, by the index of the route.
    counts: Vec<usize>,
}

impl PointerIndex {
    pub(crate) fn new() -> Self {
        Self { ids: IdMap::with_slots(SLOTS), kept: Mutex::default() }
    }

    /// Returns the route of a template, if the address of its text is cached.
    // Takes the text, because a `TemplateRef` would be built for each request.
    #[inline]
    pub(crate) fn get(&self, text: &str) -> Option<RouteId> {
        self.ids.get(key(text)).map(RouteId::from_bits)
    }

    /// Caches the address of a template of `route`.
    pub(crate) fn cache_address(&self, template: TemplateRef<'_>, route: RouteId) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = &mut *kept;
        let i = route.index();
        if kept.counts.len() <= i {
            kept.counts.resize(i + 1, 0);
        }
        if kept.counts[i] >= PER_ROUTE {
            return;
        }
        self.ids.get_or_insert(key(template.as_str()), || {
            kept.counts[i] += 1;
            kept.owners.extend(template.owner());
            Some(route.bits())
        });
    }
}

#[cfg(test)]
mod tests {
    use super::{PER_ROUTE, PointerIndex, TemplateRef};
    use crate::golden_signals::route::RouteId;

    fn id(number: usize) -> RouteId {
        RouteId::new(number, false).expect("far below the limit")
    }

    #[test]
    fn a_text_is_not_its_own_prefix() {
        static LONG: &str = "/items/{id}";
        let index = PointerIndex::new();
        index.cache_address(TemplateRef::Static(&LONG[..6]), id(1));
        index.cache_address(TemplateRef::Static(LONG), id(2));
        assert_eq!(index.get(&LONG[..6]), Some(id(1)));
        assert_eq!(index.get(LONG), Some(id(2)));
    }

    #[test]
    fn the_addresses_of_one_route_are_bounded() {
        let index = PointerIndex::new();
        for _ in 0..100 {
            let text: &'static str = String::from("/nested").leak();
            index.cache_address(TemplateRef::Static(text), id(3));
        }
        let kept = index.kept.lock().expect("not poisoned");
        assert_eq!(kept.counts[id(3).index()], PER_ROUTE);
    }
}
