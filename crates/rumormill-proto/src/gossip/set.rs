//! A sorted set of items, with the fingerprint of every range.

use crate::gossip::item::{Fingerprint, Item, Range};

/// A chunk with more items than this is split in two.
const LARGEST: usize = 512;

/// Items in chunks of a few hundred, each with its fingerprint: changes and sums of ranges both
/// take time in the number of chunks.
#[derive(Clone, Debug, Default)]
pub(crate) struct ItemSet {
    chunks: Vec<Chunk>,
    whole: Fingerprint,
}

#[derive(Clone, Debug, Default)]
struct Chunk {
    /// Sorted, and never empty.
    items: Vec<Item>,
    fingerprint: Fingerprint,
}

impl ItemSet {
    pub(crate) fn len(&self) -> usize {
        self.whole.count as usize
    }

    /// Returns the fingerprint of the whole set.
    pub(crate) fn fingerprint(&self) -> Fingerprint {
        self.whole
    }

    /// Returns the chunk in which the item is, or would be.
    fn chunk(&self, item: Item) -> usize {
        self.chunks.partition_point(|chunk| chunk.items[0] <= item).saturating_sub(1)
    }

    pub(crate) fn contains(&self, item: Item) -> bool {
        let chunk = self.chunks.get(self.chunk(item));
        chunk.is_some_and(|chunk| chunk.items.binary_search(&item).is_ok())
    }

    /// Adds an item; returns false if it was there.
    pub(crate) fn insert(&mut self, item: Item) -> bool {
        let at = self.chunk(item);
        let Some(chunk) = self.chunks.get_mut(at) else {
            self.chunks.push(Chunk::from(vec![item]));
            self.whole.add(item.id);
            return true;
        };
        let Err(place) = chunk.items.binary_search(&item) else { return false };
        chunk.items.insert(place, item);
        chunk.fingerprint.add(item.id);
        self.whole.add(item.id);
        if chunk.items.len() > LARGEST {
            let upper = Chunk::from(chunk.items.split_off(LARGEST / 2));
            *chunk = Chunk::from(core::mem::take(&mut chunk.items));
            self.chunks.insert(at + 1, upper);
        }
        true
    }

    /// Removes an item; returns false if it was not there.
    pub(crate) fn remove(&mut self, item: Item) -> bool {
        let at = self.chunk(item);
        let Some(chunk) = self.chunks.get_mut(at) else { return false };
        let Ok(place) = chunk.items.binary_search(&item) else { return false };
        chunk.items.remove(place);
        chunk.fingerprint.remove(item.id);
        self.whole.remove(item.id);
        if chunk.items.is_empty() {
            self.chunks.remove(at);
        }
        true
    }

    /// Returns the items from `lower` to before `upper`, in order.
    pub(crate) fn iter(&self, lower: Item, upper: Item) -> impl Iterator<Item = Item> {
        let chunks = self.chunks.get(self.chunk(lower)..).unwrap_or_default();
        let items = chunks.iter().flat_map(move |chunk| {
            let start = chunk.items.partition_point(|item| *item < lower);
            chunk.items[start..].iter().copied()
        });
        items.take_while(move |item| *item < upper)
    }

    /// Returns the fingerprint of the items from `lower` to before `upper`.
    pub(crate) fn range(&self, lower: Item, upper: Item) -> Fingerprint {
        let mut sum = Fingerprint::default();
        for chunk in self.chunks.get(self.chunk(lower)..).unwrap_or_default() {
            let (first, last) = (chunk.items[0], chunk.items[chunk.items.len() - 1]);
            if first >= upper {
                break;
            }
            if lower <= first && last < upper {
                sum.extend(chunk.fingerprint);
                continue;
            }
            let start = chunk.items.partition_point(|item| *item < lower);
            let end = chunk.items.partition_point(|item| *item < upper);
            for item in chunk.items.get(start..end).unwrap_or_default() {
                sum.add(item.id);
            }
        }
        sum
    }

    pub(crate) fn contains_id(&self, lower: Item, upper: Item, id: u64) -> bool {
        self.iter(lower, upper).any(|item| item.id == id)
    }

    /// Divides the items from `lower` to before `upper` into ranges of about `size` items.
    pub(crate) fn divide(&self, lower: Item, upper: Item, size: u64) -> Vec<Range> {
        let mut ranges = Vec::new();
        let mut fingerprint = Fingerprint::default();
        let mut before = lower;
        for item in self.iter(lower, upper) {
            if fingerprint.count >= size {
                // The stamp alone is enough to end a range, where it tells the two items apart.
                let upper =
                    Item { id: if item.stamp > before.stamp { 0 } else { item.id }, ..item };
                ranges.push(Range { upper, fingerprint });
                fingerprint = Fingerprint::default();
            }
            fingerprint.add(item.id);
            before = item;
        }
        ranges.push(Range { upper, fingerprint });
        ranges
    }
}

impl From<Vec<Item>> for Chunk {
    fn from(items: Vec<Item>) -> Self {
        let mut fingerprint = Fingerprint::default();
        for item in &items {
            fingerprint.add(item.id);
        }
        Self { items, fingerprint }
    }
}
