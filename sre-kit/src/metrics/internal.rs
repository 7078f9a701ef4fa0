//! What other folders of the crate build series of their own with.

pub(crate) use super::buckets::Scale;
pub(crate) use super::cells::{Cells, Column, Home, LINE, Place, Row, Writer};
pub(crate) use super::exemplars::{Exemplars, Link};
#[cfg(feature = "console")]
pub(crate) use super::exposition::gzip as accepts_gzip;
pub(crate) use super::exposition::weight;
pub(crate) use super::family::{Family, OVERFLOW_LABEL};
pub(crate) use super::handles::observe;
#[cfg(any(feature = "console", feature = "telemetry"))]
pub(crate) use super::labels::pairs;
pub(crate) use super::labels::push_pair;
pub(crate) use super::visit::{Collect, Desc, Kind, Visitor};
