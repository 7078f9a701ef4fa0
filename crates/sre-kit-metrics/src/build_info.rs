//! The build of a service, as a metric.

use std::borrow::Cow;

use sre_kit_core::ConfigError;

use crate::registry::Registry;

type Text = Cow<'static, str>;

/// The version, the source revision and the compiler of a service.
///
/// The gauge `build_info`, always 1, has them as the labels `service`, `version`, `revision` and
/// `rustc`. An unknown value has no label. Join the gauge to other series to see their version.
///
/// ```
/// use sre_kit_metrics::Registry;
///
/// // The name and version are those of the package that calls the macro. The revision comes from
/// // its build environment.
/// let build = sre_kit_metrics::build_info!().with_revision("5d3e6f4");
/// build.register(&Registry::new())?;
/// assert_eq!(build.revision(), Some("5d3e6f4"));
/// # Ok::<(), sre_kit_metrics::ConfigError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct BuildInfo {
    service: Text,
    version: Text,
    revision: Option<Text>,
    rustc: Option<Text>,
}

/// Returns the [`BuildInfo`](crate::BuildInfo) of the package that calls this.
///
/// Cargo provides the name and the version. The environment of the *build* provides the revision,
/// as `SOURCE_REVISION`, `GIT_COMMIT` or `GITHUB_SHA`, and the compiler, as `RUSTC_VERSION`. Each
/// is unknown if the variable is not set.
#[macro_export]
macro_rules! build_info {
    () => {{
        let mut build = $crate::BuildInfo::new(env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"));
        let revisions =
            [option_env!("SOURCE_REVISION"), option_env!("GIT_COMMIT"), option_env!("GITHUB_SHA")];
        if let Some(revision) = revisions.into_iter().flatten().find(|text| !text.is_empty()) {
            build = build.with_revision(revision);
        }
        if let Some(rustc) = option_env!("RUSTC_VERSION") {
            build = build.with_rustc(rustc);
        }
        build
    }};
}

impl BuildInfo {
    /// Creates the information about `service` in `version`.
    pub fn new(service: impl Into<Text>, version: impl Into<Text>) -> Self {
        Self { service: service.into(), version: version.into(), revision: None, rustc: None }
    }

    /// Sets the revision of the source, such as a commit.
    #[must_use]
    pub fn with_revision(mut self, revision: impl Into<Text>) -> Self {
        self.revision = Some(revision.into());
        self
    }

    /// Sets the version of the compiler.
    #[must_use]
    pub fn with_rustc(mut self, version: impl Into<Text>) -> Self {
        self.rustc = Some(version.into());
        self
    }

    /// Returns the name of the service.
    pub fn service(&self) -> &str {
        &self.service
    }

    /// Returns the version of the service.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Returns the revision of the source, if it is known.
    pub fn revision(&self) -> Option<&str> {
        self.revision.as_deref()
    }

    /// Returns the version of the compiler, if it is known.
    pub fn rustc(&self) -> Option<&str> {
        self.rustc.as_deref()
    }

    /// Registers the gauge `build_info` in `registry`.
    ///
    /// # Errors
    ///
    /// Returns an error if the service or the version is empty, or if the registry already has a
    /// `build_info`.
    pub fn register(&self, registry: &Registry) -> Result<(), ConfigError> {
        for (field, text) in
            [("build_info.service", &self.service), ("build_info.version", &self.version)]
        {
            if text.trim().is_empty() {
                return Err(ConfigError::new(
                    field,
                    text,
                    "it tells one build from another, so it is not empty",
                    "use `sre_kit_metrics::build_info!()`, which takes it from Cargo",
                ));
            }
        }
        let build = self.clone();
        registry.gauge_fn(
            "build_info",
            "Which build this is. Always 1.",
            &["service", "version", "revision", "rustc"],
            move |samples| {
                let [revision, rustc] =
                    [&build.revision, &build.rustc].map(|text| text.as_deref().unwrap_or(""));
                samples.push(&[&build.service, &build.version, revision, rustc], 1.0);
            },
        )
    }
}

#[cfg(test)]
mod tests {
    use super::BuildInfo;
    use crate::{Registry, TextFormat};

    #[test]
    fn an_unknown_value_has_no_label() {
        let registry = Registry::new();
        BuildInfo::new("shop", "1.2.3")
            .with_revision("5d3e6f4")
            .register(&registry)
            .expect("valid");
        let mut text = String::new();
        registry.encode_text(&mut text, TextFormat::Prometheus);
        let line = "build_info{service=\"shop\",version=\"1.2.3\",revision=\"5d3e6f4\"} 1.0\n";
        assert!(text.contains(line), "{text}");
    }

    #[test]
    fn a_build_without_a_version_is_refused_and_a_second_one_too() {
        let registry = Registry::new();
        let err = BuildInfo::new("shop", " ").register(&registry).expect_err("refused");
        assert_eq!(err.field(), "build_info.version");
        let build = crate::build_info!();
        assert_eq!(
            (build.service(), build.version()),
            ("sre-kit-metrics", env!("CARGO_PKG_VERSION"))
        );
        build.register(&registry).expect("the name is free");
        build.register(&registry).expect_err("taken");
    }
}
