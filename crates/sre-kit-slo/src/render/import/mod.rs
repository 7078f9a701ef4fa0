//! The import of SLOs that were written for other tools.

mod field;
mod openslo;
mod sloth;

use crate::{Slo, Slos};
use sre_kit_core::ConfigError;

/// SLOs from a file of another tool.
///
/// A field that a definition cannot express is an error that names it. A field that is not needed,
/// such as a query that the service replaces by counting, is left out, and a
/// [note](Self::notes) says so.
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
    /// Reads OpenSLO v1: one or more documents of the kind `SLO`, with their indicators inside or as
    /// documents of the kind `SLI` in the same text.
    ///
    /// A file that [`render`](super::render) wrote gives the same definitions. In other files, an
    /// indicator of good or bad events becomes a ratio, whose events the service has to record.
    ///
    /// # Errors
    ///
    /// Returns an error if the text is not YAML, or if a field cannot be expressed: a threshold on a
    /// gauge, a raw ratio, time slices, a calendar window or several objectives.
    pub fn from_openslo(text: &str) -> Result<Self, ConfigError> {
        openslo::read(text)
    }

    /// Reads a file of Sloth with `version: prometheus/v1`. An indicator of an error query and a
    /// total query becomes a ratio, whose events the service has to record.
    ///
    /// # Errors
    ///
    /// Returns an error if the text is not YAML, or if a field cannot be expressed: a raw ratio or a
    /// plugin.
    pub fn from_sloth(text: &str) -> Result<Self, ConfigError> {
        sloth::read(text)
    }

    /// Returns the name of the service.
    pub fn service(&self) -> &str {
        &self.service
    }

    /// Returns the SLOs, which are not validated yet.
    pub fn slos(&self) -> &[Slo] {
        &self.slos
    }

    /// Returns what was left out, and what to do about it.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Validates the SLOs.
    ///
    /// # Errors
    ///
    /// Returns an error in the cases of [`Slos::new`].
    pub fn into_slos(self) -> Result<Slos, ConfigError> {
        Slos::new(self.service, self.slos)
    }
}

/// Returns the note on an indicator whose queries the service replaces by counting.
fn count_in_code_note(path: &str, name: &str) -> String {
    format!(
        "{path}: queries are not taken over; count its events in the code with \
         `budgets.slo({name:?})?`, `record_good()` and `record_bad()`"
    )
}

#[cfg(test)]
mod tests;
