//! Declared routes.

use std::fmt;

use crate::ConfigError;

/// A closed table of route templates that are matched against the path.
///
/// A template has `{name}` for one segment and `{*name}` for the rest of the path, as in the
/// `matchit` crate and in axum. A request that matches no template has no `http_route`.
///
/// ```
/// use sre_kit::golden_signals::Routes;
///
/// let routes = Routes::new(["/", "/items/{id}", "/files/{*path}"])?;
/// let err = Routes::new(["/items/{id}", "/items/{name}"]).unwrap_err();
/// assert_eq!(err.field(), "route");
/// # Ok::<(), sre_kit::ConfigError>(())
/// ```
#[derive(Clone, Default)]
#[must_use]
pub struct Routes {
    matcher: matchit::Router<usize>,
    templates: Vec<String>,
}

impl Routes {
    /// Creates a table of these templates.
    ///
    /// # Errors
    ///
    /// Returns an error if a template
    /// - is empty or does not begin with `/`,
    /// - is malformed, or
    /// - matches the same paths as one before it.
    pub fn new<T: Into<String>>(
        templates: impl IntoIterator<Item = T>,
    ) -> Result<Self, ConfigError> {
        templates.into_iter().try_fold(Self::default(), Self::route)
    }

    /// Adds a template.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`new`](Self::new).
    pub fn route(mut self, template: impl Into<String>) -> Result<Self, ConfigError> {
        let template = template.into();
        let refuse = |rule: String, advice: &'static str| {
            Err(ConfigError::new("route", &template, rule, advice))
        };
        if !template.starts_with('/') {
            return refuse(
                "a route begins with `/`".to_owned(),
                "write the template as the router has it, such as `/items/{id}`",
            );
        }
        if self.templates.contains(&template) {
            return refuse("it is declared already".to_owned(), "declare each route once");
        }
        if let Err(err) = self.matcher.insert(&template, self.templates.len()) {
            return refuse(err.to_string(), "rename or remove one of the two");
        }
        self.templates.push(template);
        Ok(self)
    }

    /// Adds the methods of a gRPC service as the routes `/{service}/{method}`.
    ///
    /// tonic does not list the methods of a service, so they are declared here. A call of an
    /// unknown method is counted without a route.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`new`](Self::new).
    pub fn grpc<M: AsRef<str>>(
        self,
        service: &str,
        methods: impl IntoIterator<Item = M>,
    ) -> Result<Self, ConfigError> {
        methods.into_iter().try_fold(self, |routes, method| {
            routes.route(format!("/{service}/{}", method.as_ref()))
        })
    }

    /// Adds the methods of a gRPC service under the name that tonic generated for it. See
    /// [`grpc`](Self::grpc).
    ///
    /// # Errors
    ///
    /// Returns the errors of [`new`](Self::new).
    #[cfg(feature = "tonic")]
    pub fn tonic<S: tonic::server::NamedService>(
        self,
        methods: impl IntoIterator<Item = &'static str>,
    ) -> Result<Self, ConfigError> {
        self.grpc(S::NAME, methods)
    }

    /// Returns the templates in the order of their declaration.
    pub fn templates(&self) -> &[String] {
        &self.templates
    }

    /// Returns the index of the template that `path` matches.
    pub(crate) fn matching(&self, path: &str) -> Option<usize> {
        self.matcher.at(path).ok().map(|found| *found.value)
    }
}

impl fmt::Debug for Routes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.templates).finish()
    }
}
