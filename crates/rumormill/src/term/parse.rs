//! Values on the command line, checked before anything starts.

use std::net::SocketAddr;
use std::time::Duration;

use rumormill_agent::api::Update;
use rumormill_agent::check_address;
use rumormill_proto::{
    EventId, MAX_INPUT, MAX_KEY, Name, PutError, check_key, parse_duration, parse_size,
    show_duration,
};

use crate::term::exit::Usage;

/// Reads a duration such as `200ms`, `1.5s`, `2m` or `1m 30s`.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    parse_duration(text).map_err(|error| error.to_string())
}

/// Reads a duration of at most this many seconds, the agent's limit.
pub(crate) fn at_most<const SECONDS: u64>(text: &str) -> Result<Duration, String> {
    let longest = Duration::from_secs(SECONDS);
    match duration(text)? {
        long if long > longest => {
            Err(format!("{text} is too long; the longest is {}", show_duration(longest)))
        }
        duration => Ok(duration),
    }
}

/// Reads the name of an aggregate or a node.
pub(crate) fn name(text: &str) -> Result<Name, String> {
    Name::new(text).map_err(|error| error.to_string())
}

/// Reads a key. The agent's own limit, `kv.max_key`, may be lower.
pub(crate) fn key(text: &str) -> Result<String, String> {
    match check_key(text, MAX_KEY) {
        Ok(()) => Ok(text.to_owned()),
        Err(PutError::EmptyKey) => Err("a key must not be empty".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

/// Reads the prefix of keys; empty for all keys.
pub(crate) fn prefix(text: &str) -> Result<String, String> {
    if text.is_empty() { Ok(String::new()) } else { key(text) }
}

/// Reads the id of an event, as `rumormill event` prints it.
pub(crate) fn event_id(text: &str) -> Result<EventId, String> {
    text.parse()
        .map_err(|_| format!("{text:?} is not an event's id, which has 16 hexadecimal digits"))
}

/// Reads a kind of notice.
pub(crate) fn kind(text: &str) -> Result<String, String> {
    if Update::kinds().any(|kind| kind == text) {
        return Ok(text.to_owned());
    }
    Err(format!(
        "{text:?} is not a kind; there are {}",
        Update::kinds().collect::<Vec<_>>().join(", ")
    ))
}

/// An input: `requests=5`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Input {
    pub(crate) name: Name,
    pub(crate) value: f64,
}

/// Reads an input: a name, `=`, and a finite number within ±2⁵³.
pub(crate) fn input(text: &str) -> Result<Input, String> {
    let Some((left, right)) = text.split_once('=') else {
        let example = if text.is_empty() { "requests" } else { text };
        return Err(format!("{text:?} has no value; write NAME=VALUE, for example {example}=5"));
    };
    let name = name(left.trim())?;
    let value: f64 = right
        .trim()
        .parse()
        .map_err(|_| format!("the value {right:?} of {name} is not a number; write {name}=5"))?;
    if !value.is_finite() {
        return Err(format!("the value of {name} is {value}, but must be a finite number"));
    }
    if value.abs() > MAX_INPUT {
        return Err(format!(
            "the value of {name} is {value:e}, but must lie within ±{MAX_INPUT:e}; \
             use a larger unit"
        ));
    }
    Ok(Input { name, value })
}

/// Refuses two values for one input.
pub(crate) fn once_each(inputs: &[Input]) -> Result<(), Usage> {
    for (at, Input { name, value }) in inputs.iter().enumerate() {
        if let Some(before) = inputs[..at].iter().find(|before| before.name == *name) {
            let first = before.value;
            let why = format!("{name} is given twice, as {first} and as {value}; give it once");
            return Err(Usage(why));
        }
    }
    Ok(())
}

/// Reads a probability of losing a datagram: 0 to below 1.
pub(crate) fn loss(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(loss) if (0.0..1.0).contains(&loss) => Ok(loss),
        Ok(loss) => Err(format!("a loss of {loss}; it must be at least 0 and below 1 (0.2: 20 %)")),
        Err(_) => Err(format!("{text:?} is not a number; write 0.2 for 20 %")),
    }
}

/// Reads a share above 0: `1%` or `0.01`.
pub(crate) fn share(text: &str) -> Result<f64, String> {
    let (number, unit) = match text.trim().strip_suffix('%') {
        Some(percent) => (percent.trim_end(), 100.0),
        None => (text.trim(), 1.0),
    };
    match number.parse::<f64>() {
        Ok(share) if share > 0.0 && share <= unit => Ok(share / unit),
        Ok(_) => Err(format!("{text} is out of range: more than 0 and at most 1 (or 100%)")),
        Err(_) => Err(format!("{text:?} is not a share; write 1% or 0.01")),
    }
}

/// Reads `HOST:PORT`; whether the host exists shows later.
pub(crate) fn host_port(text: &str) -> Result<String, String> {
    check_address(text).map(|()| text.trim().to_owned()).map_err(|error| error.to_string())
}

/// An address to listen at, or `off`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Listen {
    Off,
    At(SocketAddr),
}

/// Reads `IP:PORT`, or `off`.
pub(crate) fn listen(text: &str) -> Result<Listen, String> {
    if text == "off" {
        return Ok(Listen::Off);
    }
    socket(text).map(Listen::At).map_err(|error| format!("{error}, or off"))
}

/// Reads `IP:PORT`.
pub(crate) fn socket(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| format!("{text:?} is not IP:PORT, for example 127.0.0.1:7946"))
}

/// Reads a whole number: `1000000`, `1_000_000` or `1e6`.
pub(crate) fn count(text: &str) -> Result<u64, String> {
    let plain = text.replace('_', "");
    if let Ok(n) = plain.parse() {
        return Ok(n);
    }
    match plain.parse::<f64>() {
        Ok(x) if (0.0..=1e18).contains(&x) && x.fract() == 0.0 => Ok(x as u64),
        _ => Err("must be a whole number from 0 to 1e18, such as 1000000 or 1e6".into()),
    }
}

/// Reads a number of bytes: `8GiB`, `500MB`, `64k` (of 1024) or `1e9`.
pub(crate) fn size(text: &str) -> Result<u64, String> {
    parse_size(text).map_err(|error| error.to_string())
}

/// Reads a value by its type's own grammar.
pub(crate) fn word<T: std::str::FromStr>(text: &str) -> Result<T, String>
where
    T::Err: std::fmt::Display,
{
    text.parse().map_err(|error: T::Err| error.to_string())
}

/// Reads a number of rounds or partners: a count that fits 32 bits.
pub(crate) fn small_count(text: &str) -> Result<u32, String> {
    let n = count(text)?;
    u32::try_from(n).map_err(|_| format!("{n} is too large; at most {}", u32::MAX))
}

/// Reads a number of runs: at least one.
pub(crate) fn runs(text: &str) -> Result<u64, String> {
    match count(text)? {
        0 => Err("must be at least 1".into()),
        n => Ok(n),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_may_be_written_short() {
        assert_eq!(count("1e15"), Ok(1_000_000_000_000_000));
        assert_eq!(count("1_000"), Ok(1000));
        assert!(count("1.5").is_err() && count("-3").is_err() && count("x").is_err());
    }

    #[test]
    fn inputs() {
        let good = input("requests=5").expect("valid");
        assert_eq!((good.name.as_str(), good.value), ("requests", 5.0));
        assert_eq!(input("a/b=-2.5e3").expect("valid").value, -2500.0);
        for bad in ["requests", "requests=", "=5", "r s=5", "r=NaN", "r=inf", "r=-inf", "r=1e300"] {
            assert!(input(bad).is_err(), "{bad:?} was accepted");
        }
    }

    #[test]
    fn one_input_has_one_value() {
        let given = |texts: &[&str]| {
            let inputs: Vec<_> = texts.iter().map(|text| input(text).expect("valid")).collect();
            once_each(&inputs)
        };
        assert!(given(&["a=1", "b=1"]).is_ok());
        assert!(
            given(&["a=1", "b=1", "a=2"]).unwrap_err().to_string().contains("a is given twice")
        );
    }

    #[test]
    fn addresses() {
        assert_eq!(host_port(" localhost:7946").as_deref(), Ok("localhost:7946"));
        assert!(host_port("localhost").is_err());
        assert_eq!(listen("off"), Ok(Listen::Off));
        assert!(listen("localhost:1").is_err());
    }

    #[test]
    fn shares() {
        assert_eq!((share("1%"), share("0.01"), share("100 %")), (Ok(0.01), Ok(0.01), Ok(1.0)));
        for bad in ["0", "0%", "101%", "1.5", "-1%", "NaN", "%", "", "1 percent"] {
            assert!(share(bad).is_err(), "{bad:?} was accepted");
        }
    }

    #[test]
    fn losses() {
        assert_eq!(loss("0.2"), Ok(0.2));
        for bad in ["1", "-0.1", "20%", "NaN"] {
            assert!(loss(bad).is_err(), "{bad:?} was accepted");
        }
    }
}
