//! The label texts of a family's series, and where their cells lie.

use super::cells::CellOffset;

/// Label texts end to end, with the row of each.
#[derive(Default)]
pub(super) struct Series {
    text: String,
    ends: Vec<u32>,
    rows: Vec<CellOffset>,
    /// Numbers of series by their texts, for families whose handles are looked up
    /// by value. A map would hold each text a second time.
    order: Vec<u32>,
}

impl Series {
    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    /// Adds a series. `false`, and nothing is added, when the texts are 4 GiB long.
    #[must_use]
    pub(super) fn push(&mut self, labels: &str, row: CellOffset) -> bool {
        let Ok(end) = u32::try_from(self.text.len() + labels.len()) else { return false };
        // By an eighth and not by doubling: there may be many, and they stay.
        if self.text.capacity() - self.text.len() < labels.len() {
            self.text.reserve_exact(labels.len() + self.text.len() / 8);
        }
        self.text.push_str(labels);
        push_tight(&mut self.ends, end);
        push_tight(&mut self.rows, row);
        true
    }

    fn labels(&self, i: usize) -> &str {
        let start = if i == 0 { 0 } else { self.ends[i - 1] };
        &self.text[start as usize..self.ends[i] as usize]
    }

    /// The series from `start` to below `end`.
    pub(super) fn range(
        &self,
        start: usize,
        end: usize,
    ) -> impl Iterator<Item = (&str, CellOffset)> {
        (start..end).map(|i| (self.labels(i), self.rows[i]))
    }

    /// The row of the series with these labels, or its place for [`order_last`](Self::order_last).
    pub(super) fn find(&self, labels: &str) -> Result<CellOffset, usize> {
        self.order
            .binary_search_by(|&i| self.labels(i as usize).cmp(labels))
            .map(|at| self.rows[self.order[at] as usize])
    }

    /// Makes the series that was pushed last one that [`find`](Self::find) finds.
    pub(super) fn order_last(&mut self, place: usize) {
        // There are fewer rows than 2^32, so fewer series.
        let Ok(last) = u32::try_from(self.rows.len() - 1) else { return };
        push_tight(&mut self.order, last);
        self.order[place..].rotate_right(1);
    }
}

fn push_tight<T>(all: &mut Vec<T>, one: T) {
    if all.len() == all.capacity() {
        all.reserve_exact(8 + all.len() / 8);
    }
    all.push(one);
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::Series;
    use crate::cells::CellOffset;

    proptest! {
        #[test]
        fn each_text_finds_its_row(texts in proptest::collection::vec("[a-c]{0,3}", 0..60)) {
            let mut series = Series::default();
            let mut model = BTreeMap::new();
            for text in &texts {
                let found = series.find(text);
                prop_assert_eq!(found.ok(), model.get(text).copied());
                if let Err(place) = found {
                    let row = CellOffset::from_index(u32::try_from(model.len()).expect("few"));
                    prop_assert!(series.push(text, row));
                    series.order_last(place);
                    model.insert(text.clone(), row);
                }
            }
            prop_assert_eq!(series.len(), model.len());
            for (text, row) in series.range(0, series.len()) {
                prop_assert_eq!(model.get(text), Some(&row));
            }
        }
    }
}
