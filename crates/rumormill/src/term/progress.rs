//! How far long work has come: a bar on standard error.
//!
//! Nothing is shown of work that takes less than [`PATIENCE`]. A terminal then gets a bar with the
//! share done, the rate and the time left; a file or a pipe gets a line every [`LINES`]. With
//! `RUMORMILL_PROGRESS=off` neither gets anything.

use std::fmt::Write as _;
use std::io::{IsTerminal, Write};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use crate::term::format;

/// The time before the first display.
const PATIENCE: Duration = Duration::from_secs(2);

/// The time between two lines if there is no terminal.
const LINES: Duration = Duration::from_secs(10);

/// The time between two updates of a bar.
const LOOKS: Duration = Duration::from_millis(100);

/// Steps of the bar in a piece of work, so that a long piece moves it too.
const STEPS: u64 = 1000;

/// Work under way. Ends its display when dropped. Threads may share it.
pub(crate) struct Progress {
    bar: ProgressBar,
    /// What the work is counted in, if its end is known.
    unit: Option<&'static str>,
    started: Instant,
    /// When something was last shown.
    shown: Mutex<Option<Instant>>,
    terminal: bool,
    off: bool,
}

impl Progress {
    /// Starts work of `total` pieces, each a `unit` such as `runs`.
    pub(crate) fn new(total: u64, unit: &'static str) -> Self {
        let counts = |state: &ProgressState, out: &mut dyn std::fmt::Write| {
            let _ = write!(out, "{}/{}", state.pos() / STEPS, state.len().unwrap_or(0) / STEPS);
        };
        let rate = |state: &ProgressState, out: &mut dyn std::fmt::Write| {
            let _ = write!(out, "{}/s", format::number(state.per_sec() / STEPS as f64, 3));
        };
        let template = "{bar:30} {percent:>3} %  {counts} {unit}  {rate}  {eta} left  {wide_msg}";
        let style = ProgressStyle::with_template(template).map(|style| {
            let unit = move |_: &ProgressState, out: &mut dyn std::fmt::Write| {
                let _ = out.write_str(unit);
            };
            style.with_key("counts", counts).with_key("rate", rate).with_key("unit", unit)
        });
        Self::with(Some(total.saturating_mul(STEPS)), Some(unit), style.ok())
    }

    /// Starts work whose end is unknown: [`Self::note`] describes it.
    pub(crate) fn unbounded() -> Self {
        Self::with(None, None, ProgressStyle::with_template("{spinner} {wide_msg}").ok())
    }

    fn with(total: Option<u64>, unit: Option<&'static str>, style: Option<ProgressStyle>) -> Self {
        // Hidden until the work proves to be long. It measures the rate meanwhile.
        let bar = ProgressBar::with_draw_target(total, ProgressDrawTarget::hidden());
        if let Some(style) = style {
            bar.set_style(style.progress_chars("█▉▊▋▌▍▎▏ "));
        }
        let terminal = std::io::stderr().is_terminal();
        let off = std::env::var_os("RUMORMILL_PROGRESS").is_some_and(|value| value == "off");
        Self { bar, unit, started: Instant::now(), shown: Mutex::new(None), terminal, off }
    }

    /// Sets the number of pieces that are done; a piece under way counts in part.
    pub(crate) fn set(&self, done: f64) {
        // Another thread may have set a later state.
        let at = (done * STEPS as f64) as u64;
        if at > self.bar.position() {
            self.bar.set_position(at);
        }
        self.show();
    }

    /// Describes the state of the work; the text is made only when it is shown.
    pub(crate) fn note(&self, words: impl FnOnce() -> String) {
        if self.due() {
            self.bar.set_message(words());
            self.show();
        }
    }

    /// Returns whether it is time to show something.
    fn due(&self) -> bool {
        let every = if self.terminal { LOOKS } else { LINES };
        let shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        !self.off
            && self.started.elapsed() >= PATIENCE
            && shown.is_none_or(|at| at.elapsed() >= every)
    }

    fn show(&self) {
        if !self.due() {
            return;
        }
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        if self.terminal {
            if shown.is_none() {
                self.bar.set_draw_target(ProgressDrawTarget::stderr_with_hz(10));
            }
            self.bar.tick();
        } else {
            // Standard error may be closed.
            let _ = writeln!(std::io::stderr(), "{}", self.line());
        }
        *shown = Some(Instant::now());
    }

    /// Returns the state as a line of text.
    fn line(&self) -> String {
        let words = self.bar.message();
        let Some(unit) = self.unit else { return words };
        let (at, of) = (self.bar.position(), self.bar.length().unwrap_or(0).max(1));
        let mut line = format!(
            "{:.0} %: {} of {} {unit}",
            100.0 * at as f64 / of as f64,
            at / STEPS,
            of / STEPS
        );
        let _ = write!(line, ", {} left", format::seconds(self.bar.eta().as_secs_f64()));
        if !words.is_empty() {
            let _ = write!(line, ", {words}");
        }
        line
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
