//! Which build this is.

use std::borrow::Cow;

use super::registry::Registry;
use sre_kit_core::ConfigError;

type Text = Cow<'static, str>;

/// What was built, from which source, with which compiler.
///
/// Shown as the gauge `build_info`, always 1, with the labels `service`,
/// `version`, `revision` and `rustc`; what is not known has no label. Join it to
/// other series to see which version they are of.
///
/// ```
/// use sre_kit_metrics::Registry;
///
/// // The name and version of the package that calls the macro, and the revision
/// // that its build environment names.
/// let build = sre_kit_metrics::build_info!().with_revision("5d3e6f4");
/// build.register(&Registry::new())?;
/// assert_eq!(build.revision(), Some("5d3e6f4"));
/// # Ok::<(), sre_kit_metrics::ConfigError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BuildInfo {
    service: Text,
    version: Text,
    revision: Option<Text>,
    rustc: Option<Text>,
}

/// The [`BuildInfo`](crate::BuildInfo) of the package that calls this.
///
/// Name and version are Cargo's. The revision is `SOURCE_REVISION`, `GIT_COMMIT`
/// or `GITHUB_SHA`, the compiler `RUSTC_VERSION`, each where the environment of
/// the *build* sets it.
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
    /// The build of `service` in `version`.
    pub fn new(service: impl Into<Text>, version: impl Into<Text>) -> Self {
        Self { service: service.into(), version: version.into(), revision: None, rustc: None }
    }

    /// Adds the revision of the source, such as a commit.
    #[must_use]
    pub fn with_revision(mut self, revision: impl Into<Text>) -> Self {
        self.revision = Some(revision.into());
        self
    }

    /// Adds the version of the compiler.
    #[must_use]
    pub fn with_rustc(mut self, version: impl Into<Text>) -> Self {
        self.rustc = Some(version.into());
        self
    }

    /// The name of the service.
    pub fn service(&self) -> &str {
        &self.service
    }

    /// The version of the service.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The revision of the source, if it is known.
    pub fn revision(&self) -> Option<&str> {
        self.revision.as_deref()
    }

    /// The version of the compiler, if it is known.
    pub fn rustc(&self) -> Option<&str> {
        self.rustc.as_deref()
    }

    /// Shows it in `registry`, as `build_info`.
    ///
    /// # Errors
    ///
    /// When the service or its version has no name, or when the registry has a
    /// `build_info` already.
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
    fn what_is_not_known_has_no_label() {
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
