//! Tables that hold the keys of a [`Config`] and others beside them.

use core::fmt;
use core::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{self, Deserialize, DeserializeSeed, Deserializer, IntoDeserializer, MapAccess};

use crate::config::Config;

/// Keys that stand beside those of a [`Config`] in one table, such as those of an agent's file.
///
/// Serde's own `flatten` would accept unknown keys, and lose the places of errors.
pub trait Beside: Default {
    /// The keys.
    const KEYS: &'static [&'static str];

    /// Reads the value of one of the keys.
    ///
    /// # Errors
    /// When the value is of a wrong type.
    fn read<'de, A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error>;
}

/// Reads a table: the settings, and the keys beside them.
///
/// # Errors
/// When a key is unknown, or a value is of a wrong type.
pub fn read_beside<'de, T: Beside, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<(Config, T), D::Error> {
    struct Table<T>(PhantomData<T>);

    impl<'de, T: Beside> de::Visitor<'de> for Table<T> {
        type Value = (Config, T);

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a table of settings")
        }

        fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<(Config, T), A::Error> {
            let mut beside = T::default();
            let map = Settings { map, beside: &mut beside };
            let config = Config::deserialize(MapAccessDeserializer::new(map))?;
            Ok((config, beside))
        }
    }

    deserializer.deserialize_map(Table(PhantomData))
}

/// Hands on the keys of the settings, and reads the values of the others itself.
struct Settings<'a, A, T> {
    map: A,
    beside: &'a mut T,
}

impl<'de, A: MapAccess<'de>, T: Beside> MapAccess<'de> for Settings<'_, A, T> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, A::Error> {
        let mut seed = Some(seed);
        loop {
            let key = Key { seed: &mut seed, beside: T::KEYS };
            match self.map.next_key_seed(key)? {
                None => return Ok(None),
                Some(Which::Setting(value)) => return Ok(Some(value)),
                Some(Which::Beside(key)) => self.beside.read(key, &mut self.map)?,
            }
        }
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, A::Error> {
        self.map.next_value_seed(seed)
    }
}

/// Reads a key. Errors arise inside, so that a format can add the place.
struct Key<'a, K> {
    seed: &'a mut Option<K>,
    beside: &'static [&'static str],
}

enum Which<V> {
    Setting(V),
    Beside(&'static str),
}

impl<'de, K: DeserializeSeed<'de>> DeserializeSeed<'de> for Key<'_, K> {
    type Value = Which<K::Value>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        let name = String::deserialize(deserializer)?;
        if let Some(key) = self.beside.iter().find(|key| **key == name) {
            return Ok(Which::Beside(key));
        }
        let seed = self.seed.take().ok_or_else(|| de::Error::custom("a key is read twice"))?;
        let name: de::value::StringDeserializer<de::value::Error> = name.into_deserializer();
        seed.deserialize(name).map(Which::Setting).map_err(|error| {
            let beside: Vec<_> = self.beside.iter().map(|key| format!("`{key}`")).collect();
            de::Error::custom(format_args!("{error}, {}", beside.join(", ")))
        })
    }
}
