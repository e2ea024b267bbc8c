//! Where the map's pictures come from (GPS-2). Off, until both are set: then the map is drawn with the coasts and borders that
//! are shipped, and no browser asks anybody else for anything.

use url::Url;

use super::{ConfigError, Variables};

/// A server of map tiles. What browsers ask it for says where they look: choose one that you trust with that.
#[derive(Debug, Clone)]
pub struct MapTiles {
    /// `RINGFORT_MAP_TILES` (none): a public https address with `{z}`, `{x}` and `{y}` in its path. Every browser that opens the
    /// map sees it, with a key that may be in it.
    pub template: String,
    /// `RINGFORT_MAP_ATTRIBUTION` (needed with it): whose map it is, as its licence asks to be told.
    pub attribution: String,
    /// Scheme, host and port of the template: the one origin that the map's content policy adds.
    pub origin: String,
}

impl MapTiles {
    pub(super) fn read<F: Fn(&str) -> Option<String>>(vars: &Variables<F>) -> Result<Option<Self>, ConfigError> {
        let attribution = vars.text("RINGFORT_MAP_ATTRIBUTION");
        let Some(template) = vars.text("RINGFORT_MAP_TILES") else {
            let alone = |_| ConfigError::new("RINGFORT_MAP_ATTRIBUTION", "needs RINGFORT_MAP_TILES beside it");
            return attribution.map_or(Ok(None), |text| Err(alone(text)));
        };
        let origin = origin(&template).ok_or_else(|| {
            ConfigError::new(
                "RINGFORT_MAP_TILES",
                "is no address of tiles: write it like https://tiles.example.com/{z}/{x}/{y}.png, with https",
            )
        })?;
        let attribution = attribution.filter(|text| text.chars().count() <= 200).ok_or_else(|| {
            ConfigError::new(
                "RINGFORT_MAP_ATTRIBUTION",
                "is missing beside RINGFORT_MAP_TILES, or longer than 200 characters: write whose map it is",
            )
        })?;
        Ok(Some(Self { template, attribution, origin }))
    }
}

/// The origin of a template that can be used. What is between host and path may hold no place holder: the content policy names
/// one origin.
fn origin(template: &str) -> Option<String> {
    let url = Url::parse(template).ok()?;
    let bare = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
    let whole = ["{z}", "{x}", "{y}"].iter().all(|place| template.contains(place));
    let host = url.host_str()?;
    let fixed = !host.contains('{') && !host.contains("%7B");
    (url.scheme() == "https" && bare && whole && fixed).then(|| url.origin().ascii_serialization())
}
