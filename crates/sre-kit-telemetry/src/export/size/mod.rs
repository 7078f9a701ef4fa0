//! The sizes of spans and log records, which a client must not choose.

pub(super) mod record;
pub(super) mod span;

use opentelemetry::StringValue;

/// The largest size of a batch in bytes: below the 4 MiB that a gRPC server accepts by default, with
/// room for the resource.
const MAX_BATCH: usize = 3 * 1024 * 1024;

/// The size of the parts of a span or record that do not vary: ids, times, and their tags.
const FIXED: usize = 160;

/// Returns how many items of these sizes, at least one, fit into one batch.
pub(super) fn first_batch(sizes: impl Iterator<Item = usize>) -> usize {
    let mut total = 0;
    let fitting = sizes.take_while(|size| {
        total += size;
        total <= MAX_BATCH
    });
    fitting.count().max(1)
}

/// Cuts a text to at most `length` bytes.
fn cut_text(text: &mut StringValue, length: usize) {
    if text.as_str().len() > length {
        // A copy, so that the memory of the whole text is freed.
        *text = start(text.as_str(), length).to_owned().into();
    }
}

/// Returns the longest start of `text` that has at most `length` bytes and ends between two
/// characters.
fn start(text: &str, length: usize) -> &str {
    &text[..text.floor_char_boundary(length)]
}

#[cfg(test)]
mod tests {
    use super::{MAX_BATCH, first_batch, start};

    #[test]
    fn a_text_is_cut_between_two_characters() {
        assert_eq!(start("abc", 5), "abc");
        assert_eq!(start("abc", 2), "ab");
        assert_eq!(start("aüb", 2), "a");
        assert_eq!(start("aüb", 3), "aü");
        assert_eq!(start("ü", 0), "");
    }

    #[test]
    fn a_batch_has_at_least_one_item_and_at_most_its_bytes() {
        assert_eq!(first_batch([MAX_BATCH + 1, 1].into_iter()), 1);
        assert_eq!(first_batch([MAX_BATCH - 1, 1, 1].into_iter()), 2);
        assert_eq!(first_batch([1, 1].into_iter()), 2);
    }
}
