//! The contributions of nodes to a window, merged on the way.

use crate::aggregate::bounds::Bounds;
use crate::codec::{Read, Reader, WireError, Write};

/// The contributions of nodes to a window of one aggregate, merged by taking hulls.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Contribution {
    /// The origin of the distances.
    pub(crate) centre: f64,
    /// The range of the nodes' participation masses over their windows.
    pub(crate) participation: Bounds,
    /// The range of their masses of the inputs' distance from the centre.
    pub(crate) deviation: Bounds,
    /// The range of their masses of the square of that distance.
    pub(crate) squared: Bounds,
    /// The range of the inputs; `None` if no node reports.
    pub(crate) input: Option<Bounds>,
    /// Whether the window proves nothing, since the aggregate was new to some node.
    pub(crate) void: bool,
    /// Whether some node's input changed within its window.
    pub(crate) changed: bool,
    /// Whether some exchange within a node's window still moved mass.
    pub(crate) moving: bool,
}

impl Contribution {
    pub(crate) fn merge(&mut self, other: &Self) {
        self.participation = self.participation.hull(other.participation);
        self.deviation = self.deviation.hull(other.deviation);
        self.squared = self.squared.hull(other.squared);
        self.input = match (self.input, other.input) {
            (Some(a), Some(b)) => Some(a.hull(b)),
            (a, b) => a.or(b),
        };
        // Distances from different centres can't be added up.
        self.void |= other.void || other.centre != self.centre;
        self.changed |= other.changed;
        self.moving |= other.moving;
    }

    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        let flags = u8::from(self.void)
            | u8::from(self.changed) << 1
            | u8::from(self.input.is_some()) << 2
            | u8::from(self.centre != 0.0) << 3
            | u8::from(self.participation.is_point()) << 4
            | u8::from(self.deviation.is_point()) << 5
            | u8::from(self.squared.is_point()) << 6
            | u8::from(self.moving) << 7;
        out.put(&[flags]);
        if self.centre != 0.0 {
            out.put(&self.centre.to_bits().to_be_bytes());
        }
        self.participation.write(out);
        self.deviation.write(out);
        self.squared.write(out);
        if let Some(input) = self.input {
            out.put(&input.lower.to_bits().to_be_bytes());
            out.put(&input.upper.to_bits().to_be_bytes());
        }
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Read<Self> {
        let flags = reader.u8()?;
        let centre = if flags & 8 != 0 { reader.f64()? } else { 0.0 };
        if !centre.is_finite() {
            return Err(WireError::Malformed);
        }
        Ok(Self {
            centre,
            participation: Bounds::read(reader, flags & 16 != 0)?,
            deviation: Bounds::read(reader, flags & 32 != 0)?,
            squared: Bounds::read(reader, flags & 64 != 0)?,
            input: if flags & 4 != 0 { Some(Bounds::read(reader, false)?) } else { None },
            void: flags & 1 != 0,
            changed: flags & 2 != 0,
            moving: flags & 128 != 0,
        })
    }
}
