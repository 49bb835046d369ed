//! Enums that are written as words.

/// Makes an enum of the words that a field may hold, each with its meaning: the texts stand once.
///
/// ```
/// bwp_domain::words! {
///     /// How urgent something is.
///     pub enum Urgency {
///         /// It can wait.
///         Low = "low",
///         /// It cannot.
///         High = "high",
///     }
/// }
/// assert_eq!("high".parse(), Ok(Urgency::High));
/// assert_eq!(Urgency::Low.as_str(), "low");
/// ```
#[macro_export]
macro_rules! words {
    ($(#[$doc:meta])* $visibility:vis enum $name:ident {
        $($(#[$meaning:meta])* $variant:ident = $text:literal),* $(,)?
    }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        $visibility enum $name {
            $($(#[$meaning])* $variant,)*
        }

        impl $name {
            /// Each of them.
            pub const ALL: &[Self] = &[$(Self::$variant),*];
            /// Each as it is written.
            pub const WORDS: &[&'static str] = &[$($text),*];

            /// As it is written.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),* }
            }
        }

        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl ::std::str::FromStr for $name {
            type Err = $crate::resource::UnknownWord;

            fn from_str(text: &str) -> ::std::result::Result<Self, Self::Err> {
                Self::ALL.iter().copied().find(|word| word.as_str() == text).ok_or($crate::resource::UnknownWord)
            }
        }

        impl $crate::resource::FieldType for $name {
            const KIND: $crate::resource::Kind = $crate::resource::Kind::Words(Self::WORDS);

            fn to_value(&self) -> $crate::resource::Value<'_> {
                $crate::resource::Value::Text(::std::borrow::Cow::Borrowed(self.as_str()))
            }

            fn from_value(value: $crate::resource::Value<'_>) -> ::std::option::Option<Self> {
                if let $crate::resource::Value::Text(text) = value { text.parse().ok() } else { None }
            }
        }
    };
}
