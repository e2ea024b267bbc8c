//! Links by which customers follow their technician. People who hold `work_orders` for all make and end them; whoever has one
//! sees what [`followed`] gives, and nothing else. Only the hash of a token is stored.

use uuid::Uuid;

use super::{StoreError, TenantTx, types::read};
use crate::{
    model::{
        geo::{Coordinate, LATE_SECONDS},
        id::{MemberId, TrackingLinkId, WorkOrderId},
        permission::Permission,
        personal::PersonName,
        work_order::{COARSE_M, Fix, WorkOrderState},
    },
    server::kit::At,
};

/// Opening a link is written down once in this time, not at each refresh.
const OPENED_SECONDS: i64 = 600;

/// A link, without its token.
#[derive(Debug, Clone)]
pub struct Link {
    pub id: TrackingLinkId,
    pub by_name: String,
    pub created_at: At,
    pub expires_at: At,
    pub revoked_at: Option<At>,
    pub opened_at: Option<At>,
    pub opens: i64,
    /// Whether it goes or went to the customer by text message.
    pub texted: bool,
    /// Whether that text still waits.
    pub waits: bool,
}

impl Link {
    /// Whether it still leads somewhere.
    #[must_use]
    pub fn is_open(&self, now: At) -> bool {
        self.revoked_at.is_none() && self.expires_at > now
    }
}

/// A new link.
#[derive(Debug)]
pub struct NewLink<'a> {
    pub id: TrackingLinkId,
    pub order: WorkOrderId,
    pub token_hash: &'a [u8],
    pub expires_at: At,
    /// The text that brings it, sealed.
    pub text: Option<&'a [u8]>,
}

/// The links of a work order, newest first.
///
/// # Errors
/// Refused without `work_orders` for all.
pub async fn list(tx: &mut TenantTx, order: WorkOrderId) -> Result<Vec<Link>, StoreError> {
    tx.may_all(Permission::WorkOrders)?;
    let business = tx.business();
    let rows = sqlx::query!(
        r#"select t.id, m.name as by_name, t.created_at, t.expires_at, t.revoked_at, t.opened_at, t.opens, t.texted,
               t.text_sealed is not null as "waits!"
           from tracking_links t join members m on m.business_id = $1 and m.id = t.created_by
           where t.business_id = $1 and t.work_order_id = $2
           order by t.created_at desc, t.id desc
           limit 50"#,
        business.0,
        order.0
    )
    .fetch_all(tx.conn())
    .await?;
    let links = rows.into_iter().map(|r| Link {
        id: TrackingLinkId(r.id),
        by_name: r.by_name,
        created_at: r.created_at,
        expires_at: r.expires_at,
        revoked_at: r.revoked_at,
        opened_at: r.opened_at,
        opens: r.opens,
        texted: r.texted,
        waits: r.waits,
    });
    Ok(links.collect())
}

/// How many links of a work order are open. Lock the work order first: then nobody adds one meanwhile.
///
/// # Errors
/// Refused without `work_orders` for all.
pub async fn open_of(tx: &mut TenantTx, order: WorkOrderId) -> Result<i64, StoreError> {
    tx.may_all(Permission::WorkOrders)?;
    let (business, now) = (tx.business(), tx.now());
    let count = sqlx::query_scalar!(
        r#"select count(*) as "count!" from tracking_links
           where business_id = $1 and work_order_id = $2 and revoked_at is null and expires_at > $3"#,
        business.0,
        order.0,
        now
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(count)
}

/// How many links this business has texted since an instant. Whoever asks is the only one until their transaction ends: each
/// text costs money, and of two who count at once both would see room.
///
/// # Errors
/// Refused without `work_orders` for all.
pub async fn texted_since(tx: &mut TenantTx, since: At) -> Result<i64, StoreError> {
    tx.may_all(Permission::WorkOrders)?;
    let business = tx.business();
    sqlx::query!(
        "select pg_advisory_xact_lock(hashtextextended('tracking_links/' || $1::text, 0))",
        business.0.to_string()
    )
    .execute(tx.conn())
    .await?;
    let count = sqlx::query_scalar!(
        r#"select count(*) as "count!" from tracking_links where business_id = $1 and texted and created_at > $2"#,
        business.0,
        since
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(count)
}

/// Stores a link.
///
/// # Errors
/// Refused without `work_orders` for all.
pub async fn insert(tx: &mut TenantTx, new: NewLink<'_>) -> Result<(), StoreError> {
    tx.may_all(Permission::WorkOrders)?;
    let (business, now, by) = (tx.business(), tx.now(), tx.caller().actor.uuid());
    sqlx::query!(
        "insert into tracking_links (business_id, id, work_order_id, token_hash, created_by, created_at, expires_at, texted,
             text_sealed)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        business.0,
        new.id.0,
        new.order.0,
        new.token_hash,
        by,
        now,
        new.expires_at,
        new.text.is_some(),
        new.text
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Ends a link, and says whose it was.
///
/// # Errors
/// Refused without `work_orders` for all; missing when it is not this business's, or over already.
pub async fn revoke(tx: &mut TenantTx, id: TrackingLinkId) -> Result<WorkOrderId, StoreError> {
    tx.may_all(Permission::WorkOrders)?;
    let (business, now) = (tx.business(), tx.now());
    let order = sqlx::query_scalar!(
        "update tracking_links set revoked_at = $3, text_sealed = null
         where business_id = $1 and id = $2 and revoked_at is null
         returning work_order_id",
        business.0,
        id.0,
        now
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(WorkOrderId(order))
}

/// Ends all links of a work order: it is over.
///
/// # Errors
/// Refused without `work_orders`.
pub async fn close_for(tx: &mut TenantTx, order: WorkOrderId) -> Result<u64, StoreError> {
    tx.may(Permission::WorkOrders)?;
    let (business, now) = (tx.business(), tx.now());
    let done = sqlx::query!(
        "update tracking_links set revoked_at = $3, text_sealed = null
         where business_id = $1 and work_order_id = $2 and revoked_at is null",
        business.0,
        order.0,
        now
    )
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected())
}

/// Moves the end of a work order's open links with its window. One that is over stays over, whoever has it by now.
///
/// # Errors
/// Refused without `work_orders` for all.
pub async fn move_end(tx: &mut TenantTx, order: WorkOrderId, expires_at: At) -> Result<(), StoreError> {
    tx.may_all(Permission::WorkOrders)?;
    let (business, now) = (tx.business(), tx.now());
    sqlx::query!(
        "update tracking_links set expires_at = $3
         where business_id = $1 and work_order_id = $2 and revoked_at is null and expires_at > $4",
        business.0,
        order.0,
        expires_at,
        now
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// A text that is to be sent: sealed, and whose it is.
#[derive(Debug)]
pub struct DueText {
    pub order: WorkOrderId,
    pub sealed: Vec<u8>,
    pub is_open: bool,
}

/// The text of a link, for the job that sends it. Nothing when it was sent, or its link ended.
///
/// # Errors
/// Refused for people.
pub async fn text_due(tx: &mut TenantTx, id: TrackingLinkId) -> Result<Option<DueText>, StoreError> {
    tx.machine()?;
    let (business, now) = (tx.business(), tx.now());
    let row = sqlx::query!(
        r#"select work_order_id, text_sealed as "sealed!", revoked_at is null and expires_at > $3 as "is_open!"
           from tracking_links where business_id = $1 and id = $2 and text_sealed is not null"#,
        business.0,
        id.0,
        now
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map(|r| DueText { order: WorkOrderId(r.work_order_id), sealed: r.sealed, is_open: r.is_open }))
}

/// Forgets the text of a link: it was sent, or never will be.
///
/// # Errors
/// Refused for people.
pub async fn text_done(tx: &mut TenantTx, id: TrackingLinkId) -> Result<(), StoreError> {
    tx.machine()?;
    let business = tx.business();
    sqlx::query!("update tracking_links set text_sealed = null where business_id = $1 and id = $2", business.0, id.0)
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// What a link leads to, before it is made coarse.
#[derive(Debug, Clone)]
pub struct Followed {
    pub order: WorkOrderId,
    pub business_name: String,
    pub zone: String,
    pub state: WorkOrderState,
    pub window_from: At,
    pub window_to: At,
    pub expires_at: At,
    pub place: Option<Coordinate>,
    pub member: Option<MemberId>,
    pub member_name: Option<PersonName>,
    /// Where they are on the way; absent where nothing fresh and good is known of it.
    pub technician: Option<Technician>,
    /// Whether nobody opened it for ten minutes before.
    pub is_first: bool,
}

/// Where a technician is who is on the way.
#[derive(Debug, Clone, Copy)]
pub struct Technician {
    pub at: Fix,
    pub fix_at: At,
    /// Where their shift began, which may be their home, and where this way began, which may be another customer's.
    pub began: [Fix; 2],
}

struct Row {
    work_order_id: Uuid,
    business_name: String,
    zone: String,
    state: String,
    window_from: At,
    window_to: At,
    expires_at: At,
    lat_e7: Option<i32>,
    lon_e7: Option<i32>,
    member_id: Option<Uuid>,
    member_name: Option<String>,
    is_first: bool,
}

/// What this transaction's link leads to, and notes that it was opened.
///
/// # Errors
/// Refused for everybody but who has the link; missing when it is over, or its work order is.
pub async fn followed(tx: &mut TenantTx) -> Result<Followed, StoreError> {
    let link = tx.link()?;
    let (business, now) = (tx.business(), tx.now());
    let row = sqlx::query_as!(
        Row,
        r#"with earlier as (
               select t.opened_at from tracking_links t where t.business_id = $1 and t.id = $2
           ), opened as (
               update tracking_links t set opens = t.opens + 1, opened_at = $3
               where t.business_id = $1 and t.id = $2 and t.revoked_at is null and t.expires_at > $3
               returning t.work_order_id, t.expires_at
           )
           select o.work_order_id as "work_order_id!", b.name as business_name, b.zone, w.state, w.window_from, w.window_to,
               o.expires_at as "expires_at!", w.lat_e7, w.lon_e7, w.member_id, m.name as "member_name?",
               coalesce(f.opened_at <= $4, true) as "is_first!"
           from opened o
           cross join earlier f
           join businesses b on b.business_id = $1
           join work_orders w on w.business_id = $1 and w.id = o.work_order_id and w.closed_at is null
           left join members m on m.business_id = $1 and m.id = w.member_id"#,
        business.0,
        link.0,
        now,
        now.plus(-OPENED_SECONDS)
    )
    .fetch_one(tx.conn())
    .await?;
    let mut found = Followed {
        order: WorkOrderId(row.work_order_id),
        business_name: row.business_name,
        zone: row.zone,
        state: read("work_orders.state", &row.state)?,
        window_from: row.window_from,
        window_to: row.window_to,
        expires_at: row.expires_at,
        place: row.lat_e7.zip(row.lon_e7).map(|(lat_e7, lon_e7)| Coordinate { lat_e7, lon_e7 }),
        member: row.member_id.map(MemberId),
        member_name: row.member_name.map(|text| read("members.name", &text)).transpose()?,
        technician: None,
        is_first: row.is_first,
    };
    if let (Some(member), WorkOrderState::EnRoute) = (found.member, found.state) {
        found.technician = technician(tx, member, found.order).await?;
    }
    Ok(found)
}

/// Where somebody is whose shift is open and who is on the way. Only by a fix of this way: an older one is of another customer.
async fn technician(tx: &mut TenantTx, member: MemberId, of: WorkOrderId) -> Result<Option<Technician>, StoreError> {
    tx.link()?;
    let (business, now) = (tx.business(), tx.now());
    let row = sqlx::query!(
        r#"select l.lat_e7, l.lon_e7, l.accuracy_m, l.fix_at, h.lat_e7 as "shift_lat!", h.lon_e7 as "shift_lon!",
               h.accuracy_m as "shift_m!", d.lat_e7 as "way_lat!", d.lon_e7 as "way_lon!", d.accuracy_m as "way_m!"
           from shifts s
           cross join (
               select max(e.at) as began_at from work_order_events e
               where e.business_id = $1 and e.work_order_id = $3 and e.step = 'moved' and e.state = 'en_route'
           ) w
           join latest_positions l on l.business_id = $1 and l.member_id = $2 and l.fix_at >= s.began_at
               and l.fix_at >= w.began_at and l.fix_at >= $4 and l.accuracy_m <= $5::float8
           cross join lateral (
               select p.lat_e7, p.lon_e7, p.accuracy_m from positions p
               where p.business_id = $1 and p.member_id = $2 and p.fix_at >= s.began_at
               order by p.fix_at
               limit 1
           ) h
           cross join lateral (
               select p.lat_e7, p.lon_e7, p.accuracy_m from positions p
               where p.business_id = $1 and p.member_id = $2 and p.fix_at >= greatest(s.began_at, w.began_at)
               order by p.fix_at
               limit 1
           ) d
           where s.business_id = $1 and s.member_id = $2 and s.ended_at is null"#,
        business.0,
        member.0,
        of.0,
        now.plus(-LATE_SECONDS),
        COARSE_M
    )
    .fetch_optional(tx.conn())
    .await?;
    let fix = |lat_e7, lon_e7, metres: f32| Fix { place: Coordinate { lat_e7, lon_e7 }, accuracy_m: metres.into() };
    Ok(row.map(|r| Technician {
        at: fix(r.lat_e7, r.lon_e7, r.accuracy_m),
        fix_at: r.fix_at,
        began: [fix(r.shift_lat, r.shift_lon, r.shift_m), fix(r.way_lat, r.way_lon, r.way_m)],
    }))
}
