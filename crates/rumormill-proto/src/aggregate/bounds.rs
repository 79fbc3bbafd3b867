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
