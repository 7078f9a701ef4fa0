//! The three places that a route may come from.

use std::fmt;
use std::sync::Arc;

use super::table::Routes;
use crate::RequestHead;

/// Where the layer learns the route of a request.
///
/// Whatever the source, the label is a template from a bounded set. A request
/// without one has no `http_route`; the raw path is never used.
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
    /// No routes: requests are told apart by method and status only.
    pub fn none() -> Self {
        Self(Source::None)
    }

    /// The path matched by the axum `Router` that the layer was added to.
    ///
    /// Add the layer with `Router::layer` or `Router::route_layer`: only there
    /// has axum matched the path already.
    #[cfg(feature = "axum")]
    pub fn axum() -> Self {
        Self(Source::MatchedPath)
    }

    /// A function of the caller's: `None` where there is no route.
    ///
    /// The template is `'static`, so it cannot be made from the path. Past
    /// [`max_routes`] templates, further ones share one overflow series.
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
