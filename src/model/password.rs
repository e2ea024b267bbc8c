//! What makes a password acceptable (ACC-1; NIST SP 800-63B, 3.1.1.2). Length, lists and context, no composition
//! rules: 15 characters alone. The hash lives in `server::vault::password`.

use super::field::Bad;

/// Characters a password needs when it is the only factor.
pub const MIN_CHARS: u32 = 15;
/// Bytes that are hashed at most, so that hashing cannot be used to exhaust the server.
pub const MAX_BYTES: usize = 1024;

/// Long passwords that attackers try first. Short ones need no list: they are refused by length.
const COMMON: &[&str] = &[
    "passwordpassword",
    "password12345678",
    "password123456789",
    "123456789012345",
    "1234567890123456",
    "12345678901234567890",
    "qwertyuiopasdfgh",
    "qwertyuiopasdfghjkl",
    "qwertyuiopasdfghjklzxcvbnm",
    "abcdefghijklmnop",
    "abcdefghijklmnopqrstuvwxyz",
    "iloveyouiloveyou",
    "administrator123",
    "letmeinletmeinletmein",
    "correcthorsebatterystaple",
    "correct horse battery staple",
    "1q2w3e4r5t6y7u8i9o0p",
    "unitedstatesofamerica",
    "changemechangeme",
    "welcomewelcome123",
];

/// Checks an NFKC-normalised password. `context` are words that a stranger could guess: the business, the name,
/// the address.
///
/// # Errors
/// Why it is not acceptable, in words for the person who chose it.
pub fn check(password: &str, context: &[&str]) -> Result<(), Bad> {
    if password.chars().count() < MIN_CHARS as usize {
        return Err(Bad::TooShort(MIN_CHARS));
    }
    if password.len() > MAX_BYTES {
        return Err(Bad::TooLong(u32::try_from(MAX_BYTES).unwrap_or(u32::MAX)));
    }
    let lower = password.to_lowercase();
    if COMMON.contains(&lower.as_str()) || is_pattern(&lower) {
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
}
