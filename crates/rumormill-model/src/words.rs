//! Types whose values have names: one table makes the list, the name and the parser.

macro_rules! words {
    ($type:ident { $($variant:ident => $word:literal),+ $(,)? }) => {
        impl $type {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// Returns the name in commands and JSON.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }
        }

        impl core::str::FromStr for $type {
            type Err = rumormill_proto::UnknownWord;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                let allowed = $crate::words::words!(@list $($word),+);
                Self::ALL.iter().copied().find(|x| x.name() == text).ok_or_else(|| {
                    rumormill_proto::UnknownWord { given: text.into(), allowed }
                })
            }
        }

        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.serialize_str(self.name())
            }
        }

        impl core::fmt::Display for $type {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.pad(self.name())
            }
        }
    };
    (@list $first:literal $(, $rest:literal)*) => { concat!($first $(, ", ", $rest)*) };
}
pub(crate) use words;
