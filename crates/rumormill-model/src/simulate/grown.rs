//! An array of counts that starts at any index and grows at both ends.

use serde::{Deserialize, Serialize};

/// Numbers by index; those outside are 0.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Grown<T> {
    first: u64,
    items: Vec<T>,
}

impl<T: Copy + Default> Grown<T> {
    /// Returns the number at an index, to be changed.
    #[inline]
    pub(crate) fn at(&mut self, index: u64) -> &mut T {
        if self.items.is_empty() {
            self.first = index;
        }
        if index < self.first {
            let missing = (self.first - index) as usize;
            self.items.splice(0..0, std::iter::repeat_n(T::default(), missing));
            self.first = index;
        }
        let at = (index - self.first) as usize;
        if at >= self.items.len() {
            self.items.resize(at + 1, T::default());
        }
        &mut self.items[at]
    }

    /// Returns the numbers by index, from the first to the last that was changed.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u64, T)> + Clone + '_ {
        (self.first..).zip(self.items.iter().copied())
    }
}

impl<T: Copy + Default + PartialEq + std::ops::AddAssign> Grown<T> {
    /// Adds the numbers of another array.
    pub(crate) fn merge(&mut self, other: &Self) {
        for (index, number) in other.iter().filter(|(_, number)| *number != T::default()) {
            *self.at(index) += number;
        }
    }
}
