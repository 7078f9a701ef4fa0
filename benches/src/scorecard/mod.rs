//! What each layer records of what happens to a service, as far as its own
//! metrics show: the table of behaviour in the project's README.
//!
//! Every peer is put around the same axum router and driven through the same
//! scenes. A scene is judged only by what changed in the peer's metrics.

mod peer;
mod router;
mod scene;
mod snapshot;

use std::fmt::Write;

pub use peer::{Peer, peers};

/// One question, and each peer's answer in the order of [`peers`].
#[derive(Debug)]
pub struct Row {
    /// What is asked.
    pub question: &'static str,
    /// What the metrics say.
    pub answers: Vec<String>,
}

/// Plays every scene before every peer. To be called once per process: some
/// peers have recorders that are global.
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

/// The rows as a table in Markdown.
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
            "counted, told apart",
            "counted, told apart",
            "counted, told apart",
            "1 during, 0 after",
            "yes",
            "as sent",
            "0",
            "1",
        ];
        assert_eq!(ours, wanted, "{}", table(&peers, &rows));
        assert!(rows.iter().all(|row| row.answers.len() == peers.len()));
    }
}
