//! The families of a registry in the terms of OpenTelemetry.

mod family;
mod table;
mod translator;

use std::sync::Arc;

use crate::registry::Registry;
use crate::visit::Desc;

pub use family::{Attribute, AttributeType, AttributeValue, OtlpFamily};
pub use table::rows as otlp_table;
pub(crate) use translator::label_name;

impl Registry {
    /// Returns a family in the terms of OpenTelemetry.
    pub(crate) fn otlp_family(&self, desc: &Desc) -> Arc<OtlpFamily> {
        self.families()
            .otlp(&desc.name)
            .or_else(|| table::find(&desc.name))
            .unwrap_or_else(|| Arc::new(OtlpFamily::inferred(desc)))
    }
}
