//! How far long work has come: a bar on standard error.
//!
//! Nothing is shown of work that takes less than [`PATIENCE`]. A terminal then gets a bar with the
//! share done, the rate and the time left; a file or a pipe gets a line every [`LINES`].

use std::io::{IsTerminal, Write};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::format;

/// How long work may take before anything is shown of it.
const PATIENCE: Duration = Duration::from_secs(2);

/// The time between two lines where there is no terminal.
const LINES: Duration = Duration::from_secs(10);

/// The time between two looks of a bar.
const LOOKS: Duration = Duration::from_millis(100);

/// Work under way. Ends its display when dropped.
pub(crate) struct Progress {
    bar: ProgressBar,
    bounded: bool,
    started: Instant,
    /// When something was last shown.
    shown: Mutex<Option<Instant>>,
    terminal: bool,
}

impl Progress {
    /// Work of `total` pieces, each a `unit` such as `runs`.
    pub(crate) fn new(total: u64, unit: &'static str) -> Self {
        let template = format!(
            "{{bar:30}} {{percent:>3}} %  {{human_pos}}/{{human_len}} {unit}  {{per_sec}}  \
             {{eta}} left  {{wide_msg}}"
        );
        Self::with(Some(total), &template)
    }

    /// Work that nobody knows the end of: [`Self::note`] tells of it.
    pub(crate) fn unbounded() -> Self {
        Self::with(None, "{spinner} {wide_msg}")
    }

    fn with(total: Option<u64>, template: &str) -> Self {
        // Hidden until the work proves to be long. It measures the rate meanwhile.
        let bar = ProgressBar::with_draw_target(total, ProgressDrawTarget::hidden());
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style.progress_chars("█▉▊▋▌▍▎▏ "));
        }
        Self {
            bar,
            bounded: total.is_some(),
            started: Instant::now(),
            shown: Mutex::new(None),
            terminal: std::io::stderr().is_terminal(),
        }
    }

    /// So many pieces are done.
    pub(crate) fn set(&self, done: u64) {
        self.bar.set_position(done);
        self.show();
    }

    /// One more piece is done.
    pub(crate) fn step(&self) {
        self.bar.inc(1);
        self.show();
    }

    /// Says where the work is, in words; they are made only when they are shown.
    pub(crate) fn note(&self, words: impl FnOnce() -> String) {
        if self.due() {
            self.bar.set_message(words());
            self.show();
        }
    }

    /// Whether it is time to show something.
    fn due(&self) -> bool {
        let every = if self.terminal { LOOKS } else { LINES };
        let shown = self.shown.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        self.started.elapsed() >= PATIENCE && shown.is_none_or(|at| at.elapsed() >= every)
    }

    fn show(&self) {
        if !self.due() {
            return;
        }
        let mut shown = self.shown.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if self.terminal {
            if shown.is_none() {
                self.bar.set_draw_target(ProgressDrawTarget::stderr_with_hz(10));
            }
            self.bar.tick();
        } else {
            // If standard error is closed, nobody wants to know.
            let _ = writeln!(std::io::stderr(), "{}", self.line());
        }
        *shown = Some(Instant::now());
    }

    /// The state as a line of text.
    fn line(&self) -> String {
        let words = self.bar.message();
        if !self.bounded {
            return words;
        }
        let (done, of) = (self.bar.position(), self.bar.length().unwrap_or(0));
        let share = 100.0 * done as f64 / of.max(1) as f64;
        let left = format::seconds(self.bar.eta().as_secs_f64());
        format!("{share:.0} %: {done} of {of}, about {left} left  {words}").trim_end().to_owned()
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
