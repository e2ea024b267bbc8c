//! Sealed entries as lines of JSON (`docs/AUDIT.md`): each seal, and behind it the entries that it holds. With the public key
//! this is all that somebody needs to verify them ([`super::file`]).

use std::{
    collections::HashMap,
    io::{self, Write},
};

use serde_json::json;

use crate::{
    model::{
        audit::Action,
        id::AuditId,
        seal::{Entry, Leaf, Line, Seal},
    },
    server::{
        boot::App,
        caller::Caller,
        http::AppError,
        kit::At,
        services::audit,
        store::{self, TenantTx, seal::Span},
    },
};

/// Entries that are held at once, about.
const STRETCH: i64 = 20_000;
/// Entries that are read at once.
const PIECE: usize = 5_000;

/// How much was written.
#[derive(Debug, Clone, Copy, Default)]
pub struct Written {
    pub seals: u64,
    pub entries: u64,
}

/// Writes the seals that were made from `from` on and before `until`, with their entries.
///
/// # Errors
/// Refused without `audit.read` (people); the database cannot be reached; `out` cannot be written to.
pub async fn export(
    app: &App,
    caller: &Caller,
    from: Option<At>,
    until: Option<At>,
    out: &mut (dyn Write + Send),
) -> Result<Written, AppError> {
    audit::audited(app, caller, Action::AuditSealsExported, async |act| {
        act.on("business", caller.business.0);
        let mut written = Written::default();
        let range = store::seal::between(&mut act.tx, from, until).await?;
        if let Some((first, last)) = range {
            let mut next = first;
            while next <= last {
                let span = Span { first: next, last, entries: STRETCH, leaves: true };
                let seals = store::seal::seals(&mut act.tx, span).await?;
                let Some(end) = seals.last().map(|seal| seal.seq) else { break };
                stretch(&mut act.tx, seals, &mut written, out).await?;
                next = end.saturating_add(1);
            }
        }
        act.after(json!({
            "seals": range.map(|(first, last)| json!({ "first": first, "last": last })),
            "entries": written.entries,
            "from": from.map(|at| at.0.to_string()),
            "until": until.map(|at| at.0.to_string()),
        }));
        Ok(written)
    })
    .await
}

async fn stretch(
    tx: &mut TenantTx,
    seals: Vec<Seal>,
    written: &mut Written,
    out: &mut (dyn Write + Send),
) -> Result<(), AppError> {
    let ids: Vec<AuditId> = seals.iter().flat_map(|seal| seal.leaves.iter().map(|leaf| leaf.0)).collect();
    let mut entries: HashMap<AuditId, Entry> = HashMap::new();
    for piece in ids.chunks(PIECE) {
        entries.extend(store::seal::entries(tx, piece).await?);
    }
    for seal in seals {
        let there: Vec<Entry> = seal.leaves.iter().filter_map(|Leaf(id, _)| entries.remove(id)).collect();
        written.seals += 1;
        line(out, &Line::Seal(seal))?;
        for entry in there {
            written.entries += 1;
            line(out, &Line::Entry(entry))?;
        }
    }
    Ok(())
}

fn line(out: &mut (dyn Write + Send), line: &Line) -> Result<(), AppError> {
    let written = serde_json::to_writer(&mut *out, line).map_err(io::Error::from);
    written.and_then(|()| out.write_all(b"\n")).map_err(|e| AppError::Internal(Box::new(e)))
}
