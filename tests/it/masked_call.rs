//! Masked calls (TEL-7): the two reach each other through a number of the business, nobody sees the other's, and whoever has no
//! session at that moment reaches the desks. What happens when nobody answers stands in [`missed`], and where the desks ring in
//! [`desks`].

mod desks;
mod missed;

use futures::future::join_all;
use ringfort::{
    model::{
        id::{MemberId, WorkOrderId},
        permission::Role,
        profile::Profile,
    },
    server::jobs::worker,
};
use uuid::Uuid;

use crate::kit::{
    Browser, Business, Reply, TestApp,
    fixture::TARGET,
    sql,
    twilio::{NUMBER, Twilio, sid},
    until,
};

const CUSTOMER: &str = "+14155550133";
const TECHNICIAN: &str = "+14155550144";
const PROXY: &str = "+15005550021";
const SPARE: &str = "+15005550022";
const HOUR: i64 = 3600;

/// A business with a line, a desk and a technician who has said where they are reached.
struct Field {
    app: TestApp,
    business: Business,
    twilio: Twilio,
    technician: Browser,
    owner: Browser,
}

impl Field {
    async fn start(numbers: &[&str]) -> Self {
        let app = TestApp::start().await;
        let business = app.business("a", Profile::FieldService).await;
        let twilio = app.twilio(&business).await;
        let desk = format!(
            "insert into extensions (business_id, id, extension, member_id, target, created_at)
             values ('{}', gen_random_uuid(), '101', '{}', '{TARGET}', now())",
            business.id.0,
            business.member(Role::Agent).id.0
        );
        sql::run(&app.owner, desk).await;
        let technician = app.browser(business.member(Role::Technician)).await;
        let owner = app.browser(business.member(Role::Owner)).await;
        let field = Self { app, business, twilio, technician, owner };
        for number in numbers {
            let connection = field.twilio.connection.to_string();
            let fields = [("connection", connection.as_str()), ("number", *number)];
            let reply = field.owner.post("/api/proxy-numbers/add", &fields).await;
            assert_eq!(reply.status, 303, "{}", reply.body);
        }
        let reply = field.technician.post("/api/account/phone/save", &[("own_phone", TECHNICIAN)]).await;
        assert_eq!(reply.header("location"), Some("/account/phone"), "{}", reply.body);
        field
    }

    fn me(&self) -> MemberId {
        self.business.member(Role::Technician).id
    }

    /// A job of the technician's whose window begins so many seconds from now and lasts two hours.
    async fn job(&self, customer: &str, begins: i64) -> WorkOrderId {
        self.job_of(self.me(), customer, begins).await
    }

    async fn job_of(&self, member: MemberId, customer: &str, begins: i64) -> WorkOrderId {
        let id: WorkOrderId = self.app.app.draw();
        let (now, from) = (self.app.now().0, self.app.now().plus(begins));
        let (business, owner) = (self.business.id.0, self.business.member(Role::Owner).id.0);
        let (order, member, to, from) = (id.0, member.0, from.plus(2 * HOUR).0, from.0);
        let statement = format!(
            "insert into work_orders (business_id, id, number, customer_name, customer_phone, address, window_from,
                 window_to, member_id, state, created_by, created_at, changed_at)
             select '{business}', '{order}', 1 + (select count(*) from work_orders), 'Ada Customer', '{customer}',
                 '1 Elm Street', '{from}', '{to}', '{member}', 'assigned', '{owner}', '{now}', '{now}'"
        );
        sql::run(&self.app.owner, statement).await;
        id
    }

    /// Time goes by, and the technician signs in again.
    async fn later(&mut self, seconds: i64) {
        self.app.clock.advance(seconds);
        self.technician = self.app.browser(self.business.member(Role::Technician)).await;
    }

    async fn ask(&self, job: WorkOrderId) -> Reply {
        let id = job.to_string();
        self.technician.clone().json().post("/api/masked-calls/open", &[("work_order", id.as_str())]).await
    }

    /// Opens masked calls for a job: the number to call.
    async fn open(&self, job: WorkOrderId) -> String {
        let reply = self.ask(job).await;
        assert_eq!(reply.status, 200, "{}", reply.body);
        let page = self.technician.get(&format!("/work-orders/{job}/call")).await;
        let (_, rest) = page.body.split_once("href=\"tel:").unwrap_or_else(|| panic!("no number: {}", page.body));
        rest.split('"').next().unwrap_or_default().to_owned()
    }

    /// A call comes in: what Twilio is told to do with it.
    async fn call(&self, number: u32, from: &str, to: &str) -> String {
        let call = sid(number);
        let fields = [
            ("CallSid", call.as_str()),
            ("CallStatus", "ringing"),
            ("Direction", "inbound"),
            ("From", from),
            ("To", to),
        ];
        let reply = self.twilio.post(&self.app, "voice", &fields).await;
        assert_eq!(reply.status, 200, "{}", reply.body);
        reply.body
    }

    /// A leg of a call rings, and is answered.
    async fn leg(&self, call: u32, from: &str, to: &str) {
        for (status, seq) in [("ringing", "1"), ("in-progress", "2")] {
            let fields = [
                ("CallSid", sid(call + 1_000_000)),
                ("ParentCallSid", sid(call)),
                ("CallStatus", status.to_owned()),
                ("Direction", "outbound-dial".to_owned()),
                ("From", from.to_owned()),
                ("To", to.to_owned()),
                ("SequenceNumber", seq.to_owned()),
            ];
            let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
            assert_eq!(self.twilio.post(&self.app, "status", &fields).await.status, 200);
        }
    }

    async fn count(&self, what: &str) -> i64 {
        sql::count(&self.app.owner, format!("select count(*) from {what}")).await
    }

    async fn set_state(&self, job: WorkOrderId, state: &str) {
        let closed = if matches!(state, "done" | "canceled") { "now()" } else { "null" };
        let statement =
            format!("update work_orders set state = '{state}', closed_at = {closed} where id = '{}'", job.0);
        sql::run(&self.app.owner, statement).await;
    }
}

/// Rings at this number and at nothing else, showing the proxy.
fn leads_to(answer: &str, number: &str) -> bool {
    answer.matches("<Number ").count() == 1
        && !answer.contains("<Client ")
        && answer.contains(&format!(">{number}</Number>"))
        && answer.contains(&format!("callerId=\"{PROXY}\""))
}

/// Rings at the desk, and shows the proxy's number there.
fn leads_to_the_desks(answer: &str) -> bool {
    answer.contains("desk_101")
        && answer.contains(&format!("callerId=\"{PROXY}\""))
        && !answer.contains("<Number ")
        && !answer.contains(CUSTOMER)
        && !answer.contains(TECHNICIAN)
}

#[tokio::test]
async fn tel_7_the_two_reach_each_other_and_see_the_proxy() {
    let field = Field::start(&[PROXY]).await;
    let job = field.job(CUSTOMER, 0).await;
    assert_eq!(field.open(job).await, PROXY);

    let in_answer = field.call(1, CUSTOMER, PROXY).await;
    assert!(leads_to(&in_answer, TECHNICIAN) && !in_answer.contains(CUSTOMER), "{in_answer}");
    let out_answer = field.call(2, TECHNICIAN, PROXY).await;
    assert!(leads_to(&out_answer, CUSTOMER) && !out_answer.contains(TECHNICIAN), "{out_answer}");
    // The same question has the same answer, and is noted once.
    assert_eq!(field.call(2, TECHNICIAN, PROXY).await, out_answer);
    assert_eq!(field.count("masked_calls").await, 2);
    assert_eq!(field.count("audit_entries where action = 'masked_call.routed'").await, 2);
}

#[tokio::test]
async fn tel_7_the_log_names_the_technician_and_masks_both() {
    let field = Field::start(&[PROXY]).await;
    let job = field.job(CUSTOMER, 0).await;
    field.open(job).await;
    field.call(1, CUSTOMER, PROXY).await;
    field.leg(1, PROXY, TECHNICIAN).await;
    field.call(2, TECHNICIAN, PROXY).await;
    field.leg(2, PROXY, CUSTOMER).await;
    let talks = format!("calls where member_id = '{}' and answered_at is not null", field.me().0);
    assert_eq!(field.count(&talks).await, 2, "both are the technician's");
    assert_eq!(field.count("jobs where kind = 'pop.look_up'").await, 0, "nobody is shown who the customer is");
    for path in ["/calls".to_owned(), format!("/work-orders/{job}/call"), "/account/phone".to_owned()] {
        let page = field.technician.get(&path).await;
        assert_eq!(page.status, 200, "{path}");
        for secret in [CUSTOMER, TECHNICIAN] {
            assert!(!page.body.contains(secret), "{path} shows {secret}");
        }
    }
    let page = field.technician.get(&format!("/work-orders/{job}/call")).await;
    assert!(page.body.contains("<td>Customer") && page.body.contains("<td>Technician"), "{}", page.body);
    let told = "audit_entries e where e::text like '%5550133%' or e::text like '%5550144%' or e::text like '%5550021%'";
    assert_eq!(field.count(told).await, 0, "the log holds ids");
}

#[tokio::test]
async fn tel_7_who_has_no_session_there_reaches_the_desks() {
    let field = Field::start(&[PROXY]).await;
    let job = field.job(CUSTOMER, 0).await;
    let before = field.call(1, CUSTOMER, PROXY).await;
    assert!(leads_to_the_desks(&before), "nobody opened it: {before}");
    field.open(job).await;
    for (number, from) in (10..).zip(["+14155550199", "anonymous", "client:desk_101", PROXY]) {
        let answer = field.call(number, from, PROXY).await;
        assert!(leads_to_the_desks(&answer), "{from}: {answer}");
    }
    // A number that is no proxy rings as ever, whoever calls, and shows who calls.
    let ordinary = field.call(20, CUSTOMER, NUMBER).await;
    assert!(ordinary.contains("desk_101") && !ordinary.contains("callerId"), "{ordinary}");
    let stale = [("assigned", true), ("en_route", true), ("on_site", true), ("done", false), ("canceled", false)];
    for (number, (state, goes_through)) in (30..).zip(stale) {
        field.set_state(job, state).await;
        let answer = field.call(number, CUSTOMER, PROXY).await;
        assert_eq!(leads_to(&answer, TECHNICIAN), goes_through, "{state}: {answer}");
        assert_eq!(leads_to_the_desks(&answer), !goes_through, "{state}: {answer}");
    }
}

#[tokio::test]
async fn tel_7_calls_go_through_around_the_window_only() {
    let mut field = Field::start(&[PROXY]).await;
    let job = field.job(CUSTOMER, 3 * HOUR).await;
    let early = field.ask(job).await;
    assert!(early.status == 422 && early.body.contains("OutsideWindow"), "{early:?}");
    field.later(HOUR + 60).await;
    field.open(job).await;
    assert!(leads_to(&field.call(1, CUSTOMER, PROXY).await, TECHNICIAN));
    // The window ends five hours after the beginning, and calls two hours later.
    field.app.clock.advance(6 * HOUR - 180);
    assert!(leads_to(&field.call(2, TECHNICIAN, PROXY).await, CUSTOMER), "a minute before the end");
    field.app.clock.advance(240);
    assert!(leads_to_the_desks(&field.call(3, CUSTOMER, PROXY).await), "a minute after it");
    assert_eq!(field.count("proxy_parties").await, 2, "the clock has not come by yet");
    worker::minute(&field.app.app).await.expect("housekeeping");
    assert_eq!(field.count("proxy_parties").await, 0, "no number is left");
    assert_eq!(field.count("proxy_sessions where reason = 'expired'").await, 1);
    // A job that was moved away takes its calls with it, though the session is still open.
    field.later(1).await;
    let other = field.job(CUSTOMER, 0).await;
    field.open(other).await;
    let moved = "update work_orders set window_from = window_from + interval '9 hours',
        window_to = window_to + interval '9 hours'";
    sql::run(&field.app.owner, moved).await;
    assert!(leads_to_the_desks(&field.call(4, CUSTOMER, PROXY).await));
}

#[tokio::test]
async fn tel_7_a_caller_of_a_proxy_is_exactly_one_sessions() {
    let field = Field::start(&[PROXY, SPARE]).await;
    // The same technician with two customers: two numbers. The same customer's next job with them: a number is missing.
    let (one, two) = (field.job(CUSTOMER, 0).await, field.job("+14155550155", 0).await);
    let (first, second) = (field.open(one).await, field.open(two).await);
    assert_ne!(first, second);
    assert_eq!(field.open(one).await, first, "asking again finds it open");
    assert_eq!(field.count("proxy_sessions").await, 2);
    let three = field.job("+14155550166", 0).await;
    let exhausted = field.ask(three).await;
    assert_eq!((exhausted.status, exhausted.body.contains("no_number")), (409, true), "{}", exhausted.body);
    let page = field.owner.get("/proxy-numbers").await;
    assert!(page.body.contains("The pool is exhausted"), "{}", page.body);
    // Done: its number is free again, at once.
    let version =
        sql::text(&field.app.owner, format!("select version::text from work_orders where id = '{}'", one.0)).await;
    field.set_state(one, "on_site").await;
    let id = one.to_string();
    let fields = [("id", id.as_str()), ("version", version.as_str()), ("to", "done")];
    let done = field.technician.post("/api/work-orders/move", &fields).await;
    assert_eq!(done.status, 303, "{}", done.body);
    assert_eq!(field.count("proxy_sessions where reason = 'job_closed'").await, 1);
    assert_eq!(field.open(three).await, first);
    // The database itself keeps a caller from being two people's.
    let twice = format!(
        "insert into proxy_parties select business_id, proxy_number_id, phone, session_id, 'customer' from proxy_parties
         where phone = '{TECHNICIAN}' limit 1"
    );
    let pool = field.app.pool_as("ringfort_app", 1);
    assert_eq!(sql::code(sql::try_within(&pool, field.business.id.0, twice).await), "23505");
}

#[tokio::test]
async fn tel_7_many_at_once_do_not_get_the_same_number() {
    let field = Field::start(&[PROXY, SPARE]).await;
    let mut jobs = Vec::new();
    for line in 0..4 {
        jobs.push(field.job(&format!("+1415555017{line}"), 0).await);
    }
    let asked = join_all(jobs.iter().flat_map(|job| [field.ask(*job), field.ask(*job)])).await;
    let open = asked.iter().filter(|reply| reply.status == 200).count();
    assert!(asked.iter().all(|reply| matches!(reply.status, 200 | 409)), "{asked:?}");
    assert_eq!(open, 4, "two jobs, each asked for twice");
    assert_eq!(field.count("proxy_sessions").await, 2);
    let used = sql::count(&field.app.owner, "select count(distinct proxy_number_id) from proxy_sessions").await;
    assert_eq!(used, 2);
}

#[tokio::test]
async fn tel_7_sessions_end_with_what_they_rest_on() {
    let field = Field::start(&[PROXY]).await;
    let job = field.job(CUSTOMER, 0).await;
    field.open(job).await;
    // Another phone: the old one is nobody's any more.
    let reply = field.technician.post("/api/account/phone/save", &[("own_phone", "+14155550188")]).await;
    assert_eq!(reply.status, 303, "{}", reply.body);
    assert!(leads_to_the_desks(&field.call(1, CUSTOMER, PROXY).await));
    field.open(job).await;
    assert!(leads_to(&field.call(2, CUSTOMER, PROXY).await, "+14155550188"));
    // The customer has another one since: asking again opens it anew.
    sql::run(&field.app.owner, "update work_orders set customer_phone = '+14155550177'").await;
    for (number, from) in [(6, CUSTOMER), (7, "+14155550188")] {
        assert!(leads_to_the_desks(&field.call(number, from, PROXY).await), "nobody is put through to who it was");
    }
    field.open(job).await;
    assert!(leads_to(&field.call(3, "+14155550177", PROXY).await, "+14155550188"));
    assert!(leads_to_the_desks(&field.call(4, CUSTOMER, PROXY).await));
    // The number leaves the pool.
    let number = sql::text(&field.app.owner, "select id::text from proxy_numbers").await;
    let id = format!("pxn_{}", number.parse::<Uuid>().expect("an id").simple());
    assert_eq!(field.owner.post("/api/proxy-numbers/remove", &[("id", id.as_str())]).await.status, 303);
    assert_eq!(field.count("proxy_parties").await, 0);
    let ordinary = field.call(5, "+14155550177", PROXY).await;
    assert!(ordinary.contains("desk_101") && !ordinary.contains("<Number "), "{ordinary}");
    let reasons = "select string_agg(reason, ' ' order by reason) from proxy_sessions";
    assert_eq!(sql::text(&field.app.owner, reasons).await, "number_removed phone_changed replaced");
    // Nobody is left who could be called.
    let nothing = field.ask(job).await;
    assert_eq!(nothing.status, 409, "{}", nothing.body);
}

#[tokio::test]
async fn acc_8_where_one_is_reached_is_said_by_who_has_just_shown_who_they_are() {
    let field = Field::start(&[PROXY]).await;
    let job = field.job(CUSTOMER, 0).await;
    field.open(job).await;
    field.app.clock.advance(601);
    let stolen = [("own_phone", "+14155550199")];
    for (path, fields) in [("/api/account/phone/save", &stolen[..]), ("/api/account/phone/remove", &[][..])] {
        let asked = field.technician.post(path, fields).await;
        assert!(asked.header("location").is_some_and(|to| to.starts_with("/confirm?next=")), "{path}: {asked:?}");
        assert_eq!(field.technician.clone().json().post(path, fields).await.status, 403, "{path}");
    }
    assert!(leads_to(&field.call(1, CUSTOMER, PROXY).await, TECHNICIAN), "it is the same phone");
    // What was typed waits for them.
    let asked = field.technician.post("/api/account/phone/save", &stolen).await;
    let flash = asked.cookie("__Host-flash").expect("what was typed");
    let session = field.app.session(field.business.member(Role::Technician)).await;
    let page = field.technician.clone().with_cookie(Some(format!("{session}; {flash}"))).get("/account/phone").await;
    assert!(page.body.contains("value=\"+14155550199\""), "{}", page.body);
}

#[tokio::test]
async fn tel_7_whoever_leaves_is_not_reached() {
    let field = Field::start(&[PROXY]).await;
    let job = field.job(CUSTOMER, 0).await;
    field.open(job).await;
    let (id, confirm) = (field.me().to_string(), ("confirm", "remove"));
    let reply = field.owner.post("/api/team/remove", &[("id", id.as_str()), confirm]).await;
    assert_eq!(reply.status, 303, "{}", reply.body);
    assert_eq!((field.count("member_phones").await, field.count("proxy_parties").await), (0, 0));
    assert!(leads_to_the_desks(&field.call(1, CUSTOMER, PROXY).await));
}

#[tokio::test]
async fn per_5_whoever_removes_somebody_and_whoever_moves_their_job_do_not_wait_for_each_other() {
    let field = Field::start(&[PROXY]).await;
    let job = field.job(CUSTOMER, 0).await;
    field.open(job).await;
    let mut mover = field.app.owner.begin().await.expect("a transaction");
    let locked = sqlx::query("select id from work_orders where id = $1 for update").bind(job.0);
    locked.fetch_one(&mut *mover).await.expect("the job");
    let (owner, id) = (field.owner.clone(), field.me().to_string());
    let removal =
        tokio::spawn(async move { owner.post("/api/team/remove", &[("id", &id), ("confirm", "remove")]).await });
    let waiting = "pg_locks l join pg_stat_activity a on a.pid = l.pid
        where not l.granted and a.datname = current_database()";
    until("the removal waits for the job", async || field.count(waiting).await > 0).await;
    // What a move does next. Who waits for the job must not hold it.
    let closed = sqlx::query("select id from proxy_sessions where work_order_id = $1 for update nowait").bind(job.0);
    closed.fetch_one(&mut *mover).await.expect("the session is nobody's yet");
    mover.commit().await.expect("commits");
    let reply = removal.await.expect("runs");
    assert_eq!(reply.status, 303, "{}", reply.body);
    assert_eq!((field.count("proxy_parties").await, field.count("work_orders where state = 'new'").await), (0, 1));
}

#[tokio::test]
async fn tel_7_whoever_has_the_job_no_more_is_not_reached() {
    let field = Field::start(&[PROXY]).await;
    let job = field.job(CUSTOMER, 0).await;
    field.open(job).await;
    let id = job.to_string();
    let reply = field.owner.post("/api/work-orders/assign", &[("id", &id), ("version", "1"), ("member", "")]).await;
    assert_eq!(reply.status, 303, "{}", reply.body);
    let reasons = "select string_agg(reason, ' ') from proxy_sessions";
    assert_eq!(sql::text(&field.app.owner, reasons).await, "replaced");
    assert!(leads_to_the_desks(&field.call(1, CUSTOMER, PROXY).await));
}

#[tokio::test]
async fn tel_7_whoever_works_on_no_jobs_any_more_is_not_reached() {
    let field = Field::start(&[PROXY]).await;
    let job = field.job(CUSTOMER, 0).await;
    field.open(job).await;
    let id = field.me().to_string();
    let reply = field.owner.post("/api/team/role", &[("id", id.as_str()), ("role", "viewer")]).await;
    assert_eq!(reply.status, 303, "{}", reply.body);
    assert_eq!((field.count("member_phones").await, field.count("proxy_parties").await), (0, 0));
    for (number, from) in [(1, CUSTOMER), (2, TECHNICIAN)] {
        assert!(leads_to_the_desks(&field.call(number, from, PROXY).await), "{from}");
    }
}

#[tokio::test]
async fn tel_7_a_technician_opens_their_own_jobs_and_nobody_another_businesss() {
    let field = Field::start(&[PROXY]).await;
    let theirs = field.job_of(field.business.member(Role::Agent).id, CUSTOMER, 0).await;
    assert_eq!(field.ask(theirs).await.status, 404);
    assert_eq!(field.technician.get(&format!("/work-orders/{theirs}/call")).await.status, 404);
    let mine = field.job(CUSTOMER, 0).await;
    let other = field.app.business("b", Profile::FieldService).await;
    let stranger = field.app.browser(other.member(Role::Owner)).await.json();
    let id = mine.to_string();
    assert_eq!(stranger.post("/api/masked-calls/open", &[("work_order", id.as_str())]).await.status, 404);
    assert_eq!(field.count("proxy_sessions").await, 0);
    field.open(mine).await;
    // A call to the number through another business's connection means nothing here.
    let twilio = field.app.twilio(&other).await;
    let call = sid(9);
    let fields = [
        ("CallSid", call.as_str()),
        ("CallStatus", "ringing"),
        ("Direction", "inbound"),
        ("From", CUSTOMER),
        ("To", PROXY),
    ];
    let reply = twilio.post(&field.app, "voice", &fields).await;
    assert!(reply.status == 200 && !reply.body.contains(TECHNICIAN), "{}", reply.body);
    assert_eq!(field.count("masked_calls").await, 0);
}

#[tokio::test]
async fn tel_7_what_is_missing_is_said() {
    let field = Field::start(&[PROXY, SPARE]).await;
    let job = field.job(CUSTOMER, 0).await;
    let says = async |wanted: &str| {
        let id = job.to_string();
        let reply = field.technician.post("/api/masked-calls/open", &[("work_order", id.as_str())]).await;
        assert_eq!(reply.status, 303, "{}", reply.body);
        assert!(reply.cookie("__Host-flash").is_some(), "nothing is said about {wanted}");
        let told = field.ask(job).await;
        assert!(told.status == 422 && told.body.contains(wanted), "{wanted}: {} {}", told.status, told.body);
    };
    assert_eq!(field.technician.post("/api/account/phone/remove", &[]).await.status, 303);
    says("NoMemberPhone").await;
    let page = field.technician.get(&format!("/work-orders/{job}/call")).await;
    assert!(page.body.contains("/account/phone"), "{}", page.body);
    let reply = field.technician.post("/api/account/phone/save", &[("own_phone", CUSTOMER)]).await;
    assert_eq!(reply.status, 303, "{}", reply.body);
    says("SamePhone").await;
    // Premium numbers, other countries, and what a withheld number looks like: nobody is called there on the business's bill.
    for dear in ["+19005550100", "+18765550100", "+37255512345", "+266696687"] {
        let reply = field.technician.clone().json().post("/api/account/phone/save", &[("own_phone", dear)]).await;
        assert!(reply.status == 422 && reply.body.contains("CallPrefix"), "{dear}: {}", reply.body);
    }
    sql::run(&field.app.owner, "update work_orders set customer_phone = '+19005550100'").await;
    says("CallPrefix").await;
    // A proxy that called a proxy would go on for ever.
    sql::run(&field.app.owner, format!("update work_orders set customer_phone = '{PROXY}'")).await;
    assert_eq!(field.ask(job).await.status, 409);
    sql::run(&field.app.owner, "update work_orders set customer_phone = null").await;
    says("NoCustomerPhone").await;
    field.set_state(job, "done").await;
    says("JobOver").await;
}

#[tokio::test]
async fn tel_7_the_pool_takes_numbers_of_its_own_connections() {
    let field = Field::start(&[PROXY]).await;
    let connection = field.twilio.connection.to_string();
    let add = async |connection: &str, number: &str| {
        let fields = [("connection", connection), ("number", number)];
        field.owner.clone().json().post("/api/proxy-numbers/add", &fields).await
    };
    let again = add(&connection, PROXY).await;
    assert!(again.status == 422 && again.body.contains("Taken"), "{}", again.body);
    assert_eq!(add(&connection, "555").await.status, 422);
    let other = field.app.business("b", Profile::FieldService).await;
    let foreign = field.app.twilio(&other).await.connection.to_string();
    assert_eq!(add(&foreign, SPARE).await.status, 422);
    assert_eq!(field.count("proxy_numbers").await, 1);
    let theirs = field.app.browser(other.member(Role::Owner)).await.get("/proxy-numbers").await;
    assert!(theirs.status == 200 && !theirs.body.contains(PROXY), "{}", theirs.body);
}
