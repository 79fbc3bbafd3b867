//! A graph from a list of edges: text, one edge on a line.

use std::io::BufRead;

use super::{Csr, MAX_GRAPH_NODES};
use crate::rounds::error::{RoundsError, need};

/// Reads an undirected graph: on each line the numbers of two nodes, from 0, with blanks, a tab, a
/// comma or a semicolon between them. What follows a `#` is a comment; empty lines are skipped.
///
/// Nodes are 0 to the largest number seen, or 0 to `nodes` − 1 if that is given; those that no line
/// names have no neighbours. Every edge is to be listed once, either way round.
///
/// # Errors
/// With its number and text, the first line that is not two numbers, is a loop, names a node out of
/// range, or repeats an edge. If nothing is listed, if reading fails, or if it takes more than
/// `memory` bytes.
///
/// ```
/// use rumormill_sim::rounds::graph::read_edges;
/// let graph = read_edges("0 1\n1,2  # a path\n".as_bytes(), None, u64::MAX)?;
/// assert_eq!(graph.neighbours(1), [0, 2]);
/// let error = read_edges("0 1\n1 0\n".as_bytes(), None, u64::MAX).unwrap_err();
/// assert!(error.to_string().starts_with("line 2"));
/// # Ok::<(), rumormill_sim::rounds::RoundsError>(())
/// ```
pub fn read_edges(
    mut text: impl BufRead,
    nodes: Option<u64>,
    memory: u64,
) -> Result<Csr, RoundsError> {
    let most = nodes.unwrap_or(MAX_GRAPH_NODES);
    need((1..=MAX_GRAPH_NODES).contains(&most), "nodes", most, format!("1 to {MAX_GRAPH_NODES}"))?;
    let mut edges: Vec<(u32, u32, u32)> = Vec::new();
    let mut largest = None;
    let mut line = String::new();
    let mut number = 0;
    loop {
        line.clear();
        match text.read_line(&mut line) {
            Ok(0) => break,
            Ok(_) => number += 1,
            Err(error) => {
                return Err(RoundsError::Read { line: number, problem: error.to_string() });
            }
        }
        let Some((a, b)) = parse(&line, number, most)? else { continue };
        largest = largest.max(Some(a.max(b)));
        edges.push((a.min(b), a.max(b), number as u32));
        // A list of edges, another one, and the rows: the most that is needed at once.
        let bytes = 28 * edges.len() as u64 + 20 * u64::from(largest.unwrap_or(0));
        if bytes > memory {
            let what = format!("the graph, by line {number},");
            return Err(RoundsError::Memory { what, need: bytes, limit: memory });
        }
    }
    let Some(largest) = largest else {
        return Err(RoundsError::setting("edges", 0, "at least one line of two node numbers"));
    };
    refuse_repeats(&mut edges)?;
    let edges: Vec<(u32, u32)> = edges.into_iter().map(|(a, b, _)| (a, b)).collect();
    Ok(Csr::from_edges(nodes.unwrap_or(u64::from(largest) + 1), &edges))
}

/// The edge on a line, if there is one.
fn parse(line: &str, number: u64, nodes: u64) -> Result<Option<(u32, u32)>, RoundsError> {
    let content = line.split('#').next().unwrap_or_default();
    let blank = |c: char| c.is_whitespace() || c == ',' || c == ';';
    let words: Vec<&str> = content.split(blank).filter(|word| !word.is_empty()).collect();
    let refuse = |problem: String| {
        Err(RoundsError::Edge {
            line: number,
            text: line.trim().chars().take(80).collect(),
            problem,
        })
    };
    let (a, b) = match words[..] {
        [] if content.trim().is_empty() => return Ok(None),
        [] => return refuse("there is no node on it".to_owned()),
        [_] => return refuse("the edge dangles: it has one end, and must have two".to_owned()),
        [a, b] => (a, b),
        _ => {
            let problem = format!("there are {} entries, and must be two nodes", words.len());
            return refuse(problem);
        }
    };
    let mut ends = [0; 2];
    for (end, word) in ends.iter_mut().zip([a, b]) {
        let Ok(node) = word.parse::<u64>() else {
            return refuse(format!("{word:?} is not a node: nodes are whole numbers from 0"));
        };
        if node >= nodes {
            return refuse(format!("node {node} is out of range: nodes are 0 to {}", nodes - 1));
        }
        *end = node as u32;
    }
    if ends[0] == ends[1] {
        return refuse(format!("it joins node {} to itself", ends[0]));
    }
    Ok(Some((ends[0], ends[1])))
}

fn refuse_repeats(edges: &mut [(u32, u32, u32)]) -> Result<(), RoundsError> {
    edges.sort_unstable();
    let repeats = edges.windows(2).filter(|pair| (pair[0].0, pair[0].1) == (pair[1].0, pair[1].1));
    match repeats.min_by_key(|pair| pair[1].2) {
        None => Ok(()),
        Some(pair) => Err(RoundsError::Edge {
            line: pair[1].2.into(),
            text: format!("{} {}", pair[1].0, pair[1].1),
            problem: format!("it repeats the edge of line {}; remove one of them", pair[0].2),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str, nodes: Option<u64>) -> String {
        read_edges(text.as_bytes(), nodes, u64::MAX).unwrap_err().to_string()
    }

    #[test]
    fn separators_comments_and_isolated_nodes() {
        let text = "# two edges\n\n3\t1\r\n 0 ; 3 # here\n   \n";
        let graph = read_edges(text.as_bytes(), Some(6), u64::MAX).unwrap();
        assert_eq!(graph.nodes(), 6);
        assert_eq!(graph.neighbours(3), [0, 1]);
        assert!(graph.neighbours(2).is_empty() && graph.neighbours(5).is_empty());
        assert_eq!(read_edges(text.as_bytes(), None, u64::MAX).unwrap().nodes(), 4);
    }

    #[test]
    fn bad_lines_are_named() {
        let cases = [
            ("0 1\n2\n", None, "line 2 of the edges, \"2\": the edge dangles"),
            (
                "0 1\n\n1 2\n# x\n1 0",
                None,
                "line 5 of the edges, \"0 1\": it repeats the edge of line 1",
            ),
            (
                "0 1\n1 4\n",
                Some(4),
                "line 2 of the edges, \"1 4\": node 4 is out of range: nodes are 0 to 3",
            ),
            ("0 1\n2,2", None, "line 2 of the edges, \"2,2\": it joins node 2 to itself"),
            ("0 1 2\n", None, "line 1 of the edges, \"0 1 2\": there are 3 entries"),
            ("a b\n", None, "\"a\" is not a node"),
            ("-1 2\n", None, "\"-1\" is not a node"),
            ("0 1\n,\n", None, "line 2 of the edges, \",\": there is no node"),
            ("# nothing\n", None, "edges is 0, but must be at least one line"),
            ("0 4294967295\n", None, "is out of range"),
            ("0 99999999999999999999\n", None, "is not a node"),
        ];
        for (text, nodes, want) in cases {
            let message = error(text, nodes);
            assert!(message.contains(want), "{message}");
        }
        let broken: &[u8] = b"0 1\n\xff\xfe 2\n";
        let message = read_edges(broken, None, u64::MAX).unwrap_err().to_string();
        assert!(message.contains("could not be read past line 1"), "{message}");
        let message = read_edges("0 4000000000".as_bytes(), None, 1 << 30).unwrap_err().to_string();
        assert!(message.contains("needs 800000000"), "{message}");
    }
}
