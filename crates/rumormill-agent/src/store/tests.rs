//! Stores that are damaged, full, taken, old or of another version.

use std::fs;
use std::io;
use std::ops::Bound;
use std::sync::atomic::{AtomicBool, Ordering};

use redb::backends::FileBackend;
use redb::{BackendError, Database, StorageBackend};
use rumormill_proto::{Mode, NodeId, Stamp, Version};
use tempfile::TempDir;

use super::error::{FileProblem, KeepError};
use super::*;

/// A directory of the test's own.
struct Dir(TempDir);

impl Dir {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn file(&self) -> PathBuf {
        self.path().join(FILE)
    }

    /// A store with an input and two keys, closed.
    fn with_content(&self) {
        let (_, mut writer) = self.claim(None);
        writer.input(&name("requests"), Some((5.0, Mode::Live)));
        for (key, value) in [("one", b"1"), ("two", b"2")] {
            put(&writer, key, value);
        }
        writer.close();
    }

    fn claim(&self, longest: Option<Duration>) -> (Kept, Writer) {
        Store::open(self.path()).unwrap().claim(&name("a"), "default", Some(1), longest).unwrap()
    }
}

fn put(writer: &Writer, key: &str, value: &[u8]) {
    let version = Version { stamp: Stamp(1 << 20), node: NodeId(7) };
    let entry = Entry { key: key.to_owned(), value: Some(value.to_vec()), version };
    writer.entry(key.to_owned(), Some(entry.encode()));
}

/// What a key holds, as text.
fn held(entries: &[Entry], key: &str) -> Option<String> {
    let entry = entries.iter().find(|entry| entry.key == key)?;
    entry.value.clone().map(|value| String::from_utf8(value).unwrap())
}

fn is_damaged(error: &StoreError) -> bool {
    matches!(error, StoreError::File { problem: FileProblem::Damaged(_), .. })
}

fn name(name: &str) -> Name {
    Name::new(name).unwrap()
}

#[test]
fn what_was_written_is_there_again_and_what_was_taken_away_is_not() {
    let dir = Dir::new();
    dir.with_content();
    let (kept, mut writer) = dir.claim(None);
    assert_eq!(kept.inputs, [Input { name: name("requests"), value: 5.0, mode: Mode::Live }]);
    assert_eq!(kept.entries.len(), 2);
    assert_eq!(held(&kept.entries, "one").as_deref(), Some("1"));
    writer.input(&name("requests"), None);
    writer.entry("one".to_owned(), None);
    put(&writer, "two", b"3");
    writer.close();
    let (kept, _writer) = dir.claim(None);
    assert_eq!((kept.inputs.len(), kept.entries.len()), (0, 1));
    assert_eq!(held(&kept.entries, "two").as_deref(), Some("3"));
}

#[test]
fn incarnations_rise_even_if_the_clock_goes_back_or_a_renewal_used_some() {
    let dir = Dir::new();
    let incarnation = |given: u64| {
        let store = Store::open(dir.path()).unwrap();
        let (kept, mut writer) = store.claim(&name("a"), "default", Some(given), None).unwrap();
        // A renewal, not written by itself.
        writer.incarnation(kept.incarnation + 1);
        kept.incarnation
    };
    let first = incarnation(1_000_000);
    assert_eq!(first, 1_000_000);
    let second = incarnation(10);
    assert!(second > first + 1, "{second}");
    assert_eq!(incarnation(9_000_000), 9_000_000);

    // More renewals than are reserved at once.
    let store = Store::open(dir.path()).unwrap();
    let (kept, mut writer) = store.claim(&name("a"), "default", Some(1), None).unwrap();
    let last = kept.incarnation + 3 * RESERVE;
    for incarnation in kept.incarnation..=last {
        writer.incarnation(incarnation);
    }
    drop(writer);
    assert!(incarnation(1) > last);
}

#[test]
fn the_number_of_other_members_is_kept_even_when_the_keys_are_set_aside() {
    let dir = Dir::new();
    dir.with_content();
    let (kept, mut writer) = dir.claim(None);
    assert_eq!(kept.others, 0);
    writer.others(4);
    writer.others(3);
    writer.close();
    let (kept, writer) = dir.claim(Some(Duration::ZERO));
    assert!(kept.set_aside.is_some());
    assert_eq!(kept.others, 3);
    drop(writer);
    assert_eq!(dir.claim(None).0.others, 3);
}

#[test]
fn a_directory_is_one_agents_and_one_process_at_a_time() {
    let dir = Dir::new();
    let (_, writer) = dir.claim(None);
    let error = Store::open(dir.path()).unwrap_err().to_string();
    let me = format!("in use by agent a, process {}", std::process::id());
    assert!(error.contains(&me), "{error}");
    drop(writer);
    for (who, cluster) in [("b", "default"), ("a", "other")] {
        let store = Store::open(dir.path()).unwrap();
        let error = store.claim(&name(who), cluster, None, None).err().unwrap().to_string();
        assert!(error.contains("belongs to the agent a of cluster \"default\""), "{error}");
    }
    let file = dir.path().join("file");
    fs::write(&file, "").unwrap();
    assert!(matches!(Store::open(&file), Err(StoreError::Directory { .. })));
}

#[test]
fn keys_older_than_deletions_are_remembered_is_set_aside() {
    let dir = Dir::new();
    dir.with_content();
    let before = Store::open(dir.path()).unwrap().loaded.identity.unwrap().reserved;
    std::thread::sleep(Duration::from_millis(20));
    let (kept, writer) = dir.claim(Some(Duration::from_millis(10)));
    assert!(kept.entries.is_empty());
    assert_eq!(
        kept.inputs,
        [Input { name: name("requests"), value: 5.0, mode: Mode::Live }],
        "inputs are its own"
    );
    assert!(kept.incarnation > before - RESERVE);
    let aside = kept.set_aside.unwrap();
    drop(writer);
    // Nothing is lost: put back, it is whole.
    assert!(dir.claim(None).0.entries.is_empty());
    fs::rename(aside, dir.file()).unwrap();
    let (kept, _writer) = dir.claim(Some(Duration::from_secs(3600)));
    assert_eq!((kept.entries.len(), kept.set_aside), (2, None));
}

#[test]
fn a_store_of_a_later_version_is_refused_and_left_alone() {
    let dir = Dir::new();
    dir.with_content();
    let database = Database::open(dir.file()).unwrap();
    let write = database.begin_write().unwrap();
    write.open_table(format::NUMBERS).unwrap().insert(format::keys::FORMAT, 2).unwrap();
    write.commit().unwrap();
    drop(database);
    let error = Store::open(dir.path()).unwrap_err();
    assert!(matches!(&error, StoreError::File { problem: FileProblem::Version(2), .. }), "{error}");
    assert!(error.to_string().contains("Use the version that wrote it"), "{error}");
}

#[test]
fn a_file_that_is_no_store_is_refused_and_left_alone() {
    let dir = Dir::new();
    dir.with_content();
    let closed = fs::read(dir.file()).unwrap();
    refused(&dir, &closed);
    // As a kill leaves it: opening such a file begins with a repair.
    let (_, writer) = dir.claim(None);
    let open = fs::read(dir.file()).unwrap();
    assert_ne!(open, closed);
    drop(writer);
    refused(&dir, &open);
}

fn refused(dir: &Dir, whole: &[u8]) {
    let text = b"this is not a store\n".repeat(1000);
    for bad in [&b""[..], b"x", &text, &whole[..4096], &whole[..whole.len() / 2]] {
        fs::write(dir.file(), bad).unwrap();
        let error = Store::open(dir.path()).expect_err("it was taken");
        assert!(is_damaged(&error), "{} bytes: {error:?}", bad.len());
        assert!(error.to_string().contains("move it away"), "{error}");
        assert_eq!(fs::read(dir.file()).unwrap(), bad, "{} bytes", bad.len());
    }
    fs::write(dir.file(), whole).unwrap();
    assert_eq!(dir.claim(None).0.entries.len(), 2);
}

#[test]
fn a_flipped_byte_is_found_or_harmless() {
    let dir = Dir::new();
    dir.with_content();
    let whole = fs::read(dir.file()).unwrap();
    let used: Vec<_> = (0..whole.len()).filter(|&at| whole[at] != 0).collect();
    let name = b"requests";
    let named = (0..whole.len() - name.len()).filter(|&at| whole[at..].starts_with(name));
    let spread = used.iter().copied().step_by(used.len() / 100 + 1);
    let (mut found, mut harmless) = (0, 0);
    for at in named.chain(spread) {
        let mut bad = whole.clone();
        bad[at] ^= 0x55;
        fs::write(dir.file(), &bad).unwrap();
        match Store::open(dir.path()) {
            Ok(store) => {
                harmless += 1;
                assert_eq!(held(&store.loaded.entries, "one").as_deref(), Some("1"), "byte {at}");
                assert_eq!(held(&store.loaded.entries, "two").as_deref(), Some("2"), "byte {at}");
                assert_eq!(store.loaded.inputs.len(), 1, "byte {at}");
            }
            Err(error) => {
                found += 1;
                assert!(
                    is_damaged(&error) || error.to_string().contains("has format"),
                    "byte {at}: {error:?}"
                );
                assert_eq!(fs::read(dir.file()).unwrap(), bad, "byte {at}");
            }
        }
    }
    println!("{found} found, {harmless} harmless");
    // Pages that are no longer in use have bytes, too.
    assert!(found > 4);
}

static FULL: AtomicBool = AtomicBool::new(false);

/// A file on a disk that is full when the test says so.
#[derive(Debug)]
struct Filling(FileBackend);

impl Filling {
    fn room() -> io::Result<()> {
        if FULL.load(Ordering::SeqCst) { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
    }
}

impl StorageBackend for Filling {
    fn len(&self) -> io::Result<u64> {
        self.0.len()
    }
    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.0.read(offset, out)
    }
    fn set_len(&self, len: u64) -> io::Result<()> {
        Self::room()?;
        self.0.set_len(len)
    }
    fn sync_data(&self) -> io::Result<()> {
        self.0.sync_data()
    }
    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        Self::room()?;
        self.0.write(offset, data)
    }
    fn close(&self) -> io::Result<()> {
        self.0.close()
    }
    fn try_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.0.try_lock_range(start, end)
    }
    fn unlock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.0.unlock_range(start, end)
    }
}

#[tokio::test]
async fn a_full_disk_is_said_and_what_it_missed_is_written_when_there_is_room() {
    let dir = Dir::new();
    dir.with_content();
    let claim = Claim::take(dir.path()).unwrap();
    let (disk, loaded) =
        Disk::open_with(&dir.file(), |file| Database::builder().create_with_backend(Filling(file)))
            .unwrap();
    let mut writer = Writer::start(dir.path(), disk, claim, loaded.identity.unwrap(), (0, 0));
    assert_eq!(writer.check(), Ok(()));

    FULL.store(true, Ordering::SeqCst);
    put(&writer, "one", b"late");
    let refusal = writer.ticket().kept().await.unwrap_err();
    assert!(matches!(&refusal, KeepError::Unkept(why) if why.contains("no storage space")));
    let refusal = writer.check().unwrap_err();
    assert!(matches!(refusal, KeepError::Refused(_)), "{refusal}");
    // What the others send goes on coming, and the later of two is what counts.
    put(&writer, "three", b"old");
    put(&writer, "three", b"3");
    let health = writer.info();
    assert!(health.problem.is_some() && health.errors > 0, "{health:?}");

    FULL.store(false, Ordering::SeqCst);
    while writer.check().is_err() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    writer.ticket().kept().await.unwrap();
    let health = writer.info();
    assert_eq!((health.problem, health.waiting), (None, 0));
    writer.close();
    let (kept, _writer) = dir.claim(None);
    assert_eq!(held(&kept.entries, "one").as_deref(), Some("late"));
    assert_eq!(held(&kept.entries, "three").as_deref(), Some("3"));
}

/// Bytes that no entry can be read from: its stamp is beyond what a clock can give.
fn unreadable(key: &str) -> Vec<u8> {
    let version = Version { stamp: Stamp(u64::MAX), node: NodeId(7) };
    let bytes = Entry { key: key.to_owned(), value: None, version }.encode();
    assert!(Entry::decode(&bytes).is_err(), "it can be read after all");
    bytes
}

#[tokio::test]
async fn what_the_next_start_would_refuse_is_not_written() {
    let dir = Dir::new();
    let (_, mut writer) = dir.claim(None);
    writer.entry("bad".to_owned(), Some(unreadable("bad")));
    put(&writer, "good", b"1");
    let refusal = writer.ticket().kept().await.unwrap_err();
    assert!(matches!(&refusal, KeepError::Unkept(why) if why.contains("\"bad\"")), "{refusal}");
    put(&writer, "better", b"2");
    writer.ticket().kept().await.unwrap();
    assert_eq!(writer.info().refused, 1);
    writer.close();
    let (kept, writer) = dir.claim(None);
    assert_eq!((kept.entries.len(), writer.info().refused), (2, 0));
}

#[test]
fn an_entry_that_can_not_be_read_is_left_out_and_left_alone() {
    let dir = Dir::new();
    dir.with_content();
    let database = Database::open(dir.file()).unwrap();
    let write = database.begin_write().unwrap();
    {
        let mut table = write.open_table(format::KV).unwrap();
        for (key, bytes) in [("bad", unreadable("bad")), ("other", unreadable("bad"))] {
            table.insert(key, bytes.as_slice()).unwrap();
        }
    }
    write.commit().unwrap();
    drop(database);
    for _ in 0..2 {
        let (kept, mut writer) = dir.claim(None);
        assert_eq!(held(&kept.entries, "one").as_deref(), Some("1"));
        assert_eq!(held(&kept.entries, "two").as_deref(), Some("2"));
        assert_eq!((kept.entries.len(), kept.inputs.len()), (2, 1));
        assert_eq!(writer.info().refused, 2);
        writer.close();
    }
    // A later write takes its place.
    let (_, mut writer) = dir.claim(None);
    put(&writer, "bad", b"good");
    writer.close();
    let (kept, writer) = dir.claim(None);
    assert_eq!(held(&kept.entries, "bad").as_deref(), Some("good"));
    assert_eq!(writer.info().refused, 1);
}
