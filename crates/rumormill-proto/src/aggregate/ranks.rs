//! Sets of members, one bit for each.

/// A set of members, by rank in the sorted view.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Ranks {
    pub(super) bytes: Vec<u8>,
}

impl Ranks {
    pub(super) fn empty(members: usize) -> Self {
        Self { bytes: vec![0; members.div_ceil(8)] }
    }

    pub(super) fn insert(&mut self, rank: usize) {
        if let Some(byte) = self.bytes.get_mut(rank / 8) {
            *byte |= 1 << (rank % 8);
        }
    }

    pub(super) fn merge(&mut self, other: &[u8]) {
        for (mine, theirs) in self.bytes.iter_mut().zip(other) {
            *mine |= theirs;
        }
    }

    pub(super) fn len(&self) -> usize {
        self.bytes.iter().map(|byte| byte.count_ones() as usize).sum()
    }
}
