//! What an answer says, before it is text or JSON.

use super::Probe;
use super::item::{Item, Subject};
use super::query::Query;
use crate::health::Snapshot;

/// How many unknown names an answer repeats; the rest are counted.
const MOST_NOTES: usize = 8;

/// An answer.
#[derive(Debug)]
pub(super) struct Page<'a> {
    pub(super) complaint: &'static str,
    /// What the last line of a verbose answer names.
    pub(super) title: &'a str,
    pub(super) items: Vec<Item<'a>>,
    /// Remarks on the question, such as a name that nothing here has.
    pub(super) notes: Vec<String>,
}

impl<'a> Page<'a> {
    /// The answer to one of the three questions.
    pub(super) fn of(probe: Probe, snapshot: &'a Snapshot, query: Query<'_>) -> Self {
        let board = &snapshot.board;
        let mut items = Vec::with_capacity(snapshot.specs.len() + 2);
        match probe {
            Probe::Liveness => {
                items.push(Item::gate(Subject::Ping));
                items.extend(board.pulses.iter().map(|pulse| Item {
                    subject: Subject::Heartbeat {
                        name: &pulse.name,
                        age: pulse.age(snapshot.now),
                        beating: pulse.is_beating(snapshot.now),
                    },
                    gates: board.draining.is_none(),
                    excluded: false,
                }));
            }
            Probe::Startup => {
                // What was needed to start is not asked for again.
                let open = !board.started;
                items.push(Item::gate(Subject::Monitor { running: board.running }));
                items.extend(snapshot.latches().map(|name| Item::gate(Subject::Latch(name))));
                let gates = snapshot.checks().filter(|check| check.gate().holds_startup());
                items.extend(gates.map(|check| Item::check(check, open)));
            }
            Probe::Readiness => {
                items.push(Item::gate(Subject::Startup { over: board.started }));
                items.push(Item::gate(Subject::Shutdown { reason: snapshot.draining() }));
                items.extend(
                    snapshot
                        .checks()
                        .map(|check| Item::check(check, check.gate().holds_readiness())),
                );
            }
        }
        let mut page =
            Self { complaint: probe.complaint(), title: probe.name(), items, notes: Vec::new() };
        page.exclude(query);
        page
    }

    /// The answer about one check.
    pub(super) fn of_check(name: &'a str, snapshot: &'a Snapshot) -> Option<Self> {
        let items = vec![Item::check(snapshot.check(name)?, true)];
        Some(Self { complaint: "not ok", title: name, items, notes: Vec::new() })
    }

    pub(super) fn passes(&self) -> bool {
        !self.items.iter().any(Item::fails)
    }

    /// Whether something that does not fail the answer is not as it should be.
    pub(super) fn warns(&self) -> bool {
        let unwell = |item: &Item<'_>| !item.excluded && (item.is_degraded() || !item.is_ok());
        self.items.iter().any(unwell)
    }

    /// Why the answer fails.
    pub(super) fn output(&self) -> String {
        let phrases: Vec<_> =
            self.items.iter().filter(|item| item.fails()).map(Item::phrase).collect();
        format!("{}: {}", self.complaint, phrases.join(", "))
    }

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
                if unknown <= MOST_NOTES {
                    self.notes.push(format!("cannot exclude {name:?}: nothing here has that name"));
                }
            }
        }
        if unknown > MOST_NOTES {
            self.notes
                .push(format!("and {} more names that nothing here has", unknown - MOST_NOTES));
        }
    }
}
