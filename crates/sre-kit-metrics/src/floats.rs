//! Floats as integers that are ordered in the same way.

const SIGN: u64 = 1 << 63;

/// Returns an integer that compares with others of its kind as the floats do.
#[inline]
pub(crate) fn to_ordered(value: f64) -> u64 {
    let bits = value.to_bits();
    if bits & SIGN == 0 { bits | SIGN } else { !bits }
}

/// Returns the float that [`to_ordered`] was called with.
#[inline]
pub(crate) fn from_ordered(ordered: u64) -> f64 {
    f64::from_bits(if ordered & SIGN == 0 { !ordered } else { ordered & !SIGN })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{from_ordered, to_ordered};

    proptest! {
        #[test]
        fn the_order_is_that_of_the_floats(a in any::<f64>(), b in any::<f64>()) {
            prop_assume!(!a.is_nan() && !b.is_nan() && a.to_bits() != b.to_bits());
            // The two zeros are in this order too.
            prop_assert_eq!(to_ordered(a) < to_ordered(b), a.total_cmp(&b).is_lt());
            prop_assert_eq!(from_ordered(to_ordered(a)).to_bits(), a.to_bits());
        }
    }
}
