//! The sources of routes.

use std::fmt;
use std::sync::Arc;

use super::table::Routes;
use crate::RequestHead;

/// The source of the label `http_route`.
///
/// The label is always a template from a bounded set and never the raw path, so its cardinality is
/// bounded. A request without a template has no `http_route`.
#[derive(Clone)]
pub struct RouteSource(pub(crate) Source);

type RouteFn = Arc<dyn Fn(RequestHead<'_>) -> Option<&'static str> + Send + Sync>;

#[derive(Clone)]
pub(crate) enum Source {
    None,
    Table(Routes),
    Function(RouteFn),
    #[cfg(feature = "axum")]
    MatchedPath,
}

impl RouteSource {
    /// Creates a source without routes: requests have no `http_route`.
    pub fn none() -> Self {
        Self(Source::None)
    }

    /// Creates a source that reads the path that the axum `Router` matched.
    ///
    /// Add the layer with `Router::layer` or `Router::route_layer`, because axum matches the path
    /// before it calls these layers.
    #[cfg(feature = "axum")]
    pub fn axum() -> Self {
        Self(Source::MatchedPath)
    }

    /// Creates a source that calls `f`, which returns `None` if a request has no route.
    ///
    /// The template is `'static`, so it cannot be derived from the path. Templates above
    /// [`max_routes`] share one overflow series.
    ///
    /// ```
    /// use sre_kit::golden_signals::RouteSource;
    ///
    /// let by_host = RouteSource::from_fn(|head| match head.uri.host() {
    ///     Some("admin.example.com") => Some("admin"),
    ///     _ => Some("public"),
    /// });
    /// ```
    ///
    /// [`max_routes`]: crate::golden_signals::GoldenSignalsBuilder::max_routes
    pub fn from_fn(
        f: impl Fn(RequestHead<'_>) -> Option<&'static str> + Send + Sync + 'static,
    ) -> Self {
        Self(Source::Function(Arc::new(f)))
    }
}

impl From<Routes> for RouteSource {
    fn from(routes: Routes) -> Self {
        Self(Source::Table(routes))
    }
}

impl fmt::Debug for RouteSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Source::None => f.write_str("RouteSource::none"),
            Source::Table(routes) => f.debug_tuple("RouteSource::table").field(routes).finish(),
            Source::Function(_) => f.write_str("RouteSource::from_fn"),
            #[cfg(feature = "axum")]
            Source::MatchedPath => f.write_str("RouteSource::axum"),
        }
    }
}
