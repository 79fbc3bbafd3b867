//! Steps through a run on a terminal.

use std::io::{self, Write};
use std::time::Duration;

use anyhow::Context;
use crossterm::event::{self, Event, KeyCode, KeyEventKind, KeyModifiers};
use crossterm::{cursor, execute, queue, terminal};
use rumormill_sim::scenario::Slice;

use crate::cluster::replay::recording::Recording;
use crate::cluster::replay::state;
use crate::cluster::timeline::{at as time, mark_line};

/// How long a slice is shown while the run plays.
const PLAY: Duration = Duration::from_millis(150);

const KEYS: &str = "→ ← step   PgUp PgDn ten   ] [ next, last event   Home End   ↑ ↓ nodes   \
                    space play   q quit";

/// Where in the run the user is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Cursor {
    slice: usize,
    /// The first node of the table that is shown.
    node: usize,
    playing: bool,
    quit: bool,
}

/// Steps through the run until the user has seen enough.
pub(crate) fn run(recording: &mut Recording) -> anyhow::Result<()> {
    let _screen =
        Screen::enter().context("cannot use the terminal; --plain prints the time line")?;
    let mut cursor = Cursor::default();
    while !cursor.quit {
        let slice = recording.read(cursor.slice)?;
        let (columns, rows) = terminal::size().unwrap_or((80, 24));
        draw(&frame(recording, &slice, cursor, rows.into()), columns.into())?;
        if cursor.playing && !event::poll(PLAY)? {
            cursor = go(cursor, recording, 1);
            cursor.playing = cursor.slice + 1 < recording.slices.len();
            continue;
        }
        if let Event::Key(key) = event::read()?
            && key.kind != KeyEventKind::Release
        {
            let control = key.modifiers.contains(KeyModifiers::CONTROL);
            cursor = press(cursor, recording, key.code, control);
        }
    }
    Ok(())
}

/// Moves by this number of slices.
fn go(cursor: Cursor, recording: &Recording, by: isize) -> Cursor {
    let last = recording.slices.len().saturating_sub(1);
    Cursor { slice: cursor.slice.saturating_add_signed(by).min(last), ..cursor }
}

/// What a key does.
fn press(cursor: Cursor, recording: &Recording, key: KeyCode, control: bool) -> Cursor {
    let stopped = Cursor { playing: false, ..cursor };
    let last = recording.slices.len().saturating_sub(1);
    let eventful = |&at: &usize| !recording.slices[at].marks.is_empty();
    match key {
        KeyCode::Char('q') | KeyCode::Esc => Cursor { quit: true, ..cursor },
        KeyCode::Char('c') if control => Cursor { quit: true, ..cursor },
        KeyCode::Char(' ') => Cursor { playing: !cursor.playing, ..cursor },
        KeyCode::Right | KeyCode::Char('.' | 'l') => go(stopped, recording, 1),
        KeyCode::Left | KeyCode::Char(',' | 'h') => go(stopped, recording, -1),
        KeyCode::PageDown => go(stopped, recording, 10),
        KeyCode::PageUp => go(stopped, recording, -10),
        KeyCode::Home => Cursor { slice: 0, ..stopped },
        KeyCode::End => Cursor { slice: last, ..stopped },
        KeyCode::Char(']') => {
            let next = (cursor.slice + 1..=last).find(eventful);
            Cursor { slice: next.unwrap_or(last), ..stopped }
        }
        KeyCode::Char('[') => {
            let before = (0..cursor.slice).rev().find(eventful);
            Cursor { slice: before.unwrap_or(0), ..stopped }
        }
        KeyCode::Down => Cursor { node: (cursor.node + 1).min(recording.nodes() - 1), ..cursor },
        KeyCode::Up => Cursor { node: cursor.node.saturating_sub(1), ..cursor },
        _ => cursor,
    }
}

/// The screen as lines, not more than there is room for.
fn frame(recording: &Recording, slice: &Slice, cursor: Cursor, rows: usize) -> Vec<String> {
    let end = recording.ending.at.seconds().max(1e-9);
    let mut lines = vec![
        bar(slice.sample.at.seconds() / end, cursor.playing),
        state::summary(&slice.sample),
        String::new(),
    ];
    lines.extend(slice.marks.iter().map(|mark| mark_line(mark).trim_end().to_owned()));
    // What nodes say takes a quarter of the screen at most; the table gets the rest.
    let most = (rows / 4).max(2);
    let said = slice.notices.iter().take(most);
    lines.extend(
        said.map(|notice| format!("  {:>9}  n{}: {}", time(notice.at), notice.node, notice.text)),
    );
    if let Some(more) = slice.notices.len().checked_sub(most + 1) {
        lines.push(format!("             … and {} more", more + 1));
    }
    lines.push(String::new());
    let room = rows.saturating_sub(lines.len() + 3).max(1);
    let last = slice.nodes.len().min(cursor.node + room);
    let shown: Vec<usize> = (cursor.node.min(last)..last).collect();
    lines.extend(state::nodes(slice, &recording.header.aggregates, &shown));
    lines.truncate(rows.saturating_sub(1).max(1));
    lines.push(KEYS.to_owned());
    lines
}

/// How far through the run this is.
fn bar(share: f64, playing: bool) -> String {
    const WIDTH: usize = 60;
    let filled = ((share * WIDTH as f64).round() as usize).min(WIDTH);
    let sign = if playing { "playing" } else { "" };
    format!("{}{} {sign}", "━".repeat(filled), "─".repeat(WIDTH - filled))
}

fn draw(lines: &[String], columns: usize) -> io::Result<()> {
    let mut out = io::stdout().lock();
    queue!(out, terminal::BeginSynchronizedUpdate, cursor::MoveTo(0, 0))?;
    for (at, line) in lines.iter().enumerate() {
        let line: String = line.chars().take(columns).collect();
        if at > 0 {
            out.write_all(b"\r\n")?;
        }
        write!(out, "{line}")?;
        queue!(out, terminal::Clear(terminal::ClearType::UntilNewLine))?;
    }
    queue!(
        out,
        terminal::Clear(terminal::ClearType::FromCursorDown),
        terminal::EndSynchronizedUpdate
    )?;
    out.flush()
}

/// The terminal while it is ours; given back when dropped.
struct Screen;

impl Screen {
    fn enter() -> io::Result<Self> {
        terminal::enable_raw_mode()?;
        let screen = Self;
        execute!(io::stdout(), terminal::EnterAlternateScreen, cursor::Hide)?;
        Ok(screen)
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // There is nobody left to tell of an error.
        let _ = execute!(io::stdout(), terminal::LeaveAlternateScreen, cursor::Show);
        let _ = terminal::disable_raw_mode();
    }
}
