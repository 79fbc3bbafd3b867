//! Closed intervals of numbers.

use crate::codec::{Read, Reader, WireError, Write};

/// A closed interval; `lower <= upper`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Bounds {
    pub(crate) lower: f64,
    pub(crate) upper: f64,
}

impl Bounds {
    pub(crate) fn hull(self, other: Self) -> Self {
        Self { lower: self.lower.min(other.lower), upper: self.upper.max(other.upper) }
    }

    pub(crate) fn width(self) -> f64 {
        self.upper - self.lower
    }

    pub(crate) fn is_point(self) -> bool {
        self.lower == self.upper
    }

    /// Returns the middle.
    pub(crate) fn middle(self) -> f64 {
        f64::midpoint(self.lower, self.upper)
    }

    /// Returns the number within the bounds that is shortest in decimal digits; of several, the one
    /// nearest to the middle.
    ///
    /// The bounds are all that is known, so each number between them is as good as another, and the
    /// shortest is what people gave: five inputs of 120 make 600, where rounding of masses leaves
    /// 599.9999989.
    pub(crate) fn shortest(self) -> f64 {
        if self.lower <= 0.0 && self.upper >= 0.0 {
            return 0.0;
        }
        let middle = self.middle();
        // 17 digits tell all floats apart, so the last one is the middle itself.
        let rounded = |digits: usize| format!("{middle:.digits$e}").parse::<f64>().ok();
        let within = |x: &f64| (self.lower..=self.upper).contains(x) && x.is_finite();
        (0..17).filter_map(rounded).find(within).unwrap_or(middle)
    }

    /// A single point is written once.
    pub(crate) fn write(self, out: &mut Vec<u8>) {
        out.put(&self.lower.to_bits().to_be_bytes());
        if !self.is_point() {
            out.put(&self.upper.to_bits().to_be_bytes());
        }
    }

    pub(crate) fn read(reader: &mut Reader<'_>, is_point: bool) -> Read<Self> {
        let lower = reader.f64()?;
        let bounds = Self { lower, upper: if is_point { lower } else { reader.f64()? } };
        let finite = bounds.lower.is_finite() && bounds.upper.is_finite();
        if finite && bounds.lower <= bounds.upper { Ok(bounds) } else { Err(WireError::Malformed) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shortest(lower: f64, upper: f64) -> f64 {
        Bounds { lower, upper }.shortest()
    }

    #[test]
    fn the_shortest_decimal_within_the_bounds_is_what_people_wrote() {
        for (lower, upper, shortest_within) in [
            (599.9999, 600.0001, 600.0),
            (599.999_998_9, 600.000_000_2, 600.0),
            (0.299_999_999_999, 0.300_000_000_000_1, 0.3),
            (0.300_000_000_000_000_04, 0.3, 0.3),
            (-600.0001, -599.9999, -600.0),
            (1234.49, 1234.51, 1234.5),
            (0.96, 1.04, 1.0),
            (9.6, 10.2, 10.0),
            (-1e-9, 1e-9, 0.0),
            (0.0, 5.0, 0.0),
            (-5.0, -0.0, 0.0),
            (8.999e15, 9.001e15, 9e15),
            (1.6e308, f64::MAX, 1.7e308),
            (2.9e-310, 3.1e-310, 3e-310),
            (5e-324, 5e-324, 5e-324),
            (5e-324, 1e-323, 1e-323),
        ] {
            let got = shortest(f64::min(lower, upper), f64::max(lower, upper));
            assert_eq!(got, shortest_within, "of [{lower:e}, {upper:e}]");
        }
        assert!(shortest(-5.0, 0.0).is_sign_positive(), "zero has no sign");
        // Bounds that are one float leave no choice.
        for x in [0.1 + 0.2, 1.0 / 3.0, -f64::MAX, f64::MIN_POSITIVE, 600.0, 599.999_998_9] {
            assert_eq!(shortest(x, x), x);
        }
    }

    proptest! {
        #[test]
        fn the_shortest_decimal_lies_within_and_has_no_more_digits_than_any_other(
            a in any::<f64>(), width in 0.0..1e-3f64, digits in 0usize..17,
        ) {
            prop_assume!(a.is_finite());
            let b: f64 = a + a.abs() * width;
            prop_assume!(b.is_finite());
            let got = shortest(a, b);
            prop_assert!(a <= got && got <= b, "{got:e} of [{a:e}, {b:e}]");
            let length = |x: f64| format!("{x:e}").split('e').next().map_or(0, |m| m.trim_start_matches('-').len());
            let other: f64 = format!("{:.digits$e}", f64::midpoint(a, b)).parse().unwrap();
            if a <= other && other <= b {
                prop_assert!(length(got) <= length(other), "{got:e}, not {other:e}");
            }
        }
    }
}
