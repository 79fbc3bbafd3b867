//! The results that a job can list: a column each, and how it is found in the job's answer.

use crate::sweep::table::{Column, Kind, Value};

/// A result of a job whose answers are `T`.
pub(crate) struct Finding<T> {
    name: &'static str,
    kind: Kind,
    /// Whether it is listed unless others are asked for.
    usual: bool,
    of: fn(&T) -> Value,
}

/// Returns a result that is listed unless others are asked for.
pub(crate) const fn usual<T>(name: &'static str, kind: Kind, of: fn(&T) -> Value) -> Finding<T> {
    Finding { name, kind, usual: true, of }
}

/// Returns a result that is listed only if it is asked for.
pub(crate) const fn asked<T>(name: &'static str, kind: Kind, of: fn(&T) -> Value) -> Finding<T> {
    Finding { name, kind, usual: false, of }
}

/// Returns the columns there are, and whether each is usual.
pub(crate) fn columns<T>(findings: &[Finding<T>]) -> Vec<(Column, bool)> {
    findings
        .iter()
        .map(|finding| (Column::new(finding.name, finding.kind), finding.usual))
        .collect()
}

/// Returns the values of an answer in these columns.
pub(crate) fn row<T>(findings: &[Finding<T>], columns: &[Column], answer: &T) -> Vec<Value> {
    let value = |column: &Column| {
        let finding = findings.iter().find(|finding| finding.name == column.name);
        finding.map_or(Value::Missing, |finding| (finding.of)(answer))
    };
    columns.iter().map(value).collect()
}
