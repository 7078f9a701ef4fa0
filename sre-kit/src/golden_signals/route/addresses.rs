//! Known templates by the address of their text.
//!
//! Finding a route by its text would hash the text on every request. Reading it
//! at all is worse under axum: a matched path is an `Arc<str>` cloned per
//! request, so its text shares a cache line with a reference count that every
//! core writes. The address is at hand without touching the text, and it names
//! the text for good as long as the memory is not given back: so each address
//! that is remembered keeps its owner alive.

use std::any::Any;
use std::sync::{Mutex, PoisonError};

use crate::golden_signals::series::Index;

/// Addresses remembered per route. A router has one per route; nested services
/// make a new one per request, which must not pile up here.
const PER_ROUTE: usize = 8;

/// Places for addresses in the first table, 2 KiB: few services leave it, and each
/// further one is looked into last.
const SLOTS: usize = 128;

/// A template as a source gave it.
#[derive(Clone, Copy)]
pub(crate) enum Text<'a> {
    Static(&'static str),
    #[cfg(feature = "axum")]
    Matched(&'a axum::extract::MatchedPath),
    #[cfg(not(feature = "axum"))]
    #[allow(dead_code, reason = "keeps the lifetime in use without the feature")]
    Never(&'a std::convert::Infallible),
}

impl Text<'_> {
    pub(crate) fn as_str(&self) -> &str {
        match self {
            Self::Static(text) => text,
            #[cfg(feature = "axum")]
            Self::Matched(path) => path.as_str(),
            #[cfg(not(feature = "axum"))]
            Self::Never(never) => match **never {},
        }
    }

    /// What keeps the text at its address.
    fn owner(&self) -> Option<Box<dyn Any + Send + Sync>> {
        match self {
            Self::Static(_) => None,
            #[cfg(feature = "axum")]
            Self::Matched(path) => Some(Box::new((*path).clone())),
            #[cfg(not(feature = "axum"))]
            Self::Never(never) => match **never {},
        }
    }

    /// Address and length. The length tells a template from its own beginning.
    #[inline]
    fn key(&self) -> u64 {
        let text = self.as_str();
        // Addresses of user space leave the upper 16 bits free on every platform
        // that tokio runs on; a set bit keeps the key of an empty text above 0.
        (text.as_ptr().addr() as u64) ^ ((text.len() as u64) << 48 | 1 << 63)
    }
}

/// From addresses to route numbers.
pub(crate) struct Addresses {
    known: Index,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    owners: Vec<Box<dyn Any + Send + Sync>>,
    /// By route number.
    counts: Vec<usize>,
}

impl Addresses {
    pub(crate) fn new() -> Self {
        Self { known: Index::sized(SLOTS), kept: Mutex::default() }
    }

    #[inline]
    pub(crate) fn get(&self, text: Text<'_>) -> Option<u32> {
        self.known.get(text.key())
    }

    /// Remembers that this address stands for `route`.
    pub(crate) fn remember(&self, text: Text<'_>, route: u32) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = &mut *kept;
        let i = route as usize;
        if kept.counts.len() <= i {
            kept.counts.resize(i + 1, 0);
        }
        if kept.counts[i] >= PER_ROUTE {
            return;
        }
        self.known.get_or_insert(text.key(), || {
            kept.counts[i] += 1;
            kept.owners.extend(text.owner());
            Some(route)
        });
    }
}

#[cfg(test)]
mod tests {
    use super::{Addresses, PER_ROUTE, Text};

    #[test]
    fn a_text_is_not_its_own_beginning() {
        static LONG: &str = "/items/{id}";
        let addresses = Addresses::new();
        addresses.remember(Text::Static(&LONG[..6]), 1);
        addresses.remember(Text::Static(LONG), 2);
        assert_eq!(addresses.get(Text::Static(&LONG[..6])), Some(1));
        assert_eq!(addresses.get(Text::Static(LONG)), Some(2));
    }

    #[test]
    fn addresses_of_one_route_do_not_pile_up() {
        let addresses = Addresses::new();
        for _ in 0..100 {
            let text: &'static str = String::from("/nested").leak();
            addresses.remember(Text::Static(text), 3);
        }
        let kept = addresses.kept.lock().expect("not poisoned");
        assert_eq!(kept.counts[3], PER_ROUTE);
    }
}
