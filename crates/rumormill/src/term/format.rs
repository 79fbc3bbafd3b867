//! Numbers, ages and tables for people.

use std::fmt::Write as _;
use std::time::Duration;

use rumormill_plot::number::shorten;
pub(crate) use rumormill_plot::number::{grouped, number};

/// The sign for an unknown value.
pub(crate) const UNKNOWN: &str = "–";

/// Formats a number; a dash if it is unknown.
pub(crate) fn known(x: Option<f64>, digits: usize) -> String {
    x.map_or_else(|| UNKNOWN.to_owned(), |x| number(x, digits))
}

/// Formats bounds, rounded outwards so that they still hold.
pub(crate) fn bounds(lower: Option<f64>, upper: Option<f64>, digits: usize) -> String {
    match (lower, upper) {
        (Some(lower), Some(upper)) => {
            let (lower, upper) = outward(lower, upper, digits);
            format!("[{lower}, {upper}]")
        }
        _ => UNKNOWN.to_owned(),
    }
}

/// Formats a lower and an upper bound, rounded outwards so that they still hold.
pub(crate) fn outward(lower: f64, upper: f64, digits: usize) -> (String, String) {
    (shorten(lower, digits, f64::floor), shorten(upper, digits, f64::ceil))
}

/// Formats a time: `12.3 s`, `4 min 10 s`, `2 h 5 min`.
pub(crate) fn seconds(seconds: f64) -> String {
    let whole = seconds.max(0.0) as u64;
    match whole {
        0..100 => format!("{seconds:.1} s"),
        100..3600 => format!("{} min {} s", whole / 60, whole % 60),
        _ => format!("{} h {} min", whole / 3600, whole % 3600 / 60),
    }
}

/// Formats an age: `12.3 s ago`; a dash if it is unknown.
pub(crate) fn ago(age: Option<Duration>) -> String {
    age.map_or_else(|| UNKNOWN.to_owned(), |age| format!("{} ago", seconds(age.as_secs_f64())))
}

/// Formats traffic and stored data in powers of 1000: `812 B`, `45.2 kB`, `3.1 MB`.
pub(crate) fn bytes(bytes: u64) -> String {
    let b = bytes as f64;
    match bytes {
        0..1_000 => format!("{bytes} B"),
        1_000..1_000_000 => format!("{:.1} kB", b / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} MB", b / 1e6),
        _ => format!("{:.1} GB", b / 1e9),
    }
}

/// Formats memory in powers of 1024: `999 bytes`, `20.0 GiB`.
pub(crate) fn memory(bytes: u64) -> String {
    let units = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    let mut size = bytes as f64;
    let mut unit = "bytes";
    for larger in units {
        if size < 1024.0 {
            break;
        }
        size /= 1024.0;
        unit = larger;
    }
    if unit == "bytes" { format!("{bytes} bytes") } else { format!("{size:.1} {unit}") }
}

/// Formats a count: `1 node`, `5 nodes`.
pub(crate) fn plural(n: usize, one: &str) -> String {
    if n == 1 { format!("1 {one}") } else { format!("{n} {one}s") }
}

/// How a column is aligned.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Align {
    Left,
    Right,
}

/// Returns the lines of a table: two spaces between columns, none at the end.
pub(crate) fn table(head: &[(&str, Align)], rows: &[Vec<String>]) -> Vec<String> {
    let widths: Vec<usize> = head
        .iter()
        .enumerate()
        .map(|(at, (title, _))| {
            let cells = rows.iter().filter_map(|row| row.get(at)).map(|cell| width(cell));
            cells.chain([width(title)]).max().unwrap_or(0)
        })
        .collect();
    let line = |cells: &mut dyn Iterator<Item = &str>| {
        let mut line = String::new();
        for ((cell, (_, align)), &width_of) in cells.zip(head).zip(&widths) {
            let pad = " ".repeat(width_of.saturating_sub(width(cell)));
            let _ = match align {
                Align::Left => write!(line, "{cell}{pad}  "),
                Align::Right => write!(line, "{pad}{cell}  "),
            };
        }
        line.trim_end().to_owned()
    };
    let titles = line(&mut head.iter().map(|(title, _)| *title));
    let rows = rows.iter().map(|row| line(&mut row.iter().map(String::as_str)));
    std::iter::once(titles).chain(rows).collect()
}

/// A column of a [`list`]: its title, its alignment, and its cell in a row.
pub(crate) type Column<'a, T> = (&'a str, Align, fn(&T) -> String);

/// Returns a column of text.
pub(crate) fn left<T>(title: &str, cell: fn(&T) -> String) -> Column<'_, T> {
    (title, Align::Left, cell)
}

/// Returns a column of numbers.
pub(crate) fn right<T>(title: &str, cell: fn(&T) -> String) -> Column<'_, T> {
    (title, Align::Right, cell)
}

/// Returns the lines of a table with one row for each item.
pub(crate) fn list<T>(items: &[T], columns: &[Column<'_, T>]) -> Vec<String> {
    let head: Vec<_> = columns.iter().map(|(title, align, _)| (*title, *align)).collect();
    let row = |item| columns.iter().map(|(.., cell)| cell(item)).collect();
    table(&head, &items.iter().map(row).collect::<Vec<_>>())
}

/// Returns `yes` or `no`.
pub(crate) fn yes(is: bool) -> String {
    if is { "yes" } else { "no" }.to_owned()
}

fn width(text: &str) -> usize {
    text.chars().count()
}

/// Formats a probability with six significant digits.
pub(crate) fn short(p: f64) -> String {
    // −0 is 0.
    let p = p + 0.0;
    if p == 0.0 || p >= 0.001 { format!("{p:.6}") } else { format!("{p:.5e}") }
}

/// Formats a large number with two decimals, or with an exponent from 10⁷ on.
pub(crate) fn two_decimals(x: f64) -> String {
    if x < 1e7 { format!("{x:.2}") } else { format!("{x:.6e}") }
}

/// Formats seconds in the largest unit that fits.
pub(crate) fn short_seconds(s: f64) -> String {
    if s == 0.0 {
        "0 s".to_owned()
    } else if s < 1e-3 {
        format!("{:.0} us", s * 1e6)
    } else if s < 1.0 {
        format!("{:.0} ms", s * 1e3)
    } else if s < 120.0 {
        format!("{s:.2} s")
    } else {
        format!("{:.1} min", s / 60.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_in_powers_of_1024() {
        assert_eq!(memory(20 << 30), "20.0 GiB");
        assert_eq!(memory(999), "999 bytes");
    }

    #[test]
    fn bounds_are_rounded_outwards() {
        assert_eq!(bounds(Some(15.0), Some(15.0), 10), "[15, 15]");
        assert_eq!(bounds(Some(14.99999999999), Some(15.00000000001), 4), "[14.99, 15.01]");
        assert_eq!(bounds(Some(-1.001), Some(-0.999), 2), "[-1.1, -0.99]");
        assert_eq!(bounds(Some(1.0), None, 4), UNKNOWN);
    }

    #[test]
    fn columns_line_up() {
        let head = [("name", Align::Left), ("sum", Align::Right)];
        let rows = vec![vec!["a".into(), "5".into()], vec!["longer".into(), "10.25".into()]];
        let lines = table(&head, &rows);
        assert_eq!(lines, ["name      sum", "a           5", "longer  10.25"]);
    }

    #[test]
    fn ages() {
        assert_eq!(ago(Some(Duration::from_millis(12_340))), "12.3 s ago");
        assert_eq!(ago(Some(Duration::from_secs(250))), "4 min 10 s ago");
        assert_eq!(ago(Some(Duration::from_secs(7500))), "2 h 5 min ago");
    }
}
