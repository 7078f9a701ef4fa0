//! The tables, in Markdown.

use std::fmt::Write as _;

use crate::cases::Case;
use crate::measure::Cost;

/// Returns one row per case: what it takes, and what it adds to the case that it is compared with.
pub(crate) fn render(costs: &[(Case, Cost)]) -> String {
    let mut text = String::from(
        "| Build | Packages | Processor seconds | Adds packages | Adds seconds | To |\n\
         |---|---|---|---|---|---|\n",
    );
    for (case, cost) in costs {
        let base = costs.iter().find(|(other, _)| case.over == Some(other.name));
        let added = base.map_or_else(
            || String::from(" | | "),
            |(base, before)| {
                // A dependency may be there already, and a build's time varies a little.
                let packages = cost.packages.saturating_sub(before.packages);
                let seconds = (cost.seconds - before.seconds).max(0.0);
                format!(" {packages} | {seconds:.0} | {} ", base.name)
            },
        );
        let _ =
            writeln!(text, "| {} | {} | {:.0} |{added}|", case.name, cost.packages, cost.seconds);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::render;
    use crate::cases::all;
    use crate::measure::Cost;

    #[test]
    fn a_row_says_what_a_feature_adds() {
        let costs: Vec<_> = all()
            .into_iter()
            .take(3)
            .zip([(40, 20.0), (70, 41.4), (90, 60.6)])
            .map(|(case, (packages, seconds))| (case, Cost { packages, seconds }))
            .collect();
        let table = render(&costs);
        let rows: Vec<_> = table.lines().skip(2).collect();
        assert_eq!(rows[0], "| the layer alone | 40 | 20 | | | |");
        assert_eq!(rows[1], "| default features | 70 | 41 | 30 | 21 | the layer alone |");
        assert_eq!(rows[2], "| axum | 90 | 61 | 20 | 19 | default features |");
    }
}
