//! What the page opens and asks about again: kept here, under numbers.

use std::collections::BTreeMap;

/// Things that are open at once, at most.
const MOST: usize = 16;

/// What is open.
pub(crate) struct Shelf<T> {
    next: u32,
    open: BTreeMap<u32, T>,
    /// What one of them is, in words.
    what: &'static str,
}

impl<T> Shelf<T> {
    pub(crate) const fn new(what: &'static str) -> Self {
        Self { next: 1, open: BTreeMap::new(), what }
    }

    /// Keeps something. Returns its number.
    pub(crate) fn keep(&mut self, thing: T) -> Result<u32, String> {
        if self.open.len() >= MOST {
            return Err(format!(
                "{MOST} are open, and that is the most ({}): close one first",
                self.what
            ));
        }
        let number = self.next;
        self.next += 1;
        self.open.insert(number, thing);
        Ok(number)
    }

    pub(crate) fn get(&mut self, number: u32) -> Result<&mut T, String> {
        let what = self.what;
        self.open.get_mut(&number).ok_or_else(|| format!("no {what} is open under number {number}"))
    }

    pub(crate) fn close(&mut self, number: u32) {
        self.open.remove(&number);
    }
}
