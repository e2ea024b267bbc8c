//! Jobs on the home page: for who gives them out a few figures, each the way to the list that it counts; for a technician what
//! is left of their day, on the card that leads to it.

use leptos::prelude::*;

use super::model::Model;
use crate::{
    model::permission::Permission,
    server::store::work_order::Today,
    ui::parts::{Tile, Tone},
};

/// Today's jobs in figures.
pub fn numbers(m: &Model) -> Option<AnyView> {
    let (jobs, sees_all) = (m.jobs?, m.sees_all_jobs());
    // Theirs stand on the card of their day.
    if !sees_all && m.may(Permission::PositionsSend) {
        return None;
    }
    let whose = if sees_all { "Jobs today" } else { "Your jobs today" };
    let tone = |count: i64| if count > 0 { Tone::Warn } else { Tone::Neutral };
    let unassigned = sees_all.then(|| {
        view! {
            <Tile
                label="Not assigned".to_owned()
                value=jobs.unassigned.to_string()
                note="of today"
                tone=tone(jobs.unassigned)
            />
        }
    });
    let tiles = view! {
        <section class="stack-tight" aria-label="Jobs">
            <div class="tiles">
                <Tile label=whose.to_owned() value=jobs.total.to_string() note=format!("{} done", jobs.done) />
                {unassigned}
                <Tile label="Under way".to_owned() value=jobs.under_way.to_string() note="on the way, or on site" />
                <Tile
                    label="Late".to_owned()
                    value=jobs.late.to_string()
                    note="the window is over, and nobody has come"
                    tone=tone(jobs.late)
                />
            </div>
            {links(m, jobs, sees_all)}
        </section>
    };
    Some(tiles.into_any())
}

/// The lists behind the figures, where there is something in them.
fn links(m: &Model, jobs: Today, sees_all: bool) -> AnyView {
    let link = |href: String, text: &'static str| view! { <a class="link" href=href>{text}</a> };
    let day = format!("/work-orders?day={}", m.day.date);
    let unassigned =
        (sees_all && jobs.unassigned > 0).then(|| link(format!("{day}&state=new"), "Jobs that nobody is assigned to"));
    let under_way = (jobs.under_way > 0).then(|| link("/work-orders?state=under_way".to_owned(), "Jobs under way"));
    let late = (jobs.late > 0).then(|| link("/work-orders?state=late".to_owned(), "Late jobs"));
    let board = sees_all.then(|| link("/dispatch".to_owned(), "Dispatch board"));
    view! {
        <p class="row">
            {link(day, "The jobs of today")}
            {unassigned}
            {under_way}
            {late}
            {board}
        </p>
    }
    .into_any()
}

/// What is left of a technician's day, in words.
pub fn left(m: &Model) -> Option<String> {
    let jobs = m.jobs.filter(|_| !m.sees_all_jobs())?;
    Some(words(jobs))
}

fn words(jobs: Today) -> String {
    let to_do = match jobs.to_do {
        0 => "No job to do today".to_owned(),
        1 => "1 job to do today".to_owned(),
        many => format!("{many} jobs to do today"),
    };
    if jobs.done == 0 { format!("{to_do}.") } else { format!("{to_do}, {} done.", jobs.done) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_said_in_words() {
        let day = |to_do, done| words(Today { total: to_do + done, done, unassigned: 0, under_way: 0, late: 0, to_do });
        assert_eq!(day(0, 0), "No job to do today.");
        assert_eq!(day(1, 2), "1 job to do today, 2 done.");
        assert_eq!(day(3, 0), "3 jobs to do today.");
    }
}
