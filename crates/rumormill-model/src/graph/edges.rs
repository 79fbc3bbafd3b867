//! A graph from a list of edges: text, one edge on a line.

use std::io::Read;

use rumormill_proto::text;

use crate::error::{Error, fits, need};
use crate::graph::csr::{Csr, MAX_GRAPH_NODES};

/// What it means that a list has an edge more than once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Repeats {
    /// All edges are listed once, either way round; or all of them twice, once each way round, as
    /// lists of neighbours have them. Anything else is refused.
    #[default]
    Refuse,
    /// However often and whichever way round it is listed, it is one edge: the graph that is left
    /// of a directed one without the directions.
    Merge,
}

/// Reads an undirected graph: on each line the numbers of two nodes, from 0, with blanks, a tab, a
/// comma or a semicolon between them. What follows a `#` is a comment, and so is a line that begins
/// with `%`; empty lines are skipped. A first line such as `source,target` is a heading.
///
/// Nodes are 0 to the largest number seen, or 0 to `nodes` − 1 if that is given; those that no line
/// names have no neighbours. [`Repeats`] says how often an edge may be listed.
///
/// # Errors
/// With its number and text, the first line that is not two numbers, is a loop, names a node out of
/// range, or repeats an edge. If nothing is listed, if the file is no text, if reading fails, or if
/// it takes more than `memory` bytes.
///
/// ```
/// use rumormill_model::graph::{Repeats, read_edges};
/// let read = |text: &str, repeats| read_edges(text.as_bytes(), None, repeats, u64::MAX);
/// let graph = read("0 1\n1,2  # a path\n", Repeats::Refuse)?;
/// assert_eq!(graph.neighbours(1), [0, 2]);
/// let both_ways = read("0 1\n1 0\n1 2\n2 1\n", Repeats::Refuse)?;
/// assert_eq!(both_ways.neighbours(1), [0, 2]);
/// let error = read("0 1\n1 2\n0 1\n", Repeats::Refuse).unwrap_err();
/// assert!(error.to_string().starts_with("line 3"));
/// assert_eq!(read("0 1\n1 2\n0 1\n", Repeats::Merge)?.neighbours(0), [1]);
/// # Ok::<(), rumormill_model::error::Error>(())
/// ```
pub fn read_edges(
    file: impl Read,
    nodes: Option<u64>,
    repeats: Repeats,
    memory: u64,
) -> Result<Csr, Error> {
    let most = nodes.unwrap_or(MAX_GRAPH_NODES);
    need((1..=MAX_GRAPH_NODES).contains(&most), "nodes", most, format!("1 to {MAX_GRAPH_NODES}"))?;
    let text = whole(file, memory)?;
    let mut edges: Vec<Edge> = Vec::new();
    let mut largest = None;
    let mut first = true;
    for (line, number) in text.lines().zip(1..) {
        let content = line.split('#').next().unwrap_or_default().trim();
        if content.is_empty() || content.starts_with('%') {
            refuse_matrix_market(line, number)?;
            continue;
        }
        let words = words(content);
        if core::mem::take(&mut first) && is_heading(&words) {
            continue;
        }
        let (a, b) = parse(line, &words, number, most)?;
        largest = largest.max(Some(a.max(b)));
        edges.push(Edge { ends: (a.min(b), a.max(b)), turned: a > b, line: number as u32 });
        // The text, a list of edges, another one, and the rows: the most that is needed at once.
        let bytes =
            text.len() as u64 + 28 * edges.len() as u64 + 20 * u64::from(largest.unwrap_or(0));
        fits(bytes, memory, || format!("the graph, by line {number},"))?;
    }
    drop(text);
    let Some(largest) = largest else {
        return Err(Error::setting("edges", 0, "at least one line of two node numbers"));
    };
    edges.sort_unstable_by_key(|edge| (edge.ends, edge.line));
    if repeats == Repeats::Refuse {
        refuse_repeats(&edges)?;
    }
    let mut edges: Vec<(u32, u32)> = edges.into_iter().map(|edge| edge.ends).collect();
    edges.dedup();
    Ok(Csr::from_edges(nodes.unwrap_or(u64::from(largest) + 1), &edges))
}

/// A line of the list.
#[derive(Clone, Copy)]
struct Edge {
    /// The lower node first.
    ends: (u32, u32),
    /// Whether the line has the higher one first.
    turned: bool,
    line: u32,
}

/// Returns the whole file as plain text.
fn whole(file: impl Read, memory: u64) -> Result<String, Error> {
    let mut bytes = Vec::new();
    let read = file.take(memory.saturating_add(1)).read_to_end(&mut bytes);
    read.map_err(|error| Error::Text(error.to_string()))?;
    fits(bytes.len() as u64, memory, || "the text of the graph".to_owned())?;
    text::decode(bytes).map_err(|error| Error::Text(error.to_string()))
}

/// Returns the words of a line, without the quotes that some programs put around each. An empty one
/// stands between two commas.
fn words(content: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let mut fields = content.split([',', ';']).peekable();
    while let Some(field) = fields.next() {
        let before = words.len();
        words.extend(field.split_whitespace().map(unquoted));
        // A comma may end the line.
        if words.len() == before && (fields.peek().is_some() || before == 0) {
            words.push("");
        }
    }
    words
}

fn unquoted(word: &str) -> &str {
    word.strip_prefix('"').and_then(|word| word.strip_suffix('"')).unwrap_or(word)
}

/// What columns of nodes are called.
const HEADINGS: &str = "source target from to src dst u v i j node neighbor neighbour node1 node2 \
                        fromnodeid tonodeid head tail destination";

fn is_heading(words: &[&str]) -> bool {
    let names = |word: &&str| HEADINGS.split(' ').any(|name| word.eq_ignore_ascii_case(name));
    words.len() >= 2 && words[..2].iter().all(names)
}

fn refuse_matrix_market(line: &str, number: u64) -> Result<(), Error> {
    if !line.to_ascii_lowercase().starts_with("%%matrixmarket") {
        return Ok(());
    }
    let problem = "it is a Matrix Market file, whose nodes count from 1 and whose first line of \
                   numbers is a size; take that line and this one away, and 1 from each number";
    Err(refusal(line, number, problem.to_owned()))
}

fn refusal(line: &str, number: u64, problem: String) -> Error {
    Error::Edge { line: number, text: line.trim().chars().take(80).collect(), problem }
}

/// Returns the edge on a line.
fn parse(line: &str, words: &[&str], number: u64, nodes: u64) -> Result<(u32, u32), Error> {
    let refuse = |problem: String| Err(refusal(line, number, problem));
    let (a, b) = match words[..] {
        [""] | [] => return refuse("there is no node on it".to_owned()),
        [_] => return refuse("the edge dangles: it has one end, and must have two".to_owned()),
        [a, b] => (a, b),
        _ => {
            let problem = format!(
                "there are {} entries, and must be two nodes: a weight, a time or a kind is not \
                 used here; keep the first two columns",
                words.len()
            );
            return refuse(problem);
        }
    };
    let mut ends = [0; 2];
    for (end, word) in ends.iter_mut().zip([a, b]) {
        let digits = !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit());
        let Some(node) = word.parse::<u64>().ok().filter(|_| digits) else {
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
    Ok((ends[0], ends[1]))
}

/// Refuses the first line that lists an edge again the same way round; and, if some edges are
/// listed both ways round, the first line of one that is not.
fn refuse_repeats(edges: &[Edge]) -> Result<(), Error> {
    let groups = || edges.chunk_by(|a, b| a.ends == b.ends);
    let shown = |edge: &Edge| {
        let (a, b) = edge.ends;
        if edge.turned { format!("{b} {a}") } else { format!("{a} {b}") }
    };
    let refuse = |edge: &Edge, problem| {
        Err(Error::Edge { line: edge.line.into(), text: shown(edge), problem })
    };
    let again = groups().filter_map(|group| {
        let repeated = |(at, edge): (usize, &Edge)| {
            let before = group[..at].iter().find(|before| before.turned == edge.turned)?;
            Some((*edge, *before))
        };
        group.iter().enumerate().find_map(repeated)
    });
    if let Some((edge, before)) = again.min_by_key(|(edge, _)| edge.line) {
        let problem = format!(
            "it repeats the edge of line {}; remove one of them, or let undirected:FILE merge \
             what is repeated",
            before.line
        );
        return refuse(&edge, problem);
    }
    let both = groups().filter(|group| group.len() == 2).min_by_key(|group| group[1].line);
    let once = groups().filter(|group| group.len() == 1).min_by_key(|group| group[0].line);
    if let (Some([one, other]), Some([single])) = (both, once) {
        let problem = format!(
            "it is listed one way round only, but the edge of lines {} and {} both ways; list all \
             edges once or all both ways, or let undirected:FILE ignore the directions",
            one.line, other.line
        );
        return refuse(single, problem);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &[u8], nodes: Option<u64>) -> Result<Csr, Error> {
        read_edges(text, nodes, Repeats::Refuse, u64::MAX)
    }

    fn error(text: &str, nodes: Option<u64>) -> String {
        read(text.as_bytes(), nodes).unwrap_err().to_string()
    }

    #[test]
    fn separators_comments_and_isolated_nodes() {
        let text = "# two edges\n\n3\t1\r\n 0 ; 3 # here\n   \n% also\n";
        let graph = read(text.as_bytes(), Some(6)).unwrap();
        assert_eq!(graph.nodes(), 6);
        assert_eq!(graph.neighbours(3), [0, 1]);
        assert!(graph.neighbours(2).is_empty() && graph.neighbours(5).is_empty());
        assert_eq!(read(text.as_bytes(), None).unwrap().nodes(), 4);
        let path = read(b"0 1\n1 2\n", None).unwrap();
        for same in [
            &b"\xef\xbb\xbf0 1\n1 2\n"[..],
            b"0 1\r1 2\r",
            b"0,1\r\n1,2",
            b"0,1,\n1,2,\n",
            b"0 , 1\n1 ,\t2",
            b"\"0\",\"1\"\n\"1\",\"2\"\n",
            b"source,target\n0,1\n1,2\n",
            b"# Directed graph\n# FromNodeId\tToNodeId\n0\t1\n1\t2\n",
            b"FromNodeId\tToNodeId\n0\t1\n1\t2\n",
            b"0 1\n1 0\n2 1\n1 2\n",
        ] {
            let graph = read(same, None).unwrap_or_else(|error| panic!("{same:?}: {error}"));
            assert!((0..3).all(|n| graph.neighbours(n) == path.neighbours(n)), "{same:?}");
        }
    }

    #[test]
    fn edges_are_listed_once_or_all_both_ways_unless_they_are_merged() {
        let merged = |text: &str| {
            let graph = read_edges(text.as_bytes(), None, Repeats::Merge, u64::MAX).unwrap();
            (0..3).map(|node| graph.neighbours(node).to_vec()).collect::<Vec<_>>()
        };
        let path = [vec![1], vec![0, 2], vec![1]];
        for (text, line, says) in [
            ("0 1\n1 2\n0 1\n", 3, "it repeats the edge of line 1; remove"),
            ("0 1\n1 0\n1 2\n2 1\n1 0\n", 5, "it repeats the edge of line 2; remove"),
            ("1 2\n0 1\n1 0\n", 1, "one way round only, but the edge of lines 2 and 3 both ways"),
        ] {
            let message = error(text, None);
            assert!(message.contains(&format!("line {line} of the edges")), "{message}");
            assert!(message.contains(says) && message.contains("undirected:FILE"), "{message}");
            assert_eq!(merged(text), path);
        }
        let loops = read_edges("0 1\n1 1\n".as_bytes(), None, Repeats::Merge, u64::MAX);
        assert!(loops.unwrap_err().to_string().contains("to itself"), "nothing is dropped");
    }

    #[test]
    fn bad_lines_are_named() {
        let cases = [
            ("0 1\n2\n", None, "line 2 of the edges, \"2\": the edge dangles"),
            (
                "0 1\n\n1 2\n# x\n0 1",
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
            ("0 1\n1 2 0.5\n", None, "a weight, a time or a kind is not used here"),
            ("0,,1\n", None, "there are 3 entries"),
            ("a b\n", None, "line 1 of the edges, \"a b\": \"a\" is not a node"),
            ("alice,bob\n", None, "\"alice\" is not a node"),
            ("source,target\nfrom,to\n", None, "line 2 of the edges, \"from,to\": \"from\""),
            ("0 1\nsource target\n", None, "line 2"),
            ("-1 2\n", None, "\"-1\" is not a node"),
            ("\u{2212}1 2\n", None, "is not a node"),
            ("+1 2\n", None, "\"+1\" is not a node"),
            ("0x1 2\n", None, "\"0x1\" is not a node"),
            ("1_0 2\n", None, "\"1_0\" is not a node"),
            ("1.0 2\n", None, "\"1.0\" is not a node"),
            ("1e3 2\n", None, "\"1e3\" is not a node"),
            ("nan inf\n", None, "\"nan\" is not a node"),
            ("0 1\n,\n", None, "line 2 of the edges, \",\": there is no node"),
            ("# nothing\n", None, "edges is 0, but must be at least one line"),
            ("", None, "edges is 0, but must be at least one line"),
            ("u,v\n", None, "edges is 0, but must be at least one line"),
            ("0 4294967295\n", None, "is out of range"),
            ("0 99999999999999999999\n", None, "is not a node"),
            ("%%MatrixMarket matrix coordinate\n3 3 2\n1 2\n", None, "line 1 of the edges"),
            ("%%MatrixMarket matrix coordinate\n3 3 2\n1 2\n", None, "Matrix Market"),
        ];
        for (text, nodes, want) in cases {
            let message = error(text, nodes);
            assert!(message.contains(want), "{text:?}: {message}");
        }
        for (bytes, want) in [
            (&b"0 1\n\xff\xfe 2\n"[..], "line 2 is not text in UTF-8"),
            (b"\xff\xfe0\0 \0", "UTF-16"),
            (b"\x1f\x8b\x08", "compressed (gzip)"),
            (b"0 1\n\0\0\n", "line 2 holds a zero byte"),
        ] {
            let message = read(bytes, None).unwrap_err().to_string();
            assert!(message.contains(want), "{message}");
        }
        let small = |text: &str, memory| {
            read_edges(text.as_bytes(), None, Repeats::Refuse, memory).unwrap_err().to_string()
        };
        let message = small("0 4000000000", 1 << 30);
        assert!(message.contains("needs 800000000"), "{message}");
        let message = small(&"0 1 # long\n".repeat(100), 1000);
        assert!(message.contains("the text of the graph needs"), "{message}");
    }
}
