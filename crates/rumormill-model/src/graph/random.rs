//! Random graphs other than the regular ones.

use crate::error::Error;
use crate::graph::csr::Csr;
use crate::graph::pace::Pace;
use crate::simulate::stream::{Purpose, Stream};

const WHOLE: (f64, f64) = (0.0, 1.0);

/// Returns each pair with probability `p`: from edge to edge in geometric jumps (Batagelj and
/// Brandes 2005), so that the time is that of the edges, not of the pairs.
pub(super) fn erdos_renyi(nodes: u64, p: f64, seed: u64, pace: Pace<'_>) -> Result<Csr, Error> {
    let mut draws = Stream::new(seed, Purpose::Graph).draws();
    let mut edges: Vec<(u32, u32)> = Vec::new();
    if p > 0.0 {
        let scale = 1.0 / (-p).ln_1p();
        // Pairs (high, low) with low < high, one high node after another.
        let (mut high, mut low) = (1u64, 0u64);
        loop {
            let jump = (1.0 - draws.unit()).ln() * scale;
            low = low.saturating_add(if p >= 1.0 { 0 } else { jump as u64 });
            while low >= high && high < nodes {
                low -= high;
                high += 1;
                pace.at(high, nodes, WHOLE)?;
            }
            if high >= nodes {
                break;
            }
            edges.push((high as u32, low as u32));
            low += 1;
        }
    }
    Ok(Csr::from_edges(nodes, &edges))
}

/// Returns a node's chance to be chosen is its share among the ends of all edges, so a random end
/// of those so far is drawn (Batagelj and Brandes 2005).
pub(super) fn barabasi_albert(
    nodes: u64,
    each: u32,
    seed: u64,
    pace: Pace<'_>,
) -> Result<Csr, Error> {
    let mut draws = Stream::new(seed, Purpose::Graph).draws();
    let mut edges: Vec<(u32, u32)> = (1..=each).map(|leaf| (leaf, 0)).collect();
    let mut chosen = Vec::new();
    for node in each + 1..nodes as u32 {
        chosen.clear();
        while chosen.len() < each as usize {
            let end = draws.below(2 * edges.len() as u64);
            let edge = edges[(end / 2) as usize];
            let other = if end.is_multiple_of(2) { edge.0 } else { edge.1 };
            if !chosen.contains(&other) {
                chosen.push(other);
            }
        }
        edges.extend(chosen.iter().map(|&other| (node, other)));
        pace.at(node.into(), nodes, WHOLE)?;
    }
    Ok(Csr::from_edges(nodes, &edges))
}

/// Makes a small world (Watts and Strogatz 1998): distance by distance, each edge to the right is
/// moved with probability `rewired`, to a node that is neither its own nor a neighbour.
pub(super) fn small_world(
    nodes: u64,
    degree: u32,
    rewired: f64,
    seed: u64,
    pace: Pace<'_>,
) -> Result<Csr, Error> {
    let mut draws = Stream::new(seed, Purpose::Graph).draws();
    let n = nodes as usize;
    let half = degree / 2;
    let right = |v: usize, distance: u32| (v + distance as usize) % n;
    let mut rows: Vec<Vec<u32>> = vec![Vec::with_capacity(degree as usize + 2); n];
    for v in 0..n {
        for distance in 1..=half {
            let w = right(v, distance);
            rows[v].push(w as u32);
            rows[w].push(v as u32);
        }
    }
    let drop_end = |row: &mut Vec<u32>, w: u32| {
        if let Some(at) = row.iter().position(|&x| x == w) {
            row.swap_remove(at);
        }
    };
    for distance in 1..=half {
        for v in 0..n {
            pace.at((u64::from(distance) - 1) * nodes + v as u64, nodes * u64::from(half), WHOLE)?;
            // A node joined to all others has nowhere to move an edge to.
            if !draws.chance(rewired) || rows[v].len() + 1 >= n {
                continue;
            }
            let old = right(v, distance) as u32;
            let new = loop {
                let new = draws.below(nodes) as u32;
                if new != v as u32 && !rows[v].contains(&new) {
                    break new;
                }
            };
            drop_end(&mut rows[v], old);
            drop_end(&mut rows[old as usize], v as u32);
            rows[v].push(new);
            rows[new as usize].push(v as u32);
        }
    }
    let mut starts = Vec::with_capacity(n + 1);
    let mut all = Vec::with_capacity(n * degree as usize);
    starts.push(0);
    for mut row in rows {
        row.sort_unstable();
        all.extend_from_slice(&row);
        starts.push(all.len() as u64);
    }
    Ok(Csr::from_rows(&starts, all, false))
}

/// Returns each node draws `degree` distinct others (Floyd's sampling, Bentley and Floyd 1987).
pub(super) fn k_out(nodes: u64, degree: u32, seed: u64, pace: Pace<'_>) -> Result<Csr, Error> {
    let stream = Stream::new(seed, Purpose::Graph);
    let mut draws = stream.draws();
    let others = nodes - 1;
    let mut all: Vec<u32> = Vec::with_capacity((nodes * u64::from(degree)) as usize);
    for v in 0..nodes {
        let first = all.len();
        for last in others - u64::from(degree)..others {
            let real = |slot: u64| (slot + u64::from(slot >= v)) as u32;
            let picked = real(draws.below(last + 1));
            let taken = all[first..].contains(&picked);
            all.push(if taken { real(last) } else { picked });
        }
        all[first..].sort_unstable();
        pace.at(v, nodes, WHOLE)?;
    }
    Ok(Csr::from_regular(nodes, degree, all, true))
}
