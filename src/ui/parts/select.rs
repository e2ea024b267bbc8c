//! Choices: one of a list that one knows ([`SelectField`]), one of a few that need explaining ([`RadioCards`]).
//!
//! To add a kind of choice: a component here that takes `options`, `value`, `problem` and `hint` in the same shape.

use leptos::prelude::*;

use super::form::{Labelled, Problem, described_by};
use super::text::MaybeText;

/// A drop-down. `options` are value and text, `value` is the chosen one.
#[component]
pub fn SelectField(
    name: &'static str,
    label: &'static str,
    options: Vec<(String, String)>,
    #[prop(optional, into)] value: String,
    #[prop(optional, into)] problem: MaybeText,
    #[prop(optional, into)] hint: MaybeText,
) -> impl IntoView {
    let describedby = described_by(name, &hint, &problem);
    let invalid = problem.is_some().then_some("true");
    let options = options
        .into_iter()
        .map(|(code, text)| {
            let chosen = code == value;
            view! { <option value=code selected=chosen>{text}</option> }
        })
        .collect_view();
    view! {
        <Labelled name=name label=label optional=false hint=hint problem=problem>
            <select
                class="input select"
                id=format!("f-{name}")
                name=name
                aria-describedby=describedby
                aria-invalid=invalid
            >
                {options}
            </select>
        </Labelled>
    }
}

/// A few choices as cards. `options` are value, text and what choosing it means. The first one has the field's id,
/// so that an error summary can lead there.
#[component]
pub fn RadioCards(
    name: &'static str,
    legend: &'static str,
    options: Vec<(String, String, String)>,
    #[prop(optional, into)] value: String,
    #[prop(optional, into)] problem: MaybeText,
) -> impl IntoView {
    let describedby = described_by(name, &MaybeText::default(), &problem);
    let cards = options
        .into_iter()
        .enumerate()
        .map(|(place, (code, label, explains))| {
            let id = if place == 0 { format!("f-{name}") } else { format!("f-{name}-{code}") };
            let chosen = code == value;
            view! {
                <label class="radio-card">
                    <input class="radio" type="radio" id=id name=name value=code checked=chosen required=true/>
                    <span class="radio-card-text">
                        <span class="radio-card-label">{label}</span>
                        <span class="hint">{explains}</span>
                    </span>
                </label>
            }
        })
        .collect_view();
    view! {
        <fieldset class="field" aria-describedby=describedby>
            <legend class="label">{legend}</legend>
            <div class="radio-cards">{cards}</div>
            <Problem name=name problem=problem/>
        </fieldset>
    }
}
