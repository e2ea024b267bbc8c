//! The file of an export: how entries are written into it, and how it is given out.

use std::fmt::Write;

use futures::stream::{Stream, StreamExt, unfold};
use jiff::tz::TimeZone;
use sha2::{Digest as _, Sha256};

use crate::{
    model::{
        audit_export::{Format, Manifest, csv},
        id::ExportId,
        seal::{Digest, Entry, Line},
    },
    server::{
        boot::App,
        caller::{Caller, SessionHash, SignedIn},
        http::{AppError, error::chain},
        kit::At,
        store::{self, TenantTx, audit_export::Export},
        vault::Purpose,
    },
};

/// Entries as they stand in an export's file, behind the pieces that are there already.
///
/// # Errors
/// Never in practice.
pub fn piece(export: &Export, entries: &[&Entry]) -> Result<String, AppError> {
    let mut out = String::with_capacity(entries.len().saturating_mul(512));
    match export.format {
        Format::Csv => {
            let zone = TimeZone::get(&export.zone).unwrap_or(TimeZone::UTC);
            if export.parts == 0 {
                out.push_str(csv::HEADER);
            }
            for entry in entries {
                csv::write(&mut out, entry, &zone);
            }
        }
        Format::JsonLines => {
            for entry in entries {
                let line = serde_json::to_string(&Line::Entry((*entry).clone()));
                let line = line.map_err(|e| AppError::Internal(Box::new(e)))?;
                writeln!(out, "{line}").expect("writing to a string");
            }
        }
    }
    Ok(out)
}

/// The pieces of a file that is ready, in their order, each opened when its turn comes. The last comes only if all together
/// are what was signed: else the answer breaks off, and nobody takes it for whole.
pub fn pieces(
    app: App,
    person: &SignedIn,
    export: &Export,
    manifest: &Manifest,
) -> impl Stream<Item = Result<Vec<u8>, AppError>> + Send + use<> {
    let reader = Reader {
        app,
        caller: person.caller.clone(),
        session: person.session.clone(),
        id: export.id,
        part: 0,
        parts: export.parts,
        hasher: Sha256::new(),
        sha256: manifest.sha256,
    };
    let pieces = unfold(Some(reader), |reader| async move {
        let mut reader: Reader = reader?;
        match reader.next().await {
            Ok(Some(bytes)) => Some((Ok(bytes), Some(reader))),
            Ok(None) => None,
            Err(error) => {
                tracing::error!(export.id = %reader.id, error.chain = %chain(&error), "an export broke off");
                Some((Err(error), None))
            }
        }
    });
    // What writes answers asks once more behind the end.
    pieces.fuse()
}

struct Reader {
    app: App,
    caller: Caller,
    session: SessionHash,
    id: ExportId,
    /// The piece that was read last.
    part: i32,
    parts: i32,
    hasher: Sha256,
    sha256: Digest,
}

impl Reader {
    /// Who reads slowly reads with the rights of today, and nothing more once their session has ended.
    async fn ask_again(&mut self, now: At) -> Result<(), AppError> {
        let (session, caller) = (std::slice::from_ref(&self.session), &self.caller);
        let found = store::session::callers(self.app.db(), session, now, &caller.origin, caller.trace).await?;
        let here = found.into_iter().find(|person| person.caller.business == caller.business);
        self.caller = here.ok_or(AppError::SignedOut)?.caller;
        Ok(())
    }

    /// The next piece that holds anything.
    async fn next(&mut self) -> Result<Option<Vec<u8>>, AppError> {
        while self.part < self.parts {
            self.part += 1;
            let now = self.app.clock().now();
            self.ask_again(now).await?;
            let mut tx = TenantTx::open(self.app.db(), &self.caller, now).await?;
            let (row, sealed) = store::audit_export::part(&mut tx, self.id, self.part).await?;
            tx.commit().await?;
            let business = self.caller.business;
            let plain = self.app.vault().open(business, Purpose::AuditExport, row, &sealed).await?;
            self.hasher.update(plain.as_slice());
            let sha256: [u8; 32] = self.hasher.clone().finalize().into();
            if self.part == self.parts && sha256 != self.sha256.0 {
                return Err(AppError::Internal("the file is not the one that was signed".into()));
            }
            // To the protocol below, an empty piece is the end.
            if !plain.is_empty() {
                return Ok(Some(plain.to_vec()));
            }
        }
        Ok(None)
    }
}
