//! What pages of work orders draw alike: states, windows, and the fields of their form.

use leptos::prelude::*;

use crate::{
    model::{
        geo::{FEET, MILE_M},
        phone::Phone,
        work_order::{WorkOrderState, typed},
    },
    server::{
        http::flash::FormState,
        kit::At,
        pages::text,
        store::work_order::{Technician, WorkOrder},
    },
    ui::parts::{Badge, SelectField, TextField, Tone},
};

/// A state as word, shape and colour.
#[must_use]
pub fn state(state: WorkOrderState) -> AnyView {
    let (tone, icon) = match state {
        WorkOrderState::New => (Tone::Warn, "warn"),
        WorkOrderState::Assigned => (Tone::Neutral, "user"),
        WorkOrderState::EnRoute => (Tone::Info, "play"),
        WorkOrderState::OnSite => (Tone::Accent, "home"),
        WorkOrderState::Done => (Tone::Good, "check"),
        WorkOrderState::Canceled => (Tone::Neutral, "cross"),
    };
    view! { <Badge tone=tone icon=icon text=state.label().to_owned() /> }.into_any()
}

/// A window in `zone`: «Mon 23 Nov, 08:00–10:30».
#[must_use]
pub fn window(from: At, to: At, zone: &str) -> String {
    let zone = text::zone(zone);
    let (from, to) = (from.0.to_zoned(zone.clone()), to.0.to_zoned(zone));
    format!("{}–{}", from.strftime("%a %-d %b, %H:%M"), to.strftime("%H:%M"))
}

/// The times alone, where the day is known: «08:00–10:30».
#[must_use]
pub fn times(from: At, to: At, zone: &str) -> String {
    let zone = text::zone(zone);
    let (from, to) = (from.0.to_zoned(zone.clone()), to.0.to_zoned(zone));
    format!("{}–{}", from.strftime("%H:%M"), to.strftime("%H:%M"))
}

/// A distance for people: «450 ft», «2.4 mi».
#[must_use]
pub fn distance(metres: f64) -> String {
    let (feet, miles) = ((metres * FEET).max(0.0), metres / MILE_M);
    if feet < 1_000.0 { format!("{feet:.0} ft") } else { format!("{miles:.1} mi") }
}

/// What the form of a work order begins with.
#[derive(Debug, Default)]
pub struct Known {
    pub customer: String,
    /// The number that an empty field stands for, masked.
    pub phone: Option<String>,
    pub address: String,
    pub coordinate: String,
    pub day: String,
    pub from: String,
    pub to: String,
    pub note: String,
}

impl Known {
    /// What a work order says now.
    #[must_use]
    pub fn of(order: &WorkOrder, zone: &str) -> Self {
        let zone = text::zone(zone);
        let (from, to) = (order.window_from.0.to_zoned(zone.clone()), order.window_to.0.to_zoned(zone));
        Self {
            customer: order.customer.reveal().to_owned(),
            phone: order.phone.as_ref().map(Phone::to_string),
            address: order.address.reveal().to_owned(),
            coordinate: order.place.as_ref().map(typed).unwrap_or_default(),
            day: from.strftime("%Y-%m-%d").to_string(),
            from: from.strftime("%H:%M").to_string(),
            to: to.strftime("%H:%M").to_string(),
            note: order.note.as_ref().map(|note| note.reveal().to_owned()).unwrap_or_default(),
        }
    }
}

/// The fields that making and changing have alike.
#[must_use]
pub fn fields(form: &FormState, known: &Known, technicians: &[Technician]) -> AnyView {
    let phone_hint = match &known.phone {
        Some(masked) => format!("With its country code, like +14155550100. Empty: {masked} stays."),
        None => {
            "With its country code, like +14155550100. Needed to text a tracking link and for masked calls.".to_owned()
        }
    };
    let text = |name: &'static str, label: &'static str, known: &str, hint: &'static str, required: bool, most: u32| {
        let (value, problem) = (form.value(name, known), form.problem(name));
        view! {
            <TextField
                name=name label=label value=value problem=problem hint=hint required=required maxlength=most
                autocomplete="off"
            />
        }
        .into_any()
    };
    let time = |name: &'static str, label: &'static str, known: &str, kind: &'static str| {
        let (value, problem) = (form.value(name, known), form.problem(name));
        view! { <TextField name=name label=label kind=kind value=value problem=problem /> }.into_any()
    };
    let (phone, phone_problem) = (form.value("phone", ""), form.problem("phone"));
    view! {
        {text("customer", "Customer", &known.customer, "Who the technician asks for.", true, 80)}
        <TextField
            name="phone" label="Customer's number" kind="tel" value=phone problem=phone_problem hint=phone_hint
            required=false maxlength=24 autocomplete="off"
        />
        {text("address", "Address", &known.address, "Street, number, place, in one line.", true, 200)}
        {place(form, known, technicians)}
        {time("day", "Day", &known.day, "date")}
        {time("from", "From", &known.from, "time")}
        {time("to", "To", &known.to, "time")}
        {text("note", "Note", &known.note, "What the technician should know. No codes of doors or alarms.", false, 500)}
    }
    .into_any()
}

/// Where the address is on the map: typed, pasted from a map, or where a technician stands now.
fn place(form: &FormState, known: &Known, technicians: &[Technician]) -> AnyView {
    let (value, problem) = (form.value("coordinate", &known.coordinate), form.problem("coordinate"));
    let (whose, whose_problem) = (form.value("place_of", ""), form.problem("place_of"));
    let mut people = vec![(String::new(), "Nobody: as typed above, or none".to_owned())];
    people.extend(technicians.iter().map(|t| (t.member.to_string(), t.name.reveal().to_owned())));
    view! {
        <TextField
            name="coordinate"
            label="Place on the map"
            value=value
            problem=problem
            hint="Latitude and longitude, like 41.8781, -87.6298: copy them from the map page or any map. Needed to suggest the \
                  nearest technician and to say how far they are."
            required=false
            maxlength=60
            autocomplete="off"
        />
        <SelectField
            name="place_of"
            label="Or the present place of"
            options=people
            value=whose
            problem=whose_problem
            hint="For who stands at the customer's now and whose phone says exactly where. This look at a location is written \
                  down, and the technician sees it."
        />
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_and_distances_read_like_those_of_people() {
        let from = At("2026-11-23T14:00:00Z".parse().expect("an instant"));
        assert_eq!(window(from, from.plus(9_000), "America/Chicago"), "Mon 23 Nov, 08:00–10:30");
        assert_eq!(times(from, from.plus(9_000), "America/Chicago"), "08:00–10:30");
        assert_eq!([distance(-0.1), distance(137.2), distance(3_862.4)], ["0 ft", "450 ft", "2.4 mi"]);
    }
}
