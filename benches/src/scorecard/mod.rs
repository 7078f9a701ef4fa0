//! The scorecard: what each layer records when clients disconnect, handlers panic, and so on. Its
//! table is in the README of this crate.
//!
//! Each peer wraps the same axum router and runs through the same scenes. Only the changes in the
//! peer's own metrics count.

mod peer;
mod router;
mod scene;
mod snapshot;

use std::fmt::Write;

pub use peer::{Peer, peers};

/// The results of one scene, in the order of [`peers`].
#[derive(Debug)]
pub struct Row {
    /// The title of the row.
    pub question: &'static str,
    /// Each peer's result.
    pub answers: Vec<String>,
}

/// Runs every scene with every peer. Call this once per process, since some peers have global
/// recorders.
pub async fn rows(peers: &[Peer]) -> Vec<Row> {
    let mut rows = Vec::new();
    for (question, scene) in scene::all() {
        let mut answers = Vec::new();
        for peer in peers {
            answers.push(scene(peer).await);
        }
        rows.push(Row { question, answers });
    }
    rows
}

/// Returns the rows as a table in Markdown.
pub fn table(peers: &[Peer], rows: &[Row]) -> String {
    let mut out = String::from("|");
    for peer in peers {
        let _ = write!(out, " | {}", peer.name);
    }
    out.push_str(" |\n|---");
    out.push_str(&"|---".repeat(peers.len()));
    out.push_str("|\n");
    for row in rows {
        let _ = writeln!(out, "| {} | {} |", row.question, row.answers.join(" | "));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{peers, rows, table};

    #[tokio::test]
    async fn sre_kit_records_all_of_it_and_every_peer_is_asked() {
        let peers = peers();
        let rows = rows(&peers).await;
        let ours: Vec<_> = rows.iter().map(|row| row.answers[0].as_str()).collect();
        let wanted = [
            "counted separately",
            "counted separately",
            "counted separately",
            "1 during, 0 after",
            "yes",
            "correct",
            "0",
            "1",
        ];
        assert_eq!(ours, wanted, "{}", table(&peers, &rows));
        assert!(rows.iter().all(|row| row.answers.len() == peers.len()));
    }
}
