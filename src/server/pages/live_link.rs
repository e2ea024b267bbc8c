//! How a page's live connection is: one badge, which `public/static/link.js` keeps true. The word alone is announced; the seconds
//! beside it count on in silence. To add a state: a tone in [`TONES`], and its words in the scripts that say it.

use leptos::prelude::*;

use crate::ui::parts::{Badge, Icon, Tone};

const TONES: [(Tone, &str); 4] =
    [(Tone::Neutral, "clock"), (Tone::Good, "check"), (Tone::Warn, "clock"), (Tone::Bad, "warn")];

/// The badge, and hidden beside it what it may look like. Once on a page.
#[must_use]
pub fn badge() -> AnyView {
    let parts = TONES.map(|(tone, icon)| view! { <Badge tone=tone icon=icon text=String::new() /> }).collect_view();
    view! {
        <span class=Tone::Neutral.badge() id="link">
            <Icon name="clock" />
            <span>
                <span role="status">"Shown as loaded"</span>
                <span></span>
            </span>
        </span>
        <span id="link-parts" hidden=true>{parts}</span>
    }
    .into_any()
}
