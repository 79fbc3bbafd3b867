//! Files of values: one node on a line, its value in the last column.

use rumormill_model::simulate::average::MAX_INPUT;

use crate::term::exit::Usage;

/// What may stand between the columns of a file. The first line that has any decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Separator {
    Is(char),
    Blanks,
}

impl Separator {
    fn of(line: &str) -> Self {
        ['\t', ';', ','].into_iter().find(|c| line.contains(*c)).map_or(Self::Blanks, Self::Is)
    }
}

/// A line of the file.
struct Row {
    number: u64,
    fields: Vec<String>,
}

/// Returns the last column of a text. Columns stand between tabs, semicolons, commas or blanks, one
/// of them in the whole file, and may be quoted. Empty lines are skipped, and lines that begin with
/// `#` or `%`. A first line of words, of which none could be meant for a number, is a heading.
///
/// # Errors
/// Names the first line that has no value or another number of columns than the one before, or that
/// could be read in two ways.
pub(crate) fn last(text: &str) -> Result<Vec<f64>, Usage> {
    let mut rows = rows(text)?;
    if let Some(first) = rows.first()
        && is_heading(&first.fields)
    {
        rows.remove(0);
    }
    if let Some((before, row)) =
        rows.iter().zip(rows.iter().skip(1)).find(|(a, b)| a.fields.len() != b.fields.len())
    {
        let (has, had) = (row.fields.len(), before.fields.len());
        return Err(wrong(
            row.number,
            &format!("there are {has} columns here, but {had} on line {}", before.number),
        ));
    }
    refuse_split_numbers(&rows)?;
    let values: Vec<f64> = rows.iter().map(value).collect::<Result<_, _>>()?;
    if values.len() < 2 {
        let why = format!("has {} values, but must have at least 2, one on a line", values.len());
        return Err(Usage(why));
    }
    Ok(values)
}

fn wrong(line: u64, what: &str) -> Usage {
    Usage(format!("line {line}: {what}"))
}

fn rows(text: &str) -> Result<Vec<Row>, Usage> {
    let lines =
        text.lines().zip(1..).map(|(line, number)| (line.trim_matches([' ', '\t']), number));
    let lines: Vec<(&str, u64)> =
        lines.filter(|(line, _)| !line.is_empty() && !line.starts_with(['#', '%'])).collect();
    let separators = lines.iter().map(|(line, _)| Separator::of(line));
    let separator = separators.into_iter().find(|s| *s != Separator::Blanks);
    let separator = separator.unwrap_or(Separator::Blanks);
    let row = |&(line, number): &(&str, u64)| {
        let fields = split(line, separator);
        let fields = fields.ok_or_else(|| wrong(number, "a quote is not closed"))?;
        Ok(Row { number, fields })
    };
    lines.iter().map(row).collect()
}

/// Returns the fields of a line; `None` if a quote doesn't end on it.
fn split(line: &str, separator: Separator) -> Option<Vec<String>> {
    let mut fields = vec![String::new()];
    let mut quoted = false;
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        let field = fields.last_mut()?;
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => {
                chars.next();
                field.push('"');
            }
            '"' if quoted => quoted = false,
            '"' if field.trim().is_empty() => {
                field.clear();
                quoted = true;
            }
            c if quoted => field.push(c),
            c if separator == Separator::Is(c) => fields.push(String::new()),
            c if separator == Separator::Blanks && c.is_whitespace() => {
                while chars.next_if(|c| c.is_whitespace()).is_some() {}
                fields.push(String::new());
            }
            c => field.push(c),
        }
    }
    (!quoted).then(|| fields.iter().map(|field| field.trim().to_owned()).collect())
}

/// Returns whether a line names columns: each field is empty or begins with a letter, `_`, `%` or a
/// bracket, and the last,
/// whose place is a value's, is not empty, has no digit, and is no word for a number or for none.
fn is_heading(fields: &[String]) -> bool {
    const VALUES: [&str; 9] =
        ["nan", "inf", "infinity", "na", "n/a", "null", "none", "nil", "missing"];
    let word = |field: &String| {
        field.chars().next().is_none_or(|first| first.is_alphabetic() || "_([%".contains(first))
    };
    let Some(last) = fields.last() else { return false };
    fields.iter().all(word)
        && !last.is_empty()
        && !last.contains(|c: char| c.is_numeric())
        && !VALUES.contains(&last.to_lowercase().as_str())
}

/// Refuses a file of which each line could be one number with a decimal comma or with thousands
/// apart, and could be two columns as well. A first column that counts the lines is one.
fn refuse_split_numbers(rows: &[Row]) -> Result<(), Usage> {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let halves = |row: &Row| match row.fields.as_slice() {
        [left, right] => digits(left.trim_start_matches(['-', '+'])) && digits(right),
        _ => false,
    };
    let counts = |from: usize| {
        rows.iter().zip(from..).all(|(row, n)| row.fields[0].parse::<usize>() == Ok(n))
    };
    let Some(first) = rows.first() else { return Ok(()) };
    // Those of 1,000 and 2,500 count the lines, too.
    let thousands = rows.iter().all(|row| row.fields.last().is_some_and(|half| half.len() == 3));
    if rows.iter().all(halves) && !counts(0) && (thousands || !counts(1)) {
        let shown = first.fields.join(" and ");
        let what = format!(
            "{shown} could be two columns, or one number with a decimal comma or with its \
             thousands apart, and so on each line; write one number on a line, with a decimal \
             point, or name the node by a word"
        );
        return Err(wrong(first.number, &what));
    }
    Ok(())
}

fn value(row: &Row) -> Result<f64, Usage> {
    let field = row.fields.last().map_or("", String::as_str);
    let plain = |c: char| c.is_ascii_digit() || "+-.eE".contains(c);
    let parsed = field.parse::<f64>().ok();
    let Some(value) = parsed else {
        let advice = if field.contains(',') {
            "; write a decimal point"
        } else if field.contains(['\u{2212}', '\u{2013}']) {
            "; write - for minus"
        } else {
            ""
        };
        let what = format!(
            "{field:?} is not a number; the last field of a line is a node's value{advice}"
        );
        return Err(wrong(row.number, &what));
    };
    if !field.chars().all(plain) || !value.is_finite() || value.abs() > MAX_INPUT {
        let range = format!("{field} must be a finite number within ±{MAX_INPUT:e}");
        return Err(wrong(row.number, &range));
    }
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<f64>, String> {
        last(text).map_err(|error| error.to_string())
    }

    #[test]
    fn files_have_a_value_on_each_line() {
        for (text, values) in [
            ("5\n10\n", vec![5.0, 10.0]),
            ("5\n10", vec![5.0, 10.0]),
            ("host,load\na, 0.5\n# spare\n\nb,1e3\n", vec![0.5, 1000.0]),
            ("% of the disk\n-1\n+2\n", vec![-1.0, 2.0]),
            ("load (%)\n1\n2\n", vec![1.0, 2.0]),
            ("a\t1\nb\t2\n", vec![1.0, 2.0]),
            ("a;1\nb;2\n", vec![1.0, 2.0]),
            ("a   1\nb  2\n", vec![1.0, 2.0]),
            ("\"one, two\",\"1\"\n\"a \"\"b\"\"\",2\n", vec![1.0, 2.0]),
            ("0,5\n1,7\n", vec![5.0, 7.0]),
            ("1 5\n2 7\n", vec![5.0, 7.0]),
            ("0,500\n1,700\n", vec![500.0, 700.0]),
            ("n0,5\nn1,7\n", vec![5.0, 7.0]),
            ("0,5.5\n0,7.5\n", vec![5.5, 7.5]),
        ] {
            assert_eq!(read(text), Ok(values), "{text:?}");
        }
    }

    #[test]
    fn what_is_not_understood_is_named_with_its_line_and_nothing_is_left_out() {
        for (text, error) in [
            ("5\n", "has 1 values, but must have at least 2, one on a line"),
            ("", "has 0 values"),
            ("load\n", "has 0 values"),
            ("1O\n5\n7\n", "line 1: \"1O\" is not a number"),
            ("O1\n5\n7\n", "line 1: \"O1\" is not a number"),
            ("0x10\n5\n7\n", "line 1: \"0x10\" is not a number"),
            ("1;5\n2\n3\n", "line 2: there are 1 columns here, but 2 on line 1"),
            ("1_000\n5\n7\n", "line 1: \"1_000\" is not a number"),
            ("\u{2212}5\n5\n7\n", "write - for minus"),
            ("NA\n5\n7\n", "line 1: \"NA\" is not a number"),
            ("nan\n5\n7\n", "line 1: nan must be a finite number"),
            ("host,1O\na,2\nb,3\n", "line 1: \"1O\" is not a number"),
            ("load\n1\n2\nthree\n", "line 4: \"three\" is not a number"),
            ("load\nload\n1\n2\n", "line 2: \"load\" is not a number"),
            ("a,1\nb,\n", "line 2: \"\" is not a number"),
            ("1\ninf\n", "line 2: inf must be a finite number"),
            ("1\n1e999\n", "line 2: 1e999 must be a finite number"),
            ("1\n1e300\n", "line 2"),
            ("a;0,5\nb;0,7\n", "line 1: \"0,5\" is not a number"),
            ("0,5\n0,7\n", "line 1: 0 and 5 could be two columns"),
            ("1,000\n2,000\n", "line 1: 1 and 000 could be two columns"),
            ("1 000\n2 500\n3 000\n", "could be two columns"),
            ("\"1\n2\n", "line 1: a quote is not closed"),
        ] {
            let said = read(text).expect_err(text);
            assert!(said.contains(error), "{text:?}: {said}");
        }
    }
}
