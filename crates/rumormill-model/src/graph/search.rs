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
}

/// Fills in the steps from a node to each other, `u32::MAX` to those that it cannot reach. Returns
/// the nodes that it reaches, the nearest first.
pub(crate) fn distances<'a>(
    nodes: u64,
    neighbours: impl Fn(u32) -> &'a [u32],
    from: u32,
    steps: &mut Vec<u32>,
) -> Vec<u32> {
    steps.clear();
    steps.resize(nodes as usize, u32::MAX);
    steps[from as usize] = 0;
    let mut reached = vec![from];
    let mut at = 0;
    while let Some(&v) = reached.get(at) {
        at += 1;
        for &w in neighbours(v) {
            if steps[w as usize] == u32::MAX {
                steps[w as usize] = steps[v as usize] + 1;
                reached.push(w);
            }
        }
    }
    reached
}
