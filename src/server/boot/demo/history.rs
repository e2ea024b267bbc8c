//! The past: weeks of calls in business hours, from a fixed seed, so that two demos look alike. Each call is told as
//! events to the model's own state machine, so that no row says what events could not have said.

use anyhow::{Context, bail};
use jiff::{
    civil::{Date, Weekday},
    tz::TimeZone,
};
use rand::{RngExt, SeedableRng, rngs::StdRng, seq::IndexedRandom};

use super::{machine, sketch::Sketch};
use crate::{
    model::{
        call::{CallState, Direction, Standing},
        id::{ConnectionId, ExtensionId, LegId, MemberId},
        phone::Phone,
    },
    server::{
        boot::App,
        caller::Caller,
        kit::At,
        store::{
            self, TenantTx,
            demo::{PastCall, PastEvent, PastLeg},
        },
    },
};

/// The same calls in every demo. Only ids differ.
const SEED: u64 = 0x0072_696e_6766_6f72;
/// Calls written by one statement.
const BATCH: usize = 250;
/// No call of the past lasts longer than this, so none reaches into the future.
const LONGEST_SECONDS: i64 = 1800;
/// When calls come, one entry as often as the hour is busy.
const HOURS: [i8; 20] = [8, 8, 9, 9, 9, 10, 10, 10, 11, 11, 12, 13, 13, 14, 14, 14, 15, 15, 16, 17];

/// Writes the past of a business, unless it has one; true when it was written now.
///
/// # Errors
/// The database cannot be reached or refused.
pub async fn write(app: &App, owner: &Caller, sketch: &Sketch, seed: u64) -> anyhow::Result<bool> {
    let now = app.clock().now();
    let mut past = Past::of(app, owner, sketch, seed).await?;
    let mut tx = TenantTx::open(app.worker_db(), &machine(app, owner.business), now).await?;
    if store::demo::has_calls(&mut tx).await? {
        return Ok(false);
    }
    let calls = past.calls(now)?;
    for batch in calls.chunks(BATCH) {
        store::demo::insert(&mut tx, batch).await?;
    }
    tx.commit().await?;
    Ok(true)
}

/// What a business's past is made of.
struct Past<'a> {
    app: &'a App,
    sketch: &'a Sketch,
    rng: StdRng,
    connection: ConnectionId,
    own: Phone,
    desks: Vec<Desk>,
}

#[derive(Clone)]
struct Desk {
    extension: ExtensionId,
    member: MemberId,
    number: Option<Phone>,
}

impl<'a> Past<'a> {
    async fn of(app: &'a App, owner: &Caller, sketch: &'a Sketch, seed: u64) -> anyhow::Result<Self> {
        let mut tx = TenantTx::open(app.db(), owner, app.clock().now()).await?;
        let connections = store::connection::list(&mut tx).await?;
        let extensions = store::extension::list(&mut tx).await?;
        tx.commit().await?;
        let line = connections.into_iter().find(|c| c.number.is_some()).context("the business has no line")?;
        let mut desks = Vec::with_capacity(extensions.len());
        for x in extensions {
            let number = x.number.map(|number| number.parse::<Phone>()).transpose()?;
            desks.push(Desk { extension: ExtensionId(x.id), member: MemberId(x.member_id), number });
        }
        if desks.is_empty() {
            bail!("the business has no desks");
        }
        let own: Phone = line.number.unwrap_or_default().parse()?;
        let rng = StdRng::seed_from_u64(SEED.wrapping_add(seed));
        Ok(Self { app, sketch, rng, connection: line.id, own, desks })
    }

    /// Every call that had ended by `now`.
    fn calls(&mut self, now: At) -> anyhow::Result<Vec<PastCall>> {
        let zone = TimeZone::get(self.sketch.zone)?;
        let mut day = now.0.to_zoned(zone.clone()).date();
        let mut calls = Vec::new();
        for _ in 0..self.sketch.days {
            for _ in 0..self.volume(day) {
                let start = self.moment(day, &zone)?;
                if start.plus(LONGEST_SECONDS) < now {
                    calls.push(self.call(start)?);
                }
            }
            day = day.yesterday()?;
        }
        Ok(calls)
    }

    /// How many calls a day brings.
    fn volume(&mut self, day: Date) -> u32 {
        let usual = match day.weekday() {
            Weekday::Saturday => self.sketch.weekday_calls / 3,
            Weekday::Sunday => self.sketch.weekday_calls / 9,
            _ => self.sketch.weekday_calls,
        };
        self.rng.random_range(usual * 3 / 4..=usual * 5 / 4)
    }

    fn moment(&mut self, day: Date, zone: &TimeZone) -> anyhow::Result<At> {
        let hour = HOURS.choose(&mut self.rng).copied().unwrap_or(10);
        let (minute, second) = (self.rng.random_range(0..60), self.rng.random_range(0..60));
        Ok(At(day.at(hour, minute, second, 0).to_zoned(zone.clone())?.timestamp()))
    }

    fn call(&mut self, start: At) -> anyhow::Result<PastCall> {
        if self.rng.random_ratio(self.sketch.outbound, 100) { self.outbound(start) } else { self.inbound(start) }
    }

    fn inbound(&mut self, start: At) -> anyhow::Result<PastCall> {
        let (own, desks) = self.dialed();
        let mut story = self.begin(Direction::Inbound, own, start)?;
        story.hear(CallState::Ringing, -1, start);
        let (end, wait) = match self.rng.random_range(0..100) {
            0..77 => (CallState::Completed, self.rng.random_range(3..19)),
            77..88 => (CallState::NoAnswer, 20),
            88..95 => (CallState::Canceled, self.rng.random_range(4..20)),
            95..98 => (CallState::Busy, 2),
            _ => (CallState::Failed, 1),
        };
        let (rings, settled) = (start.plus(1), start.plus(1 + wait));
        let over = settled.plus(self.talk());
        let winner = self.rng.random_range(0..desks.len());
        for (i, desk) in desks.iter().enumerate() {
            let mut steps = vec![(CallState::Initiated, rings), (CallState::Ringing, rings)];
            match end {
                CallState::Completed if i == winner => {
                    steps.extend([(CallState::InProgress, settled), (CallState::Completed, over)]);
                }
                // Somebody else was faster.
                CallState::Completed => steps.push((CallState::Canceled, settled)),
                end => steps.push((end, settled)),
            }
            story.leg(sid(&mut self.rng), desk, start, &steps);
        }
        if end == CallState::Completed {
            story.call.member = Some(desks[winner].member);
            story.hear(CallState::InProgress, 0, settled);
            story.hear(end, 1, over);
        } else {
            story.hear(end, 0, settled);
        }
        Ok(story.call)
    }

    fn outbound(&mut self, start: At) -> anyhow::Result<PastCall> {
        let mut story = self.begin(Direction::Outbound, self.own.clone(), start)?;
        let (end, wait) = match self.rng.random_range(0..100) {
            0..58 => (CallState::Completed, self.rng.random_range(5..22)),
            58..84 => (CallState::NoAnswer, 25),
            84..92 => (CallState::Busy, 3),
            92..96 => (CallState::Canceled, self.rng.random_range(4..20)),
            _ => (CallState::Failed, 1),
        };
        let settled = start.plus(2 + wait);
        story.hear(CallState::Initiated, 0, start);
        if end == CallState::Failed {
            story.hear(end, 1, settled);
            return Ok(story.call);
        }
        story.hear(CallState::Ringing, 1, start.plus(2));
        let desk = self.desks.choose(&mut self.rng).cloned();
        match desk {
            Some(desk) if end == CallState::Completed => {
                let (picked_up, over) = (settled.plus(2), settled.plus(2 + self.talk()));
                let steps = [
                    (CallState::Initiated, settled),
                    (CallState::Ringing, settled),
                    (CallState::InProgress, picked_up),
                    (CallState::Completed, over),
                ];
                story.leg(sid(&mut self.rng), &desk, settled, &steps);
                story.call.member = Some(desk.member);
                story.hear(CallState::InProgress, 2, settled);
                story.hear(end, 3, over);
            }
            _ => story.hear(end, 2, settled),
        }
        Ok(story.call)
    }

    /// What was called, and what rang: a desk with a number of its own rings alone, the main line rings everywhere.
    fn dialed(&mut self) -> (Phone, Vec<Desk>) {
        let direct: Vec<&Desk> = self.desks.iter().filter(|desk| desk.number.is_some()).collect();
        match direct.choose(&mut self.rng) {
            Some(Desk { number: Some(number), extension, member }) if self.rng.random_ratio(3, 5) => {
                let desk = Desk { extension: *extension, member: *member, number: None };
                (number.clone(), vec![desk])
            }
            _ => (self.own.clone(), self.desks.clone()),
        }
    }

    fn talk(&mut self) -> i64 {
        // Most are short, some are long.
        let longest = if self.rng.random_ratio(1, 6) { LONGEST_SECONDS - 60 } else { 320 };
        self.rng.random_range(20..longest)
    }

    fn begin(&mut self, direction: Direction, own: Phone, start: At) -> anyhow::Result<Story<'a>> {
        // Exchange 555, lines 0100 to 0199: telephones of nobody.
        let area = self.sketch.areas.choose(&mut self.rng).copied().unwrap_or(312);
        let line: u8 = self.rng.random_range(0..100);
        let party: Phone = format!("+1{area}55501{line:02}").parse()?;
        let call = PastCall {
            id: self.app.draw_at(start),
            connection: self.connection,
            provider_id: sid(&mut self.rng),
            direction,
            party,
            own,
            member: None,
            standing: Standing { state: CallState::Queued, seq: -2 },
            started_at: start,
            state_at: start,
            answered_at: None,
            ended_at: None,
            legs: Vec::new(),
            events: Vec::new(),
        };
        Ok(Story { app: self.app, call })
    }
}

/// A call as it is told.
struct Story<'a> {
    app: &'a App,
    call: PastCall,
}

impl Story<'_> {
    /// An event of the call itself.
    fn hear(&mut self, state: CallState, seq: i32, at: At) {
        let heard = Standing { state, seq };
        if self.call.standing.after(heard) == heard {
            (self.call.standing, self.call.state_at) = (heard, at);
        }
        if state == CallState::InProgress {
            self.call.answered_at = Some(at);
        }
        if state.is_end() {
            self.call.ended_at = Some(at);
        }
        self.note(None, heard, at);
    }

    /// A leg, with everything that happened on it.
    fn leg(&mut self, provider_id: String, desk: &Desk, start: At, steps: &[(CallState, At)]) {
        let id: LegId = self.app.draw_at(start);
        let (mut standing, mut state_at) = (Standing { state: CallState::Queued, seq: -1 }, start);
        for (seq, (state, at)) in (0..).zip(steps) {
            let heard = Standing { state: *state, seq };
            (standing, state_at) = (standing.after(heard), *at);
            self.note(Some(id), heard, *at);
        }
        let (extension, member) = (desk.extension, desk.member);
        self.call.legs.push(PastLeg { id, provider_id, extension, member, standing, state_at });
    }

    fn note(&mut self, leg: Option<LegId>, heard: Standing, at: At) {
        let id = self.app.draw_at(at);
        self.call.events.push(PastEvent { id, leg, state: heard.state, seq: heard.seq, at });
    }
}

/// An id as Twilio makes them.
fn sid(rng: &mut StdRng) -> String {
    format!("CA{:032x}", rng.random::<u128>())
}
