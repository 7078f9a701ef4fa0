//! SLOs that were written for other tools.

mod field;
mod openslo;
mod sloth;

use super::super::{Slo, Slos};
use sre_kit_core::ConfigError;

/// SLOs from a file of another tool, as far as a definition can express them.
///
/// What cannot be expressed is an error that names the field. What need not be,
/// such as a query that the process replaces by counting, is a note.
///
/// ```
/// use sre_kit_slo::render::Imported;
///
/// let imported = Imported::from_sloth("
/// version: prometheus/v1
/// service: shop
/// slos:
///   - name: checkout
///     objective: 99.9
///     sli:
///       events:
///         error_query: sum(rate(orders_failed_total[{{.window}}]))
///         total_query: sum(rate(orders_total[{{.window}}]))
/// ")?;
/// assert!(imported.notes()[0].contains("count its events"));
/// let slos = imported.into_slos()?;
/// assert_eq!(slos.service(), "shop");
/// # Ok::<(), sre_kit_slo::ConfigError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Imported {
    service: String,
    slos: Vec<Slo>,
    notes: Vec<String>,
}

impl Imported {
    /// Reads OpenSLO v1: one or more documents, `SLO` with its indicator inside or
    /// as an `SLI` in the same text. What [`render`](super::render) wrote comes
    /// back as it was; of other files, indicators of good or bad events among all
    /// become ratios that the service counts itself.
    ///
    /// # Errors
    ///
    /// When the text is no YAML, or a field cannot be expressed: a threshold on a
    /// gauge, a raw ratio, time slices, a calendar window, several objectives.
    pub fn from_openslo(text: &str) -> Result<Self, ConfigError> {
        openslo::read(text)
    }

    /// Reads a file of Sloth, `version: prometheus/v1`. Indicators of error and
    /// total queries become ratios that the service counts itself.
    ///
    /// # Errors
    ///
    /// When the text is no YAML, or a field cannot be expressed: a raw ratio or a
    /// plugin.
    pub fn from_sloth(text: &str) -> Result<Self, ConfigError> {
        sloth::read(text)
    }

    /// The service.
    pub fn service(&self) -> &str {
        &self.service
    }

    /// The SLOs, not yet checked together.
    pub fn slos(&self) -> &[Slo] {
        &self.slos
    }

    /// What was left out, and what is to be done about it.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Checks them together.
    ///
    /// # Errors
    ///
    /// As [`Slos::new`].
    pub fn into_slos(self) -> Result<Slos, ConfigError> {
        Slos::new(self.service, self.slos)
    }
}

/// The note for an indicator whose queries the process replaces by counting.
fn counted(path: &str, name: &str) -> String {
    format!(
        "{path}: queries are not taken over; count its events in the code with \
         `budgets.slo({name:?})?`, `good()` and `bad()`"
    )
}

#[cfg(test)]
mod tests;
