//! What a link does to packets: how long it takes them, and how many it loses, repeats, holds back.

use rand::RngExt;
use rand_distr::{Distribution, Exp1, StandardNormal};
use rumormill_proto::{Duration, Rng};

use super::error::SimError;

/// How long a packet is on its way, one way.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Latency {
    /// Always the same: packets of a pair arrive in their order.
    Fixed(Duration),
    /// Uniform between the two, both included.
    Uniform(Duration, Duration),
    /// Heavy-tailed: Pareto with shape 2, from `min` up, cut at `cap`. The median is 1.41 `min`;
    /// one packet in k² takes longer than k `min`.
    Pareto {
        /// The shortest time.
        min: Duration,
        /// The longest time.
        cap: Duration,
    },
    /// At least `min`, and exponentially distributed beyond that: what a queue adds.
    Exponential {
        /// The shortest time.
        min: Duration,
        /// The mean time, `min` included.
        mean: Duration,
    },
    /// Its logarithm is normal: what is measured between distant hosts. One packet in six takes
    /// longer than e^`sigma` times the median.
    LogNormal {
        /// Half of the packets take longer.
        median: Duration,
        /// The standard deviation of the logarithm, 0 to 3.
        sigma: f64,
    },
}

impl Latency {
    /// Draws one.
    pub(crate) fn draw(self, rng: &mut Rng) -> Duration {
        match self {
            Self::Fixed(latency) => latency,
            Self::Uniform(min, max) => uniform(rng, min, max),
            Self::Pareto { min, cap } => {
                // Only operations that IEEE 754 rounds correctly: the same on every machine.
                let u: f64 = rng.random();
                min.mul_f64(1.0 / (1.0 - u).sqrt()).min(cap)
            }
            // Their logarithms and exponentials are libm's in Rust, not the platform's: the same
            // on every machine, too.
            Self::Exponential { min, mean } => {
                let beyond: f64 = Exp1.sample(rng);
                min + mean.saturating_sub(min).mul_f64(beyond)
            }
            Self::LogNormal { median, sigma } => {
                let z: f64 = StandardNormal.sample(rng);
                median.mul_f64(libm::exp(sigma * z))
            }
        }
    }

    /// Checks the distribution's own parameters.
    fn check(self) -> Result<(), SimError> {
        let ordered = match self {
            Self::Fixed(_) | Self::LogNormal { .. } => true,
            Self::Uniform(min, max)
            | Self::Pareto { min, cap: max }
            | Self::Exponential { min, mean: max } => min <= max,
        };
        if !ordered {
            return Err(SimError::Parameter {
                parameter: "latency",
                value: format!("{self:?}"),
                range: "a shortest time not above the longest, or the mean",
            });
        }
        match self {
            Self::LogNormal { sigma, .. } if !(0.0..=3.0).contains(&sigma) => {
                let value = sigma.to_string();
                Err(SimError::Parameter { parameter: "sigma", value, range: "from 0 to 3" })
            }
            _ => Ok(()),
        }
    }
}

/// Uniform between the two, both included.
pub(crate) fn uniform(rng: &mut Rng, min: Duration, max: Duration) -> Duration {
    let nanos = |duration: Duration| duration.as_nanos().min(u128::from(u64::MAX)) as u64;
    Duration::from_nanos(rng.random_range(nanos(min)..=nanos(max)))
}

/// True with probability `p`.
pub(crate) fn chance(rng: &mut Rng, p: f64) -> bool {
    p > 0.0 && rng.random::<f64>() < p
}

/// What every link of the network does to packets.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Link {
    /// How long a packet is on its way, one way.
    pub latency: Latency,
    /// The share of datagrams that vanish, 0 to 1. Streams lose nothing, but take longer for it.
    pub loss: f64,
    /// The share of datagrams that arrive twice, 0 to 1.
    pub duplication: f64,
    /// The share of datagrams that are held back for up to [`Link::held_back`] longer, so that
    /// later ones overtake them; 0 to 1. (Latencies that vary reorder packets, too.)
    pub reordering: f64,
    /// The longest time that a datagram is held back.
    pub held_back: Duration,
    /// The size, in bytes, above which datagrams vanish on the way. Streams are not concerned.
    pub largest: Option<usize>,
}

impl Default for Link {
    /// A good local network: 0.5 to 2 ms, no loss, no duplicates.
    fn default() -> Self {
        Self {
            latency: Latency::Uniform(Duration::from_micros(500), Duration::from_millis(2)),
            loss: 0.0,
            duplication: 0.0,
            reordering: 0.0,
            held_back: Duration::from_millis(50),
            largest: None,
        }
    }
}

/// First wait of a stream before it sends a lost segment again. It doubles with each of the
/// retries.
const STREAM_RETRY: Duration = Duration::from_millis(200);
const STREAM_RETRIES: u32 = 5;

impl Link {
    /// Checks every parameter against its range.
    pub(crate) fn check(&self) -> Result<(), SimError> {
        for (parameter, value) in [
            ("loss", self.loss),
            ("duplication", self.duplication),
            ("reordering", self.reordering),
        ] {
            if !(0.0..=1.0).contains(&value) {
                return Err(SimError::Parameter {
                    parameter,
                    value: value.to_string(),
                    range: "from 0 to 1",
                });
            }
        }
        self.latency.check()
    }

    /// Returns how long a stream message takes: what is lost on the way is sent again.
    pub(crate) fn stream_latency(&self, rng: &mut Rng) -> Duration {
        let mut latency = self.latency.draw(rng);
        for retry in 0..STREAM_RETRIES {
            if !chance(rng, self.loss) {
                break;
            }
            latency += STREAM_RETRY * 2u32.pow(retry);
        }
        latency
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn sample(latency: Latency) -> Vec<Duration> {
        let mut rng = Rng::seed_from_u64(3);
        let mut drawn: Vec<_> = (0..20_000).map(|_| latency.draw(&mut rng)).collect();
        drawn.sort();
        drawn
    }

    #[test]
    fn latencies_have_the_distribution_that_they_claim() {
        assert!(sample(Latency::Fixed(MS)).iter().all(|&latency| latency == MS));

        let uniform = sample(Latency::Uniform(10 * MS, 30 * MS));
        assert!(uniform[0] >= 10 * MS && uniform[19_999] <= 30 * MS);
        let median = uniform[10_000].as_secs_f64();
        // The median of 20,000 has a standard deviation of 20 ms / (2·√20,000) = 0.07 ms.
        assert!((median - 0.020).abs() < 0.000_35, "{median}");

        let pareto = sample(Latency::Pareto { min: 10 * MS, cap: 500 * MS });
        assert!(pareto[0] >= 10 * MS && pareto[19_999] <= 500 * MS);
        assert!((pareto[10_000].as_secs_f64() - 0.014_14).abs() < 0.000_3);
        let long = pareto.iter().filter(|&&latency| latency > 100 * MS).count();
        // One in 100: 200 ± 14.
        assert!((130..270).contains(&long), "{long}");

        let exponential = sample(Latency::Exponential { min: 10 * MS, mean: 30 * MS });
        let mean = exponential.iter().sum::<Duration>().as_secs_f64() / 20_000.0;
        // 30 ms, with a standard error of 20 ms / √20,000 = 0.14 ms.
        assert!(exponential[0] >= 10 * MS && (mean - 0.030).abs() < 0.000_7, "{mean}");

        let normal = sample(Latency::LogNormal { median: 20 * MS, sigma: 0.5 });
        // The median is off by 20 ms·0.5·√(π/2)/√20,000 = 0.09 ms; a sigma above it is e^0.5.
        assert!((normal[10_000].as_secs_f64() - 0.020).abs() < 0.000_45, "{:?}", normal[10_000]);
        let ratio = normal[16_827].as_secs_f64() / normal[10_000].as_secs_f64();
        assert!((ratio - 0.5f64.exp()).abs() < 0.05, "{ratio}");
    }

    #[test]
    fn a_parameter_out_of_range_is_refused_and_named() {
        let bad = Link { loss: 1.5, ..Link::default() };
        assert_eq!(bad.check().unwrap_err().to_string(), "loss is 1.5, but must be from 0 to 1");
        assert!(Link { duplication: f64::NAN, ..Link::default() }.check().is_err());
        for latency in [
            Latency::Uniform(2 * MS, MS),
            Latency::Exponential { min: 2 * MS, mean: MS },
            Latency::LogNormal { median: MS, sigma: -1.0 },
        ] {
            assert!(Link { latency, ..Link::default() }.check().is_err());
        }
        assert!(Link::default().check().is_ok());
    }
}
