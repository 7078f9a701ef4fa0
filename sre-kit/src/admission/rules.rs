//! The rules that decide how a request is limited.

use std::fmt;

use super::priority::Priority;
use sre_kit_core::RequestHead;

type Predicate = Box<dyn Fn(RequestHead<'_>) -> bool + Send + Sync>;
type Weigh = Box<dyn Fn(RequestHead<'_>) -> u32 + Send + Sync>;

/// The admission that a request needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Plan {
    Exempt,
    Admit { weight: u32, priority: Priority },
}

/// The rules of the caller, each of which is optional.
#[derive(Default)]
pub(crate) struct Rules {
    pub(crate) exempt: Option<Predicate>,
    pub(crate) critical: Option<Predicate>,
    pub(crate) weight: Option<Weigh>,
}

impl Rules {
    #[inline]
    pub(crate) fn plan(&self, head: RequestHead<'_>) -> Plan {
        if self.exempt.as_ref().is_some_and(|exempt| exempt(head)) {
            return Plan::Exempt;
        }
        let critical = self.critical.as_ref().is_some_and(|critical| critical(head));
        Plan::Admit {
            // A weight of 0 would exempt the request by accident.
            weight: self.weight.as_ref().map_or(1, |weight| weight(head)).max(1),
            priority: if critical { Priority::Critical } else { Priority::Normal },
        }
    }
}

impl fmt::Debug for Rules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rules")
            .field("exempt", &self.exempt.is_some())
            .field("critical", &self.critical.is_some())
            .field("weight", &self.weight.is_some())
            .finish()
    }
}
