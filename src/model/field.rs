//! What can be wrong with a field of a form, in words for the person who filled it in.

use serde::{Deserialize, Serialize};

/// Why a field was not accepted. Closed, because it crosses the wire; its text names what to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum Bad {
    #[error("fill this in")]
    Empty,
    #[error("use at most {0} characters")]
    TooLong(u32),
    #[error("leave out control characters")]
    Control,
    #[error("write an address like name@example.com")]
    Email,
    #[error("write the number with its country code, like +14155550100")]
    Phone,
    #[error("codes are texted only to numbers that begin with {0}")]
    Prefix(String),
    #[error("choose one of the list")]
    Choice,
    #[error("write a whole number from {0} to {1}")]
    Range(i64, i64),
    #[error("write degrees from -{0} to {0}, with a point: 30.2672")]
    Degrees(u32),
    #[error("write a time zone like America/Chicago")]
    Zone,
    #[error("use at least {0} characters")]
    TooShort(u32),
    #[error("this password is on the lists that attackers try first; choose another")]
    Common,
    #[error("this password contains your name, your address or your business; choose another")]
    Guessable,
    #[error("use an upper-case letter, a lower-case letter, a digit and a sign")]
    Kinds,
    #[error("address and password do not match an account here")]
    Mismatch,
    #[error("this is not your password")]
    Password,
    #[error("this code is not right, was used already, or its time is over; write the newest one")]
    Code,
    #[error("this passkey was not accepted; try again, or choose another way")]
    Passkey,
    #[error("a business needs an owner; give somebody else the role first")]
    LastOwner,
    #[error("this is already in use")]
    Taken,
    #[error("write 2 to 8 digits")]
    Extension,
    #[error("write client:name, sip:name@host or a number like +14155550100")]
    Target,
    #[error("calls to this number ring here again; choose another")]
    ComesBack,
    #[error("type {0} to confirm")]
    Confirm(String),
    #[error("say why, in a few words")]
    Reason,
    #[error("leave out addresses, and write fewer than 9 digits in all; the number of a ticket goes with the ticket")]
    NamesSomebody,
    #[error("write the address with https:// in front")]
    Url,
    #[error("this does not look like the provider's: {0}")]
    Shape(String),
    #[error("write a range like 203.0.113.0/24 or 2001:db8::/32")]
    Network,
    #[error("this range has bits behind its prefix; you may mean {0}")]
    HostBits(String),
    #[error("your own address would then be outside and you could not come back; add {0} first")]
    LocksOut(String),
    #[error("there may be at most {0}")]
    Most(u32),
    #[error("write the receiver as host:port, like logs.example.com:6514")]
    HostPort,
    #[error("write the name of a header, like X-API-Key; those that make up the request itself are not yours to set")]
    Header,
    #[error("paste certificates, each from -----BEGIN CERTIFICATE----- to -----END CERTIFICATE-----")]
    Certificates,
    #[error("leave this empty: syslog has no place for it")]
    NotSyslog,
    #[error("{0} entries match, and an export holds {1} at most; narrow the filter, by its time for instance")]
    TooManyEntries(String, String),
    #[error("{0} exports are under way already; wait for one, or cancel it")]
    UnderWay(u32),
    #[error("the exports that are kept take up all the room there is; wait until one is over, and narrow the filter")]
    ExportsFull,
    #[error("decide about everybody first: {0} still wait")]
    Undecided(u32),
    #[error("somebody still has this role, or is invited to it; give them another one first")]
    InUse,
    #[error("write a day like 2026-11-23, at most a year from now")]
    Date,
    #[error("write a time like 08:30")]
    Time,
    #[error("write a time that is later than the beginning, on the same day")]
    Window,
    #[error("write latitude and longitude in degrees, like 41.8781, -87.6298")]
    Coordinate,
    #[error(
        "this job has no number that texts go to, or no connected provider sends any; show the link and pass it on yourself"
    )]
    NoText,
    #[error("no exact place of theirs is known of the last minute; let their phone send it, or type the coordinates")]
    NoPlace,
    #[error("give the job to a technician first: there is nobody to talk to yet")]
    Unassigned,
    #[error("this job is over; its customer is called from the desks")]
    JobOver,
    #[error("calls go through from two hours before the job's window until two hours after it; now the desks call")]
    OutsideWindow,
    #[error("the job has no number of its customer; ask a dispatcher to add it")]
    NoCustomerPhone,
    #[error("the technician has not said on which phone they are reached; they do so in their account")]
    NoMemberPhone,
    #[error("customer and technician have the same number, so there is nobody to call")]
    SamePhone,
    #[error("masked calls go only to numbers that begin with {0}")]
    CallPrefix(String),
    #[error("«{0}» leads nowhere without «{1}»; allow both or neither")]
    Lacks(String, String),
}

impl Bad {
    /// Whether its text says by itself what it is about, or is about the form as a whole: then it needs no name before it.
    #[must_use]
    pub const fn names_itself(&self) -> bool {
        matches!(
            self,
            Self::Common
                | Self::Guessable
                | Self::Mismatch
                | Self::Password
                | Self::Code
                | Self::Passkey
                | Self::LastOwner
                | Self::Confirm(_)
                | Self::LocksOut(_)
                | Self::TooManyEntries(..)
                | Self::UnderWay(_)
                | Self::ExportsFull
                | Self::Undecided(_)
                | Self::InUse
                | Self::Unassigned
                | Self::JobOver
                | Self::OutsideWindow
                | Self::NoCustomerPhone
                | Self::NoMemberPhone
                | Self::SamePhone
                | Self::CallPrefix(_)
                | Self::Lacks(..)
        )
    }
}

/// What people call a field, where its problem stands away from it. A new field needs a line here, or stays without a name.
#[must_use]
pub fn name_of(field: &str) -> Option<&'static str> {
    let name = match field {
        "account" => "Account",
        "answer_seconds" => "To be answered within",
        "bad_seconds" => "Demands attention after",
        "address" => "Address",
        "base_url" => "Address of the system",
        "business" => "Name of the business",
        "ca" => "Certificates",
        "code" => "Code",
        "coordinate" => "Place on the map",
        "customer" => "Customer",
        "day" => "Day",
        "connection" => "Connection",
        "days" => "Days",
        "email" => "Email address",
        "extension" => "Extension",
        "format" => "Format",
        "from" => "From",
        "grace_days" => "Days to set it up",
        "header" => "Header",
        "label" | "name" => "Name",
        "list" => "List",
        "member" => "Person",
        "new_password" => "New password",
        "note" => "Note",
        "number" => "Number",
        "password" => "Password",
        "own_phone" => "Your phone",
        "policy" => "What a password must have",
        "profile" => "Kind of business",
        "provider" => "Provider",
        "range" => "Range",
        "reason" => "Reason",
        "required" => "Second factor",
        "of" | "role" => "Role",
        "roles" => "Shared with",
        "says" | "their_state" | "state" => "State",
        "secret" => "Secret",
        "start" => "From when on",
        "phone" => "Customer's number",
        "target" => "Rings at",
        "target_percent" => "Goal of the service level",
        "warn_seconds" => "Asks for attention after",
        "to" => "To",
        "zone" => "Time zone",
        _ => return None,
    };
    Some(name)
}

/// A field's name in the form, and what is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BadField {
    pub field: String,
    pub problem: Bad,
}

/// Trimmed text of 1 to `max` characters without control characters.
///
/// # Errors
/// Empty, too long, or with control characters.
pub fn text(input: &str, max: u32) -> Result<String, Bad> {
    let trimmed = input.trim();
    if trimmed.is_empty() {
        return Err(Bad::Empty);
    }
    if trimmed.chars().count() > max as usize {
        return Err(Bad::TooLong(max));
    }
    if trimmed.chars().any(char::is_control) {
        return Err(Bad::Control);
    }
    Ok(trimmed.to_owned())
}

/// Collects what is wrong with a whole form, so that a person sees everything at once.
#[derive(Debug, Default)]
pub struct Fields(Vec<BadField>);

impl Fields {
    /// The value, or `None` and a note under the field's name.
    pub fn take<T>(&mut self, field: &str, value: Result<T, Bad>) -> Option<T> {
        value.map_err(|problem| self.note(field, problem)).ok()
    }

    /// Notes a problem that no parser found.
    pub fn note(&mut self, field: &str, problem: Bad) {
        self.0.push(BadField { field: field.to_owned(), problem });
    }

    /// # Errors
    /// Everything that was noted, when anything was.
    pub fn finish(self) -> Result<(), Vec<BadField>> {
        if self.0.is_empty() { Ok(()) } else { Err(self.0) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_trimmed_and_bounded() {
        assert_eq!(text("  a b ", 3), Ok("a b".into()));
        assert_eq!(text(" ", 3), Err(Bad::Empty));
        assert_eq!(text("abcd", 3), Err(Bad::TooLong(3)));
        assert_eq!(text("a\u{7}b", 9), Err(Bad::Control));
    }
}
