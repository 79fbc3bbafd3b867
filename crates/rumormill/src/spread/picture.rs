//! The report as a picture.

use crate::plot::Band;
use crate::spread::plot::Picture;
use crate::spread::report::Report;

impl Report {
    /// The sheet of three.
    pub(crate) fn picture(&self) -> Picture {
        let round = |round: u64| u32::try_from(round).unwrap_or(u32::MAX);
        let runs = self.runs as f64;
        // What comes after nearly all runs have ended would only press the rest together.
        let end = self.percentiles.get("99.9").copied().flatten().unwrap_or(u64::MAX);
        let figures = self.figures.iter().enumerate().filter(|(_, f)| f.round <= end);
        let informed: Vec<(u32, Band)> = figures
            .map(|(at, figure)| {
                let band = Band {
                    mean: figure.informed,
                    low: self.informed_p5[at],
                    high: self.informed_p95[at],
                };
                (round(figure.round), band)
            })
            .collect();
        let growth = (1..informed.len())
            .map(|at| {
                let (mean, low, high) = (self.growth[at], self.growth_p5[at], self.growth_p95[at]);
                (informed[at].0, Band { mean, low, high })
            })
            .collect();
        Picture {
            title: self.title.clone(),
            subtitle: self.how(),
            alive: self.alive as f64,
            informed,
            exact_informed: (0..).zip(self.known.informed.iter().copied()).collect(),
            finished: self
                .finishes
                .iter()
                .map(|&(at, times)| (round(at), times as f64 / runs))
                .collect(),
            exact_finished: (0..).zip(self.known.finishing()).collect(),
            unfinished: 1.0 - self.finished as f64 / runs,
            growth,
            growth_limit: (self.style == Some("push")).then_some(f64::from(self.fanout) + 1.0),
        }
    }
}
