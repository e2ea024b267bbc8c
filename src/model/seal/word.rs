//! What can be wrong with sealed entries, in words.

use std::str::FromStr;

use crate::model::field::Bad;

/// What is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Flaw {
    /// An entry that was sealed is not there.
    EntryGone,
    /// An entry is not what was sealed.
    EntryChanged,
    /// An entry was written, and was gone before it could be sealed.
    EntryLost,
    /// An entry is in no seal, though those of its time are: it was put in behind, or its seals are gone.
    EntryUnsealed,
    /// A number is left out.
    SealGone,
    /// A seal is not what was hashed.
    SealChanged,
    /// A seal does not follow the one before.
    SealUnlinked,
    /// No known key has signed it.
    SealUnsigned,
    /// What was sent outside goes further than what is here: an end was cut off, or an old state was restored.
    ChainCut,
    /// What was sent outside is not what is here: all was made anew, or an old state was restored and went on.
    ChainRewritten,
}

impl Flaw {
    pub const ALL: [Self; 10] = [
        Self::EntryGone,
        Self::EntryChanged,
        Self::EntryLost,
        Self::EntryUnsealed,
        Self::SealGone,
        Self::SealChanged,
        Self::SealUnlinked,
        Self::SealUnsigned,
        Self::ChainCut,
        Self::ChainRewritten,
    ];

    /// The stored form.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::EntryGone => "entry.gone",
            Self::EntryChanged => "entry.changed",
            Self::EntryLost => "entry.lost",
            Self::EntryUnsealed => "entry.unsealed",
            Self::SealGone => "seal.gone",
            Self::SealChanged => "seal.changed",
            Self::SealUnlinked => "seal.unlinked",
            Self::SealUnsigned => "seal.unsigned",
            Self::ChainCut => "chain.cut",
            Self::ChainRewritten => "chain.rewritten",
        }
    }

    /// The sentence for people.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::EntryGone => "An entry that was sealed is gone",
            Self::EntryChanged => "An entry is not what was sealed",
            Self::EntryLost => "An entry was taken away before it could be sealed",
            Self::EntryUnsealed => "An entry is in no seal, though those of its time are",
            Self::SealGone => "A seal is gone",
            Self::SealChanged => "A seal is not what was hashed",
            Self::SealUnlinked => "A seal does not follow the one before it",
            Self::SealUnsigned => "A seal is not signed by a key of this installation",
            Self::ChainCut => "What was sent outside goes further: the end was cut off, or an old state restored",
            Self::ChainRewritten => "What was sent outside differs: the log was made anew, or an old state restored",
        }
    }
}

impl FromStr for Flaw {
    type Err = Bad;

    fn from_str(text: &str) -> Result<Self, Bad> {
        Self::ALL.into_iter().find(|flaw| flaw.code() == text).ok_or(Bad::Choice)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_and_parse() {
        for flaw in Flaw::ALL {
            assert_eq!(flaw.code().parse(), Ok(flaw));
        }
    }
}
