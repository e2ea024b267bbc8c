//! What the form of a work order says, read as a whole: everything that is wrong with it is told at once.

use jiff::tz::TimeZone;

use crate::{
    model::{
        field::{Bad, Fields},
        geo::{Coordinate, Freshness},
        id::MemberId,
        personal::{Address, Note, PersonName},
        phone::Phone,
        position::Look,
        work_order::{Window, place, window},
    },
    server::{
        http::{AppError, Cx},
        kit::At,
        services::{audit::Act, position},
        store::{self, work_order::Details},
    },
};

/// A job lies within a year of now. Further away its day is mistyped, and it would be deleted tonight, or never.
const WITHIN: i64 = 366 * 24 * 3600;
/// A phone that knows less well where it is does not say where the customer is.
const AT_MOST_M: f32 = 100.0;

/// What the form says, as it was typed.
pub struct Draft<'a> {
    pub customer: &'a str,
    pub phone: &'a str,
    /// Whether an empty number takes away the one that is there.
    pub forget_phone: bool,
    pub address: &'a str,
    pub coordinate: &'a str,
    /// The technician who stands at the customer's now: their place is the customer's. Counts where no coordinate is typed.
    pub place_of: &'a str,
    pub day: &'a str,
    pub from: &'a str,
    pub to: &'a str,
    pub note: &'a str,
}

/// Reads it. `known`: the number that an empty field stands for.
///
/// # Errors
/// Every field that is not valid; refused for somebody's place without `map` in the whole business.
pub(super) async fn read(
    cx: &Cx,
    act: &mut Act,
    draft: &Draft<'_>,
    known: Option<&Phone>,
) -> Result<Details, AppError> {
    let mut fields = Fields::default();
    let customer = fields.take("customer", draft.customer.parse::<PersonName>());
    let phone = match draft.phone.trim() {
        "" => Some(known.cloned()),
        text => fields.take("phone", text.parse::<Phone>().map_err(|_| Bad::Phone)).map(Some),
    };
    let address = fields.take("address", draft.address.parse::<Address>());
    let typed = fields.take("coordinate", place(draft.coordinate));
    let window = taken_window(cx, draft, &mut fields)?;
    let note = match draft.note.trim() {
        "" => Some(None),
        text => fields.take("note", text.parse::<Note>()).map(Some),
    };
    let place = match (typed, draft.place_of) {
        (Some(None), member) if !member.is_empty() => {
            let found = place_of(cx, act, member).await?;
            fields.take("place_of", found.ok_or(Bad::NoPlace)).map(Some)
        }
        (typed, _) => typed,
    };
    match (customer, phone, address, place, window, note) {
        (Some(customer), Some(phone), Some(address), Some(place), Some(window), Some(note)) => {
            let (window_from, window_to) = (At::from_second(window.from), At::from_second(window.to));
            Ok(Details { customer, phone, address, place, window_from, window_to, note })
        }
        _ => Err(fields.into()),
    }
}

fn taken_window(cx: &Cx, draft: &Draft<'_>, fields: &mut Fields) -> Result<Option<Window>, AppError> {
    let zone = TimeZone::get(&cx.signed_in()?.zone).unwrap_or(TimeZone::UTC);
    match window(draft.day, draft.from, draft.to, &zone) {
        Ok(window) if (window.from - cx.visitor.now.as_second()).abs() <= WITHIN => Ok(Some(window)),
        Ok(_) => {
            fields.note("day", Bad::Date);
            Ok(None)
        }
        Err((field, bad)) => {
            fields.note(field, bad);
            Ok(None)
        }
    }
}

/// Where a technician is now, if that is known well: looked at, and so written down for them to see.
async fn place_of(cx: &Cx, act: &mut Act, member: &str) -> Result<Option<Coordinate>, AppError> {
    let Ok(member) = member.parse::<MemberId>() else { return Ok(None) };
    position::looked(&cx.app, act, Look::Nearest).await?;
    let units = store::position::latest(&mut act.tx).await?;
    let unit = units.into_iter().find(|unit| unit.member == member);
    let now = act.tx.now();
    let position = unit.and_then(|unit| unit.position);
    let exact = position.filter(|p| p.accuracy_m <= AT_MOST_M && p.freshness(now) == Freshness::Fresh);
    Ok(exact.map(|position| position.place))
}
