//! The addresses of the technician's page (`server::pages::field`): the page, what stands in for it without a network, where its
//! script sends to, and the worker that keeps what stands in. Several rooms need them.
//!
//! What the script sends goes to the same handler as what a program sends with a token ([`super::positions`]), so that there is
//! one way in. Here a session says who it is, and [`super::origin`] that it is our own page that asks.

/// The page. The worker answers for it, and for what lies below.
pub const PAGE: &str = "/field";
/// What a browser keeps, and shows when it does not reach the page.
pub const OFFLINE: &str = "/field/offline";
/// Where `public/static/field.js` sends to.
pub const POSITIONS: &str = "/field/positions";
/// The worker.
pub const WORKER: &str = "/static/field-sw.js";

/// Whether a browser may be asked there where it is.
#[must_use]
pub fn is_page(path: &str) -> bool {
    [PAGE, OFFLINE].contains(&path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_files_name_the_same_addresses() {
        let worker = include_str!("../../../public/static/field-sw.js");
        assert!(worker.contains(&format!("\"{PAGE}\"")) && worker.contains(&format!("\"{OFFLINE}\"")));
        let script = include_str!("../../../public/static/field.js");
        assert!(script.contains(WORKER) && script.contains(&format!("scope: \"{PAGE}\"")));
        let manifest: serde_json::Value =
            serde_json::from_str(include_str!("../../../public/static/field.webmanifest")).expect("JSON");
        assert_eq!((manifest["start_url"].as_str(), manifest["scope"].as_str()), (Some(PAGE), Some(PAGE)));
    }

    #[test]
    fn no_other_page_is_meant() {
        assert!(is_page("/field") && is_page("/field/offline"));
        for path in ["/field/positions", "/fields", "/home", "/"] {
            assert!(!is_page(path), "{path}");
        }
    }
}
