//! Values that are written as text, checked where they are read so that the error shows the line.

use std::fmt;
use std::marker::PhantomData;
use std::net::SocketAddr;
use std::time::Duration;

use clap::ValueEnum;
use rumormill_proto::{Name, Style};
use serde::de::{Deserialize, Deserializer, Error, Visitor};

use crate::agent::log::Level;
use crate::term::parse;
use crate::term::parse::Listen;

/// A value that is read from a string.
#[derive(Clone, Debug)]
pub(crate) struct Text<T>(pub(crate) T);

/// How to read a value from a string.
pub(crate) trait FromText: Sized {
    /// What the string must be, in words.
    const EXPECTED: &str;

    fn parse(text: &str) -> Result<Self, String>;
}

impl<'de, T: FromText> Deserialize<'de> for Text<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader<T>(PhantomData<T>);

        impl<T: FromText> Visitor<'_> for Reader<T> {
            type Value = T;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(T::EXPECTED)
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
                T::parse(text).map_err(E::custom)
            }
        }

        deserializer.deserialize_str(Reader(PhantomData)).map(Self)
    }
}

/// A duration.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span(pub(crate) Duration);

impl From<Span> for Duration {
    fn from(span: Span) -> Self {
        span.0
    }
}

/// `HOST:PORT`.
#[derive(Clone, Debug)]
pub(crate) struct HostPort(pub(crate) String);

impl FromText for Span {
    const EXPECTED: &str = "a duration such as \"200ms\"";

    fn parse(text: &str) -> Result<Self, String> {
        parse::duration(text).map(Self)
    }
}

impl FromText for HostPort {
    const EXPECTED: &str = "an address such as \"10.0.0.1:7946\"";

    fn parse(text: &str) -> Result<Self, String> {
        parse::host_port(text).map(Self)
    }
}

impl FromText for Name {
    const EXPECTED: &str = "a name such as \"a\"";

    fn parse(text: &str) -> Result<Self, String> {
        parse::name(text)
    }
}

impl FromText for SocketAddr {
    const EXPECTED: &str = "an address such as \"127.0.0.1:7946\"";

    fn parse(text: &str) -> Result<Self, String> {
        parse::socket(text)
    }
}

impl FromText for Listen {
    const EXPECTED: &str = "an address such as \"127.0.0.1:7980\", or \"off\"";

    fn parse(text: &str) -> Result<Self, String> {
        parse::listen(text)
    }
}

impl FromText for Level {
    const EXPECTED: &str = "\"off\", \"error\", \"warn\", \"info\", \"debug\" or \"trace\"";

    fn parse(text: &str) -> Result<Self, String> {
        <Self as ValueEnum>::from_str(text, false)
            .map_err(|_| format!("{text:?} is none of off, error, warn, info, debug or trace"))
    }
}

impl FromText for Style {
    const EXPECTED: &str = "\"push\", \"pull\", \"push-pull\" or \"push-then-pull\"";

    fn parse(text: &str) -> Result<Self, String> {
        text.parse().map_err(|error: rumormill_proto::UnknownWord| error.to_string())
    }
}
