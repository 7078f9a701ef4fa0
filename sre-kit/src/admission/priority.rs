//! The priority of a request.

/// The priority of a request in the queue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Priority {
    /// Waits in turn.
    #[default]
    Normal,
    /// Is served before every normal request, and displaces one if the queue is full.
    Critical,
}
