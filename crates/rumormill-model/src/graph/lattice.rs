//! Graphs that are what they are: no randomness in them.

use crate::graph::csr::Csr;

/// Returns a graph from what each node's neighbours are.
fn rows(nodes: u64, entries: u64, neighbours: impl Fn(u64, &mut Vec<u32>)) -> Csr {
    let mut starts = Vec::with_capacity(nodes as usize + 1);
    let mut all = Vec::with_capacity(entries as usize);
    starts.push(0);
    for node in 0..nodes {
        let first = all.len();
        neighbours(node, &mut all);
        all[first..].sort_unstable();
        starts.push(all.len() as u64);
    }
    Csr::from_rows(&starts, all, false)
}

/// Returns a graph in which all nodes have `degree` neighbours.
fn regular(nodes: u64, degree: u32, neighbours: impl Fn(u64, &mut Vec<u32>)) -> Csr {
    let mut all = Vec::with_capacity((nodes * u64::from(degree)) as usize);
    for node in 0..nodes {
        let first = all.len();
        neighbours(node, &mut all);
        all[first..].sort_unstable();
    }
    Csr::from_regular(nodes, degree, all, false)
}

pub(super) fn ring(n: u64) -> Csr {
    regular(n, 2, |v, out| out.extend([((v + n - 1) % n) as u32, ((v + 1) % n) as u32]))
}

pub(super) fn path(n: u64) -> Csr {
    rows(n, 2 * n, |v, out| {
        if v > 0 {
            out.push(v as u32 - 1);
        }
        if v + 1 < n {
            out.push(v as u32 + 1);
        }
    })
}

pub(super) fn star(n: u64) -> Csr {
    rows(n, 2 * n, |v, out| if v == 0 { out.extend(1..n as u32) } else { out.push(0) })
}

pub(super) fn wheel(n: u64) -> Csr {
    let rim = n - 1;
    rows(n, 4 * n, |v, out| {
        if v == 0 {
            out.extend(1..n as u32);
        } else {
            let at = v - 1;
            out.extend([0, ((at + rim - 1) % rim) as u32 + 1, ((at + 1) % rim) as u32 + 1]);
        }
    })
}

pub(super) fn grid(side: u64) -> Csr {
    rows(side * side, 4 * side * side, |v, out| {
        let (row, column) = (v / side, v % side);
        let mut add = |inside: bool, w: u64| out.extend(inside.then_some(w as u32));
        add(row > 0, v.wrapping_sub(side));
        add(column > 0, v.wrapping_sub(1));
        add(column + 1 < side, v + 1);
        add(row + 1 < side, v + side);
    })
}

/// Makes a torus. Of side 2, both ways round lead to the same neighbour, which then counts once.
pub(super) fn torus(side: u64) -> Csr {
    let degree = if side == 2 { 2 } else { 4 };
    regular(side * side, degree, |v, out| {
        let (row, column) = (v / side, v % side);
        let at = |row: u64, column: u64| (row % side * side + column % side) as u32;
        out.extend([at(row + 1, column), at(row, column + 1)]);
        if side > 2 {
            out.extend([at(row + side - 1, column), at(row, column + side - 1)]);
        }
    })
}

/// Makes a tree in which node v's children are 2v + 1 and 2v + 2.
pub(super) fn tree(n: u64) -> Csr {
    rows(n, 2 * n, |v, out| {
        if v > 0 {
            out.push((v as u32 - 1) / 2);
        }
        out.extend([2 * v + 1, 2 * v + 2].into_iter().filter(|&c| c < n).map(|c| c as u32));
    })
}

pub(super) fn hypercube(n: u64) -> Csr {
    let dimension = n.ilog2();
    regular(n, dimension, |v, out| out.extend((0..dimension).map(|bit| v as u32 ^ (1 << bit))))
}
