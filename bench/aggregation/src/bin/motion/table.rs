//! Tables: a row for each statistic, a column for each case.

use serde_json::{Map, Value};

/// One case and its statistics.
pub(crate) struct Column {
    pub(crate) title: String,
    /// Name, value, and decimals to print.
    rows: Vec<(&'static str, f64, usize)>,
}

impl Column {
    pub(crate) fn new(title: String) -> Self {
        Self { title, rows: Vec::new() }
    }

    /// Adds a statistic; NaN if it is not known.
    pub(crate) fn row(&mut self, name: &'static str, value: f64, decimals: usize) {
        self.rows.push((name, value, decimals));
    }

    fn find(&self, name: &str) -> Option<(f64, usize)> {
        self.rows.iter().find(|row| row.0 == name).map(|row| (row.1, row.2))
    }

    /// Returns the case as JSON.
    pub(crate) fn json(&self) -> Value {
        let mut all = Map::from_iter([("case".to_owned(), Value::from(self.title.as_str()))]);
        all.extend(self.rows.iter().map(|(name, value, _)| ((*name).to_owned(), (*value).into())));
        Value::Object(all)
    }
}

/// Prints a table.
pub(crate) fn print(title: &str, columns: &[Column]) {
    println!("\n{title}");
    let mut names: Vec<&str> = Vec::new();
    for (name, ..) in columns.iter().flat_map(|column| &column.rows) {
        if !names.contains(name) {
            names.push(name);
        }
    }
    let first = names.iter().map(|name| name.chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = columns.iter().map(|c| c.title.chars().count().max(10)).collect();
    print!("{:first$}", "");
    for (column, width) in columns.iter().zip(&widths) {
        print!("  {:>width$}", column.title);
    }
    println!();
    for name in names {
        print!("{name:first$}");
        for (column, width) in columns.iter().zip(&widths) {
            let cell = column.find(name).filter(|(value, _)| value.is_finite());
            let cell = cell.map_or("-".to_owned(), |(value, digits)| format!("{value:.digits$}"));
            print!("  {cell:>width$}");
        }
        println!();
    }
}

/// Returns the value that this share of the values does not exceed; NaN of none.
pub(crate) fn quantile(values: &mut [f64], share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let rank = ((share * values.len() as f64).ceil() as usize).clamp(1, values.len().max(1));
    values.get(rank - 1).copied().unwrap_or(f64::NAN)
}

/// Returns the mean; NaN of none.
pub(crate) fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}
