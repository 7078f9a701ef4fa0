//! What other folders of the crate build series of their own with.

pub(crate) use super::buckets::Scale;
pub(crate) use super::cells::{Cells, Row, add};
pub(crate) use super::family::{Family, OVERFLOW_LABEL};
pub(crate) use super::handles::observe;
pub(crate) use super::labels::push_pair;
pub(crate) use super::slots::{MAX_SLOTS, Slots};
pub(crate) use super::visit::{Collect, Desc, Kind, Visitor};
