//! What the log is asked with: the query bar, what is wrong with its words, spans of time, chips, and a field for each filter.
//! All of it are links and `get` forms.

use leptos::prelude::*;

use super::Model;
use crate::{
    model::{
        audit::{Action, Outcome},
        audit_query::{AuditQuery, Edge, Key, LONGEST, Span, Subject},
    },
    server::pages::cells,
    ui::parts::{ErrorSummary, FilterBar, Icon, SelectField, TextField},
};

const HINT: &str = "Words, or actor: action: target: result: ip: trace: at:, like «action:call.viewed at:30d».";

/// Everything above the list.
pub fn view(m: &Model) -> AnyView {
    let problems: Vec<(String, String)> = m.bad.iter().map(|bad| ("q".to_owned(), bad.to_string())).collect();
    let problem = m.bad.first().map(ToString::to_string);
    let words = m.words.clone();
    let length = u32::try_from(LONGEST).unwrap_or(1000);
    let zone = zone(m);
    let (spans, chips, fields) = (spans(m), chips(m), fields(m));
    view! {
        <ErrorSummary problems=problems />
        <form class="query-bar" method="get" role="search" aria-label="Search the audit log">
            {zone}
            <TextField
                name="q"
                label="Search"
                kind="search"
                value=words
                problem=problem
                hint=HINT
                required=false
                autocomplete="off"
                maxlength=length
            />
            <button class="btn btn-primary" type="submit">
                <Icon name="search" />
                "Search"
            </button>
        </form>
        {spans}
        {chips}
        {fields}
    }
    .into_any()
}

/// The zone that was chosen travels with each form.
fn zone(m: &Model) -> Option<AnyView> {
    m.address.is_utc.then(|| view! { <input type="hidden" name="zone" value="utc" /> }.into_any())
}

/// Spans of time to choose from, beside whatever else is asked.
fn spans(m: &Model) -> AnyView {
    let at = m.address.query.at;
    let links = Span::PRESETS
        .into_iter()
        .map(|(span, label)| {
            let current = (at == Some(span)).then_some("true");
            let href = m.address.within(span).href();
            view! {
                <a class="chip" href=href aria-current=current>
                    {label}
                </a>
            }
        })
        .collect_view();
    view! {
        <nav class="row audit-row" aria-label="Time">
            {links}
        </nav>
    }
    .into_any()
}

/// What was asked for, part by part: a click takes one away.
fn chips(m: &Model) -> AnyView {
    let query = &m.address.query;
    let is_removable = |key: Key| key != Key::At || query.at != Some(Span::ALL);
    let chips = query
        .parts()
        .into_iter()
        .filter(|(key, _)| is_removable(*key))
        .map(|(key, value)| {
            let shown = format!("{}: {}", key.label(), shown(m, key, &value));
            let href = m.address.without(key).href();
            view! {
                <li>
                    <a class="chip" href=href title=value>
                        <span class="sr-only">"Take away "</span>
                        <span>{shown}</span>
                        <Icon name="cross" />
                    </a>
                </li>
            }
        })
        .collect_view();
    view! {
        <ul class="row audit-row" aria-label="What is asked for">
            {chips}
        </ul>
    }
    .into_any()
}

/// A part as people read it.
fn shown(m: &Model, key: Key, value: &str) -> String {
    let query = &m.address.query;
    match key {
        Key::Actor | Key::Target => {
            let subject = if key == Key::Actor { &query.actor } else { &query.target };
            match subject {
                Some(Subject::Id { .. }) => named(m, value).unwrap_or_else(|| cells::tail(value)),
                _ => value.replace('_', " "),
            }
        }
        Key::Action => query.action.map_or_else(|| value.to_owned(), |action| action.label().to_owned()),
        Key::Result => query.result.map_or_else(|| value.to_owned(), |result| result.label().to_owned()),
        Key::At => {
            let preset = Span::PRESETS.into_iter().find(|(span, _)| query.at == Some(*span));
            preset.map_or_else(|| value.replace("..", " to "), |(_, label)| label.to_owned())
        }
        Key::Trace => cells::tail(value),
        Key::Ip | Key::Text => value.to_owned(),
    }
}

/// The name of a member, for people who may read it here.
fn named(m: &Model, id: &str) -> Option<String> {
    m.members.iter().find(|(member, _)| member == id).map(|(_, name)| name.clone())
}

/// A field for each filter.
fn fields(m: &Model) -> AnyView {
    let q = &m.address.query;
    let value = |key: Key| q.value(key).unwrap_or_default();
    let (actor, action, target, result) =
        (value(Key::Actor), value(Key::Action), value(Key::Target), value(Key::Result));
    let (ip, trace, words) = (value(Key::Ip), value(Key::Trace), value(Key::Text));
    let people = options("Anybody", m.members.clone(), &actor);
    let actions = Action::ALL.iter().map(|a| (a.code().to_owned(), a.label().to_owned())).collect();
    let actions = options("Any act", actions, &action);
    let results = Outcome::ALL.into_iter().map(|o| (o.code().to_owned(), o.label().to_owned())).collect();
    let results = options("Any result", results, &result);
    let (from, until, at) = days(q);
    let zone = zone(m);
    view! {
        <details class="audit-row">
            <summary>
                <span class="link">"Filters"</span>
            </summary>
            <FilterBar clear="/audit">
                {zone}
                <input type="hidden" name="at" value=at />
                <SelectField name="actor" label="Actor" options=people value=actor />
                <SelectField name="action" label="Act" options=actions value=action />
                <TextField name="target" label="Target id" value=target required=false maxlength=60 />
                <SelectField name="result" label="Result" options=results value=result />
                <TextField name="ip" label="Network" value=ip required=false maxlength=50 />
                <TextField name="trace" label="Trace id" value=trace required=false maxlength=60 />
                <TextField name="text" label="Words" value=words required=false maxlength=200 />
                <TextField name="from" label="From" kind="date" value=from required=false />
                <TextField name="until" label="Until" kind="date" value=until required=false />
            </FilterBar>
        </details>
    }
    .into_any()
}

/// The choices of a list, with the one that was made, whatever it is.
fn options(all: &str, mut options: Vec<(String, String)>, chosen: &str) -> Vec<(String, String)> {
    options.insert(0, (String::new(), all.to_owned()));
    if !options.iter().any(|(value, _)| value == chosen) {
        options.push((chosen.to_owned(), cells::tail(chosen)));
    }
    options
}

/// What the two fields for days hold, and the span as words where it is none of days.
fn days(q: &AuditQuery) -> (String, String, String) {
    let day = |edge: Option<Edge>| match edge {
        None => Some(String::new()),
        Some(Edge::Day(day)) => Some(day.to_string()),
        Some(_) => None,
    };
    let words = q.at.map(|at| at.to_string()).unwrap_or_default();
    match q.at {
        Some(Span::Between { from, to }) if q.at != Some(Span::ALL) => match (day(from), day(to)) {
            (Some(from), Some(until)) => (from, until, String::new()),
            _ => (String::new(), String::new(), words),
        },
        _ => (String::new(), String::new(), words),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_stand_in_their_fields_and_other_spans_go_along() {
        let of = |text: &str| days(&text.parse().expect("a query"));
        let three = |a: &str, b: &str, c: &str| (a.to_owned(), b.to_owned(), c.to_owned());
        assert_eq!(of("at:2026-01-01..2026-01-31"), three("2026-01-01", "2026-01-31", ""));
        assert_eq!(of("at:2026-01-01.."), three("2026-01-01", "", ""));
        assert_eq!(of("at:7d"), three("", "", "7d"));
        assert_eq!(of("at:all"), three("", "", "all"));
        assert_eq!(of("at:2026-01-01T08:00..2026-01-02"), three("", "", "2026-01-01T08:00:00..2026-01-02"));
        assert_eq!(of(""), three("", "", ""));
    }
}
