//! A form that is answered with a passkey. A script (`public/static/passkey.js`) asks `start` what to ask the browser's own
//! dialog, and sends the form with the answer in its hidden field. The page that draws it loads that script
//! (`Page::with_passkeys`); without scripts a sentence stands in for the form.

use leptos::prelude::*;

use super::tone::Tone;

/// What a [`PasskeyForm`] asks an authenticator for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asks {
    /// A new passkey.
    Register,
    /// An answer of one that is there.
    Get,
}

impl Asks {
    /// As the script reads it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Register => "register",
            Self::Get => "get",
        }
    }
}

/// The form; its children are its other fields. `start` is where the script asks first.
#[component]
pub fn PasskeyForm(
    action: String,
    asks: Asks,
    start: &'static str,
    label: &'static str,
    #[prop(default = Tone::Accent)] tone: Tone,
    #[prop(optional)] children: Option<Children>,
) -> impl IntoView {
    view! {
        <form class="form" method="post" action=action data-passkey=asks.word() data-start=start>
            <input type="hidden" name="credential"/>
            <noscript>
                <p class="hint">"Passkeys need scripts, and this browser runs none here."</p>
            </noscript>
            <p class="hint" data-passkey-part="none" hidden=true>
                "This browser knows no passkeys."
            </p>
            <div class="form w-full" data-passkey-part="body" hidden=true>
                {children.map(|children| children())}
                <p class="problem" role="alert" data-passkey-part="problem" hidden=true></p>
                <button class=tone.button() type="submit" data-passkey-part="button">
                    {label}
                </button>
            </div>
        </form>
    }
}
