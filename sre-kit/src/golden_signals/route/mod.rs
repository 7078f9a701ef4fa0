//! The source of the label `http_route`, which is never the raw path.

mod index;
mod pointer_index;
mod route_id;
mod source;
mod table;

pub(crate) use index::RouteIndex;
pub(crate) use route_id::{RouteFlags, RouteId};
pub use source::RouteSource;
pub(crate) use source::Source;
pub use table::Routes;
