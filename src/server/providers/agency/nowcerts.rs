//! `NowCerts` (Momentum AMP): the reference adapter for agency systems. Facts in providers.md, section 8.
//!
//! A bearer token from the password grant, then one `OData` query. Not confirmed against a live account, as the
//! public help is silent or its users disagree: the path of the token (`/token`, else `/api/token`), the public
//! client id `ngAuthApp`, that `phone` and `cellPhone` can be filtered, in which notation they are kept, and the
//! names of the fields of a card. So names are read in any case and several spellings, what is missing stays empty,
//! and what comes back is compared with the number again: a server that ignores the filter must not show a
//! stranger's file to whoever answers.

use async_trait::async_trait;
use serde_json::Value;

use super::{AgencyConnection, AgencyError, AgencySystem, ClientCard};
use crate::{
    model::{
        field::{self, Bad},
        personal::PersonName,
        phone::Phone,
    },
    server::{
        kit::outbound::{Login, Outbound, Reply},
        providers::TestOutcome,
        vault::Secret,
    },
};

const BASE: &str = "https://api.nowcerts.com";
const MOST: usize = 5;

/// The adapter. It keeps nothing, the token neither.
pub struct NowCerts;

#[async_trait]
impl AgencySystem for NowCerts {
    fn code(&self) -> &'static str {
        "nowcerts"
    }

    async fn find_by_phone(
        &self,
        outbound: &Outbound,
        connection: &AgencyConnection,
        phone: &Phone,
    ) -> Result<Vec<ClientCard>, AgencyError> {
        let token = token(outbound, connection).await?;
        let url = search_url(base(outbound, connection), phone);
        let reply = outbound.get_json(&url, Login::Bearer(token.expose())).await?;
        judge(&reply)?;
        let found = reply.json::<Value>().map_err(|_| AgencyError::Permanent)?;
        cards(&found, phone)
    }

    async fn test(&self, outbound: &Outbound, connection: &AgencyConnection) -> TestOutcome {
        match token(outbound, connection).await {
            Ok(_) => TestOutcome::Ok,
            Err(AgencyError::Auth) => TestOutcome::Refused,
            Err(_) => TestOutcome::Unreachable,
        }
    }

    fn check_account(&self, account: &str) -> Result<String, Bad> {
        field::text(account, 254)
    }

    fn check_secret(&self, secret: &str) -> Result<(), Bad> {
        field::text(secret, 256).map(drop)
    }
}

fn base<'a>(outbound: &'a Outbound, connection: &'a AgencyConnection) -> &'a str {
    let own = connection.base_url.as_deref().map(|url| url.trim_end_matches('/'));
    own.or_else(|| outbound.override_for(NowCerts.code())).unwrap_or(BASE)
}

async fn token(outbound: &Outbound, connection: &AgencyConnection) -> Result<Secret, AgencyError> {
    let base = base(outbound, connection);
    let fields = [
        ("grant_type", "password"),
        ("username", connection.account.as_str()),
        ("password", connection.secret.expose()),
        ("client_id", "ngAuthApp"),
    ];
    let mut reply = outbound.post_form(&format!("{base}/token"), Login::Nobody, &fields).await?;
    if reply.status == 404 {
        reply = outbound.post_form(&format!("{base}/api/token"), Login::Nobody, &fields).await?;
    }
    // RFC 6749, 5.2: a wrong password is `invalid_grant`, status 400.
    if reply.status == 400 {
        return Err(AgencyError::Auth);
    }
    judge(&reply)?;
    let answer = reply.json::<Value>().map_err(|_| AgencyError::Permanent)?;
    let token = text(&answer, &["access_token"]).filter(|token| token.bytes().all(|b| b.is_ascii_graphic()));
    token.map(Secret::new).ok_or(AgencyError::Permanent)
}

fn judge(reply: &Reply) -> Result<(), AgencyError> {
    match reply.status {
        200 => Ok(()),
        401 | 403 => Err(AgencyError::Auth),
        429 => Err(AgencyError::RateLimited { retry_after_seconds: reply.retry_after_seconds }),
        408 | 500..=599 => Err(AgencyError::Transient),
        _ => Err(AgencyError::Permanent),
    }
}

fn search_url(base: &str, phone: &Phone) -> String {
    let filter: String = form_urlencoded::byte_serialize(filter(phone).as_bytes()).collect();
    // Forms write a space as `+`, which not every OData server reads as one.
    let filter = filter.replace('+', "%20");
    format!("{base}/api/InsuredDetailList()?$filter={filter}&$top={MOST}")
}

/// `OData`: the number in every usual notation, in both fields.
fn filter(phone: &Phone) -> String {
    let clause = |form: &String| {
        let literal = form.replace('\'', "''");
        format!("cellPhone eq '{literal}' or phone eq '{literal}'")
    };
    notations(phone).iter().map(clause).collect::<Vec<_>>().join(" or ")
}

fn notations(phone: &Phone) -> Vec<String> {
    let full = phone.reveal();
    let digits = full.trim_start_matches('+');
    let mut notations = vec![full.to_owned(), digits.to_owned()];
    // North America keeps ten digits, and writes them in two ways.
    if let Some(ten) = digits.strip_prefix('1').filter(|ten| ten.len() == 10) {
        let (area, exchange, line) = (&ten[..3], &ten[3..6], &ten[6..]);
        notations.extend([ten.to_owned(), format!("({area}) {exchange}-{line}"), format!("{area}-{exchange}-{line}")]);
    }
    notations
}

fn cards(found: &Value, phone: &Phone) -> Result<Vec<ClientCard>, AgencyError> {
    let list = found.as_array().or_else(|| get(found, "value")?.as_array()).ok_or(AgencyError::Permanent)?;
    Ok(list.iter().filter(|client| has_number(client, phone)).filter_map(card).take(MOST).collect())
}

/// Whether any telephone field of the client holds this number.
fn has_number(client: &Value, phone: &Phone) -> bool {
    let digits = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
    let wanted: Vec<String> = notations(phone).iter().map(|form| digits(form)).collect();
    client.as_object().is_some_and(|fields| {
        fields.iter().any(|(name, value)| {
            name.to_ascii_lowercase().contains("phone")
                && value.as_str().is_some_and(|value| wanted.contains(&digits(value)))
        })
    })
}

/// None for a client without an id.
fn card(client: &Value) -> Option<ClientCard> {
    let id = text(client, &["databaseId", "insuredDatabaseId", "id"])?;
    let names = [text(client, &["firstName"]), text(client, &["lastName"])];
    let person = names.into_iter().flatten().collect::<Vec<_>>().join(" ");
    let company = text(client, &["commercialName", "insuredName", "dba"]);
    let name = name(&person).or_else(|| name(company.as_deref()?)).or_else(|| name("Unnamed client"))?;
    Some(ClientCard {
        id,
        name,
        company,
        policies: texts(client, "policies", &["number", "policyNumber"]),
        last_contact: text(client, &["lastContactDate", "lastContact"]),
        open_tasks: texts(client, "tasks", &["title", "subject"]),
        link: text(client, &["link", "url"]).filter(|link| link.starts_with("https://")),
    })
}

/// As much of a name as a name may hold.
fn name(text: &str) -> Option<PersonName> {
    let clean: String = text.chars().filter(|c| !c.is_control()).take(80).collect();
    clean.parse().ok()
}

/// A field by its name in any case: casing differs between what clients of this interface report.
fn get<'a>(object: &'a Value, name: &str) -> Option<&'a Value> {
    object.as_object()?.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

/// The first of these fields that holds a text or a number.
fn text(object: &Value, names: &[&str]) -> Option<String> {
    names.iter().find_map(|name| match get(object, name)? {
        Value::String(text) => Some(text.trim().to_owned()).filter(|text| !text.is_empty()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    })
}

/// A list of texts, or of objects that have one of `names`; at most 20.
fn texts(object: &Value, list: &str, names: &[&str]) -> Vec<String> {
    let items = get(object, list).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    items.iter().filter_map(|item| item.as_str().map(str::to_owned).or_else(|| text(item, names))).take(20).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn phone() -> Phone {
        "+14155550100".parse().expect("a number")
    }

    #[test]
    fn the_filter_asks_for_every_notation() {
        let filter = filter(&phone());
        assert!(filter.starts_with("cellPhone eq '+14155550100' or phone eq '+14155550100' or "), "{filter}");
        for form in ["'14155550100'", "'4155550100'", "'(415) 555-0100'", "'415-555-0100'"] {
            assert_eq!(filter.matches(form).count(), 2, "{form}");
        }
        let url = search_url(BASE, &phone());
        assert!(url.starts_with("https://api.nowcerts.com/api/InsuredDetailList()?$filter=cellPhone%20eq%20%27%2B1"));
        assert!(url.ends_with("&$top=5"));
    }

    #[test]
    fn cards_are_read_in_any_case_and_strangers_left_out() {
        let found = json!({"@odata.count": 4, "value": [
            {"id": "a", "firstName": "Ada", "LastName": "Lovelace", "cellPhone": "(415) 555-0100", "new": {}},
            {"databaseId": 7, "CommercialName": "Engines", "phone": "+1 415 555 0100", "policies": [{"number": "P-1"}]},
            {"id": "stranger", "firstName": "Eve", "phone": "(415) 555-0199", "fax": "4155550100"},
            {"firstName": "No id", "phone": "4155550100"},
        ]});
        let cards = cards(&found, &phone()).expect("cards");
        let seen: Vec<_> = cards.iter().map(|c| (c.id.as_str(), c.name.reveal(), c.company.as_deref())).collect();
        assert_eq!(seen, [("a", "Ada Lovelace", None), ("7", "Engines", Some("Engines"))]);
        assert_eq!(cards[1].policies, ["P-1"]);
    }

    #[test]
    fn odd_answers_are_errors_or_nobody_but_no_panic() {
        assert_eq!(cards(&json!([]), &phone()), Ok(Vec::new()));
        assert_eq!(cards(&json!({"value": [null, 1, {"phone": 4}]}), &phone()), Ok(Vec::new()));
        assert_eq!(cards(&json!({"error": "x"}), &phone()), Err(AgencyError::Permanent));
    }

    #[test]
    fn a_status_says_whether_to_try_again() {
        let reply = |status| Reply { status, retry_after_seconds: Some(9), body: Vec::new() };
        assert_eq!(judge(&reply(200)), Ok(()));
        assert_eq!(judge(&reply(401)), Err(AgencyError::Auth));
        assert_eq!(judge(&reply(429)), Err(AgencyError::RateLimited { retry_after_seconds: Some(9) }));
        assert_eq!(judge(&reply(503)), Err(AgencyError::Transient));
        assert_eq!(judge(&reply(400)), Err(AgencyError::Permanent));
    }
}
