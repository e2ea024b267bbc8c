//! The form of a role: its name, and a choice for each permission. It asks by the address, so it works without scripts and changes
//! nothing. What was touched since the page was loaded is marked and counted by the style sheet (`.cells` in `style/app.css`):
//! a browser knows which choice a page came with.

use leptos::prelude::*;

use super::Model;
use crate::{
    model::permission::{Grants, Group, Reach, Row, TABLE},
    ui::parts::{Card, Submit, TextField, Tone},
};

pub(super) fn form(m: &Model) -> AnyView {
    let (today, to, mine) = (m.preview.role.grants, m.preview.to, m.mine);
    let mut groups: Vec<(Group, Vec<AnyView>)> = Vec::new();
    for row in TABLE {
        let line = line(row, today, to, mine);
        match groups.last_mut() {
            Some((group, lines)) if *group == row.group => lines.push(line),
            _ => groups.push((row.group, vec![line])),
        }
    }
    let groups = groups.into_iter().map(|(group, lines)| section(group, lines)).collect_view();
    let problem = m.problems.iter().find(|(name, _)| name == "name").map(|(_, text)| text.clone());
    let tone = if m.is_chosen { Tone::Neutral } else { Tone::Accent };
    let (name, cancel) = (m.name.clone(), format!("/roles/{}", m.preview.role.id));
    view! {
        <Card title="1. Choose">
            <form class="form cells" method="get">
                <TextField name="name" label="Name" value=name problem=problem autocomplete="off" maxlength=40 />
                {groups}
                <p class="cells-count hint" aria-hidden="true"></p>
                <div class="form-actions">
                    <Submit label="Show who gains and loses what" tone=tone />
                    <a class="btn btn-ghost" href=cancel>"Start again"</a>
                </div>
            </form>
        </Card>
    }
    .into_any()
}

fn section(group: Group, lines: Vec<AnyView>) -> AnyView {
    view! {
        <section class="stack-tight">
            <h3 class="section-title">{group.label()}</h3>
            {lines}
        </section>
    }
    .into_any()
}

/// One permission: how far it may reach, as far as the person has it themselves, and how far it reaches today.
fn line(row: &'static Row, today: Grants, to: Grants, mine: Grants) -> AnyView {
    let (was, chosen, most) = (today.reach(row.permission), to.reach(row.permission), mine.reach(row.permission));
    let choices =
        row.knows.iter().map(|reach| choice(row, *reach, chosen, *reach <= most || *reach == was)).collect_view();
    let note = (was != chosen).then(|| {
        let text = format!("today: {}", was.label());
        view! { <span class="cell-note">{text}</span> }
    });
    view! {
        <fieldset class="cells-row">
            <legend class="cells-name">{row.label}</legend>
            <div class="row">{choices}</div>
            {note}
        </fieldset>
    }
    .into_any()
}

fn choice(row: &'static Row, reach: Reach, chosen: Reach, may: bool) -> AnyView {
    let (is_chosen, is_off) = (reach == chosen, !may);
    view! {
        <label class="check">
            <input type="radio" class="radio" name=row.code value=reach.code() checked=is_chosen disabled=is_off />
            <span>{reach.label()}</span>
        </label>
    }
    .into_any()
}
