//! Numbers for people.

/// Writes a number with up to `digits` significant digits and no trailing zeros.
#[must_use]
pub fn number(x: f64, digits: usize) -> String {
    shorten(x, digits, f64::round)
}

/// Writes a number as [`number`] does, rounded by `round`: [`f64::floor`] for a lower bound.
#[must_use]
pub fn shorten(x: f64, digits: usize, round: fn(f64) -> f64) -> String {
    if x == 0.0 || !x.is_finite() {
        return if x == 0.0 { "0".to_owned() } else { x.to_string() };
    }
    let digits = i32::try_from(digits).unwrap_or(10);
    let magnitude = x.abs().log10().floor() as i32;
    let decimals = digits - 1 - magnitude;
    if !(-6..=15).contains(&magnitude) {
        let places = digits.clamp(1, 6) - 1;
        let (unit, scale) = (10f64.powi(magnitude), 10f64.powi(places));
        let rounded = if unit.is_normal() { round(x / unit * scale) / scale * unit } else { x };
        let text = format!("{rounded:.*e}", usize::try_from(places).unwrap_or(0));
        let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        return format!("{}e{exponent}", mantissa.trim_end_matches('0').trim_end_matches('.'));
    }
    let scale = 10f64.powi(decimals.abs());
    let rounded = if decimals >= 0 { round(x * scale) / scale } else { round(x / scale) * scale };
    let text = format!("{rounded:.*}", usize::try_from(decimals).unwrap_or(0));
    if !text.contains('.') {
        return text;
    }
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}

/// Writes a whole number in groups of three digits: `1,000,000`.
#[must_use]
pub fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    out
}

/// Writes a share as a percentage: `12.5 %`.
#[must_use]
pub fn percent(share: f64) -> String {
    format!("{} %", number(share * 100.0, 3))
}

/// Writes a count on an axis: `12`, `4,096`, `1.5e9`; nothing below 0.
#[must_use]
pub fn thousands(x: f64) -> String {
    match x {
        x if x < 0.0 => String::new(),
        x if x >= 1e7 => format!("{x:e}"),
        x if x.fract() != 0.0 => number(x, 4),
        x => grouped(x as u64),
    }
}

/// Writes a power of ten: `0.1`, `1e-6`.
#[must_use]
pub fn power(y: f64) -> String {
    match y.log10().round() as i32 {
        exponent @ -2..=3 => number(10f64.powi(exponent), 3),
        exponent => format!("1e{exponent}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short() {
        assert_eq!(number(15.0, 10), "15");
        assert_eq!(number(10.0 / 3.0, 10), "3.333333333");
        assert_eq!(number(-0.1, 10), "-0.1");
        assert_eq!(number(1_234_567.0, 3), "1230000");
        assert_eq!(number(0.0, 10), "0");
        assert_eq!(number(4e18, 10), "4e18");
        assert_eq!(number(1.5e-9, 10), "1.5e-9");
        assert_eq!(number(9.25186e-18, 2), "9.3e-18");
        assert_eq!(number(9.99e-18, 2), "1e-17");
        assert_eq!(shorten(1.234_567_8e16, 10, f64::floor), "1.23456e16");
        assert_eq!(shorten(-1.234_561e16, 10, f64::floor), "-1.23457e16");
        assert_eq!(shorten(1.234_561e-9, 10, f64::ceil), "1.23457e-9");
    }

    #[test]
    fn axes_have_short_labels() {
        assert_eq!(["12", "4,096", "1.5e9", ""], [12.0, 4096.0, 1.5e9, -1.0].map(thousands));
        assert_eq!(["0.1", "1e-6", "1"], [0.1, 1e-6, 1.0].map(power));
        assert_eq!(percent(0.125), "12.5 %");
    }
}
