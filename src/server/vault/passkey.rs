//! Passkeys (ACC-3; W3C Web Authentication, level 3): what a browser is asked, and whether its answer is good.
//!
//! `webauthn-rs` draws the challenges and checks the answers: origin, challenge, kind, verified person, signature, counter.
//! Said here is what it leaves open: that a passkey must be able to sign in without a name, whose it is, and that no page
//! of somebody else's had ours in a frame. What waits between the two halves is ours to keep, never the browser's.
//!
//! Passkeys belong to a host name, so there are none for an installation that is reached by an IP address.

use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;
use uuid::Uuid;
use webauthn_rs::prelude::{
    DiscoverableAuthentication, Passkey, PasskeyRegistration, PublicKeyCredential, RegisterPublicKeyCredential,
    Webauthn, WebauthnBuilder, WebauthnError,
};

use crate::model::id::UserId;

/// Who authenticators say that a passkey is for.
const NAME: &str = "Ringfort";

/// Why a passkey was not accepted, or not made.
#[derive(Debug, thiserror::Error)]
pub enum PasskeyError {
    #[error("the authenticator's answer is not good")]
    Refused(#[source] WebauthnError),
    #[error("the answer is not for this question")]
    Foreign,
    #[error("the authenticator's counter went back: there may be a copy of it")]
    WentBack,
    #[error("what is stored of a passkey cannot be read")]
    Unreadable(#[from] serde_json::Error),
}

impl From<WebauthnError> for PasskeyError {
    fn from(error: WebauthnError) -> Self {
        match error {
            WebauthnError::CredentialPossibleCompromise => Self::WentBack,
            other => Self::Refused(other),
        }
    }
}

/// What a browser is asked with, and what waits here for its answer.
#[derive(Debug)]
pub struct Question {
    /// For `navigator.credentials`: the JSON of its options.
    pub options: Value,
    pub state: Value,
}

/// A passkey that was just made.
#[derive(Debug)]
pub struct Made {
    pub credential_id: Vec<u8>,
    pub credential: Value,
}

/// An authenticator's answer, read and not yet believed.
#[derive(Debug)]
pub struct Answer(PublicKeyCredential);

/// The part of a browser's own account that `webauthn-rs` does not look at when somebody signs in.
#[derive(Deserialize)]
struct ClientData {
    #[serde(rename = "crossOrigin", default)]
    cross_origin: bool,
}

impl Answer {
    /// Reads what a browser sent.
    ///
    /// # Errors
    /// Refused when it cannot be read, or was given to a page inside somebody else's.
    pub fn read(text: &str) -> Result<Self, PasskeyError> {
        let unreadable = |error| PasskeyError::Refused(WebauthnError::ParseJSONFailure(error));
        let answer: PublicKeyCredential = serde_json::from_str(text).map_err(unreadable)?;
        let said: ClientData = serde_json::from_slice(&answer.response.client_data_json).map_err(unreadable)?;
        if said.cross_origin {
            return Err(PasskeyError::Refused(WebauthnError::CredentialCrossOrigin));
        }
        Ok(Self(answer))
    }

    /// What authenticators call the passkey.
    #[must_use]
    pub fn credential_id(&self) -> &[u8] {
        self.0.get_credential_id()
    }

    /// Whether the authenticator says that it is this person's. One that was asked for a passkey by name may say nothing.
    #[must_use]
    pub fn is_of(&self, user: UserId, is_named: bool) -> bool {
        match self.0.get_user_unique_id() {
            Some(handle) => Uuid::from_slice(handle).is_ok_and(|id| id == user.0),
            None => is_named,
        }
    }
}

/// Whom a passkey is for, as its authenticator shows them.
pub struct Holder<'a> {
    pub user: UserId,
    pub email: &'a str,
    pub name: &'a str,
}

/// This installation, as authenticators know it.
pub struct RelyingParty(Webauthn);

impl RelyingParty {
    /// By the address that browsers use; `None` when that is an IP address, which no passkey can belong to.
    #[must_use]
    pub fn of(public_url: &str) -> Option<Self> {
        let origin = Url::parse(public_url).ok()?;
        let builder = WebauthnBuilder::new(origin.domain()?, &origin).ok()?;
        builder.rp_name(NAME).build().ok().map(Self)
    }

    /// Asks for a new passkey. `stored` are those that the person has: their authenticators make no second one.
    ///
    /// # Errors
    /// A stored one cannot be read.
    pub fn ask_new(&self, holder: &Holder<'_>, stored: &[Value]) -> Result<Question, PasskeyError> {
        let known = stored.iter().map(passkey).collect::<Result<Vec<_>, _>>()?;
        let known = known.iter().map(|passkey| passkey.cred_id().clone()).collect();
        let asked = self.0.start_passkey_registration(holder.user.0, holder.email, holder.name, Some(known));
        let (challenge, state) = asked?;
        let mut options = serde_json::to_value(challenge.public_key)?;
        // `webauthn-rs` discourages it for the sake of old keys with little room. Without it nobody signs in without a name.
        options["authenticatorSelection"]["residentKey"] = json!("required");
        options["authenticatorSelection"]["requireResidentKey"] = json!(true);
        Ok(Question { options, state: serde_json::to_value(state)? })
    }

    /// Checks the answer to [`Self::ask_new`].
    ///
    /// # Errors
    /// Refused for any answer but a good one to that question.
    pub fn made(&self, answer: &str, state: Value) -> Result<Made, PasskeyError> {
        let state: PasskeyRegistration = serde_json::from_value(state)?;
        let unreadable = |error| PasskeyError::Refused(WebauthnError::ParseJSONFailure(error));
        let answer: RegisterPublicKeyCredential = serde_json::from_str(answer).map_err(unreadable)?;
        let passkey = self.0.finish_passkey_registration(&answer, &state)?;
        Ok(Made { credential_id: passkey.cred_id().clone(), credential: serde_json::to_value(&passkey)? })
    }

    /// Asks for any passkey of this installation: its authenticator says whose it is.
    ///
    /// # Errors
    /// None in practice.
    pub fn ask_any(&self) -> Result<Question, PasskeyError> {
        let (challenge, state) = self.0.start_discoverable_authentication()?;
        Ok(Question { options: serde_json::to_value(challenge.public_key)?, state: serde_json::to_value(state)? })
    }

    /// Asks for one of these passkeys.
    ///
    /// # Errors
    /// A stored one cannot be read.
    pub fn ask_one_of(&self, stored: &[Value]) -> Result<Question, PasskeyError> {
        let known = stored.iter().map(passkey).collect::<Result<Vec<_>, _>>()?;
        let (challenge, state) = self.0.start_passkey_authentication(&known)?;
        Ok(Question { options: serde_json::to_value(challenge.public_key)?, state: serde_json::to_value(state)? })
    }

    /// Checks the answer to [`Self::ask_any`] or [`Self::ask_one_of`] against a passkey as it is stored now, and gives what
    /// is to be stored in its place. Whose passkey it must be is for the caller to hold against the question.
    ///
    /// # Errors
    /// Foreign when it is another passkey's answer; went back when a copy may have answered; refused for any other answer
    /// but a good one.
    pub fn check(&self, answer: &Answer, state: Value, stored: &Value) -> Result<Value, PasskeyError> {
        // Both questions leave the same state. The passkeys in it are as they were then; the counter counts as it is now.
        let state: DiscoverableAuthentication = serde_json::from_value(state)?;
        let mut passkey = passkey(stored)?;
        let result = self.0.finish_discoverable_authentication_v2(&answer.0, state, &passkey)?;
        passkey.update_credential(&result).ok_or(PasskeyError::Foreign)?;
        Ok(serde_json::to_value(&passkey)?)
    }
}

fn passkey(stored: &Value) -> Result<Passkey, serde_json::Error> {
    Passkey::deserialize(stored)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(url: &str) -> Question {
        let holder = Holder { user: UserId(Uuid::from_u128(7)), email: "ada@example.com", name: "Ada" };
        RelyingParty::of(url).expect("a host name").ask_new(&holder, &[]).expect("asks")
    }

    #[test]
    fn an_ip_address_has_no_passkeys() {
        for address in ["http://127.0.0.1:3000", "http://[::1]:3000", "https://192.0.2.7"] {
            assert!(RelyingParty::of(address).is_none(), "{address}");
        }
        for name in ["http://localhost:3000", "https://calls.example.com", "https://calls.example.com:8443"] {
            assert!(RelyingParty::of(name).is_some(), "{name}");
        }
    }

    #[test]
    fn a_new_passkey_verifies_its_person_and_knows_its_name() {
        let options = asked("https://calls.example.com").options;
        assert_eq!(options["rp"], json!({ "name": "Ringfort", "id": "calls.example.com" }));
        let selection = &options["authenticatorSelection"];
        assert_eq!(selection["residentKey"], "required");
        assert_eq!(selection["requireResidentKey"], true);
        assert_eq!(selection["userVerification"], "required");
        assert_eq!(options["attestation"], "none");
    }

    #[test]
    fn no_challenge_comes_twice() {
        let url = "https://calls.example.com";
        assert_ne!(asked(url).options["challenge"], asked(url).options["challenge"]);
        let party = RelyingParty::of(url).expect("a host name");
        let any = party.ask_any().expect("asks").options;
        assert_eq!((&any["userVerification"], &any["rpId"]), (&json!("required"), &json!("calls.example.com")));
        assert_eq!(any["allowCredentials"], json!([]));
    }

    #[test]
    fn what_is_no_answer_is_refused() {
        let party = RelyingParty::of("https://calls.example.com").expect("a host name");
        for text in ["", "{}", "null", "[]", "{\"id\":\"x\",\"rawId\":\"!\"}"] {
            assert!(matches!(Answer::read(text), Err(PasskeyError::Refused(_))), "{text}");
            let state = asked("https://calls.example.com").state;
            assert!(matches!(party.made(text, state), Err(PasskeyError::Refused(_))), "{text}");
        }
    }
}
