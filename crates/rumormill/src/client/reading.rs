//! Readings as text.

use rumormill_proto::{Bounded, Certified, Estimate, Mode, Reading};

use crate::client::reply::DIGITS;
use crate::term::format::{self, Align, UNKNOWN, known, left, right};

/// The digits of a standard error: it is a size, and no more is meant.
const ERROR_DIGITS: usize = 2;

/// The relative standard error that does not show in [`DIGITS`] digits.
const NEGLIGIBLE: f64 = 1e-11;

/// Returns the value of an estimate, with one digit beyond its standard error: further ones mean
/// nothing.
pub(crate) fn value(estimate: &Estimate) -> String {
    let digits = match (estimate.value, estimate.standard_error) {
        (Some(value), Some(error)) if value != 0.0 && error > 0.0 => {
            let beyond = value.abs().log10().floor() - error.log10().floor();
            (beyond + 2.0).clamp(1.0, DIGITS as f64) as usize
        }
        _ => DIGITS,
    };
    known(estimate.value, digits)
}

/// Returns an estimate with its standard error: `600 ± 0.0021`; `600 ± ?` if that is not known yet, and
/// `600` if it would not show in the digits of the value.
pub(crate) fn estimate(estimate: &Estimate) -> String {
    let text = value(estimate);
    match (estimate.value, estimate.standard_error) {
        (None, _) => text,
        (Some(value), Some(error)) if error <= NEGLIGIBLE * value.abs() => text,
        (_, Some(error)) => format!("{text} ± {}", format::number(error, ERROR_DIGITS)),
        (_, None) => format!("{text} ± ?"),
    }
}

/// Returns what is certain of the sum, in words.
pub(crate) fn certainty(certified: &Certified) -> String {
    let (lower, upper) = format::outward(certified.sum.lower, certified.sum.upper, DIGITS);
    let age = age(Some(*certified));
    format!("between {lower} and {upper} at an instant at most {age} ago")
}

fn bounds(bounded: Option<Bounded>) -> String {
    let (lower, upper) = (bounded.map(|b| b.lower), bounded.map(|b| b.upper));
    format::bounds(lower, upper, DIGITS)
}

fn age(certified: Option<Certified>) -> String {
    let age = certified.map(|certified| format::seconds(certified.age.as_secs_f64()));
    age.unwrap_or_else(|| UNKNOWN.to_owned())
}

/// Returns a table with a line for each aggregate.
pub(crate) fn overview(readings: &[Reading]) -> Vec<String> {
    format::list(
        readings,
        &[
            left("aggregate", |reading: &Reading| reading.name.to_string()),
            right("sum", |reading| value(&reading.sum)),
            right("std error", |reading| known(reading.sum.standard_error, ERROR_DIGITS)),
            right("average", |reading| value(&reading.average)),
            right("count", |reading| value(&reading.count)),
            right("members", |reading| reading.members.to_string()),
            left("state", |reading| reading.state.to_string()),
            left("certified sum", |reading| bounds(reading.certified.map(|c| c.sum))),
            right("at most, ago", |reading| age(reading.certified)),
        ],
    )
}

/// Returns the lines for one aggregate: the sum now, what is certain of it, then all statistics.
pub(crate) fn block(reading: &Reading) -> Vec<String> {
    let when = match (reading.mode, reading.epoch) {
        (Mode::Live, _) => " now".to_owned(),
        (Mode::Epoch, Some(epoch)) => format!(" in epoch {epoch}"),
        (Mode::Epoch, None) => String::new(),
    };
    let certified = reading.certified;
    let certain =
        certified.map_or_else(|| "nothing yet".to_owned(), |certified| certainty(&certified));
    let mut lines = vec![
        format!("{}: sum {}{when}, {}", reading.name, estimate(&reading.sum), reading.state),
        format!("certified: {certain}"),
        String::new(),
    ];
    let title = match certified {
        Some(_) => format!("certified, at most {} ago", age(certified)),
        None => "certified".to_owned(),
    };
    let head = [
        ("", Align::Left),
        ("now", Align::Right),
        ("standard error", Align::Right),
        (title.as_str(), Align::Left),
    ];
    let statistic = |name: &str, estimate: &Estimate, certain: Option<Bounded>| {
        vec![
            format!("  {name}"),
            value(estimate),
            known(estimate.standard_error, ERROR_DIGITS),
            bounds(certain),
        ]
    };
    let other = |name: &str, now: Option<f64>, certain: Option<f64>| {
        vec![format!("  {name}"), known(now, DIGITS), String::new(), known(certain, DIGITS)]
    };
    let variance = certified.and_then(|certified| certified.variance);
    let certain = |name: &str, certain: Option<f64>| {
        vec![format!("  {name}"), String::new(), String::new(), known(certain, DIGITS)]
    };
    lines.extend(format::table(
        &head,
        &[
            statistic("sum", &reading.sum, certified.map(|certified| certified.sum)),
            statistic("average", &reading.average, certified.and_then(|c| c.average)),
            statistic("count", &reading.count, certified.map(|certified| certified.count)),
            certain("min", certified.and_then(|certified| certified.min)),
            certain("max", certified.and_then(|certified| certified.max)),
            other("variance", reading.variance, variance),
            other("standard deviation", reading.standard_deviation, variance.map(f64::sqrt)),
        ],
    ));
    lines.push(format!(
        "  mode {}, {}; an input or the membership last changed {}",
        reading.mode,
        format::plural(reading.members, "member"),
        format::ago(reading.disturbed),
    ));
    lines.extend(reading.caveats.iter().map(|caveat| format!("  note: {caveat}")));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(value: f64, standard_error: Option<f64>) -> String {
        estimate(&Estimate { value: Some(value), standard_error })
    }

    #[test]
    fn an_estimate_shows_the_digits_that_mean_something() {
        assert_eq!(text(609.263_671_9, Some(5.9)), "609.3 ± 5.9");
        assert_eq!(text(599.999_986_9, Some(0.0015)), "600 ± 0.0015");
        assert_eq!(text(-627.899_996_7, Some(12.4)), "-628 ± 12");
        assert_eq!(text(0.3, Some(7.45058e-9)), "0.3 ± 7.5e-9");
        assert_eq!(text(5.0, Some(400.0)), "5 ± 400");
        assert_eq!(text(600.25, None), "600.25 ± ?");
        assert_eq!(text(15.0, Some(1.2e-15)), "15");
        assert_eq!(text(0.0, Some(0.1)), "0 ± 0.1");
    }
}
