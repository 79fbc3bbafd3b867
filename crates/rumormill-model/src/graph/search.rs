//! A search through a graph, level by level.

/// A breadth-first search.
pub(crate) struct Search {
    pub(crate) seen: Vec<bool>,
    queue: Vec<u32>,
}

impl Search {
    pub(crate) fn new(nodes: u64) -> Self {
        Self { seen: vec![false; nodes as usize], queue: Vec::new() }
    }

    /// Visits all that can be reached from a node and have not been seen; returns how many.
    pub(crate) fn run<I: Iterator<Item = u32>>(
        &mut self,
        from: u32,
        next: impl Fn(u32) -> I,
    ) -> u64 {
        self.queue.clear();
        self.queue.push(from);
        self.seen[from as usize] = true;
        let mut at = 0;
        while let Some(&v) = self.queue.get(at) {
            at += 1;
            for w in next(v) {
                if !self.seen[w as usize] {
                    self.seen[w as usize] = true;
                    self.queue.push(w);
                }
            }
        }
        at as u64
    }

    /// Whether all that can be reached from a node is at most so many steps away.
    pub(crate) fn ends_within<'a>(
        &mut self,
        from: u32,
        steps: u32,
        next: impl Fn(u32) -> &'a [u32],
    ) -> bool {
        let mut level = vec![from];
        self.seen[from as usize] = true;
        for _ in 0..=steps {
            self.queue.clear();
            for &w in level.iter().flat_map(|&v| next(v)) {
                if !self.seen[w as usize] {
                    self.seen[w as usize] = true;
                    self.queue.push(w);
                }
            }
            std::mem::swap(&mut level, &mut self.queue);
        }
        level.is_empty()
    }
}
