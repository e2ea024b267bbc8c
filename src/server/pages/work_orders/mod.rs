//! Work orders («jobs» to people): the list with its filters in the address. Making one stands in [`new`], what both forms and
//! other pages draw alike in [`parts`].

pub mod new;
pub mod parts;

use std::fmt::Write;

use axum::response::Response;
use jiff::{Span, civil::Date, tz::TimeZone};
use leptos::prelude::*;
use serde::Deserialize;

use super::text;
use crate::{
    model::{
        id::{CallId, MemberId, WorkOrderId},
        permission::{Need, Permission, Reach},
        work_order::WorkOrderState,
    },
    server::{
        http::{AppError, Cx, render::Page},
        kit::At,
        services,
        store::{
            self,
            work_order::{Assignee, Filter, Technician, WorkOrder},
        },
    },
    ui::parts::{DataTable, Empty, FilterBar, PageHead, SelectField, TextField},
};

/// Who may open them: whoever sees all, and technicians, who see their own.
pub const NEED: Need = Need::Holds(Permission::WorkOrders);

/// Who may make, change and assign them.
pub const ALL_NEED: Need = Need::HoldsAll(Permission::WorkOrders);

const PAGE: usize = 50;

/// What is looked for across states, beside each state alone.
const UNDER_WAY: &str = "under_way";
const LATE: &str = "late";

/// The window stands first and the state second, where a phone shows both without scrolling.
const HEAD: [(&str, &str); 6] =
    [("Window", ""), ("State", ""), ("Job", ""), ("Customer", ""), ("Address", ""), ("Technician", "")];

/// The page's address: what is in it is what is shown. Without a day: what is not over, and what is to come.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Query {
    day: String,
    state: String,
    who: String,
    call: String,
    after: String,
}

/// The day that begins at midnight in `zone`: its begin and its end.
///
/// # Errors
/// Bad request for what is no day.
pub fn day_of(date: Date, zone: &TimeZone) -> Result<(At, At), AppError> {
    let begin = |date: Date| date.to_zoned(zone.clone()).map(|z| At(z.timestamp())).map_err(|_| AppError::BadRequest);
    let next = date.checked_add(Span::new().days(1)).map_err(|_| AppError::BadRequest)?;
    Ok((begin(date)?, begin(next)?))
}

/// A day as the address has it, or today's.
///
/// # Errors
/// Bad request for what is no day.
pub fn date_of(text: &str, now: At, zone: &TimeZone) -> Result<Date, AppError> {
    match text {
        "" => Ok(now.0.to_zoned(zone.clone()).date()),
        text => text.parse().map_err(|_| AppError::BadRequest),
    }
}

impl Query {
    fn filter(&self, now: At, zone: &TimeZone) -> Result<Filter, AppError> {
        let (from, until) = day_of(date_of(&self.day, now, zone)?, zone)?;
        let is_day = !self.day.is_empty();
        let assignee = match self.who.as_str() {
            "" => None,
            "none" => Some(Assignee::Nobody),
            text => Some(Assignee::Member(text.parse::<MemberId>().map_err(|_| AppError::BadRequest)?)),
        };
        let (states, over_by) = match self.state.as_str() {
            "" => (Vec::new(), None),
            UNDER_WAY => (WorkOrderState::UNDER_WAY.to_vec(), None),
            LATE => (WorkOrderState::WAITING.to_vec(), Some(now)),
            code => (vec![code.parse().map_err(|_| AppError::BadRequest)?], None),
        };
        // Of a call all are shown, whenever they are.
        let is_of_call = !self.call.is_empty();
        Ok(Filter {
            states,
            assignee,
            call: optional(&self.call).map(str::parse::<CallId>).transpose().map_err(|_| AppError::BadRequest)?,
            from: (!is_of_call).then_some(from),
            with_open: !is_day,
            until: is_day.then_some(until),
            over_by,
            after: optional(&self.after).map(place).transpose()?,
        })
    }

    fn href(&self, after: &str) -> String {
        let mut href = String::from("/work-orders?");
        let pairs = [
            ("day", self.day.as_str()),
            ("state", &self.state),
            ("who", &self.who),
            ("call", &self.call),
            ("after", after),
        ];
        for (name, value) in pairs.into_iter().filter(|(_, value)| !value.is_empty()) {
            let value: String = form_urlencoded::byte_serialize(value.as_bytes()).collect();
            write!(href, "{name}={value}&").expect("writing to a string");
        }
        href.pop();
        href
    }

    fn is_filtered(&self) -> bool {
        self.href("") != "/work-orders"
    }
}

fn optional(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}

/// A place in the list: the beginning of a window in microseconds, and its work order.
fn place(text: &str) -> Result<(At, WorkOrderId), AppError> {
    let (micros, id) = text.split_once('.').ok_or(AppError::BadRequest)?;
    let micros = micros.parse().map_err(|_| AppError::BadRequest)?;
    let at = jiff::Timestamp::from_microsecond(micros).map_err(|_| AppError::BadRequest)?;
    Ok((At(at), id.parse().map_err(|_| AppError::BadRequest)?))
}

struct Model {
    query: Query,
    zone: String,
    orders: Vec<WorkOrder>,
    more: Option<String>,
    technicians: Vec<Technician>,
    sees_all: bool,
}

async fn load(cx: &Cx) -> Result<Model, AppError> {
    let person = cx.signed_in()?;
    let query: Query = cx.query()?;
    let filter = query.filter(cx.visitor.now, &text::zone(&person.zone))?;
    let mut orders = services::work_order::list(cx, filter, i64::try_from(PAGE + 1).unwrap_or(51)).await?;
    let more = (orders.len() > PAGE).then(|| {
        orders.truncate(PAGE);
        orders.last().map(|o| query.href(&format!("{}.{}", o.window_from.as_microsecond(), o.id)))
    });
    let sees_all = person.grants.reach(Permission::WorkOrders) == Reach::All;
    let technicians = if sees_all {
        let mut tx = cx.tx().await?;
        let technicians = store::work_order::technicians(&mut tx).await?;
        tx.commit().await?;
        technicians
    } else {
        Vec::new()
    };
    Ok(Model { zone: person.zone.clone(), query, orders, more: more.flatten(), technicians, sees_all })
}

/// `GET /work-orders`
///
/// # Errors
/// A filter that cannot be read; refused without the right.
pub async fn page(cx: Cx) -> Result<Response, AppError> {
    let model = load(&cx).await?;
    Ok(Page::new("Jobs").show(&cx, || view(model)))
}

fn view(m: Model) -> impl IntoView {
    let lede = if m.sees_all {
        "What is to be done for customers: everything that is not over, and what is to come."
    } else {
        "The jobs that you are assigned to."
    };
    let actions = m.sees_all.then(|| {
        view! {
            <a class="btn btn-quiet" href="/dispatch">"Dispatch board"</a>
            <a class="btn btn-primary" href="/work-orders/new">"New job"</a>
        }
    });
    let filters = filters(&m);
    let table = if m.orders.is_empty() {
        empty(m.query.is_filtered(), m.sees_all)
    } else {
        let zone = m.zone.clone();
        let rows = m.orders.into_iter().map(|order| row(&order, &zone)).collect_view();
        let first = (!m.query.after.is_empty()).then(|| m.query.href(""));
        view! {
            <DataTable caption="Jobs, by the beginning of their windows".to_owned() head=HEAD.to_vec()>
                {rows}
            </DataTable>
            {pager(first, m.more)}
        }
        .into_any()
    };
    view! {
        <PageHead title="Jobs".to_owned() lede=lede>
            {actions}
        </PageHead>
        {filters}
        {table}
    }
}

/// This list runs forward in time: «newer» would be the wrong word.
fn pager(first: Option<String>, more: Option<String>) -> AnyView {
    if first.is_none() && more.is_none() {
        return ().into_any();
    }
    view! {
        <nav class="pager" aria-label="Pages">
            {first.map(|href| view! { <a class="btn btn-quiet pager-newer" href=href>"From the beginning"</a> })}
            {more.map(|href| view! { <a class="btn btn-quiet pager-older" rel="next" href=href>"Later ones"</a> })}
        </nav>
    }
    .into_any()
}

fn filters(m: &Model) -> impl IntoView + use<> {
    let mut states = vec![(String::new(), "Any state".to_owned())];
    states.extend(WorkOrderState::ALL.into_iter().map(|s| (s.code().to_owned(), s.label().to_owned())));
    states.extend([(UNDER_WAY.to_owned(), "Under way".to_owned()), (LATE.to_owned(), "Late".to_owned())]);
    let mut people = vec![(String::new(), "Anybody".to_owned()), ("none".to_owned(), "Nobody yet".to_owned())];
    people.extend(m.technicians.iter().map(|t| (t.member.to_string(), t.name.reveal().to_owned())));
    let (q, sees_all) = (m.query.clone(), m.sees_all);
    view! {
        <FilterBar clear="/work-orders">
            <TextField name="day" label="Day" kind="date" value=q.day required=false />
            <SelectField name="state" label="State" options=states value=q.state />
            {sees_all.then(|| view! { <SelectField name="who" label="Technician" options=people value=q.who /> })}
        </FilterBar>
    }
}

fn row(order: &WorkOrder, zone: &str) -> impl IntoView + use<> {
    let href = format!("/work-orders/{}", order.id);
    let who = order.member_name.as_ref().map_or_else(|| "Nobody yet".to_owned(), |name| name.reveal().to_owned());
    view! {
        <tr>
            <td class="nowrap"><a class="link" href=href>{parts::window(order.window_from, order.window_to, zone)}</a></td>
            <td>{parts::state(order.state)}</td>
            <td class="nowrap">{format!("#{}", order.number)}</td>
            <td>{order.customer.reveal().to_owned()}</td>
            <td>{order.address.reveal().to_owned()}</td>
            <td>{who}</td>
        </tr>
    }
}

fn empty(is_filtered: bool, sees_all: bool) -> AnyView {
    if is_filtered {
        return view! {
            <Empty icon="search" title="No job matches".to_owned() text="Take a filter away, or look at another day.".to_owned()>
                <a class="btn btn-primary" href="/work-orders">"Show all jobs"</a>
            </Empty>
        }
        .into_any();
    }
    if sees_all {
        return view! {
            <Empty
                icon="job"
                title="No jobs".to_owned()
                text="A job is a customer, an address and a time. Make one here, or from a call.".to_owned()
            >
                <a class="btn btn-primary" href="/work-orders/new">"New job"</a>
            </Empty>
        }
        .into_any();
    }
    view! {
        <Empty
            icon="job"
            title="No jobs for you".to_owned()
            text="A job appears here as soon as a dispatcher gives it to you.".to_owned()
        >
            <a class="btn btn-primary" href="/home">"Back to your home page"</a>
        </Empty>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_that_of_the_business() {
        let zone = TimeZone::get("America/Chicago").expect("a zone");
        let (from, until) = day_of("2026-11-01".parse().expect("a day"), &zone).expect("a day");
        assert_eq!(until.since(from), 25 * 3600, "clocks are set back on it");
        let now = At("2026-11-24T03:00:00Z".parse().expect("an instant"));
        assert_eq!(date_of("", now, &zone).expect("today").to_string(), "2026-11-23");
        assert!(date_of("today", now, &zone).is_err());
    }

    #[test]
    fn without_a_day_everything_that_is_not_over_is_shown() {
        let now = At("2026-11-23T12:00:00Z".parse().expect("an instant"));
        let open = Query::default().filter(now, &TimeZone::UTC).expect("a filter");
        assert!(open.with_open && open.until.is_none() && open.from.is_some());
        let day =
            Query { day: "2026-11-20".to_owned(), ..Query::default() }.filter(now, &TimeZone::UTC).expect("a filter");
        assert!(!day.with_open && day.until.is_some());
    }

    #[test]
    fn late_is_what_nobody_came_to_in_time() {
        let now = At("2026-11-23T12:00:00Z".parse().expect("an instant"));
        let filter = |state: &str| Query { state: state.to_owned(), ..Query::default() }.filter(now, &TimeZone::UTC);
        let late = filter(LATE).expect("a filter");
        assert!(late.over_by == Some(now) && !late.states.contains(&WorkOrderState::OnSite));
        assert_eq!(filter("done").expect("a filter").states, [WorkOrderState::Done]);
        assert!(filter("").expect("a filter").states.is_empty() && filter("asleep").is_err());
    }
}
