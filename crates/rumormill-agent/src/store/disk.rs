//! The file: opening it, reading all of it, and writing one transaction at a time.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use redb::backends::FileBackend;
use redb::{Database, DatabaseError, ReadableDatabase, ReadableTable, StorageError};
use rumormill_proto::{Entry, Input, Mode, Name};

use super::error::{FileProblem, StoreError};
use super::format::{self, FORMAT, INPUTS, KV, NUMBERS, TEXTS, keys};
use super::overlay::Overlay;
use super::place::Place;
use super::unix_millis;

/// Memory for the database's pages. The entries themselves are in the node.
const CACHE: usize = 8 << 20;

/// The agent that a store belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Identity {
    pub(super) name: Name,
    pub(super) cluster: String,
    /// No incarnation number above this one has been used.
    pub(super) reserved: u64,
}

/// The content of a store.
#[derive(Debug, Default)]
pub(super) struct Loaded {
    pub(super) identity: Option<Identity>,
    pub(super) last_alive: Option<SystemTime>,
    /// The number of other members that the agent last knew.
    pub(super) others: u64,
    pub(super) inputs: Vec<Input>,
    pub(super) entries: Vec<Entry>,
    /// The number of entries that can't be read.
    pub(super) refused: u64,
}

/// The changes of one transaction. `None` removes.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub(super) reserved: Option<u64>,
    /// The number of other members that are up.
    pub(super) others: Option<u64>,
    pub(super) inputs: BTreeMap<Name, Option<(f64, Mode)>>,
    pub(super) entries: BTreeMap<String, Option<Vec<u8>>>,
    /// Whether this is the whole content of a store.
    pub(super) whole: bool,
}

impl Batch {
    pub(super) fn is_empty(&self) -> bool {
        let numbers = self.reserved.or(self.others);
        numbers.is_none() && self.inputs.is_empty() && self.entries.is_empty()
    }

    /// Removes the entries that could not be read again, and returns their keys.
    pub(super) fn refuse_unreadable(&mut self) -> Vec<String> {
        let bad = |(key, entry): (&String, &Option<Vec<u8>>)| {
            let entry = entry.as_ref()?;
            let readable = Entry::decode(entry).is_ok_and(|entry| entry.key == *key);
            (!readable).then(|| key.clone())
        };
        let refused: Vec<_> = self.entries.iter().filter_map(bad).collect();
        for key in &refused {
            self.entries.remove(key);
        }
        refused
    }

    /// Adds the changes of an earlier transaction that failed.
    pub(super) fn put_back(&mut self, earlier: Self) {
        self.reserved = self.reserved.max(earlier.reserved);
        self.others = self.others.or(earlier.others);
        self.whole |= earlier.whole;
        for (name, input) in earlier.inputs {
            self.inputs.entry(name).or_insert(input);
        }
        for (key, entry) in earlier.entries {
            self.entries.entry(key).or_insert(entry);
        }
    }
}

/// Opens a database over a file; tests put faults between the two.
pub(super) type Wrap = fn(FileBackend) -> Result<Database, DatabaseError>;

/// An open store.
pub(super) struct Disk {
    path: PathBuf,
    /// `None` after an error, because redb then refuses to write until it is opened again.
    database: Option<Database>,
    place: Place,
    wrap: Wrap,
}

impl std::fmt::Debug for Disk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Disk").field("path", &self.path).finish_non_exhaustive()
    }
}

impl Disk {
    /// Opens the store at `path`, or creates one, and reads its content.
    pub(super) fn open(path: &Path) -> Result<(Self, Loaded), StoreError> {
        Self::open_with(path, |file| builder().create_with_backend(file))
    }

    pub(super) fn open_with(path: &Path, wrap: Wrap) -> Result<(Self, Loaded), StoreError> {
        let place = Place::new(path);
        let mut disk = Self { path: path.to_owned(), database: None, place, wrap };
        if !path.try_exists().map_err(|error| disk.problem(error.into()))? {
            disk.create(None, &Batch::default())?;
        }
        let loaded = read_only(path).map_err(|problem| disk.problem(problem))?;
        disk.database()?;
        Ok((disk, loaded))
    }

    /// Creates a new store. The file gets its name only when it is complete, so an empty or incomplete
    /// file of that name is always damaged, never new.
    fn create(&mut self, identity: Option<&Identity>, batch: &Batch) -> Result<(), StoreError> {
        let unfinished = self.path.with_extension("new");
        let create = || -> Result<(), FileProblem> {
            if unfinished.try_exists()? {
                fs::remove_file(&unfinished)?;
            }
            let options = fs::OpenOptions::new().read(true).write(true).create_new(true).clone();
            let database = (self.wrap)(FileBackend::new(options.open(&unfinished)?)?)?;
            write(&database, batch, identity)?;
            drop(database);
            fs::rename(&unfinished, &self.path)?;
            sync_directory(&self.path)?;
            Ok(())
        };
        create().map_err(|problem| self.problem(problem))
    }

    /// Returns the database, and opens it again if an error has closed it.
    fn database(&mut self) -> Result<&Database, StoreError> {
        if self.database.is_none() {
            let opened = open_file(&self.path, self.wrap);
            self.database = Some(opened.map_err(|problem| self.problem(problem))?);
            self.place.note().map_err(|error| self.problem(error.into()))?;
        }
        self.database.as_ref().ok_or_else(|| self.problem(FileProblem::Io("closed".to_owned())))
    }

    fn load(database: &Database) -> Result<Loaded, FileProblem> {
        let read = database.begin_read()?;
        let numbers = read.open_table(NUMBERS)?;
        let number = |key| -> Result<Option<u64>, FileProblem> {
            Ok(numbers.get(key)?.map(|number| number.value()))
        };
        match number(keys::FORMAT)? {
            Some(FORMAT) => {}
            Some(found) if found > FORMAT => return Err(FileProblem::Version(found)),
            Some(found) => return Err(FileProblem::Damaged(format!("its format is {found}"))),
            None => return Err(FileProblem::Damaged("it has no format number".to_owned())),
        }
        let mut loaded = Loaded::default();
        let texts = read.open_table(TEXTS)?;
        let text = |key| -> Result<Option<String>, FileProblem> {
            Ok(texts.get(key)?.map(|text| text.value().to_owned()))
        };
        if let (Some(name), Some(cluster), Some(reserved)) =
            (text(keys::NAME)?, text(keys::CLUSTER)?, number(keys::RESERVED)?)
        {
            loaded.identity = Some(Identity { name: parse_name(&name)?, cluster, reserved });
        }
        let since_1970 = number(keys::LAST_ALIVE)?.map(Duration::from_millis);
        loaded.last_alive = since_1970.and_then(|since| UNIX_EPOCH.checked_add(since));
        loaded.others = number(keys::OTHERS)?.unwrap_or_default();
        for input in read.open_table(INPUTS)?.iter()? {
            let (name, value) = input?;
            let (bits, mode) = value.value();
            let mode = format::mode(mode);
            let mode =
                mode.ok_or_else(|| FileProblem::Damaged("an input has no mode".to_owned()))?;
            let name = parse_name(name.value())?;
            loaded.inputs.push(Input { name, value: f64::from_bits(bits), mode });
        }
        for entry in read.open_table(KV)?.iter()? {
            let (key, entry) = entry?;
            match Entry::decode(entry.value()) {
                Ok(entry) if entry.key == key.value() => loaded.entries.push(entry),
                // The page's checksum is correct, so this is what was written: a bad entry, not a bad
                // disk. It stays in the file until the key is written again.
                _ => {
                    let key = key.value();
                    tracing::warn!(key, "an entry of the store can't be read, and was left out");
                    loaded.refused += 1;
                }
            }
        }
        Ok(loaded)
    }

    /// Writes which agent the store belongs to.
    pub(super) fn identify(&mut self, identity: &Identity) -> Result<(), StoreError> {
        self.write(&Batch::default(), Some(identity))
    }

    /// Writes a batch. It is on disk when this returns without an error.
    pub(super) fn commit(&mut self, batch: &Batch) -> Result<(), StoreError> {
        self.write(batch, None)
    }

    fn write(&mut self, batch: &Batch, identity: Option<&Identity>) -> Result<(), StoreError> {
        let written = write(self.database()?, batch, identity);
        self.place.note_length();
        written.map_err(|problem| {
            self.database = None;
            self.problem(problem)
        })
    }

    /// Checks that the next start would find what is written.
    pub(super) fn check(&self) -> Result<(), FileProblem> {
        // A database that an error has closed may have left the file shorter than it was.
        self.place.check(self.database.is_some())
    }

    /// Creates the store again after it was removed, with the content of `batch`.
    pub(super) fn create_again(
        &mut self,
        identity: &Identity,
        batch: &Batch,
    ) -> Result<(), StoreError> {
        self.database = None;
        self.create(Some(identity), batch)?;
        self.database().map(|_| ())
    }

    /// Replaces this store by a new one. Returns the path at which the old one is kept.
    pub(super) fn replace(
        mut self,
        identity: &Identity,
        inputs: &[Input],
        others: u64,
    ) -> Result<(Self, PathBuf), StoreError> {
        self.database = None;
        let aside = self.path.with_extension(format!("redb.old-{}", unix_millis()));
        // The file keeps its old name until the new one takes it.
        fs::hard_link(&self.path, &aside)
            .or_else(|_| fs::copy(&self.path, &aside).map(|_| ()))
            .map_err(|error| self.problem(error.into()))?;
        let mut batch = Batch { others: Some(others), ..Batch::default() };
        for Input { name, value, mode } in inputs {
            batch.inputs.insert(name.clone(), Some((*value, *mode)));
        }
        self.create(Some(identity), &batch)?;
        Ok((self, aside))
    }

    /// Returns the error for a problem of the file.
    pub(super) fn problem(&self, problem: FileProblem) -> StoreError {
        StoreError::File { file: self.path.clone(), problem }
    }
}

fn builder() -> redb::Builder {
    let mut builder = Database::builder();
    builder.set_cache_size(CACHE);
    builder
}

/// Reads the content of a file, checks every page, and leaves the file unchanged.
fn read_only(path: &Path) -> Result<Loaded, FileProblem> {
    let file = File::open(path)?;
    if file.metadata()?.len() == 0 {
        return Err(FileProblem::Damaged("it is empty".to_owned()));
    }
    unpanicked(|| {
        let overlay = Overlay::new(file)?;
        let mut builder = builder();
        let database = builder.set_check_integrity_on_open(true).create_with_backend(overlay)?;
        Disk::load(&database)
    })
}

/// Opens an existing file.
fn open_file(path: &Path, wrap: Wrap) -> Result<Database, FileProblem> {
    let file = fs::OpenOptions::new().read(true).write(true).open(path)?;
    unpanicked(|| Ok(wrap(FileBackend::new(file)?)?))
}

/// Turns a panic into an error: redb asserts some properties of a file.
fn unpanicked<T>(open: impl FnOnce() -> Result<T, FileProblem>) -> Result<T, FileProblem> {
    let opened = std::panic::catch_unwind(std::panic::AssertUnwindSafe(open));
    opened.unwrap_or_else(|_| Err(FileProblem::Damaged("its content is inconsistent".to_owned())))
}

fn write(
    database: &Database,
    batch: &Batch,
    identity: Option<&Identity>,
) -> Result<(), FileProblem> {
    let write = database.begin_write()?;
    {
        let mut numbers = write.open_table(NUMBERS)?;
        numbers.insert(keys::FORMAT, FORMAT)?;
        numbers.insert(keys::LAST_ALIVE, unix_millis())?;
        let mut texts = write.open_table(TEXTS)?;
        if let Some(Identity { name, cluster, reserved }) = identity {
            texts.insert(keys::NAME, name.as_str())?;
            texts.insert(keys::CLUSTER, cluster.as_str())?;
            numbers.insert(keys::RESERVED, reserved)?;
        }
        if let Some(reserved) = batch.reserved {
            numbers.insert(keys::RESERVED, reserved)?;
        }
        if let Some(others) = batch.others {
            numbers.insert(keys::OTHERS, others)?;
        }
        let mut inputs = write.open_table(INPUTS)?;
        for (name, input) in &batch.inputs {
            match input {
                Some((value, mode)) => {
                    let row = (value.to_bits(), format::mode_number(*mode));
                    inputs.insert(name.as_str(), row)?;
                }
                None => {
                    inputs.remove(name.as_str())?;
                }
            }
        }
        let mut entries = write.open_table(KV)?;
        for (key, entry) in &batch.entries {
            match entry {
                Some(entry) => entries.insert(key.as_str(), entry.as_slice())?,
                None => entries.remove(key.as_str())?,
            };
        }
    }
    write.commit()?;
    Ok(())
}

fn parse_name(name: &str) -> Result<Name, FileProblem> {
    Name::new(name).map_err(|error| FileProblem::Damaged(error.to_string()))
}

/// Makes a new file name durable, by syncing its directory.
#[cfg(unix)]
fn sync_directory(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), |dir| File::open(dir)?.sync_all())
}

/// Does nothing: other systems have no such call.
#[cfg(not(unix))]
fn sync_directory(_: &Path) -> io::Result<()> {
    Ok(())
}

impl From<io::Error> for FileProblem {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            // The file ends early.
            io::ErrorKind::UnexpectedEof => Self::Damaged("it is cut off".to_owned()),
            // The file does not begin like a database of redb.
            io::ErrorKind::InvalidData => Self::Damaged(error.to_string()),
            _ => Self::Io(error.to_string()),
        }
    }
}

impl From<redb::Error> for FileProblem {
    fn from(error: redb::Error) -> Self {
        match error {
            redb::Error::Io(error) => error.into(),
            redb::Error::UpgradeRequired(found) => Self::Version(found.into()),
            redb::Error::Corrupted(reason) => Self::Damaged(reason),
            redb::Error::TableDoesNotExist(table) => {
                Self::Damaged(format!("its table {table} is missing"))
            }
            redb::Error::TableTypeMismatch { table, .. } => {
                Self::Damaged(format!("its table {table} has another type"))
            }
            other => Self::Io(other.to_string()),
        }
    }
}

macro_rules! problems {
    ($($error:ty)*) => {
        $(impl From<$error> for FileProblem {
            fn from(error: $error) -> Self {
                redb::Error::from(error).into()
            }
        })*
    };
}

problems! { DatabaseError StorageError redb::TableError redb::TransactionError redb::CommitError }
