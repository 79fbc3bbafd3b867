#![allow(missing_docs, dead_code)]
use crate::*;
use std::collections::BTreeMap;
use core::fmt;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RumorId(pub u64);
impl fmt::Display for RumorId { fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { write!(f, "{:016x}", self.0) } }
impl core::str::FromStr for RumorId { type Err = String; fn from_str(s: &str) -> Result<Self, String> { if s.len() != 16 { return Err("16 hexadecimal digits".into()) } u64::from_str_radix(s, 16).map(Self).map_err(|e| e.to_string()) } }
#[derive(Clone, Debug, PartialEq)]
pub struct Rumor { pub id: RumorId, pub origin: Name, pub topic: Name, pub payload: Vec<u8>, pub round: u32, pub age: Duration }
#[derive(Clone, Debug, PartialEq)]
pub struct RumorRecord { pub id: RumorId, pub origin: Name, pub topic: Name, pub bytes: u32, pub heard_round: u32, pub heard_age: Duration, pub copies: u32, pub told: u32, pub rejected: bool }
impl RumorRecord { pub fn decode(b: &[u8]) -> Option<Self> { let _ = b; None } }
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum PublishError { #[error("the payload has {0} bytes, the limit is {1}")] TooLarge(usize, usize), #[error("queue full {0}")] QueueFull(usize), #[error("not running")] NotRunning }
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum AnswerError { #[error("too large")] TooLarge(usize, usize), #[error("no such query")] Unknown }
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version(pub u64);
impl fmt::Display for Version { fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { write!(f, "{:016x}", self.0) } }
#[derive(Clone, Debug, PartialEq)]
pub struct Entry { pub value: Option<Vec<u8>>, pub version: Version, pub origin: Name }
#[derive(Clone, Debug, PartialEq)]
pub struct KeyChange { pub key: String, pub value: Option<Vec<u8>>, pub version: Version, pub origin: Name }
#[derive(Clone, Debug, PartialEq)]
pub struct StoredEntry { pub key: String, pub bytes: Vec<u8> }
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum PutError { #[error("key {0} {1}")] Key(usize, usize), #[error("value {0} {1}")] Value(usize, usize), #[error("full")] Full(usize) }

#[derive(Default)]
pub(crate) struct Stub { seq: u64, records: Vec<RumorRecord>, map: BTreeMap<String, Entry>, stored: Vec<StoredEntry>, validator: Option<Box<dyn FnMut(&Rumor) -> bool + Send>> }

impl Node {
    pub fn publish(&mut self, _now: Instant, topic: &Name, payload: &[u8]) -> Result<RumorId, PublishError> {
        if payload.len() > self.config().rumor.max_payload { return Err(PublishError::TooLarge(payload.len(), self.config().rumor.max_payload)) }
        let id = self.next();
        let rumor = Rumor { id, origin: self.identity().name.clone(), topic: topic.clone(), payload: payload.to_vec(), round: 0, age: Duration::ZERO };
        self.stub.records.push(RumorRecord { id, origin: rumor.origin.clone(), topic: topic.clone(), bytes: payload.len() as u32, heard_round: 0, heard_age: Duration::ZERO, copies: 0, told: 0, rejected: false });
        if self.stub.validator.as_mut().is_none_or(|v| v(&rumor)) { self.stub_event(Event::Rumor(rumor)); }
        Ok(id)
    }
    fn next(&mut self) -> RumorId { self.stub.seq += 1; RumorId(self.stub.seq) }
    pub fn set_validator(&mut self, v: Box<dyn FnMut(&Rumor) -> bool + Send>) { self.stub.validator = Some(v) }
    pub fn rumors(&self) -> impl Iterator<Item = RumorRecord> { self.stub.records.clone().into_iter() }
    pub fn query(&mut self, _now: Instant, name: &Name, payload: &[u8], _timeout: Duration) -> Result<RumorId, PublishError> {
        let id = self.next();
        let rumor = Rumor { id, origin: self.identity().name.clone(), topic: name.clone(), payload: payload.to_vec(), round: 0, age: Duration::ZERO };
        self.stub_event(Event::Query(rumor)); Ok(id)
    }
    pub fn answer(&mut self, _now: Instant, query: RumorId, payload: &[u8]) -> Result<(), AnswerError> {
        let from = self.identity().name.clone();
        self.stub_event(Event::Answer { query, from, payload: payload.to_vec() });
        self.stub_event(Event::QueryFinished { query, answered: 1, expected: 1 }); Ok(())
    }
    pub fn trace(&mut self, _now: Instant, _id: RumorId, _timeout: Duration) -> Result<RumorId, PublishError> {
        let query = self.next(); self.stub_event(Event::QueryFinished { query, answered: 0, expected: 1 }); Ok(query)
    }
    fn write(&mut self, key: &str, value: Option<Vec<u8>>) -> Version {
        self.stub.seq += 1; let version = Version(self.stub.seq); let origin = self.identity().name.clone();
        self.stub.map.insert(key.into(), Entry { value: value.clone(), version, origin: origin.clone() });
        self.stub.stored.push(StoredEntry { key: key.into(), bytes: value.clone().unwrap_or_default() });
        self.stub_event(Event::Key(KeyChange { key: key.into(), value, version, origin })); version
    }
    pub fn put(&mut self, _now: Instant, key: &str, value: &[u8]) -> Result<Version, PutError> { Ok(self.write(key, Some(value.to_vec()))) }
    pub fn delete(&mut self, _now: Instant, key: &str) -> Result<Option<Version>, PutError> { if self.get(key).is_none() { return Ok(None) } Ok(Some(self.write(key, None))) }
    pub fn get(&self, key: &str) -> Option<&Entry> { self.stub.map.get(key).filter(|e| e.value.is_some()) }
    pub fn list<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = (&'a str, &'a Entry)> + 'a { self.stub.map.iter().filter(move |(k, e)| k.starts_with(prefix) && e.value.is_some()).map(|(k, e)| (k.as_str(), e)) }
    pub fn replica_digest(&self) -> u64 { 0 }
    pub fn replica_len(&self) -> usize { self.stub.map.len() }
    pub fn poll_store(&mut self) -> Option<StoredEntry> { if self.stub.stored.is_empty() { None } else { Some(self.stub.stored.remove(0)) } }
    pub fn restore(&mut self, _now: Instant, e: Vec<StoredEntry>) { for e in e { self.write(&e.key, Some(e.bytes)); } self.stub.stored.clear() }
}
