//! Extensions: who rings, and where.

use super::field::Bad;

/// A short number, 2 to 8 digits.
///
/// # Errors
/// Anything else.
pub fn number(text: &str) -> Result<String, Bad> {
    let digits = text.trim();
    if (2..=8).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit()) {
        Ok(digits.to_owned())
    } else {
        Err(Bad::Extension)
    }
}

/// Where an extension rings, as Twilio's `<Dial>` nouns know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// A softphone, by its identity.
    Client(String),
    /// A SIP address.
    Sip(String),
    /// A telephone, in E.164.
    Number(String),
}

impl Target {
    /// Reads `client:name`, `sip:name@host` or `+number`.
    ///
    /// # Errors
    /// Anything else, and characters that have no place in an address.
    pub fn parse(text: &str) -> Result<Self, Bad> {
        let text = text.trim();
        if let Some(name) = text.strip_prefix("client:") {
            let ok = (1..=60).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
            return if ok { Ok(Self::Client(name.to_owned())) } else { Err(Bad::Target) };
        }
        if let Some(rest) = text.strip_prefix("sip:") {
            let ok = rest.split_once('@').is_some_and(|(name, host)| {
                (1..=60).contains(&name.len())
                    && !name.chars().any(|c| c.is_whitespace() || c.is_control() || "<>\"@".contains(c))
                    && (1..=120).contains(&host.len())
                    && host.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.' || b == b'-')
            });
            return if ok { Ok(Self::Sip(text.to_owned())) } else { Err(Bad::Target) };
        }
        text.parse::<super::phone::Phone>().map(|p| Self::Number(p.reveal().to_owned())).map_err(|_| Bad::Target)
    }

    /// The stored and displayed form, which is also how the provider names the leg's `To`.
    #[must_use]
    pub fn code(&self) -> String {
        match self {
            Self::Client(name) => format!("client:{name}"),
            Self::Sip(address) => address.clone(),
            Self::Number(number) => number.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_read_and_written() {
        for text in ["client:ana_101", "sip:101@pbx.example.com", "+14155550100"] {
            assert_eq!(Target::parse(text).map(|t| t.code()).as_deref(), Ok(text));
        }
        for bad in ["", "client:", "client:a<b", "sip:101", "sip:a b@host", "101"] {
            assert_eq!(Target::parse(bad), Err(Bad::Target), "{bad}");
        }
        assert_eq!(number(" 101 ").as_deref(), Ok("101"));
        assert_eq!(number("1"), Err(Bad::Extension));
    }
}
