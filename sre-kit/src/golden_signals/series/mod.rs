//! The metric families of the layer and their series.

mod layout;
mod request_counts;
mod route_series;
mod store;

pub(crate) use layout::BucketBounds;
pub(crate) use request_counts::RequestCounts;
pub(crate) use route_series::RouteSeries;
pub(crate) use store::Store;
