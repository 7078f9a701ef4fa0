//! The content of a response, before it is rendered as text or JSON.

use super::item::{Item, Subject};
use super::query::Query;
use crate::health::health_snapshot::HealthSnapshot;
use crate::health::probe::Probe;

/// The number of unknown names that a response repeats. The others are only counted.
const MAX_NOTES: usize = 8;

/// The content of a response.
#[derive(Debug)]
pub(super) struct Page<'a> {
    /// The first words of a failing response.
    pub(super) failure: &'static str,
    /// The name of the probe or check in the last line of a verbose response.
    pub(super) title: &'a str,
    pub(super) items: Vec<Item<'a>>,
    /// Remarks on the request, such as an unknown name in `?exclude=`.
    pub(super) notes: Vec<String>,
}

impl<'a> Page<'a> {
    /// Returns the response of `probe`.
    pub(super) fn of(probe: Probe, snapshot: &'a HealthSnapshot, query: Query<'_>) -> Self {
        let state = &snapshot.state;
        let mut items = Vec::with_capacity(snapshot.specs.len() + 2);
        match probe {
            Probe::Liveness => {
                items.push(Item::gate(Subject::Ping));
                items.extend(state.heartbeats.iter().map(|entry| Item {
                    subject: Subject::Heartbeat {
                        name: &entry.name,
                        age: entry.age(snapshot.now),
                        beating: entry.is_beating(snapshot.now),
                    },
                    gates: state.draining.is_none(),
                    excluded: false,
                }));
            }
            Probe::Startup => {
                // Once startup is complete, its checks gate nothing any more.
                let open = !state.started;
                items.push(Item::gate(Subject::Monitor { running: state.running }));
                items.extend(snapshot.latches().map(|name| Item::gate(Subject::Latch(name))));
                let gates = snapshot.checks().filter(|check| check.gate().holds_startup());
                items.extend(gates.map(|check| Item::check(check, open)));
            }
            Probe::Readiness => {
                items.push(Item::gate(Subject::Startup { over: state.started }));
                items.push(Item::gate(Subject::Shutdown { reason: snapshot.draining() }));
                items.extend(
                    snapshot
                        .checks()
                        .map(|check| Item::check(check, check.gate().holds_readiness())),
                );
            }
        }
        let mut page =
            Self { failure: probe.failure(), title: probe.name(), items, notes: Vec::new() };
        page.exclude(query);
        page
    }

    /// Returns the response about one check. Returns `None` if the check does not exist.
    pub(super) fn of_check(name: &'a str, snapshot: &'a HealthSnapshot) -> Option<Self> {
        let items = vec![Item::check(snapshot.check(name)?, true)];
        Some(Self { failure: "not ok", title: name, items, notes: Vec::new() })
    }

    /// Returns whether no item fails the probe.
    pub(super) fn passes(&self) -> bool {
        !self.items.iter().any(Item::fails)
    }

    /// Returns whether an item is degraded, or fails without failing the probe.
    pub(super) fn warns(&self) -> bool {
        let unwell = |item: &Item<'_>| !item.excluded && (item.is_degraded() || !item.is_ok());
        self.items.iter().any(unwell)
    }

    /// Returns why the probe fails.
    pub(super) fn output(&self) -> String {
        let phrases: Vec<_> =
            self.items.iter().filter(|item| item.fails()).map(Item::phrase).collect();
        format!("{}: {}", self.failure, phrases.join(", "))
    }

    /// Excludes the items that the query names, and notes unknown names.
    fn exclude(&mut self, query: Query<'_>) {
        let mut unknown = 0;
        for name in query.excluded() {
            let mut found = false;
            for item in self.items.iter_mut().filter(|item| item.name() == Some(name)) {
                item.excluded = true;
                found = true;
            }
            if !found {
                unknown += 1;
                if unknown <= MAX_NOTES {
                    self.notes.push(format!("cannot exclude {name:?}: nothing here has that name"));
                }
            }
        }
        if unknown > MAX_NOTES {
            self.notes
                .push(format!("and {} more names that nothing here has", unknown - MAX_NOTES));
        }
    }
}
