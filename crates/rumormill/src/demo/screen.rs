//! The display of the demo: a terminal (redrawn in place), plain lines, or none.

use std::io::{self, IsTerminal, Write};

use crossterm::style::Stylize;
use crossterm::{cursor, queue, terminal};

use crate::term::{exit, output};

/// Shows the demo's progress.
pub(crate) struct Screen {
    out: Box<dyn Write + Send>,
    kind: Kind,
    colour: bool,
    /// The lines of the last frame above the cursor.
    drawn: u16,
    /// The last line that was written by [`Screen::step`].
    last: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Terminal,
    Lines,
    Silent,
}

/// The style of a line.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tone {
    Plain,
    Good,
    Bad,
    Faint,
    Title,
}

/// One line of a frame.
pub(crate) struct Line {
    pub(crate) text: String,
    pub(crate) tone: Tone,
    /// A row of a table is cut at the edge of the terminal; other lines are wrapped.
    row: bool,
}

impl Line {
    pub(crate) fn new(text: impl Into<String>, tone: Tone) -> Self {
        Self { text: text.into(), tone, row: false }
    }

    /// Returns a row of a table.
    pub(crate) fn row(text: impl Into<String>, tone: Tone) -> Self {
        Self { row: true, ..Self::new(text, tone) }
    }

    /// Returns the line as it fits into this number of columns.
    fn fit(&self, columns: usize) -> Vec<String> {
        if self.row {
            vec![self.text.chars().take(columns).collect()]
        } else {
            wrap(&self.text, columns)
        }
    }
}

/// Breaks a text at its spaces, and indents the following lines by two. A word that is longer than a line
/// stays whole.
fn wrap(text: &str, columns: usize) -> Vec<String> {
    let beginning = &text[..text.len() - text.trim_start().len()];
    let mut lines = Vec::new();
    let mut line = beginning.to_owned();
    let mut empty = true;
    for word in text.split_whitespace() {
        if !empty && line.chars().count() + 1 + word.chars().count() > columns {
            lines.push(std::mem::replace(&mut line, format!("{beginning}  ")));
            empty = true;
        }
        if !empty {
            line.push(' ');
        }
        line.push_str(word);
        empty = false;
    }
    lines.push(line);
    lines
}

impl Screen {
    /// Displays on standard output; with `json`, which prints its document there, on standard error, if
    /// that is a terminal.
    pub(crate) fn new(json: bool) -> Self {
        let (out, terminal): (Box<dyn Write + Send>, bool) = if json {
            (Box::new(output::stderr()), io::stderr().is_terminal())
        } else {
            (Box::new(output::stdout()), io::stdout().is_terminal())
        };
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        let kind = match (terminal && !dumb, json) {
            (true, _) => Kind::Terminal,
            (false, false) => Kind::Lines,
            (false, true) => Kind::Silent,
        };
        let colour = kind == Kind::Terminal
            && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        Self { out, kind, colour, drawn: 0, last: String::new() }
    }

    /// Returns the most rows of a table: on a terminal, a frame must fit.
    pub(crate) fn rows(&self) -> usize {
        match self.kind {
            Kind::Terminal => usize::from(size().1).saturating_sub(10).clamp(3, 20),
            _ => 20,
        }
    }

    /// Returns the most columns of a line: on a terminal, it must not touch the edge.
    pub(crate) fn columns(&self) -> usize {
        match self.kind {
            Kind::Terminal => usize::from(size().0).saturating_sub(1).max(20),
            _ => usize::MAX,
        }
    }

    /// Writes lines that stay.
    pub(crate) fn say(&mut self, lines: &[Line]) -> anyhow::Result<()> {
        if self.kind == Kind::Silent {
            return Ok(());
        }
        self.erase()?;
        let columns = self.columns();
        for line in lines {
            for text in line.fit(columns) {
                self.write(&text, line.tone)?;
            }
        }
        self.flush()
    }

    /// Shows `frame` in place of the last one, on a terminal.
    pub(crate) fn frame(&mut self, frame: &[Line]) -> anyhow::Result<()> {
        if self.kind != Kind::Terminal {
            return Ok(());
        }
        let (columns, rows) = (self.columns(), usize::from(size().1));
        queue(queue!(self.out, terminal::BeginSynchronizedUpdate, cursor::Hide))?;
        self.erase()?;
        // A frame taller than the terminal could not be erased.
        let fitted = frame
            .iter()
            .flat_map(|line| line.fit(columns).into_iter().zip(std::iter::repeat(line.tone)));
        for (text, tone) in fitted.take(rows.saturating_sub(1)) {
            self.write(&text, tone)?;
            self.drawn += 1;
        }
        queue(queue!(self.out, terminal::EndSynchronizedUpdate))?;
        self.flush()
    }

    /// Writes a line, if it differs from the last one; not on a terminal.
    pub(crate) fn step(&mut self, prefix: &str, text: &str) -> anyhow::Result<()> {
        if self.kind != Kind::Lines || self.last == text {
            return Ok(());
        }
        text.clone_into(&mut self.last);
        self.write(&format!("{prefix}{text}"), Tone::Plain)?;
        self.flush()
    }

    /// Keeps the last frame where it is and gives the cursor back.
    pub(crate) fn release(&mut self) {
        if self.kind == Kind::Terminal {
            self.drawn = 0;
            // Nobody would see an error.
            let _ = queue!(self.out, cursor::Show).and_then(|()| self.out.flush());
        }
    }

    fn erase(&mut self) -> anyhow::Result<()> {
        if self.kind == Kind::Terminal && self.drawn > 0 {
            let clear = terminal::Clear(terminal::ClearType::FromCursorDown);
            queue(queue!(self.out, cursor::MoveToPreviousLine(self.drawn), clear))?;
            self.drawn = 0;
        }
        Ok(())
    }

    fn write(&mut self, text: &str, tone: Tone) -> anyhow::Result<()> {
        queue(match (self.colour, tone) {
            (false, _) | (_, Tone::Plain) => writeln!(self.out, "{text}"),
            (_, Tone::Good) => writeln!(self.out, "{}", text.green()),
            (_, Tone::Bad) => writeln!(self.out, "{}", text.red()),
            (_, Tone::Faint) => writeln!(self.out, "{}", text.dim()),
            (_, Tone::Title) => writeln!(self.out, "{}", text.bold()),
        })
    }

    fn flush(&mut self) -> anyhow::Result<()> {
        queue(self.out.flush())
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        self.release();
    }
}

fn size() -> (u16, u16) {
    terminal::size().unwrap_or((80, 24))
}

fn queue(written: io::Result<()>) -> anyhow::Result<()> {
    exit::printed(written)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_broken_at_spaces_and_set_in() {
        assert_eq!(wrap("one two three", 80), ["one two three"]);
        assert_eq!(wrap("  one two three four", 11), ["  one two", "    three", "    four"]);
        assert_eq!(wrap("unbreakable", 4), ["unbreakable"]);
        assert_eq!(wrap("", 4), [""]);
    }

    #[test]
    fn a_row_is_cut() {
        assert_eq!(Line::row("node  1  2  3", Tone::Plain).fit(7), ["node  1"]);
    }
}
