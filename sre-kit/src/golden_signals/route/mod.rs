//! Where the label `http_route` comes from: never from the raw path.

mod addresses;
mod directory;
mod entry;
mod source;
mod table;

pub(crate) use directory::Directory;
pub(crate) use entry::{Flags, Route, RouteSeries};
pub use source::RouteSource;
pub(crate) use source::Source;
pub use table::Routes;
