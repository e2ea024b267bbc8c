//! One call, as Twilio tells it: the voice webhook, the legs that ring, who answers, and how it ends.

use jiff::Timestamp;
use rand::{RngExt, rngs::StdRng, seq::IndexedRandom};

use super::{
    carrier::Carrier,
    signer::Fields,
    twiml::{self, Plan},
};
use crate::server::{
    kit::clock::{Clock, SystemClock},
    vault::Secret,
};

/// A telephone line of a business of the demo.
pub struct Line {
    pub business: String,
    pub account: String,
    pub secret: Secret,
    pub voice_url: String,
    pub status_url: String,
    pub number: String,
    /// Numbers that ring one desk.
    pub direct: Vec<String>,
    /// Of a hundred calls, how many go out.
    pub outbound: u32,
}

/// How a call ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Answered,
    NoAnswer,
    Busy,
    Abandoned,
}

/// Where callers' telephones are. With exchange 555 and lines 0100 to 0199 they belong to nobody.
const AREAS: [u16; 8] = [312, 773, 212, 646, 303, 720, 213, 415];

/// A call under way.
struct Call<'a> {
    carrier: &'a Carrier,
    line: &'a Line,
    rng: StdRng,
    /// What every event of the call says.
    fields: Fields,
    seq: u32,
}

/// A leg of it.
struct Leg {
    to: String,
    status_url: String,
    fields: Fields,
    seq: u32,
}

/// Plays one call from its first event to its last.
///
/// # Errors
/// The server does not answer, or refuses an event.
pub async fn play(carrier: &Carrier, line: &Line, mut rng: StdRng) -> anyhow::Result<()> {
    let fate = match rng.random_range(0..100) {
        0..70 => Fate::Answered,
        70..83 => Fate::NoAnswer,
        83..94 => Fate::Abandoned,
        _ => Fate::Busy,
    };
    if rng.random_ratio(line.outbound.min(100), 100) {
        outbound(Call::new(carrier, line, rng, true), fate).await
    } else {
        inbound(Call::new(carrier, line, rng, false), fate).await
    }
}

async fn inbound(mut call: Call<'_>, fate: Fate) -> anyhow::Result<()> {
    let plan = call.voice("ringing").await?;
    call.carrier.pause(1).await;
    if plan.nouns.is_empty() {
        // Somebody says sorry and hangs up.
        call.tell("in-progress", None).await?;
        call.carrier.pause(4).await;
        return call.tell("completed", Some(4)).await;
    }
    call.ring(&plan, fate, false).await
}

async fn outbound(mut call: Call<'_>, fate: Fate) -> anyhow::Result<()> {
    call.tell("initiated", None).await?;
    call.carrier.pause(1).await;
    call.tell("ringing", None).await?;
    let wait = call.rng.random_range(3..10);
    call.carrier.pause(wait).await;
    match fate {
        Fate::NoAnswer => return call.tell("no-answer", None).await,
        Fate::Busy => return call.tell("busy", None).await,
        Fate::Abandoned => return call.tell("canceled", None).await,
        Fate::Answered => {}
    }
    call.tell("in-progress", None).await?;
    let plan = call.voice("in-progress").await?;
    if plan.nouns.is_empty() {
        call.carrier.pause(4).await;
        return call.tell("completed", Some(4)).await;
    }
    call.ring(&plan, Fate::Answered, true).await
}

impl<'a> Call<'a> {
    fn new(carrier: &'a Carrier, line: &'a Line, mut rng: StdRng, is_outbound: bool) -> Self {
        let own = match line.direct.choose(&mut rng) {
            Some(direct) if !is_outbound && rng.random_ratio(1, 2) => direct.clone(),
            _ => line.number.clone(),
        };
        let area = AREAS.choose(&mut rng).copied().unwrap_or(312);
        let person = format!("+1{area}55501{:02}", rng.random_range(0..100u8));
        let is_withheld = !is_outbound && rng.random_ratio(1, 30);
        let person = if is_withheld { "anonymous".to_owned() } else { person };
        let (from, to, direction) = if is_outbound { (own, person, "outbound-api") } else { (person, own, "inbound") };
        let fields = Fields::from([
            ("AccountSid", line.account.clone()),
            ("ApiVersion", "2010-04-01".to_owned()),
            ("CallSid", sid(&mut rng)),
            ("Called", to.clone()),
            ("Caller", from.clone()),
            ("Direction", direction.to_owned()),
            ("From", from),
            ("To", to),
        ]);
        Self { carrier, line, rng, fields, seq: 0 }
    }

    /// Asks the server what shall happen.
    async fn voice(&self, status: &str) -> anyhow::Result<Plan> {
        let mut fields = self.fields.clone();
        fields.insert("CallStatus", status.to_owned());
        let answer = self.carrier.post(&self.line.voice_url, &fields, &self.line.secret).await?;
        Ok(twiml::read(&answer))
    }

    /// A status callback of the call itself.
    async fn tell(&mut self, status: &str, seconds: Option<u32>) -> anyhow::Result<()> {
        let fields = event(&self.fields, status, self.seq, seconds);
        self.seq += 1;
        self.carrier.post(&self.line.status_url, &fields, &self.line.secret).await?;
        Ok(())
    }

    /// A status callback of a leg.
    async fn tell_leg(&self, leg: &mut Leg, status: &str, seconds: Option<u32>) -> anyhow::Result<()> {
        let fields = event(&leg.fields, status, leg.seq, seconds);
        leg.seq += 1;
        self.carrier.post(&leg.status_url, &fields, &self.line.secret).await?;
        Ok(())
    }

    async fn tell_legs(&self, legs: &mut [Leg], status: &str) -> anyhow::Result<()> {
        for leg in legs {
            self.tell_leg(leg, status, None).await?;
        }
        Ok(())
    }

    fn legs(&mut self, plan: &Plan) -> Vec<Leg> {
        let parent = self.fields.get("CallSid").cloned().unwrap_or_default();
        let from = self.fields.get("From").cloned().unwrap_or_default();
        let mut legs = Vec::with_capacity(plan.nouns.len());
        for noun in &plan.nouns {
            let fields = Fields::from([
                ("AccountSid", self.line.account.clone()),
                ("ApiVersion", "2010-04-01".to_owned()),
                ("CallSid", sid(&mut self.rng)),
                ("Called", noun.to.clone()),
                ("Caller", from.clone()),
                ("Direction", "outbound-dial".to_owned()),
                ("From", from.clone()),
                ("ParentCallSid", parent.clone()),
                ("To", noun.to.clone()),
            ]);
            legs.push(Leg { to: noun.to.clone(), status_url: noun.status_url.clone(), fields, seq: 0 });
        }
        legs
    }

    /// Rings all desks and goes on to the end. `is_up` when the customer talks already, as on a call that went out.
    async fn ring(&mut self, plan: &Plan, fate: Fate, is_up: bool) -> anyhow::Result<()> {
        let mut legs = self.legs(plan);
        self.tell_legs(&mut legs, "initiated").await?;
        self.tell_legs(&mut legs, "ringing").await?;
        let (wait, end) = match fate {
            Fate::Answered => (self.rng.random_range(2..9), "completed"),
            Fate::NoAnswer => (18, "no-answer"),
            Fate::Busy => (1, "busy"),
            Fate::Abandoned => (self.rng.random_range(3..14), "canceled"),
        };
        self.carrier.pause(wait).await;
        if fate == Fate::Answered {
            return self.talk(plan, legs, is_up).await;
        }
        self.tell_legs(&mut legs, end).await?;
        // Who has hung up is not asked what comes next.
        if let Some(leg) = legs.first().filter(|_| fate != Fate::Abandoned) {
            self.ask_next(plan, leg, "ringing", end, 0).await?;
        }
        self.tell(end, None).await
    }

    async fn talk(&mut self, plan: &Plan, mut legs: Vec<Leg>, is_up: bool) -> anyhow::Result<()> {
        let winner = self.rng.random_range(0..legs.len());
        let mut answered = legs.swap_remove(winner);
        tracing::debug!(business = %self.line.business, desk = %answered.to, "a simulated call is answered");
        self.tell_leg(&mut answered, "in-progress", None).await?;
        if !is_up {
            self.tell("in-progress", None).await?;
        }
        self.tell_legs(&mut legs, "canceled").await?;
        let seconds = self.rng.random_range(8..50);
        self.carrier.pause(seconds).await;
        self.tell_leg(&mut answered, "completed", Some(seconds)).await?;
        self.ask_next(plan, &answered, "in-progress", "completed", seconds).await?;
        self.tell("completed", Some(seconds)).await
    }

    /// The ringing has ended: what comes next?
    async fn ask_next(&self, plan: &Plan, leg: &Leg, status: &str, dial: &str, seconds: u32) -> anyhow::Result<()> {
        let Some(action) = &plan.action else { return Ok(()) };
        let mut fields = self.fields.clone();
        fields.insert("CallStatus", status.to_owned());
        fields.insert("DialCallStatus", dial.to_owned());
        fields.insert("DialCallSid", leg.fields.get("CallSid").cloned().unwrap_or_default());
        fields.insert("DialCallDuration", seconds.to_string());
        self.carrier.post(action, &fields, &self.line.secret).await?;
        Ok(())
    }
}

/// The fields of a status callback: those of its call or leg, and what has happened now.
fn event(of: &Fields, status: &str, seq: u32, seconds: Option<u32>) -> Fields {
    let mut fields = of.clone();
    fields.insert("CallStatus", status.to_owned());
    fields.insert("CallbackSource", "call-progress-events".to_owned());
    fields.insert("SequenceNumber", seq.to_string());
    fields.insert("Timestamp", rfc2822(SystemClock.now().0));
    if let Some(seconds) = seconds {
        fields.insert("CallDuration", seconds.to_string());
    }
    fields
}

/// As Twilio writes it: `Tue, 01 Sep 2026 15:04:05 +0000`.
fn rfc2822(at: Timestamp) -> String {
    at.strftime("%a, %d %b %Y %H:%M:%S +0000").to_string()
}

fn sid(rng: &mut StdRng) -> String {
    format!("CA{:032x}", rng.random::<u128>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_twilio_writes_them() {
        let at: Timestamp = "2026-09-01T15:04:05.9Z".parse().expect("a time");
        assert_eq!(rfc2822(at), "Tue, 01 Sep 2026 15:04:05 +0000");
    }
}
