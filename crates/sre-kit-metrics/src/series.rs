//! The label texts of a family's series, and the offsets of their cells.

use std::time::SystemTime;

use crate::cells::CellOffset;

/// Label texts end to end, with the cell offset of each.
#[derive(Default)]
pub(super) struct Series {
    text: String,
    ends: Vec<u32>,
    offsets: Vec<CellOffset>,
    /// When each series was created, in seconds since the Unix epoch.
    created: Vec<u32>,
    /// The numbers of the series, sorted by their texts, for families whose handles are looked up
    /// by value. A map would hold each text a second time.
    order: Vec<u32>,
}

impl Series {
    pub(super) fn len(&self) -> usize {
        self.offsets.len()
    }

    /// Adds a series. Returns `false` and adds nothing if the texts would exceed 4 GiB.
    #[must_use]
    pub(super) fn push(&mut self, labels: &str, offset: CellOffset) -> bool {
        let Ok(end) = u32::try_from(self.text.len() + labels.len()) else { return false };
        // It grows by an eighth and does not double: there can be many series, and they stay.
        if self.text.capacity() - self.text.len() < labels.len() {
            self.text.reserve_exact(labels.len() + self.text.len() / 8);
        }
        self.text.push_str(labels);
        push_tight(&mut self.ends, end);
        push_tight(&mut self.offsets, offset);
        push_tight(&mut self.created, now());
        true
    }

    fn labels(&self, i: usize) -> &str {
        let start = if i == 0 { 0 } else { self.ends[i - 1] };
        &self.text[start as usize..self.ends[i] as usize]
    }

    /// Returns the series from `start` to below `end`.
    pub(super) fn range(
        &self,
        start: usize,
        end: usize,
    ) -> impl Iterator<Item = (&str, CellOffset, u32)> {
        (start..end).map(|i| (self.labels(i), self.offsets[i], self.created[i]))
    }

    /// Returns the offset of the series with these labels, or as an error the position that
    /// [`order_last`](Self::order_last) takes.
    pub(super) fn find(&self, labels: &str) -> Result<CellOffset, usize> {
        self.order
            .binary_search_by(|&i| self.labels(i as usize).cmp(labels))
            .map(|at| self.offsets[self.order[at] as usize])
    }

    /// Inserts the series that was pushed last at `position`, so that [`find`](Self::find) finds it.
    pub(super) fn order_last(&mut self, position: usize) {
        // There are fewer cells than 2^32, so fewer series.
        let Ok(last) = u32::try_from(self.offsets.len() - 1) else { return };
        push_tight(&mut self.order, last);
        self.order[position..].rotate_right(1);
    }
}

/// Returns the seconds since the Unix epoch. They fit until 2106.
fn now() -> u32 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u32::try_from(now.as_secs()).unwrap_or(u32::MAX)
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
        fn each_text_finds_its_offset(texts in proptest::collection::vec("[a-c]{0,3}", 0..60)) {
            let mut series = Series::default();
            let mut model = BTreeMap::new();
            for text in &texts {
                let found = series.find(text);
                prop_assert_eq!(found.ok(), model.get(text).copied());
                if let Err(position) = found {
                    let offset = CellOffset::from_index(u32::try_from(model.len()).expect("few"));
                    prop_assert!(series.push(text, offset));
                    series.order_last(position);
                    model.insert(text.clone(), offset);
                }
            }
            prop_assert_eq!(series.len(), model.len());
            for (text, offset, _) in series.range(0, series.len()) {
                prop_assert_eq!(model.get(text), Some(&offset));
            }
        }
    }
}
