//! Second factors (ACC-3): which there are, and how their codes are written. Codes are typed by hand and pasted, so
//! spaces, dashes and small letters make no difference.
//!
//! To add a kind: a variant of [`Factor`], its code and its words, and its place in `lobby.has_factor`,
//! `lobby.factor_dates` and `lobby.factor_remove`.

use std::str::FromStr;

use super::field::Bad;

/// Digits of a code of an authenticator app.
pub const TOTP_DIGITS: usize = 6;
/// Digits of a code that is sent, by mail or text message: more, so that one kind is never taken for the other.
pub const SENT_DIGITS: usize = 8;
/// Recovery codes that are drawn at once.
pub const RECOVERY_CODES: usize = 10;
/// Letters of a recovery code: five bits each.
pub const RECOVERY_LETTERS: usize = 24;
/// With fewer recovery codes left than this, their person is told to draw new ones.
pub const FEW_LEFT: i64 = 3;
/// What recovery codes are written with (Crockford's base 32): no I, L, O and U.
pub const CROCKFORD: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// More letters than any code has, so that nothing long is looked at.
const LONGEST: usize = 64;

/// A second factor that somebody may have. Recovery codes belong to whoever has one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Factor {
    /// Codes of an authenticator app.
    Totp,
    /// A key in a phone, a computer or on a stick, which signs for this installation alone: nothing to phish.
    Passkey,
    /// Codes by text message. The weakest: numbers are taken over (NIST SP 800-63B calls it restricted).
    Sms,
    /// Codes that are mailed.
    Email,
}

impl Factor {
    pub const ALL: [Self; 4] = [Self::Totp, Self::Passkey, Self::Sms, Self::Email];

    /// The stored form.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Totp => "totp",
            Self::Passkey => "passkey",
            Self::Sms => "sms",
            Self::Email => "email",
        }
    }

    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Totp => "Authenticator app",
            Self::Passkey => "Passkeys",
            Self::Sms => "Codes by text message",
            Self::Email => "Codes by email",
        }
    }
}

impl FromStr for Factor {
    type Err = Bad;

    fn from_str(text: &str) -> Result<Self, Bad> {
        Self::ALL.into_iter().find(|factor| factor.code() == text).ok_or(Bad::Choice)
    }
}

/// A code as it is compared: without spaces and dashes, in capitals.
#[must_use]
pub fn plain(typed: &str) -> String {
    let is_filling = |c: &char| c.is_whitespace() || *c == '-' || ('\u{2010}'..='\u{2015}').contains(c);
    typed.chars().filter(|c| !is_filling(c)).take(LONGEST).map(|c| c.to_ascii_uppercase()).collect()
}

/// Whether a plain code is one of an authenticator app, by its looks.
#[must_use]
pub fn is_totp(plain: &str) -> bool {
    is_digits(plain, TOTP_DIGITS)
}

/// Whether a plain code is one that was sent, by its looks.
#[must_use]
pub fn is_sent(plain: &str) -> bool {
    is_digits(plain, SENT_DIGITS)
}

fn is_digits(text: &str, count: usize) -> bool {
    text.len() == count && text.bytes().all(|b| b.is_ascii_digit())
}

/// A plain code as a recovery code, with the letters that people mix up put right; `None` when it cannot be one.
#[must_use]
pub fn recovery(plain: &str) -> Option<String> {
    let text: String = plain
        .chars()
        .map(|c| match c {
            'O' => '0',
            'I' | 'L' => '1',
            other => other,
        })
        .collect();
    let fits = text.len() == RECOVERY_LETTERS && text.bytes().all(|b| CROCKFORD.contains(&b));
    fits.then_some(text)
}

/// Groups of four, as people read and type them.
#[must_use]
pub fn grouped(text: &str, separator: char) -> String {
    let mut out = String::with_capacity(text.len() * 5 / 4);
    for (place, letter) in text.chars().enumerate() {
        if place > 0 && place % 4 == 0 {
            out.push(separator);
        }
        out.push(letter);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_of_factors_parse() {
        for factor in Factor::ALL {
            assert_eq!(factor.code().parse(), Ok(factor));
        }
        assert_eq!("fax".parse::<Factor>(), Err(Bad::Choice));
    }

    #[test]
    fn spaces_dashes_and_small_letters_make_no_difference() {
        assert_eq!(plain(" 123 456\n"), "123456");
        assert_eq!(plain("abcd-EFGH\u{2013}01"), "ABCDEFGH01");
        assert_eq!(plain(&"1".repeat(1_000)).len(), LONGEST);
        assert!(is_totp("123456") && !is_totp("12345") && !is_totp("12345a") && !is_totp("１２"));
        assert!(is_sent("12345678") && !is_sent("123456"));
    }

    #[test]
    fn letters_that_look_alike_are_one() {
        let code = "0123456789ABCDEFGHJKMNPQ";
        assert_eq!(recovery(code).as_deref(), Some(code));
        assert_eq!(recovery("OI23456789ABCDEFGHJKMNPQ").as_deref(), Some(code));
        assert_eq!(recovery("0L23456789ABCDEFGHJKMNPQ").as_deref(), Some(code));
        for wrong in ["", "0123456789ABCDEFGHJKMNP", "0123456789ABCDEFGHJKMNPU", "0123456789ABCDEFGHJKMNPQR"] {
            assert_eq!(recovery(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn groups_of_four() {
        assert_eq!(grouped("ABCDEFGHI", ' '), "ABCD EFGH I");
        assert_eq!(grouped("", '-'), "");
    }
}
