//! What is built.

/// One build: a package with these dependencies, and the build that it is compared with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Case {
    pub(crate) name: &'static str,
    /// The features of sre-kit, separated by commas. `None` if it is not a dependency.
    pub(crate) features: Option<&'static str>,
    /// Lines of `[dependencies]`.
    pub(crate) others: &'static str,
    /// The name of the build that has what this one adds something to.
    pub(crate) over: Option<&'static str>,
}

/// What a user has who names no feature.
const DEFAULT: &str = "admin,saturation";
const AXUM: &str = "axum = \"0.8\"\ntokio = { version = \"1\", features = [\"macros\", \"net\", \"rt-multi-thread\"] }\n";
const AXUM_PROMETHEUS: &str = "axum = \"0.8\"\ntokio = { version = \"1\", features = [\"macros\", \"net\", \"rt-multi-thread\"] }\naxum-prometheus = \"0.10\"\n";
const TOWER_OTEL: &str = "axum = \"0.8\"\ntokio = { version = \"1\", features = [\"macros\", \"net\", \"rt-multi-thread\"] }\ntower-otel = { version = \"0.12\", features = [\"axum\"] }\nopentelemetry = \"0.33\"\nopentelemetry_sdk = \"0.33\"\n";

/// Returns the builds, each after the one that it is compared with.
pub(crate) fn all() -> Vec<Case> {
    let kit = |name, features, over| Case { name, features: Some(features), others: "", over };
    let feature = |name, features| kit(name, features, Some("default features"));
    vec![
        kit("the layer alone", "", None),
        kit("default features", DEFAULT, Some("the layer alone")),
        feature("axum", "admin,saturation,axum"),
        feature("console", "admin,saturation,console"),
        feature("metrics-facade", "admin,saturation,metrics-facade"),
        feature("opentelemetry-metrics", "admin,saturation,opentelemetry-metrics"),
        feature("outbound", "admin,saturation,outbound"),
        feature("protobuf", "admin,saturation,protobuf"),
        feature("render", "admin,saturation,render"),
        feature("systemd", "admin,saturation,systemd"),
        feature("testing", "admin,saturation,testing"),
        feature("tonic", "admin,saturation,tonic"),
        feature("telemetry", "admin,saturation,telemetry"),
        feature("tikv-prometheus", "admin,saturation,tikv-prometheus"),
        feature("otlp", "admin,saturation,otlp"),
        feature("tls with ring", "admin,saturation,tls,ring"),
        feature("tls with aws-lc-rs", "admin,saturation,tls,aws-lc-rs"),
        feature("db-sqlite", "admin,saturation,db-sqlite"),
        feature("db-postgres with ring", "admin,saturation,db-postgres,ring"),
        feature("db-iam with ring", "admin,saturation,db-iam,ring"),
        feature("db-postgres and migrate, with ring", "admin,saturation,db-postgres,migrate,ring"),
        feature("all features", EVERYTHING),
        Case { name: "axum's own", features: None, others: AXUM, over: None },
        Case {
            name: "sre-kit's layer",
            features: Some("axum"),
            others: AXUM,
            over: Some("axum's own"),
        },
        Case {
            name: "axum-prometheus",
            features: None,
            others: AXUM_PROMETHEUS,
            over: Some("axum's own"),
        },
        Case { name: "tower-otel", features: None, others: TOWER_OTEL, over: Some("axum's own") },
    ]
}

const EVERYTHING: &str = "admin,saturation,axum,console,protobuf,render,systemd,testing,tonic,\
                          otlp,tls,ring,aws-lc-rs,db-sqlite,db-iam,migrate,outbound,metrics-facade,\
                          opentelemetry-metrics,tikv-prometheus";

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use shell::Workspace;

    use super::{DEFAULT, all};

    /// Features that others turn on, and that a user has no reason to name.
    const PARTS: [&str; 3] = ["db", "exposition", "serve"];

    #[test]
    fn each_feature_of_the_library_is_measured() {
        let workspace = Workspace::find().expect("this workspace");
        let members = workspace.members().expect("cargo metadata");
        let library = members.iter().find(|member| member.name == "sre-kit").expect("a member");
        let cases = all();
        let features = cases.iter().filter_map(|case| case.features);
        let measured: BTreeSet<_> =
            features.flat_map(|features| features.split(',')).filter(|f| !f.is_empty()).collect();
        let there: BTreeSet<_> = library.features.iter().map(String::as_str).collect();
        let unmeasured: Vec<_> =
            there.difference(&measured).filter(|feature| !PARTS.contains(feature)).collect();
        assert!(unmeasured.is_empty(), "add a case for {unmeasured:?}");
        let unknown: Vec<_> = measured.difference(&there).collect();
        assert!(unknown.is_empty(), "sre-kit has no feature {unknown:?}");
    }

    #[test]
    fn each_case_is_compared_with_an_earlier_one_that_it_contains() {
        let cases = all();
        for (at, case) in cases.iter().enumerate() {
            let Some(over) = case.over else { continue };
            let base = cases[..at].iter().find(|other| other.name == over).expect("is earlier");
            assert!(case.others.starts_with(base.others), "{}", case.name);
            let features = case.features.unwrap_or_default();
            assert!(features.starts_with(base.features.unwrap_or_default()), "{}", case.name);
        }
        assert!(cases.iter().any(|case| case.features == Some(DEFAULT)));
    }
}
