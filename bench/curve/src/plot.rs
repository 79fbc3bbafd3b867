//! The picture of all four answers: the curves, and their distance from the exact one.

use rumormill_plot::number::grouped;
use rumormill_plot::panel::{Axis, Legend, Panel};
use rumormill_plot::series::{BLACK, BLUE, Colour, GREY, ORANGE, SKY, Series};
use rumormill_plot::sheet::Sheet;

use crate::{Curve, Exact, RoundModel, Setting};

/// What is drawn.
#[derive(Clone, Debug)]
pub struct Picture {
    /// The question.
    pub setting: Setting,
    /// The theory's answer.
    pub exact: Exact,
    /// The round model's.
    pub model: RoundModel,
    /// The virtual network's.
    pub network: Curve,
    /// The agents'.
    pub agents: Curve,
}

/// Points at these places; a dot inside a ring shows both.
type Marks = fn(Vec<(f64, f64)>, Colour) -> Series;

impl Picture {
    /// Draws both charts.
    #[must_use]
    pub fn sheet(&self) -> Sheet {
        let Setting { nodes, fanout, .. } = self.setting;
        Sheet {
            size: (1040, 560),
            title: format!("One curve four ways: {nodes} nodes, push, fan-out {fanout}"),
            subtitle:
                "Synchronous rounds, no loss. Bars and the grey band: two standard errors, by \
                       the exact law and the number of events."
                    .into(),
            lane: None,
            stacked: false,
            panels: vec![(0.58, self.informed()), (0.42, self.differences())],
        }
    }

    /// Returns the measurements of the real protocol, and their marks.
    fn measured(&self) -> [(&'static str, &Curve, Colour, Marks); 2] {
        [
            ("virtual network", &self.network, BLUE, |at, colour| Series::dots(at, colour)),
            ("agents on loopback", &self.agents, ORANGE, |at, colour| Series::rings(at, colour)),
        ]
    }

    fn rounds(&self) -> Axis {
        let range = -0.4..f64::from(self.setting.rounds) + 0.4;
        Axis::new(range).named("round").labels(10, |x| format!("{x:.0}"))
    }

    fn informed(&self) -> Panel {
        let band = self.model.nine_of_ten.iter().enumerate();
        let band = Series::band(band.map(|(round, &(low, high))| (round as f64, low, high)), SKY);
        let runs = grouped(self.model.curve.events);
        let exact = self.exact.informed.iter().enumerate().map(|(t, &y)| (t as f64, y));
        let mut series = vec![
            band.opacity(0.3).labelled(format!("round model, 90 % of {runs} runs")),
            Series::line(exact, BLACK).labelled("theory, exact mean"),
        ];
        for (name, curve, colour, marks) in self.measured() {
            let errors = self.exact.errors(curve.events);
            let places = || curve.informed.iter().enumerate().map(|(t, &y)| (t as f64, y));
            let bars = places().zip(errors).filter(|(_, error)| *error > 0.0);
            series.extend(bars.map(|((x, y), error)| {
                Series::line([(x, y - 2.0 * error), (x, y + 2.0 * error)], colour)
            }));
            let label = format!("{name}, {} events", curve.events);
            series.push(marks(places().collect(), colour).labelled(label));
        }
        let y = Axis::new(0.0..f64::from(self.setting.nodes) * 1.04);
        let y = y.labels(11, |y| format!("{y:.0}"));
        Panel::new("Informed nodes", self.rounds(), y, Legend::LowerRight, series)
    }

    /// Returns the distance of each from the exact mean, in standard errors of its own.
    fn differences(&self) -> Panel {
        let last = f64::from(self.setting.rounds);
        let mut series = vec![
            Series::block((0.0, -2.0), (last, 2.0), GREY).opacity(0.12),
            Series::line([(0.0, 0.0), (last, 0.0)], BLACK),
        ];
        let dots: Marks = |at, colour| Series::dots(at, colour);
        let model = ("round model", &self.model.curve, SKY, dots);
        for (name, curve, colour, marks) in [model].into_iter().chain(self.measured()) {
            // An error below one missed node among all events means nothing.
            let errors = self.exact.errors(curve.events);
            let rare = 1.0 / curve.events as f64;
            let rounds = curve.informed.iter().zip(&self.exact.informed).zip(errors).enumerate();
            let places = rounds
                .filter(|(_, (_, error))| *error > rare / 2.0)
                .map(|(t, ((measured, exact), error))| (t as f64, (measured - exact) / error));
            series.push(marks(places.collect(), colour).labelled(name));
        }
        let y = Axis::new(-5.0..5.0).labels(11, |y| match y.abs() < 0.5 {
            true => "0".into(),
            false => format!("{y:+.0}").replace('-', "−"),
        });
        let title = "Distance from the exact mean, standard errors";
        Panel::new(title, self.rounds(), y, Legend::UpperRight, series)
    }
}
