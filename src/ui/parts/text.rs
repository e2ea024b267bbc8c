//! An optional text as a prop: takes a literal, a `String`, or an `Option` of either.
//!
//! A Leptos prop of type `Option<String>` with `into` refuses a value that is already an `Option`, which is what
//! a form has in its hand when it looks up a field's problem. To accept one more type, add a `From`.

/// A text that may be absent. Empty texts count as absent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MaybeText(Option<String>);

impl MaybeText {
    /// The text, where there is one.
    #[must_use]
    pub fn get(self) -> Option<String> {
        self.0
    }

    /// Whether there is a text.
    #[must_use]
    pub const fn is_some(&self) -> bool {
        self.0.is_some()
    }
}

impl From<String> for MaybeText {
    fn from(text: String) -> Self {
        Self((!text.is_empty()).then_some(text))
    }
}

impl From<&str> for MaybeText {
    fn from(text: &str) -> Self {
        Self::from(text.to_owned())
    }
}

impl From<Option<String>> for MaybeText {
    fn from(text: Option<String>) -> Self {
        text.map_or_else(Self::default, Self::from)
    }
}

impl From<Option<&str>> for MaybeText {
    fn from(text: Option<&str>) -> Self {
        text.map_or_else(Self::default, Self::from)
    }
}
