//! Links as a scenario writes them.

use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Serialize, Serializer};

use super::span::Span;
use crate::network::link::{Latency, Link};

/// What links do, where it differs from what they do otherwise.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LinkSettings {
    /// How long packets take.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latency: Option<LatencyText>,
    /// The share of datagrams that vanish, 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub loss: Option<f64>,
    /// The share of datagrams that arrive twice, 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duplication: Option<f64>,
    /// The share of datagrams that are held back, 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reordering: Option<f64>,
    /// The longest time that they are held back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub held_back: Option<Span>,
    /// The size, in bytes, above which datagrams vanish.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub largest: Option<usize>,
}

impl LinkSettings {
    /// `base` with what is set here.
    pub fn over(&self, base: Link) -> Link {
        Link {
            latency: self.latency.map_or(base.latency, |text| text.0),
            loss: self.loss.unwrap_or(base.loss),
            duplication: self.duplication.unwrap_or(base.duplication),
            reordering: self.reordering.unwrap_or(base.reordering),
            held_back: self.held_back.map_or(base.held_back, |span| span.0),
            largest: self.largest.or(base.largest),
        }
    }
}

impl fmt::Display for LinkSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let percent = |what: &str, share: Option<f64>| {
            share.map(|share| format!("{what} {}%", (share * 1e4).round() / 1e2))
        };
        let parts = [
            self.latency.map(|latency| format!("latency {latency}")),
            percent("loss", self.loss),
            percent("duplication", self.duplication),
            percent("reordering", self.reordering),
            self.largest.map(|bytes| format!("datagrams up to {bytes} bytes")),
        ];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        if parts.is_empty() { f.pad("as at first") } else { f.pad(&parts.join(", ")) }
    }
}

/// A latency as text: `5ms`, `1ms..5ms` (uniform), `exponential:MIN,MEAN`,
/// `lognormal:MEDIAN,SIGMA`, `pareto:MIN,LONGEST`.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(try_from = "String")]
pub struct LatencyText(pub Latency);

/// A text that is not a latency.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is not a latency; write 5ms, 1ms..5ms (uniform), exponential:1ms,5ms (shortest, mean), \
     lognormal:5ms,0.5 (median, sigma) or pareto:1ms,100ms (shortest, longest)"
)]
pub struct NotALatency(pub String);

impl FromStr for LatencyText {
    type Err = NotALatency;

    fn from_str(text: &str) -> Result<Self, NotALatency> {
        let wrong = || NotALatency(text.to_owned());
        let span = |text: &str| text.parse::<Span>().map(|span| span.0).map_err(|_| wrong());
        if let Some((min, max)) = text.split_once("..") {
            return Ok(Self(Latency::Uniform(span(min)?, span(max)?)));
        }
        let Some((kind, parameters)) = text.split_once(':') else {
            return Ok(Self(Latency::Fixed(span(text)?)));
        };
        let (first, second) = parameters.split_once(',').ok_or_else(wrong)?;
        Ok(Self(match kind.trim() {
            "exponential" => Latency::Exponential { min: span(first)?, mean: span(second)? },
            "pareto" => Latency::Pareto { min: span(first)?, cap: span(second)? },
            "lognormal" => {
                let sigma = second.trim().parse().map_err(|_| wrong())?;
                Latency::LogNormal { median: span(first)?, sigma }
            }
            _ => return Err(wrong()),
        }))
    }
}

impl fmt::Display for LatencyText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&match self.0 {
            Latency::Fixed(latency) => Span(latency).to_string(),
            Latency::Uniform(min, max) => format!("{}..{}", Span(min), Span(max)),
            Latency::Exponential { min, mean } => {
                format!("exponential:{},{}", Span(min), Span(mean))
            }
            Latency::LogNormal { median, sigma } => format!("lognormal:{},{sigma}", Span(median)),
            Latency::Pareto { min, cap } => format!("pareto:{},{}", Span(min), Span(cap)),
        })
    }
}

impl Serialize for LatencyText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl TryFrom<String> for LatencyText {
    type Error = NotALatency;

    fn try_from(text: String) -> Result<Self, NotALatency> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_printed_is_read_again() {
        for text in
            ["5ms", "500us..2ms", "exponential:1ms,5ms", "lognormal:20ms,0.5", "pareto:1ms,1.5s"]
        {
            let latency: LatencyText = text.parse().unwrap();
            assert_eq!(latency.to_string(), text);
        }
        for bad in ["", "5", "normal:1ms,2ms", "lognormal:1ms", "1ms..", "pareto:1ms,x"] {
            assert!(bad.parse::<LatencyText>().is_err(), "{bad:?}");
        }
    }
}
