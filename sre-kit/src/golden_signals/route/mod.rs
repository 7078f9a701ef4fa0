//! Where the label `http_route` comes from: never from the raw path.

mod addresses;
mod directory;
mod source;
mod table;

pub(crate) use directory::{Directory, Flags, Route, RouteId};
pub use source::RouteSource;
pub use table::Routes;
