//! A table of typed columns, as CSV and as Parquet.
//!
//! The bytes depend on the values alone: no date, no machine, no order of work.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, anyhow};
use parquet::basic::{LogicalType, Repetition, Type as Physical};
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, DoubleType, Int64Type};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::Type;
use serde::{Deserialize, Serialize};

use crate::term::exit::Usage;

/// What a column holds. Any value may be missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    /// Whole numbers of 64 bits.
    Whole,
    /// Double precision.
    Real,
    /// UTF-8.
    Text,
    /// Yes or no.
    Truth,
}

/// A column.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Column {
    pub(crate) name: String,
    pub(crate) kind: Kind,
}

impl Column {
    pub(crate) fn new(name: &str, kind: Kind) -> Self {
        Self { name: name.to_owned(), kind }
    }
}

/// A cell of the table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Value {
    Truth(bool),
    Whole(i64),
    Real(f64),
    Text(String),
    /// What a flag that may be repeated is given, time after time; a text in the table.
    Several(Vec<String>),
    /// Not known, or not a number.
    Missing,
}

impl Value {
    /// Returns a number; missing if there is none or it is not finite.
    pub(crate) fn real(x: impl Into<Option<f64>>) -> Self {
        x.into().filter(|x| x.is_finite()).map_or(Self::Missing, Self::Real)
    }

    /// Returns a count.
    pub(crate) fn whole(n: u64) -> Self {
        i64::try_from(n).map_or(Self::Real(n as f64), Self::Whole)
    }

    pub(crate) fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// Returns whether a column of this kind takes it as it is.
    pub(crate) fn is(&self, kind: Kind) -> bool {
        matches!(
            (self, kind),
            (Self::Missing, _)
                | (Self::Truth(_), Kind::Truth)
                | (Self::Whole(_), Kind::Whole)
                | (Self::Whole(_) | Self::Real(_), Kind::Real)
                | (Self::Text(_) | Self::Several(_), Kind::Text)
        )
    }
}

/// As CSV writes it, and, unless it is several, as the command line takes it.
impl std::fmt::Display for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Truth(yes) => write!(f, "{yes}"),
            Self::Whole(n) => write!(f, "{n}"),
            // Short, and exact when read again.
            Self::Real(x) if *x != 0.0 && !(1e-4..1e15).contains(&x.abs()) => write!(f, "{x:e}"),
            Self::Real(x) => write!(f, "{x}"),
            Self::Text(text) => f.write_str(text),
            Self::Several(texts) => f.write_str(&texts.join(" ")),
            Self::Missing => Ok(()),
        }
    }
}

/// The formats there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Csv,
    Parquet,
}

fn format(path: &Path) -> Result<Format, Usage> {
    let extension = path.extension().and_then(|e| e.to_str()).unwrap_or_default();
    match extension.to_ascii_lowercase().as_str() {
        "csv" => Ok(Format::Csv),
        "parquet" => Ok(Format::Parquet),
        _ => Err(Usage(format!("--out {}: the name must end in .csv or .parquet", path.display()))),
    }
}

/// Refuses names that no table could be written to, before any work is done for it.
pub(crate) fn check(out: &[PathBuf]) -> anyhow::Result<()> {
    for path in out {
        format(path)?;
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        if let Some(folder) = folder
            && !folder.is_dir()
        {
            let (path, folder) = (path.display(), folder.display());
            return Err(Usage(format!("--out {path}: there is no directory {folder}")).into());
        }
    }
    Ok(())
}

/// Writes the table to a file, in the format that its name asks for: all of it or nothing.
pub(crate) fn save(path: &Path, columns: &[Column], rows: &[Vec<Value>]) -> anyhow::Result<()> {
    let bytes = match format(path)? {
        Format::Csv => csv(columns, rows)?,
        Format::Parquet => parquet(columns, rows)?,
    };
    replace(path, &bytes).with_context(|| format!("cannot write {}", path.display()))
}

/// Puts a whole file in the place of another, so that no one ever sees half of it.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    let fresh = PathBuf::from(name);
    let mut file = File::create(&fresh)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&fresh, path)
}

/// Returns the table as CSV (RFC 4180, lines ending in a line feed).
pub(crate) fn csv(columns: &[Column], rows: &[Vec<Value>]) -> anyhow::Result<Vec<u8>> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(columns.iter().map(|column| &column.name))?;
    for row in rows {
        writer.write_record(row.iter().map(ToString::to_string))?;
    }
    Ok(writer.into_inner()?)
}

fn parquet(columns: &[Column], rows: &[Vec<Value>]) -> anyhow::Result<Vec<u8>> {
    let fields = columns.iter().map(field).collect::<Result<_, _>>()?;
    let schema = Type::group_type_builder("sweep").with_fields(fields).build()?;
    let properties = WriterProperties::builder()
        .set_created_by(concat!("rumormill ", env!("CARGO_PKG_VERSION")).to_owned())
        .build();
    let mut bytes = Vec::new();
    let mut file = SerializedFileWriter::new(&mut bytes, Arc::new(schema), Arc::new(properties))?;
    // One row group: a sweep is small beside what a group may hold.
    let mut group = file.next_row_group()?;
    for (at, column) in columns.iter().enumerate() {
        let mut writer =
            group.next_column()?.ok_or_else(|| anyhow!("the schema has too few columns"))?;
        let values = rows.iter().map(|row| &row[at]);
        let present: Vec<i16> =
            values.clone().map(|value| i16::from(*value != Value::Missing)).collect();
        let levels = Some(&present[..]);
        match column.kind {
            Kind::Whole => {
                let values: Vec<i64> = values.filter_map(whole).collect();
                writer.typed::<Int64Type>().write_batch(&values, levels, None)?;
            }
            Kind::Real => {
                let values: Vec<f64> = values.filter_map(real).collect();
                writer.typed::<DoubleType>().write_batch(&values, levels, None)?;
            }
            Kind::Text => {
                let values: Vec<ByteArray> = values.filter_map(text).collect();
                writer.typed::<ByteArrayType>().write_batch(&values, levels, None)?;
            }
            Kind::Truth => {
                let values: Vec<bool> = values.filter_map(truth).collect();
                writer.typed::<BoolType>().write_batch(&values, levels, None)?;
            }
        }
        writer.close()?;
    }
    group.close()?;
    file.close()?;
    Ok(bytes)
}

fn field(column: &Column) -> Result<Arc<Type>, parquet::errors::ParquetError> {
    let (physical, logical) = match column.kind {
        Kind::Whole => (Physical::INT64, None),
        Kind::Real => (Physical::DOUBLE, None),
        Kind::Text => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
        Kind::Truth => (Physical::BOOLEAN, None),
    };
    let builder = Type::primitive_type_builder(&column.name, physical)
        .with_repetition(Repetition::OPTIONAL)
        .with_logical_type(logical);
    Ok(Arc::new(builder.build()?))
}

fn whole(value: &Value) -> Option<i64> {
    if let Value::Whole(n) = value { Some(*n) } else { None }
}

fn real(value: &Value) -> Option<f64> {
    match value {
        Value::Real(x) => Some(*x),
        Value::Whole(n) => Some(*n as f64),
        _ => None,
    }
}

fn text(value: &Value) -> Option<ByteArray> {
    match value {
        Value::Text(text) => Some(text.as_str().into()),
        Value::Several(texts) => Some(texts.join(" ").as_str().into()),
        _ => None,
    }
}

fn truth(value: &Value) -> Option<bool> {
    if let Value::Truth(yes) = value { Some(*yes) } else { None }
}
