//! Masked calls that nobody answers (TEL-7): a customer reaches the desks, a technician is told, and neither learns a number.

use ringfort::model::profile::Profile;

use super::{CUSTOMER, Field, PROXY, TECHNICIAN, leads_to_the_desks};
use crate::kit::{
    PUBLIC_URL, form,
    twilio::{post, sid, sign},
};

impl Field {
    /// The ringing that `answer` asked for is over: what Twilio is told to do now.
    async fn rang_out(&self, number: u32, from: &str, answer: &str, how: &str) -> String {
        let (call, leg) = (sid(number), sid(number + 1_000_000));
        let fields = [
            ("CallSid", call.as_str()),
            ("CallStatus", "ringing"),
            ("Direction", "inbound"),
            ("From", from),
            ("To", PROXY),
            ("DialCallSid", leg.as_str()),
            ("DialCallStatus", how),
        ];
        let reply = self.twilio.post(&self.app, &asks_at(answer), &fields).await;
        assert_eq!(reply.status, 200, "{}", reply.body);
        reply.body
    }
}

/// The door that Twilio asks when the ringing is over.
fn asks_at(answer: &str) -> String {
    let (_, rest) = answer.split_once("action=\"").unwrap_or_else(|| panic!("nothing rings: {answer}"));
    let address = rest.split('"').next().unwrap_or_default();
    address.rsplit('/').next().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn tel_7_a_customer_who_is_not_answered_reaches_the_desks_and_a_technician_is_told() {
    let field = Field::start(&[PROXY]).await;
    let job = field.job(CUSTOMER, 0).await;
    field.open(job).await;
    let inward = field.call(1, CUSTOMER, PROXY).await;
    for how in ["no-answer", "busy", "failed", "no-answer"] {
        let desks = field.rang_out(1, CUSTOMER, &inward, how).await;
        assert!(leads_to_the_desks(&desks), "{how}: {desks}");
        // Where no desk answers either, that is the end and not another round.
        assert!(field.rang_out(1, CUSTOMER, &desks, how).await.ends_with("?><Response/>"), "{how}");
    }
    let outward = field.call(2, TECHNICIAN, PROXY).await;
    for _ in 0..2 {
        let told = field.rang_out(2, TECHNICIAN, &outward, "no-answer").await;
        assert!(told.contains("<Response><Say>The customer does not answer."), "{told}");
        assert!(told.ends_with("<Hangup/></Response>") && !told.contains("<Dial"), "{told}");
        assert!(!told.contains(CUSTOMER) && !told.contains(TECHNICIAN), "{told}");
    }
    let noted = "audit_entries where action = 'masked_call.missed' and target_id = (select id from proxy_sessions)";
    assert_eq!(field.count(noted).await, 2, "once for each call");
    assert_eq!(field.count("masked_calls where missed_at is not null").await, 2);
    // Whoever has talked, or has hung up, hears nothing more.
    let other = field.call(3, CUSTOMER, PROXY).await;
    for how in ["completed", "answered", "canceled"] {
        assert!(field.rang_out(3, CUSTOMER, &other, how).await.ends_with("?><Response/>"), "{how}");
        assert!(field.rang_out(2, TECHNICIAN, &outward, how).await.ends_with("?><Response/>"), "{how}");
    }
    assert_eq!(field.count(noted).await, 2);
    // The job may be over before the ringing is.
    field.set_state(job, "done").await;
    assert!(leads_to_the_desks(&field.rang_out(3, CUSTOMER, &other, "no-answer").await));
}

#[tokio::test]
async fn tel_7_what_comes_after_the_ringing_is_asked_by_the_provider_and_leaks_no_number() {
    let field = Field::start(&[PROXY]).await;
    let job = field.job(CUSTOMER, 0).await;
    field.open(job).await;
    field.call(1, CUSTOMER, PROXY).await;
    let call = sid(1);
    let asked = |to: &'static str| {
        [
            ("CallSid", call.as_str()),
            ("CallStatus", "ringing"),
            ("Direction", "inbound"),
            ("From", CUSTOMER),
            ("To", to),
            ("DialCallStatus", "no-answer"),
        ]
    };
    let fields = [&[("AccountSid", field.twilio.account.as_str())][..], &asked(PROXY)[..]].concat();
    for door in ["masked-customer", "masked-technician"] {
        let path = field.twilio.path(door);
        // Signed for another door; by somebody else; not at all.
        let elsewhere = sign(&format!("{PUBLIC_URL}{}", field.twilio.path("dial")), &fields, &field.twilio.auth);
        let stranger = sign(&format!("{PUBLIC_URL}{path}"), &fields, "ffffffffffffffffffffffffffffffff");
        for signature in [Some(elsewhere.as_str()), Some(stranger.as_str()), None] {
            assert_eq!(post(&field.app, &path, signature, form(&fields)).await.status, 401, "{door}");
        }
    }
    assert_eq!(field.count("masked_calls where missed_at is not null").await, 0);
    // Without a number of ours to show, nothing rings: a desk that is a telephone would see the customer's.
    let nowhere = field.twilio.post(&field.app, "masked-customer", &asked("client:desk_101")).await;
    assert!(nowhere.status == 200 && !nowhere.body.contains("<Dial"), "{}", nowhere.body);
    // Through another business's connection it is a call that nobody there knows.
    let other = field.app.business("b", Profile::FieldService).await;
    let before = field.count("masked_calls where missed_at is not null").await;
    let theirs = field.app.twilio(&other).await.post(&field.app, "masked-customer", &asked(PROXY)).await;
    assert!(theirs.status == 200 && !theirs.body.contains("desk_101"), "{}", theirs.body);
    assert!(!theirs.body.contains(CUSTOMER) && !theirs.body.contains(TECHNICIAN), "{}", theirs.body);
    assert_eq!(field.count("masked_calls where missed_at is not null").await, before);
    let written =
        "audit_entries e where e::text like '%5550133%' or e::text like '%5550144%' or e::text like '%5550021%'";
    assert_eq!(field.count(written).await, 0, "the log holds ids");
}
