//! Admission below its limit: the cost for each admitted request.

use ::sre_kit::admission::{Admission, GradientSettings, Limit};
use ::sre_kit::metrics::Registry;
use tower_layer::Layer;

use super::service::{Bare, boxed};
use super::{Group, Variant};

const RECORDS: &str = "a permit from the call to the end of the body";

pub(super) fn variants() -> Vec<Variant> {
    vec![
        variant("admission, fixed", Limit::fixed(100)),
        variant("admission, gradient", Limit::gradient(GradientSettings::default())),
    ]
}

fn variant(name: &'static str, limit: Limit) -> Variant {
    let admission = Admission::builder().limit(limit).build(&Registry::new()).expect("valid");
    Variant::new(name, Group::Bare, RECORDS, move |mix| boxed(admission.layer().layer(Bare), mix))
}
