//! Forms: plain `<form method="post">`, with label, hint and problem wired for readers.
//!
//! A field's id is `f-{name}`, its hint is `h-{name}`, its problem `p-{name}`. To add a kind of field: a component
//! in this shape that draws itself inside [`Labelled`]. There is no `textarea`: its text would need escaping by
//! hand, which only the server can do. Choices are in `select.rs`.

use leptos::prelude::*;

use super::icon::Icon;
use super::text::MaybeText;
use super::tone::Tone;

/// A form that posts to `action`.
#[component]
pub fn Form(action: String, #[prop(optional)] children: Option<Children>) -> impl IntoView {
    view! {
        <form class="form" method="post" action=action>
            {children.map(|children| children())}
        </form>
    }
}

/// What `aria-describedby` names: the hint and the problem, where there are any.
pub(super) fn described_by(name: &str, hint: &MaybeText, problem: &MaybeText) -> Option<String> {
    match (hint.is_some(), problem.is_some()) {
        (true, true) => Some(format!("h-{name} p-{name}")),
        (true, false) => Some(format!("h-{name}")),
        (false, true) => Some(format!("p-{name}")),
        (false, false) => None,
    }
}

/// The frame of a field: label above, then hint, the control (the children), and the problem below it.
#[component]
pub(super) fn Labelled(
    name: &'static str,
    #[prop(into)] label: String,
    optional: bool,
    hint: MaybeText,
    problem: MaybeText,
    children: Children,
) -> impl IntoView {
    view! {
        <div class="field">
            <label class="label" for=format!("f-{name}")>
                {label}
                {optional.then(|| view! { <span class="label-note">"optional"</span> })}
            </label>
            {hint.get().map(|hint| view! { <p class="hint" id=format!("h-{name}")>{hint}</p> })}
            {children()}
            <Problem name=name problem=problem/>
        </div>
    }
}

/// What is wrong with a field; nothing when nothing is.
#[component]
pub(super) fn Problem(name: &'static str, problem: MaybeText) -> impl IntoView {
    problem.get().map(|problem| {
        view! {
            <p class="problem" id=format!("p-{name}")>
                <Icon name="warn"/>
                <span>{problem}</span>
            </p>
        }
    })
}

/// One line of text. `kind` is the input's type; `autocomplete`, `inputmode` and `maxlength` are left out when empty.
#[component]
pub fn TextField(
    name: &'static str,
    label: &'static str,
    #[prop(optional, into)] value: String,
    #[prop(optional, into)] problem: MaybeText,
    #[prop(optional, into)] hint: MaybeText,
    #[prop(default = "text")] kind: &'static str,
    #[prop(optional)] autocomplete: &'static str,
    #[prop(optional)] inputmode: &'static str,
    #[prop(default = true)] required: bool,
    #[prop(optional)] maxlength: u32,
) -> impl IntoView {
    let describedby = described_by(name, &hint, &problem);
    let invalid = problem.is_some().then_some("true");
    let optional = !required && !matches!(kind, "search" | "date" | "datetime-local");
    view! {
        <Labelled name=name label=label optional=optional hint=hint problem=problem>
            <input
                class="input"
                id=format!("f-{name}")
                name=name
                type=kind
                value=value
                required=required
                autocomplete=(!autocomplete.is_empty()).then_some(autocomplete)
                inputmode=(!inputmode.is_empty()).then_some(inputmode)
                maxlength=(maxlength > 0).then(|| maxlength.to_string())
                aria-describedby=describedby
                aria-invalid=invalid
            />
        </Labelled>
    }
}

/// A secret: like a text field, but it never takes a value, so that no page ever carries one.
#[component]
pub fn SecretField(
    name: &'static str,
    label: &'static str,
    #[prop(optional, into)] problem: MaybeText,
    #[prop(optional, into)] hint: MaybeText,
    #[prop(optional)] autocomplete: &'static str,
    #[prop(default = true)] required: bool,
    #[prop(optional)] maxlength: u32,
) -> impl IntoView {
    view! {
        <TextField
            name=name
            label=label
            problem=problem
            hint=hint
            kind="password"
            autocomplete=autocomplete
            required=required
            maxlength=maxlength
        />
    }
}

/// The word to type before what cannot be undone: one wording for it everywhere. What was typed is no secret: it stays in
/// the field when the form is refused.
#[component]
pub fn ConfirmField(
    word: &'static str,
    #[prop(default = "confirm")] name: &'static str,
    #[prop(optional, into)] value: String,
    #[prop(optional, into)] problem: MaybeText,
) -> impl IntoView {
    let describedby = described_by(name, &MaybeText::default(), &problem);
    let invalid = problem.is_some().then_some("true");
    view! {
        <Labelled
            name=name
            label=format!("Type {word} to confirm")
            optional=false
            hint=MaybeText::default()
            problem=problem
        >
            <input
                class="input"
                id=format!("f-{name}")
                name=name
                type="text"
                value=value
                required=true
                autocomplete="off"
                autocapitalize="none"
                spellcheck="false"
                maxlength="40"
                aria-describedby=describedby
                aria-invalid=invalid
            />
        </Labelled>
    }
}

/// The button that sends a form. Accent is the main action, bad destroys, neutral stays quiet.
#[component]
pub fn Submit(label: &'static str, #[prop(default = Tone::Accent)] tone: Tone) -> impl IntoView {
    view! {
        <button class=tone.button() type="submit">
            {label}
        </button>
    }
}

/// All problems of a form (field name and text), above it: takes the focus and links to each field. A problem
/// that belongs to no field has an empty name. Draws nothing when there are none.
#[component]
pub fn ErrorSummary(problems: Vec<(String, String)>) -> impl IntoView {
    let title = match problems.len() {
        1 => "One thing needs another look".to_owned(),
        many => format!("{many} things need another look"),
    };
    (!problems.is_empty()).then(|| {
        let items = problems
            .into_iter()
            .map(|(name, text)| {
                let item = if name.is_empty() {
                    text.into_any()
                } else {
                    view! { <a href=format!("#f-{name}")>{text}</a> }.into_any()
                };
                view! { <li>{item}</li> }
            })
            .collect_view();
        view! {
            <div class="notice notice-bad" id="problems" role="alert" tabindex="-1" autofocus=true>
                <Icon name="warn"/>
                <div class="notice-body">
                    <h2 class="notice-title">{title}</h2>
                    <ul class="problem-list">{items}</ul>
                </div>
            </div>
        }
    })
}
