//! Enums of a few values that people read and type. One table has each value's word, what else people type for it, and what it means.

/// Declares such an enum. Behind a value stands its word, then other words for it, then what it means in a menu:
/// `Scribe = "scribe" | "writer": "writes down what is decided",`. People cannot type a value that is marked `(shown)`.
macro_rules! worded {
    ($(#[$meta:meta])* pub enum $name:ident {
        $($(#[$of_value:meta])* $value:ident = $word:literal $(($shown:ident))? $(| $also:literal)* $(: $meaning:literal)?,)*
    }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[derive(serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
        #[serde(rename_all = "snake_case")]
        pub enum $name { $($(#[$of_value])* $value,)* }

        impl $name {
            /// Every value, in the order people read them.
            pub const ALL: [Self; [$($word),*].len()] = [$(Self::$value),*];

            /// Its word, as people read it.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$value => $word,)* }
            }

            /// What it means, for the menu in which people choose one. Empty if the word says it.
            pub fn meaning(self) -> &'static str {
                match self { $(Self::$value => concat!($($meaning)?),)* }
            }

            /// Finds the value by one of its words, in upper or lower case.
            pub fn parse(word: &str) -> Option<Self> {
                let known: [(bool, &[&str]); Self::ALL.len()] =
                    [$((true $(&& stringify!($shown).is_empty())?, &[$word $(, $also)*])),*];
                let is_it = |words: &[&str]| words.iter().any(|one| one.eq_ignore_ascii_case(word.trim()));
                let at = known.iter().position(|(is_typed, words)| *is_typed && is_it(words))?;
                Self::ALL.get(at).copied()
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

pub(crate) use worded;
