//! The call log (TEL-3): filters in the URL, keyset pages, masked numbers.

use std::fmt::Write;

use axum::response::Response;
use jiff::{civil::Date, tz::TimeZone};
use leptos::prelude::*;
use serde::Deserialize;

use super::text;
use crate::{
    model::{
        call::{CallState, Direction},
        id::{CallId, MemberId},
        permission::{Need, Permission, Reach},
    },
    server::{
        http::{AppError, Cx, render::Page},
        kit::At,
        services,
        store::{
            self,
            call_log::{Filter, Line},
        },
    },
    ui::parts::{CallStateBadge, DataTable, Empty, FilterBar, Icon, PageHead, Pager, SelectField, TextField},
};

/// Who may open the log.
pub const NEED: Need = Need::HoldsAny(&[Permission::CallsAll, Permission::CallsOwn]);

const PAGE: usize = 50;

/// The state stands second, where a phone shows it without scrolling.
const HEAD: [(&str, &str); 7] = [
    ("Started", ""),
    ("State", ""),
    ("Direction", ""),
    ("Customer", ""),
    ("Our number", ""),
    ("Person", ""),
    ("Length", "num"),
];

/// The page's address, read and written: what is in it is what is shown.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Query {
    state: String,
    direction: String,
    member: String,
    digits: String,
    from: String,
    until: String,
    before: String,
}

impl Query {
    fn filter(&self, zone: &TimeZone) -> Result<Filter, AppError> {
        let bad = |_| AppError::BadRequest;
        let day = |text: &str, plus: i64| match text {
            "" => Ok(None),
            text => {
                let date: Date = text.parse().map_err(|_| AppError::BadRequest)?;
                let day = date.saturating_add(jiff::Span::new().days(plus));
                day.to_zoned(zone.clone()).map(|z| Some(At(z.timestamp()))).map_err(|_| AppError::BadRequest)
            }
        };
        let digits = self.digits.trim();
        if digits.len() > 15 || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Err(AppError::BadRequest);
        }
        Ok(Filter {
            state: optional(&self.state).map(str::parse::<CallState>).transpose().map_err(bad)?,
            direction: optional(&self.direction).map(str::parse::<Direction>).transpose().map_err(bad)?,
            member: optional(&self.member).map(str::parse::<MemberId>).transpose().map_err(|_| AppError::BadRequest)?,
            digits: optional(digits).map(str::to_owned),
            from: day(&self.from, 0)?,
            until: day(&self.until, 1)?,
            before: optional(&self.before).map(place).transpose()?,
        })
    }

    fn href(&self, before: &str) -> String {
        let mut href = String::from("/calls?");
        let pairs = [
            ("state", self.state.as_str()),
            ("direction", &self.direction),
            ("member", &self.member),
            ("digits", &self.digits),
            ("from", &self.from),
            ("until", &self.until),
            ("before", before),
        ];
        for (name, value) in pairs.into_iter().filter(|(_, value)| !value.is_empty()) {
            let value: String = form_urlencoded::byte_serialize(value.as_bytes()).collect();
            write!(href, "{name}={value}&").expect("writing to a string");
        }
        href.pop();
        href
    }

    fn is_filtered(&self) -> bool {
        self.href("") != "/calls"
    }
}

fn optional(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}

/// A place in the log: the start of a call in microseconds, and its id.
fn place(text: &str) -> Result<(At, CallId), AppError> {
    let (micros, id) = text.split_once('.').ok_or(AppError::BadRequest)?;
    let micros = micros.parse().map_err(|_| AppError::BadRequest)?;
    let at = jiff::Timestamp::from_microsecond(micros).map_err(|_| AppError::BadRequest)?;
    Ok((At(at), id.parse().map_err(|_| AppError::BadRequest)?))
}

struct Model {
    query: Query,
    zone: String,
    lines: Vec<Line>,
    older: Option<String>,
    members: Vec<(MemberId, String)>,
    sees_all: bool,
}

async fn load(cx: &Cx) -> Result<Model, AppError> {
    let person = cx.signed_in()?;
    let query: Query = cx.query()?;
    let filter = query.filter(&text::zone(&person.zone))?;
    let mut lines = services::call::list(cx, filter, i64::try_from(PAGE + 1).unwrap_or(51)).await?;
    let older = (lines.len() > PAGE).then(|| {
        lines.truncate(PAGE);
        lines.last().map(|l| query.href(&format!("{}.{}", l.started_at.as_microsecond(), l.id)))
    });
    let sees_all = person.grants.reach(Permission::CallsAll) == Reach::All;
    let members = if sees_all {
        let mut tx = cx.tx().await?;
        let members = store::member::choices(&mut tx).await?;
        tx.commit().await?;
        members
    } else {
        Vec::new()
    };
    Ok(Model { zone: person.zone.clone(), query, lines, older: older.flatten(), members, sees_all })
}

/// `GET /calls`
///
/// # Errors
/// A filter that cannot be read; refused without the right.
pub async fn page(cx: Cx) -> Result<Response, AppError> {
    let model = load(&cx).await?;
    Ok(Page::new("Calls").show(&cx, || view(model)))
}

fn view(m: Model) -> impl IntoView {
    let lede = if m.sees_all { "Every call of the business." } else { "The calls that rang at your desk." };
    let newer = (!m.query.before.is_empty()).then(|| m.query.href(""));
    let filtered = m.query.is_filtered();
    let table = if m.lines.is_empty() {
        empty(filtered).into_any()
    } else {
        let zone = m.zone.clone();
        let rows = m.lines.into_iter().map(|line| row(line, &zone)).collect_view();
        view! {
            <DataTable
                caption="Calls, newest first".to_owned()
                head=HEAD.to_vec()
            >
                {rows}
            </DataTable>
            <Pager newer=newer older=m.older />
        }
        .into_any()
    };
    view! {
        <PageHead title="Calls".to_owned() lede=lede />
        {filters(&m.query, m.members, m.sees_all)}
        {table}
    }
}

/// A state as the filter calls it, for calls of either direction.
fn in_words(state: CallState) -> &'static str {
    match state {
        CallState::NoAnswer => "Missed or not answered",
        other => other.label(),
    }
}

fn filters(q: &Query, members: Vec<(MemberId, String)>, sees_all: bool) -> impl IntoView {
    let any = |label: &str| vec![(String::new(), label.to_owned())];
    let mut states = any("Any state");
    states.extend(CallState::ALL.into_iter().map(|s| (s.code().to_owned(), in_words(s).to_owned())));
    let mut directions = any("In and out");
    directions.extend(Direction::ALL.into_iter().map(|d| (d.code().to_owned(), d.label().to_owned())));
    let mut people = any("Anybody");
    people.extend(members.into_iter().map(|(id, name)| (id.to_string(), name)));
    let q = q.clone();
    view! {
        <FilterBar clear="/calls">
            <TextField name="digits" label="Number ends with" value=q.digits required=false maxlength=15 />
            <SelectField name="state" label="State" options=states value=q.state />
            <SelectField name="direction" label="Direction" options=directions value=q.direction />
            {sees_all.then(|| view! { <SelectField name="member" label="Person" options=people value=q.member /> })}
            <TextField name="from" label="From" kind="date" value=q.from required=false />
            <TextField name="until" label="Until" kind="date" value=q.until required=false />
        </FilterBar>
    }
}

fn row(line: Line, zone: &str) -> impl IntoView + use<> {
    let length = match (line.answered_at, line.ended_at) {
        (Some(answered), Some(ended)) => text::duration(ended.since(answered)),
        _ => "–".to_owned(),
    };
    let state = line.heard();
    let icon = match line.direction {
        Direction::Inbound => "phone_in",
        Direction::Outbound => "phone_out",
    };
    view! {
        <tr>
            <td class="nowrap"><a class="link" href=format!("/calls/{}", line.id)>{text::when(line.started_at, zone)}</a></td>
            <td><CallStateBadge state=state direction=Some(line.direction) /></td>
            <td class="nowrap"><Icon name=icon />" "{line.direction.label()}</td>
            <td class="mono">{text::party(line.party.as_ref())}</td>
            <td class="mono">{text::party(line.own.as_ref())}</td>
            <td>{line.member_name.unwrap_or_else(|| "–".to_owned())}</td>
            <td class="num">{length}</td>
        </tr>
    }
}

fn empty(filtered: bool) -> impl IntoView {
    if filtered {
        view! {
            <Empty icon="search" title="No call matches".to_owned() text="Take a filter away, or look at another span of time.".to_owned()>
                <a class="btn btn-primary" href="/calls">"Show all calls"</a>
            </Empty>
        }
        .into_any()
    } else {
        view! {
            <Empty
                icon="phone"
                title="No calls yet".to_owned()
                text="The first call appears here a moment after your phone provider reports it.".to_owned()
            >
                <a class="btn btn-primary" href="/home">"Back to your home page"</a>
            </Empty>
        }
        .into_any()
    }
}
