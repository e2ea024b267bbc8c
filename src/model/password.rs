//! What makes a password acceptable (ACC-1): length, kinds of characters where a business wants them, lists, context.
//! The hash lives in `server::vault::password`.
//!
//! To add a policy: a variant of [`Policy`], its code and words, its arm in [`check_by`], and its word in the check of
//! `password_policies.policy` (a migration).

use std::{str::FromStr, sync::LazyLock};

use super::field::Bad;

/// Characters a password needs when nothing else is asked of it.
pub const MIN_CHARS: u32 = 15;
/// Characters a password needs that has all four kinds of them.
pub const MIN_CHARS_OF_FOUR_KINDS: u32 = 8;
/// Bytes that are hashed at most, so that hashing cannot be used to exhaust the server.
pub const MAX_BYTES: usize = 1024;
/// Somebody who puts so few characters around a common word has not made another word of it.
const DECORATION: usize = 6;

/// What a business asks of its people's passwords.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Policy {
    /// At least 8 characters of four kinds. It counts where nothing was chosen.
    #[default]
    Complexity,
    /// At least 15 characters of any kind (NIST SP 800-63B, 3.1.1.2).
    Length,
}

impl Policy {
    pub const ALL: [Self; 2] = [Self::Complexity, Self::Length];

    /// The stored form.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Complexity => "complexity",
            Self::Length => "length",
        }
    }

    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Complexity => "At least 8 characters, of four kinds",
            Self::Length => "At least 15 characters, of any kind",
        }
    }

    const fn least(self) -> u32 {
        match self {
            Self::Complexity => MIN_CHARS_OF_FOUR_KINDS,
            Self::Length => MIN_CHARS,
        }
    }
}

impl FromStr for Policy {
    type Err = Bad;

    fn from_str(text: &str) -> Result<Self, Bad> {
        Self::ALL.into_iter().find(|policy| policy.code() == text).ok_or(Bad::Choice)
    }
}

/// The rule for a new password that must satisfy all of `policies`, in words.
#[must_use]
pub fn hint(policies: &[Policy]) -> String {
    let (long, kinds) = (policies.contains(&Policy::Length), !only_length(policies));
    let least = if long { MIN_CHARS } else { MIN_CHARS_OF_FOUR_KINDS };
    if kinds {
        format!("At least {least} characters, with an upper-case letter, a lower-case letter, a digit and a sign.")
    } else {
        format!("At least {least} characters. A few unrelated words are strong, and easy to keep in mind.")
    }
}

fn only_length(policies: &[Policy]) -> bool {
    policies == [Policy::Length]
}

/// Checks an NFKC-normalised password by length alone. `context` are words that a stranger could guess: the business,
/// the name, the address.
///
/// # Errors
/// Why it is not acceptable, in words for the person who chose it.
pub fn check(password: &str, context: &[&str]) -> Result<(), Bad> {
    check_by(Policy::Length, password, context)
}

/// As [`check_by`], by the policies of every business that the person belongs to; by the usual one when there is none.
///
/// # Errors
/// As [`check_by`], for the first policy that is not satisfied.
pub fn check_all(policies: &[Policy], password: &str, context: &[&str]) -> Result<(), Bad> {
    let usual = [Policy::default()];
    let policies = if policies.is_empty() { &usual[..] } else { policies };
    policies.iter().try_for_each(|policy| check_by(*policy, password, context))
}

/// As [`check`], by one policy.
///
/// # Errors
/// Why it is not acceptable, in words for the person who chose it.
pub fn check_by(policy: Policy, password: &str, context: &[&str]) -> Result<(), Bad> {
    if password.chars().count() < policy.least() as usize {
        return Err(Bad::TooShort(policy.least()));
    }
    if password.len() > MAX_BYTES {
        return Err(Bad::TooLong(u32::try_from(MAX_BYTES).unwrap_or(u32::MAX)));
    }
    if policy == Policy::Complexity && !has_four_kinds(password) {
        return Err(Bad::Kinds);
    }
    let lower = password.to_lowercase();
    if is_common(&lower) || is_pattern(&lower) {
        return Err(Bad::Common);
    }
    let words = context
        .iter()
        .flat_map(|words| words.split(['@', '.', ' ', '-', '_']))
        .chain(["ringfort"])
        .filter(|word| word.chars().count() >= 4);
    // What is left when every word a stranger could guess is taken out.
    let left = words.fold(lower.clone(), |left, word| left.replace(&word.to_lowercase(), ""));
    let is_guessable = left.len() < lower.len() && left.chars().count() < 8;
    if is_guessable { Err(Bad::Guessable) } else { Ok(()) }
}

fn has_four_kinds(password: &str) -> bool {
    let has = |kind: fn(char) -> bool| password.chars().any(kind);
    has(char::is_uppercase) && has(char::is_lowercase) && has(char::is_numeric) && has(|c| !c.is_alphanumeric())
}

/// The list, sorted.
static COMMON: LazyLock<Vec<&str>> =
    LazyLock::new(|| include_str!("common_passwords.txt").lines().filter(|line| !line.starts_with("# ")).collect());

fn is_listed(password: &str) -> bool {
    COMMON.binary_search(&password).is_ok()
}

/// On the list as it is, or a word of the list, perhaps twice, with letters written as digits and signs, and with a
/// little decoration around it: `P@ssw0rd2026!`, `summersummer1`.
fn is_common(password: &str) -> bool {
    let core = password.trim_end_matches(|c: char| !c.is_alphabetic());
    let cores = [core, core.trim_start_matches(|c: char| !c.is_alphabetic())];
    let is_decorated_word = |core: &str| {
        let decoration = password.chars().count() - core.chars().count();
        decoration <= DECORATION && ['i', 'l'].into_iter().any(|one| is_word(&plain(core, one)))
    };
    is_listed(password) || cores.into_iter().any(is_decorated_word)
}

fn is_word(word: &str) -> bool {
    let halves = word.split_at_checked(word.len() / 2);
    is_listed(word) || halves.is_some_and(|(one, two)| one == two && is_listed(one))
}

/// The letters that digits and signs stand for. A 1 may be two of them.
fn plain(text: &str, one: char) -> String {
    let letter = |c| match c {
        '0' => 'o',
        '1' | '!' | '|' => one,
        '3' => 'e',
        '4' | '@' => 'a',
        '5' | '$' => 's',
        '7' | '+' => 't',
        other => other,
    };
    text.chars().map(letter).collect()
}

/// One short piece repeated, or a run of neighbours: `abcabcabcabcabc`, `aaaaaaaaaaaaaaa`.
fn is_pattern(password: &str) -> bool {
    let chars: Vec<char> = password.chars().collect();
    (1..=4).any(|period| chars.iter().skip(period).zip(&chars).all(|(a, b)| a == b))
        || chars.windows(2).all(|pair| (pair[1] as u32).wrapping_sub(pair[0] as u32) <= 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn length_lists_and_context() {
        assert_eq!(check("short", &[]), Err(Bad::TooShort(15)));
        assert_eq!(check(&"x1y".repeat(400), &[]), Err(Bad::TooLong(1024)));
        assert_eq!(check("CorrectHorseBatteryStaple", &[]), Err(Bad::Common));
        assert_eq!(check("abcabcabcabcabcabc", &[]), Err(Bad::Common));
        assert_eq!(check("brightside-plumbing1", &["Brightside Plumbing"]), Err(Bad::Guessable));
        assert_eq!(check("ringfort-ringfort", &[]), Err(Bad::Guessable));
        assert_eq!(check("seven quiet otters swim", &["ada@example.com"]), Ok(()));
    }

    #[test]
    fn complexity_wants_eight_characters_of_four_kinds() {
        let check = |password| check_by(Policy::Complexity, password, &["ada@harbour.example", "Harbour Ltd"]);
        assert_eq!(check("uT4#xq9"), Err(Bad::TooShort(8)));
        for three in ["ut4#xq9w", "UT4#XQ9W", "uTr#xqwv", "uT4rxq9w", "seven quiet otters swim"] {
            assert_eq!(check(three), Err(Bad::Kinds), "{three}");
        }
        assert_eq!(check("uT4#xq9w"), Ok(()));
        assert_eq!(check("Ünf4 Otter!"), Ok(()));
        assert_eq!(check("Harbour#77x"), Err(Bad::Guessable));
        assert_eq!(check("Aa1!Aa1!"), Err(Bad::Common), "one piece, repeated");
        assert_eq!(check(&"xY1!z".repeat(300)), Err(Bad::TooLong(1024)));
    }

    #[test]
    fn a_common_word_with_a_little_around_it_is_common() {
        for common in [
            "Password1!",
            "P@ssw0rd2026!",
            "Summer2026!",
            "!Welcome123",
            "SummerSummer1!",
            "1Qaz@wsx",
            "@Dm1nistr4tor",
            "Letme1n#2026",
        ] {
            assert_eq!(check_by(Policy::Complexity, common, &[]), Err(Bad::Common), "{common}");
        }
        assert_eq!(check_by(Policy::Complexity, "Dragon#92817364", &[]), Ok(()), "more than decoration");
    }

    #[test]
    fn all_policies_of_a_person_count() {
        let (both, long) = ([Policy::Complexity, Policy::Length], [Policy::Length]);
        assert_eq!(check_all(&both, "uT4#xq9w", &[]), Err(Bad::TooShort(15)));
        assert_eq!(check_all(&both, "seven quiet otters swim", &[]), Err(Bad::Kinds));
        assert_eq!(check_all(&both, "Seven quiet otters, 1 pond", &[]), Ok(()));
        assert_eq!(check_all(&long, "seven quiet otters swim", &[]), Ok(()));
        assert_eq!(check_all(&[], "seven quiet otters swim", &[]), Err(Bad::Kinds), "the usual one");
        assert!(hint(&both).starts_with("At least 15 characters, with an upper-case"));
        assert!(hint(&long).starts_with("At least 15 characters. "));
        assert!(hint(&[]).starts_with("At least 8 characters, with an upper-case"));
    }

    #[test]
    fn the_list_is_sorted_and_lower_case() {
        assert!(COMMON.len() > 1_000, "{}", COMMON.len());
        assert!(COMMON.windows(2).all(|pair| pair[0] < pair[1]), "binary search needs the order of bytes");
        assert!(COMMON.iter().all(|word| word.to_lowercase() == **word && word.trim() == *word));
    }
}
