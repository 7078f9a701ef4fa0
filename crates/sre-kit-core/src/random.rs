//! Random numbers for jitter.

use std::hash::{BuildHasher, RandomState};

/// Returns a random number from 0 to below 1. It is for jitter and not for secrets.
pub fn random_fraction() -> f64 {
    // Each `RandomState` hashes with keys of its own, so the hash of a constant is random.
    let bits = RandomState::new().hash_one(0_u8);
    // A float has 53 bits of precision.
    (bits >> 11) as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::random_fraction;

    #[test]
    fn the_numbers_fill_the_range_evenly() {
        const DRAWS: usize = 10_000;
        let mut counts = [0_usize; 10];
        for _ in 0..DRAWS {
            let drawn = random_fraction();
            assert!((0.0..1.0).contains(&drawn), "{drawn}");
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
            let tenth = (drawn * 10.0) as usize;
            counts[tenth] += 1;
        }
        // 1 000 each, with a standard deviation of 30: seven of them fail once in 10^11 runs.
        for count in counts {
            assert!(count.abs_diff(DRAWS / 10) < 210, "{counts:?}");
        }
    }
}
