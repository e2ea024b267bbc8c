//! What kind of device asks, as a person would name it: «Firefox on Linux» (ACC-5).
//!
//! Coarse on purpose: a whole `User-Agent` header is close to a fingerprint, and free text of a stranger. A label is
//! put together from the words below and from nothing else. To add a browser or a system: its mark and its word in
//! the table, before every other whose mark the same header carries too.

/// Marks of browsers. Most claim to be Chrome and Safari as well, so those two come last.
const BROWSERS: [(&str, &str); 13] = [
    ("Edg/", "Edge"),
    ("EdgA/", "Edge"),
    ("EdgiOS/", "Edge"),
    ("OPR/", "Opera"),
    ("OPT/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("CriOS/", "Chrome"),
    ("HeadlessChrome/", "Chrome"),
    ("Chromium/", "Chrome"),
    ("Safari/", SAFARI),
];

/// Marks of systems. Android says that it is Linux, a telephone of Apple's that it is like Mac OS X.
const SYSTEMS: [(&str, &str); 8] = [
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("CrOS", "ChromeOS"),
    ("Windows", "Windows"),
    ("Macintosh", MAC),
    ("Linux", "Linux"),
    ("X11", "Linux"),
];

const SAFARI: &str = "Safari";
const MAC: &str = "Mac";

/// The label of a `User-Agent` header: a browser with its system, «A program», or «An unknown browser». An iPad that
/// asks for desktop pages says that it is a Mac, and is believed.
#[must_use]
pub fn label(user_agent: &str) -> String {
    let system = word(&SYSTEMS, user_agent);
    // The engine of Safari says `Safari/` wherever it runs: only on Apple's systems it is Safari.
    let is_apple = matches!(system, Some("iPhone" | "iPad" | MAC));
    let browser = word(&BROWSERS, user_agent).filter(|browser| *browser != SAFARI || is_apple);
    match (browser, system) {
        (Some(browser), Some(system)) => format!("{browser} on {system}"),
        (Some(browser), None) => browser.to_owned(),
        // Every browser begins with this word; programs name themselves.
        (None, _) if user_agent.is_empty() || user_agent.starts_with("Mozilla/") => "An unknown browser".to_owned(),
        (None, _) => "A program".to_owned(),
    }
}

/// The word of the first mark that the header carries.
fn word(table: &[(&str, &'static str)], user_agent: &str) -> Option<&'static str> {
    table.iter().find(|(mark, _)| user_agent.contains(*mark)).map(|(_, word)| *word)
}

#[cfg(test)]
mod tests {
    use super::label;

    #[test]
    fn browsers_are_named_with_their_system() {
        let known = [
            ("Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0", "Firefox on Linux"),
            ("Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0", "Firefox on Linux"),
            ("Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:133.0) Gecko/20100101 Firefox/133.0", "Firefox on Windows"),
            ("Mozilla/5.0 (Android 14; Mobile; rv:133.0) Gecko/133.0 Firefox/133.0", "Firefox on Android"),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 17_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) \
                 FxiOS/133.0 Mobile/15E148 Safari/605.1.15",
                "Firefox on iPhone",
            ),
            (
                "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Mobile \
                 Safari/537.36",
                "Chrome on Android",
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 \
                 Safari/537.36",
                "Chrome on Windows",
            ),
            (
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) \
                 Chrome/131.0.0.0 Safari/537.36",
                "Chrome on Mac",
            ),
            (
                "Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 \
                 Safari/537.36",
                "Chrome on ChromeOS",
            ),
            (
                "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/131.0.0.0 \
                 Safari/537.36",
                "Chrome on Linux",
            ),
            (
                "Mozilla/5.0 (iPad; CPU OS 17_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) \
                 CriOS/131.0.6778.73 Mobile/15E148 Safari/604.1",
                "Chrome on iPad",
            ),
        ];
        for (header, wanted) in known {
            assert_eq!(label(header), wanted, "{header}");
        }
    }

    #[test]
    fn what_claims_to_be_chrome_is_looked_at_twice() {
        let known = [
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 \
                 Safari/537.36 Edg/131.0.2903.51",
                "Edge on Windows",
            ),
            (
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) \
                 Chrome/130.0.0.0 Safari/537.36 OPR/115.0.0.0",
                "Opera on Mac",
            ),
            (
                "Mozilla/5.0 (Linux; Android 14; SAMSUNG SM-S921B) AppleWebKit/537.36 (KHTML, like Gecko) \
                 SamsungBrowser/27.0 Chrome/125.0.0.0 Mobile Safari/537.36",
                "Samsung Internet on Android",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 17_6_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) \
                 Version/17.6 Mobile/15E148 Safari/604.1",
                "Safari on iPhone",
            ),
            (
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) \
                 Version/18.1 Safari/605.1.15",
                "Safari on Mac",
            ),
            (
                "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.0 \
                 Safari/605.1.15",
                "An unknown browser",
            ),
        ];
        for (header, wanted) in known {
            assert_eq!(label(header), wanted, "{header}");
        }
    }

    #[test]
    fn programs_and_strangers_are_not_quoted() {
        for program in ["curl/8.9.1", "okhttp/4.12.0", "python-requests/2.32.3", "RingfortTech/1.4 (Android 14)"] {
            assert_eq!(label(program), "A program", "{program}");
        }
        for stranger in ["", "Mozilla/5.0", "Mozilla/5.0 (compatible; <script>alert(1)</script>)"] {
            assert_eq!(label(stranger), "An unknown browser", "{stranger}");
        }
        assert_eq!(label("Mozilla/5.0 (Unheard of 9) Firefox/1 <b>secret</b>"), "Firefox");
    }
}
