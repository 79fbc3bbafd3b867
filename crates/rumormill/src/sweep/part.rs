//! A part of a sweep on disk: the sweep itself, and the rows that are finished.
//!
//! A part is text. The first line is a [`Header`], each further line a finished row, in the order
//! in which they were finished; every line begins with the CRC-32 of the rest of it. Lines are only
//! ever appended, so that a process that is killed leaves at most its last line torn, which the
//! next one cuts off.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};

use crate::sweep::grid::Grid;
use crate::sweep::table::Value;

/// The time between two waits for the disk itself.
const SYNC: Duration = Duration::from_secs(1);

/// Which part of which sweep this is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Header {
    /// The program's version: another one may give other results.
    pub(crate) rumormill: String,
    pub(crate) shard: Shard,
    pub(crate) sweep: Grid,
}

/// `3/16`: every sixteenth cell, from the third one on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Shard {
    /// 1..=of.
    pub(crate) part: usize,
    pub(crate) of: usize,
}

impl Shard {
    /// All of it.
    pub(crate) const WHOLE: Self = Self { part: 1, of: 1 };

    /// Returns whether a cell belongs to this part.
    pub(crate) fn has(self, cell: usize) -> bool {
        cell % self.of == self.part - 1
    }
}

impl std::fmt::Display for Shard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.part, self.of)
    }
}

/// Parses a shard as it is written on the command line.
pub(crate) fn shard(text: &str) -> Result<Shard, String> {
    let numbers = text.split_once('/').and_then(|(part, of)| {
        Some(Shard { part: part.trim().parse().ok()?, of: of.trim().parse().ok()? })
    });
    match numbers {
        Some(shard) if (1..=shard.of).contains(&shard.part) => Ok(shard),
        Some(shard) => Err(format!(
            "there is no part {} of {}; parts are numbered from 1: 1/{of} to {of}/{of}",
            shard.part,
            shard.of,
            of = shard.of.max(1)
        )),
        None => Err(format!("{text:?} is not PART/OF, such as 3/16")),
    }
}

#[derive(Serialize, Deserialize)]
struct Line {
    cell: usize,
    row: Vec<Value>,
}

/// What a part holds.
#[derive(Clone, Debug)]
pub(crate) struct Part {
    pub(crate) header: Header,
    /// By number of the cell.
    pub(crate) rows: BTreeMap<usize, Vec<Value>>,
    /// Bytes of whole lines.
    sound: u64,
}

impl Part {
    /// Reads a part. A last line that is torn is left out.
    pub(crate) fn read(path: &Path) -> anyhow::Result<Self> {
        let name = path.display();
        let bytes = std::fs::read(path).with_context(|| format!("cannot read {name}"))?;
        let lines: Vec<&[u8]> = bytes.split_inclusive(|&b| b == b'\n').collect();
        let first = lines.first().and_then(|line| checked(line));
        let Some(header) = first.and_then(|text| serde_json::from_slice::<Header>(text).ok())
        else {
            bail!("{name} is not a part of a sweep");
        };
        let read: Vec<Option<Line>> =
            lines[1..].iter().map(|line| serde_json::from_slice(checked(line)?).ok()).collect();
        // A torn end is what a kill or a power cut leaves; a hole is something else.
        let whole = read.iter().take_while(|line| line.is_some()).count();
        if read[whole..].iter().any(Option::is_some) {
            bail!(
                "{name} is damaged at line {}: its checksum is wrong; delete the file to compute \
                 this part again",
                whole + 2
            );
        }
        let sound = lines[..=whole].iter().map(|line| line.len() as u64).sum();
        let rows = read.into_iter().flatten().map(|line| (line.cell, line.row)).collect();
        Ok(Self { header, rows, sound })
    }

    /// Returns the numbers of the cells that this part should have, and has not.
    pub(crate) fn missing(&self) -> impl Iterator<Item = usize> + '_ {
        let cells = 0..self.header.sweep.cells();
        cells.filter(|&cell| self.header.shard.has(cell) && !self.rows.contains_key(&cell))
    }
}

/// Returns the text of a line whose checksum is right.
fn checked(line: &[u8]) -> Option<&[u8]> {
    let line = line.strip_suffix(b"\n")?;
    let (sum, text) = (line.get(..8)?, line.get(9..)?);
    let sum = u32::from_str_radix(std::str::from_utf8(sum).ok()?, 16).ok()?;
    (sum == crc32fast::hash(text)).then_some(text)
}

fn line(value: &impl Serialize) -> anyhow::Result<String> {
    let text = serde_json::to_string(value)?;
    Ok(format!("{:08x} {text}\n", crc32fast::hash(text.as_bytes())))
}

/// A part that is being written.
pub(crate) struct Journal {
    path: PathBuf,
    file: File,
    synced: Instant,
}

impl Journal {
    /// Begins a part, or goes on with one; gives what it holds already.
    ///
    /// # Errors
    /// If the file belongs to another sweep, is damaged, or another process is writing to it.
    pub(crate) fn open(path: &Path, header: &Header) -> anyhow::Result<(Self, Part)> {
        let name = path.display();
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)
            .with_context(|| format!("cannot open {name}"))?;
        if !locked(&file) {
            bail!("{name} is being written by another process");
        }
        // A process may be killed before it has written the first line.
        let begun = std::fs::read(path).is_ok_and(|bytes| bytes.contains(&b'\n'));
        if !begun {
            let begin = |file: &mut File| {
                file.set_len(0)?;
                file.write_all(line(header)?.as_bytes())?;
                anyhow::Ok(file.sync_all()?)
            };
            begin(&mut file).with_context(|| format!("cannot write {name}"))?;
        }
        let part = Part::read(path)?;
        refuse_another(path, &part.header, header)?;
        let go_on = |file: &mut File| {
            file.set_len(part.sound)?;
            file.seek(SeekFrom::End(0))
        };
        go_on(&mut file).with_context(|| format!("cannot write {name}"))?;
        Ok((Self { path: path.to_owned(), file, synced: Instant::now() }, part))
    }

    /// Appends a finished row.
    pub(crate) fn add(&mut self, cell: usize, row: Vec<Value>) -> anyhow::Result<()> {
        let line = line(&Line { cell, row })?;
        let mut write = |file: &mut File| -> std::io::Result<()> {
            // One call, so that a killed process leaves whole lines, except perhaps the last.
            file.write_all(line.as_bytes())?;
            if self.synced.elapsed() >= SYNC {
                file.sync_data()?;
                self.synced = Instant::now();
            }
            Ok(())
        };
        write(&mut self.file).with_context(|| format!("cannot write {}", self.path.display()))
    }
}

/// Refuses to mix two sweeps in one file.
fn refuse_another(path: &Path, found: &Header, wanted: &Header) -> anyhow::Result<()> {
    let what = if found.rumormill != wanted.rumormill {
        format!("by rumormill {}, and this is {}", found.rumormill, wanted.rumormill)
    } else if found.shard != wanted.shard {
        format!("as part {}, and this is part {}", found.shard, wanted.shard)
    } else if let Some(difference) = wanted.sweep.difference(&found.sweep) {
        format!("for another sweep: {difference}")
    } else {
        return Ok(());
    };
    bail!(
        "{} was started {what}; delete it to start over, or set another file with --part",
        path.display()
    )
}

/// Returns whether this process is now the only one that writes.
#[cfg(unix)]
fn locked(file: &File) -> bool {
    use rustix::fs::{FlockOperation, flock};
    flock(file, FlockOperation::NonBlockingLockExclusive).is_ok()
}

/// Returns true: other writers cannot be seen here.
#[cfg(not(unix))]
fn locked(_: &File) -> bool {
    true
}
