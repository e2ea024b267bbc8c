//! As much of `TwiML` as our own server answers with: whom to ring, and where to report it.

/// What the server wants to happen with a call.
#[derive(Debug, PartialEq, Eq)]
pub struct Plan {
    /// Where to ask when the ringing has ended.
    pub action: Option<String>,
    /// What rings, all at once.
    pub nouns: Vec<Noun>,
}

/// One thing that rings.
#[derive(Debug, PartialEq, Eq)]
pub struct Noun {
    /// As the leg's `To` names it.
    pub to: String,
    pub status_url: String,
}

/// Reads an answer. What it does not know it leaves out.
#[must_use]
pub fn read(twiml: &str) -> Plan {
    let dial = tags(twiml, "Dial").next();
    let action = dial.and_then(|(attributes, _)| attribute(attributes, "action"));
    let kinds = [("Client", "client:"), ("Sip", ""), ("Number", "")];
    let nouns = kinds.into_iter().flat_map(|(tag, prefix)| {
        tags(twiml, tag).filter_map(move |(attributes, content)| {
            let to = format!("{prefix}{}", plain(content.split('<').next()?));
            Some(Noun { to, status_url: attribute(attributes, "statusCallback")? })
        })
    });
    Plan { action, nouns: nouns.collect() }
}

/// The attributes of every `<tag …>`, each with everything that follows it.
fn tags<'a>(twiml: &'a str, tag: &str) -> impl Iterator<Item = (&'a str, &'a str)> + use<'a> {
    let open = format!("<{tag} ");
    let places: Vec<usize> = twiml.match_indices(&open).map(|(at, _)| at + open.len()).collect();
    places.into_iter().filter_map(move |at| twiml[at..].split_once('>'))
}

fn attribute(attributes: &str, name: &str) -> Option<String> {
    let (_, rest) = attributes.split_once(&format!("{name}=\""))?;
    rest.split_once('"').map(|(value, _)| plain(value))
}

fn plain(escaped: &str) -> String {
    let pairs = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&apos;", "'"), ("&amp;", "&")];
    pairs.into_iter().fold(escaped.to_owned(), |text, (from, to)| text.replace(from, to))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_own_answers_are_read() {
        let noun = |tag: &str, to: &str| {
            format!(r#"<{tag} statusCallback="http://a/status?a=1&amp;b=2" statusCallbackEvent="ringing">{to}</{tag}>"#)
        };
        let twiml = format!(
            r#"<?xml version="1.0" encoding="UTF-8"?><Response><Dial answerOnBridge="true" action="http://a/dial">{}{}{}</Dial></Response>"#,
            noun("Client", "ana_101"),
            noun("Client", "jonas_102"),
            noun("Number", "+14155550199"),
        );
        let plan = read(&twiml);
        assert_eq!(plan.action.as_deref(), Some("http://a/dial"));
        let to: Vec<&str> = plan.nouns.iter().map(|noun| noun.to.as_str()).collect();
        assert_eq!(to, ["client:ana_101", "client:jonas_102", "+14155550199"]);
        assert!(plan.nouns.iter().all(|noun| noun.status_url == "http://a/status?a=1&b=2"));
    }

    #[test]
    fn nobody_to_ring_is_an_empty_plan() {
        let twiml = "<Response><Say>Sorry &amp; goodbye.</Say><Hangup/></Response>";
        assert_eq!(read(twiml), Plan { action: None, nouns: Vec::new() });
    }
}
