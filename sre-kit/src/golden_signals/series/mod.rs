//! The series behind the layer: what is counted, under which labels.

pub(crate) mod flow;
mod index;
pub(crate) mod key;
mod store;

pub(crate) use index::Index;
pub(crate) use key::Key;
pub(crate) use store::{Bounds, End, Store, StreamKind};
