//! What a setting is set to: one value, or several one after another.

use std::collections::BTreeSet;

use anyhow::anyhow;
use serde::Deserialize;
use toml::Value as Toml;

use crate::sweep::table::{Kind, Value};
use crate::term::exit::Usage;

/// The most cells of a sweep: all are checked before the first one runs.
pub(crate) const MAX_CELLS: usize = 1_000_000;

/// Returns a single value. Of a flag that may be given several times, a list is one value.
pub(crate) fn one(what: &str, value: &Toml, repeats: bool) -> Result<Value, Usage> {
    match value {
        Toml::Array(list) if repeats => {
            let texts = list.iter().map(|value| Ok(one(what, value, false)?.to_string()));
            Ok(Value::Several(texts.collect::<Result<_, Usage>>()?))
        }
        Toml::String(text) => Ok(Value::text(text)),
        Toml::Integer(n) => Ok(Value::Whole(*n)),
        // 1e6 is how people write a million.
        Toml::Float(x) if x.fract() == 0.0 && x.abs() < 1e15 => Ok(Value::Whole(*x as i64)),
        Toml::Float(x) if x.is_finite() => Ok(Value::Real(*x)),
        Toml::Boolean(yes) => Ok(Value::Truth(*yes)),
        other => Err(Usage(format!(
            "{what} = {other}: must be one number, text, or truth value; lists belong in [grid]"
        ))),
    }
}

/// What a range may say.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Range {
    from: f64,
    to: f64,
    step: Option<f64>,
    factor: Option<f64>,
}

/// Returns a list or a range.
pub(crate) fn several(what: &str, value: &Toml, repeats: bool) -> anyhow::Result<Vec<Value>> {
    let values = match value {
        Toml::Array(list) => {
            list.iter().map(|value| one(what, value, repeats)).collect::<Result<Vec<_>, _>>()?
        }
        Toml::Table(table) => {
            let range: Range = table.clone().try_into().map_err(|error| {
                anyhow!(Usage(format!("{what}: {}", error.to_string().trim_end())))
            })?;
            range.values(what)?
        }
        _ => {
            let why = format!(
                "{what} = {value}: must be a list such as [1, 2], or a range such as \
                 {{ from = 1, to = 8 }} or {{ from = 10, to = 1e6, factor = 10 }}"
            );
            return Err(Usage(why).into());
        }
    };
    if values.is_empty() {
        return Err(Usage(format!("{what} is empty; it needs at least one value")).into());
    }
    let mut seen = BTreeSet::new();
    if let Some(twice) = values.iter().find(|value| !seen.insert(value.to_string())) {
        return Err(Usage(format!("{what} has {twice} twice")).into());
    }
    Ok(values)
}

impl Range {
    fn values(&self, what: &str) -> Result<Vec<Value>, Usage> {
        let Self { from, to, step, factor } = *self;
        let count = match (step, factor) {
            (Some(_), Some(_)) => {
                return Err(Usage(format!("{what}: give step or factor, not both")));
            }
            (None, Some(factor)) if factor > 1.0 && from > 0.0 && to >= from => {
                (to / from).ln() / factor.ln()
            }
            (None, Some(factor)) => {
                return Err(Usage(format!(
                    "{what}: from {from} to {to} by factor {factor}; needs a factor above 1, and \
                     0 < from <= to"
                )));
            }
            (step, None) if step.unwrap_or(1.0) > 0.0 && to >= from => {
                (to - from) / step.unwrap_or(1.0)
            }
            (step, None) => {
                return Err(Usage(format!(
                    "{what}: from {from} to {to} by step {}; needs a step above 0, and from <= to",
                    step.unwrap_or(1.0)
                )));
            }
        };
        // The end counts, within rounding.
        let count = (count + 1e-9).floor();
        if count >= MAX_CELLS as f64 {
            return Err(Usage(format!("{what} has {count} values; at most {MAX_CELLS}")));
        }
        let number = |x: f64| {
            // 0.1 · 3 is written 0.3.
            let x = format!("{x:.12e}").parse().unwrap_or(x);
            if f64::fract(x) == 0.0 && x.abs() < 1e15 {
                Value::Whole(x as i64)
            } else {
                Value::Real(x)
            }
        };
        let values = (0..=count as i32).map(|i| match factor {
            Some(factor) => number(from * factor.powi(i)),
            None => number(from + f64::from(i) * step.unwrap_or(1.0)),
        });
        Ok(values.collect())
    }
}

/// Returns the kind that holds all of these values.
pub(crate) fn kind(values: &[Value]) -> Kind {
    let all = |kind| values.iter().all(|value| value.is(kind));
    [Kind::Truth, Kind::Whole, Kind::Real].into_iter().find(|&kind| all(kind)).unwrap_or(Kind::Text)
}

/// Returns the values as their common kind has them: numbers among texts become texts.
pub(crate) fn alike(values: Vec<Value>) -> Vec<Value> {
    let kind = kind(&values);
    let fit = |value: Value| if value.is(kind) { value } else { Value::text(value.to_string()) };
    values.into_iter().map(fit).collect()
}

/// Returns the values in a few words.
pub(crate) fn listed(values: &[Value]) -> String {
    let shown: Vec<String> = values.iter().take(6).map(ToString::to_string).collect();
    let more = if values.len() > shown.len() {
        format!(", … ({} values)", values.len())
    } else {
        String::new()
    };
    format!("[{}{more}]", shown.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_include_their_end_and_lose_no_digits() {
        let axis = |range: &str| {
            let table: toml::Table = toml::from_str(&format!("x = {range}")).expect("TOML");
            several("x", &table["x"], false)
                .map(|values| listed(&values))
                .map_err(|e| e.to_string())
        };
        assert_eq!(axis("{ from = 0, to = 0.3, step = 0.1 }"), Ok("[0, 0.1, 0.2, 0.3]".into()));
        assert_eq!(axis("{ from = 1, to = 10, factor = 3 }"), Ok("[1, 3, 9]".into()));
        for (bad, word) in [
            ("{ from = 2, to = 1 }", "from <= to"),
            ("{ from = 1, to = 2, step = 0 }", "step above 0"),
            ("{ from = 0, to = 2, factor = 2 }", "0 < from"),
            ("{ from = 1, to = 2, by = 2 }", "by"),
            ("[]", "empty"),
            ("[1, 1]", "twice"),
            ("5", "list"),
        ] {
            let error = axis(bad).expect_err(bad);
            assert!(error.contains(word), "{bad}: {error}");
        }
    }

    #[test]
    fn a_list_is_one_value_of_a_flag_that_may_be_repeated() {
        let table: toml::Table = toml::from_str("x = [[], 'a@1', ['a@1', 'b@2']]").expect("TOML");
        let values = several("x", &table["x"], true).expect("three values");
        assert_eq!(kind(&values), Kind::Text);
        assert_eq!(listed(&values), "[, a@1, a@1 b@2]");
        let error = several("x", &table["x"], false).expect_err("no such flag").to_string();
        assert!(error.contains("one number, text"), "{error}");
    }
}
