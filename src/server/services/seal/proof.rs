//! Where one entry stands in the chain, for its page.

use crate::{
    model::{
        id::AuditId,
        seal::{Leaf, Seal},
    },
    server::{
        boot::App,
        caller::Caller,
        http::AppError,
        services::seal::chain::{self, Link},
        store::{self, TenantTx},
        vault::PublicKeys,
    },
};

/// How an entry stands.
#[derive(Debug)]
pub enum Standing {
    /// It was written a moment ago, or a transaction that still writes holds sealing back.
    Waiting,
    /// It is in a seal.
    Sealed(Box<Proof>),
    /// It should be in a seal, and is in none.
    Unsealed,
}

/// The seal that holds an entry.
#[derive(Debug)]
pub struct Proof {
    /// Without what it holds.
    pub seal: Seal,
    /// The entry's place in it, from 1.
    pub position: usize,
    /// Whether the entry is what was sealed.
    pub is_same: bool,
    /// Whether the seal is whole and signed by a key of this installation.
    pub is_signed: bool,
}

/// Looks for an entry in the chain. That somebody looks at the entry is written down where it is read.
///
/// # Errors
/// Refused without `audit.read`; missing when it is not this business's.
pub async fn of(app: &App, caller: &Caller, id: AuditId) -> Result<Standing, AppError> {
    let keys = app.vault().audit_public_keys(app.db()).await?;
    let mut tx = TenantTx::open(app.db(), caller, app.clock().now()).await?;
    let standing = find(&mut tx, &keys, id).await?;
    tx.commit().await?;
    Ok(standing)
}

async fn find(tx: &mut TenantTx, keys: &PublicKeys, id: AuditId) -> Result<Standing, AppError> {
    let entries = store::seal::entries(tx, &[id]).await?;
    let entry = entries.get(&id).ok_or(AppError::Missing)?;
    if store::seal::is_waiting(tx, entry.mark()).await? {
        return Ok(Standing::Waiting);
    }
    let digest = chain::digest(entry, &mut Vec::new());
    for seq in store::seal::around(tx, entry.mark()).await? {
        let Some(seal) = store::seal::get(tx, seq, true).await? else { continue };
        let Some(place) = seal.leaves.iter().position(|leaf| leaf.0 == id) else { continue };
        let is_same = seal.leaves.get(place).is_some_and(|Leaf(_, sealed)| *sealed == digest);
        let is_signed = Link::behind_nothing(seq.saturating_sub(1)).step(&seal, keys).is_none();
        let proof = Proof { seal: seal.checkpoint(), position: place + 1, is_same, is_signed };
        return Ok(Standing::Sealed(Box::new(proof)));
    }
    Ok(Standing::Unsealed)
}
