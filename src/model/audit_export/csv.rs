//! An entry as a line of CSV (RFC 4180), and back, without a loss: an absent value is nothing, an empty one two quotes. No
//! cell is taken for a formula: what could be one gets an apostrophe in front, and so does what begins with an apostrophe. In much
//! of Europe a spreadsheet splits lines at semicolons, whatever the quotes say: what would begin a cell then is guarded likewise.
//!
//! The columns stand for good: programs of other people read them by name. A new one comes at the end, with a new version
//! of the manifest.

use std::{
    borrow::Cow,
    fmt::Write,
    io::{self, BufRead},
};

use jiff::{Timestamp, tz::TimeZone};
use uuid::Uuid;

use crate::model::seal::Entry;

/// The first line.
pub const HEADER: &str =
    "id,at,actor_kind,actor_id,action,target_kind,target_id,result,reason,origin,trace,before,after,xid,business\r\n";

const COLUMNS: usize = 15;

/// A line that is no entry of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a line of an audit export")]
pub struct BadLine;

/// Whether a spreadsheet could take this for a formula, or for the mark against that.
fn is_tempting(text: &str) -> bool {
    text.starts_with(['\'', '\t', '\r', '\n'])
        || text.trim_start().starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠'])
}

/// What a spreadsheet may split at, for which our quotes are none.
const SPLITS: [char; 4] = [';', '\t', '\r', '\n'];

/// Whether a formula stands behind such a place. Apostrophes do not count: so it is the same with ours and without.
fn is_tempting_behind(text: &str) -> bool {
    let rest = text.trim_start_matches(|c: char| c == '\'' || c == '"' || c.is_whitespace());
    rest.starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠'])
}

/// With an apostrophe behind each place where a cell with a formula could begin; where `is_there`, without it.
fn guarded(text: &str, is_there: bool) -> Cow<'_, str> {
    if !text.contains(SPLITS) {
        return Cow::Borrowed(text);
    }
    let (mut out, mut rest) = (String::with_capacity(text.len() + 8), text);
    // Each of them is one byte.
    while let Some(place) = rest.find(SPLITS) {
        let (before, behind) = rest.split_at(place + 1);
        out.push_str(before);
        rest = behind;
        if is_tempting_behind(behind) {
            if is_there {
                rest = behind.strip_prefix('\'').unwrap_or(behind);
            } else {
                out.push('\'');
            }
        }
    }
    out.push_str(rest);
    Cow::Owned(out)
}

fn cell(out: &mut String, text: &str) {
    let text = guarded(text, false);
    let safe = if is_tempting(&text) { Cow::Owned(format!("'{text}")) } else { text };
    let plain = !safe.is_empty() && !safe.contains(['"', ',', ';', '\t', '\r', '\n']) && safe.trim() == safe;
    if plain {
        out.push_str(&safe);
    } else {
        out.push('"');
        out.push_str(&safe.replace('"', "\"\""));
        out.push('"');
    }
}

fn optional(out: &mut String, text: Option<&str>) {
    if let Some(text) = text {
        cell(out, text);
    }
}

/// The instant with the offset of a zone: `2026-01-02T04:04:05.000006+01:00`.
fn instant(micros: i64, zone: &TimeZone) -> String {
    let at = Timestamp::from_microsecond(micros).unwrap_or(if micros < 0 { Timestamp::MIN } else { Timestamp::MAX });
    at.to_zoned(zone.clone()).strftime("%Y-%m-%dT%H:%M:%S.%6f%:z").to_string()
}

/// Appends an entry, with its time in `zone`.
pub fn write(out: &mut String, entry: &Entry, zone: &TimeZone) {
    let id = |id: &Uuid| id.to_string();
    cell(out, &entry.id.to_string());
    out.push(',');
    cell(out, &instant(entry.at, zone));
    let rest = [
        Some(entry.actor_kind.clone()),
        entry.actor_id.as_ref().map(id),
        Some(entry.action.clone()),
        entry.target_kind.clone(),
        entry.target_id.as_ref().map(id),
        Some(entry.result.clone()),
        entry.reason.clone(),
        Some(entry.origin.clone()),
        Some(entry.trace.to_string()),
        entry.before.clone(),
        entry.after.clone(),
    ];
    for value in rest {
        out.push(',');
        optional(out, value.as_deref());
    }
    write!(out, ",{},{}\r\n", entry.xid, entry.business).expect("writing to a string");
}

/// Reads one line; the cells of a record, which may go over several lines of the file. Nothing at the end.
///
/// # Errors
/// It cannot be read, or is no UTF-8.
pub fn record(file: &mut impl BufRead) -> io::Result<Option<String>> {
    let mut text = String::new();
    loop {
        if file.read_line(&mut text)? == 0 {
            return Ok((!text.is_empty()).then_some(text));
        }
        // Quotes come in pairs: within a cell they are doubled.
        if text.matches('"').count().is_multiple_of(2) {
            return Ok(Some(text));
        }
    }
}

/// An entry of a record.
///
/// # Errors
/// What [`write`] did not write.
pub fn read(record: &str) -> Result<Entry, BadLine> {
    let mut cells = cells(record)?.into_iter();
    let mut next = || cells.next().ok_or(BadLine);
    let entry = Entry {
        id: parse(next()?)?,
        at: next()?.ok_or(BadLine)?.parse::<Timestamp>().map_err(|_| BadLine)?.as_microsecond(),
        actor_kind: next()?.ok_or(BadLine)?,
        actor_id: next()?.map(|text| Uuid::try_parse(&text)).transpose().map_err(|_| BadLine)?,
        action: next()?.ok_or(BadLine)?,
        target_kind: next()?,
        target_id: next()?.map(|text| Uuid::try_parse(&text)).transpose().map_err(|_| BadLine)?,
        result: next()?.ok_or(BadLine)?,
        reason: next()?,
        origin: next()?.ok_or(BadLine)?,
        trace: parse(next()?)?,
        before: next()?,
        after: next()?,
        xid: parse(next()?)?,
        business: parse(next()?)?,
    };
    Ok(entry)
}

fn parse<T: std::str::FromStr>(cell: Option<String>) -> Result<T, BadLine> {
    cell.ok_or(BadLine)?.parse().map_err(|_| BadLine)
}

/// The cells of a record: absent where nothing stands.
fn cells(record: &str) -> Result<Vec<Option<String>>, BadLine> {
    let record = record.strip_suffix('\n').map_or(record, |rest| rest.strip_suffix('\r').unwrap_or(rest));
    let mut cells = Vec::with_capacity(COLUMNS);
    let mut rest = record;
    loop {
        let (cell, behind) = if rest.starts_with('"') { quoted(rest)? } else { bare(rest)? };
        cells.push(cell);
        match behind.strip_prefix(',') {
            Some(more) => rest = more,
            None if behind.is_empty() && cells.len() == COLUMNS => return Ok(cells),
            None => return Err(BadLine),
        }
    }
}

type Cell<'a> = (Option<String>, &'a str);

fn quoted(text: &str) -> Result<Cell<'_>, BadLine> {
    let mut value = String::new();
    let mut rest = text.strip_prefix('"').ok_or(BadLine)?;
    loop {
        let (before, behind) = rest.split_once('"').ok_or(BadLine)?;
        value.push_str(before);
        match behind.strip_prefix('"') {
            Some(more) => {
                value.push('"');
                rest = more;
            }
            None => return Ok((Some(untempted(&value)), behind)),
        }
    }
}

fn bare(text: &str) -> Result<Cell<'_>, BadLine> {
    let end = text.find(',').unwrap_or(text.len());
    let (value, behind) = text.split_at(end);
    if value.contains(['"', '\r', '\n']) {
        return Err(BadLine);
    }
    Ok(((!value.is_empty()).then(|| untempted(value)), behind))
}

fn untempted(text: &str) -> String {
    guarded(text.strip_prefix('\'').unwrap_or(text), true).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::id::{AuditId, BusinessId, TraceId};

    fn entry() -> Entry {
        Entry {
            business: BusinessId(Uuid::from_u128(1)),
            id: AuditId(Uuid::from_u128(2)),
            at: 1_767_323_045_000_006,
            xid: 4_294_967_296,
            actor_kind: "member".to_owned(),
            actor_id: Some(Uuid::from_u128(3)),
            action: "call.viewed".to_owned(),
            target_kind: None,
            target_id: None,
            result: "done".to_owned(),
            reason: None,
            origin: "web 192.0.2.0/24".to_owned(),
            trace: TraceId(Uuid::from_u128(4)),
            before: None,
            after: Some("{\"days\":30}".to_owned()),
        }
    }

    fn line(entry: &Entry, zone: &TimeZone) -> String {
        let mut out = String::new();
        write(&mut out, entry, zone);
        out
    }

    fn back(text: &str) -> Entry {
        let mut file = text.as_bytes();
        let record = record(&mut file).expect("reads").expect("a record");
        assert!(file.is_empty(), "one record: {text}");
        read(&record).expect("an entry")
    }

    #[test]
    fn an_entry_is_a_line_of_its_columns() {
        let zone = TimeZone::fixed(jiff::tz::Offset::constant(1));
        let text = line(&entry(), &zone);
        assert_eq!(
            text,
            "aud_00000000000000000000000000000002,2026-01-02T04:04:05.000006+01:00,member,\
             00000000-0000-0000-0000-000000000003,call.viewed,,,done,,web 192.0.2.0/24,\
             trc_00000000000000000000000000000004,,\"{\"\"days\"\":30}\",4294967296,biz_00000000000000000000000000000001\r\n"
        );
        assert_eq!(HEADER.split(',').count(), COLUMNS);
        assert_eq!(cells(&text).expect("cells").len(), COLUMNS);
    }

    #[test]
    fn nothing_is_lost_and_nothing_is_a_formula() {
        let reasons = [
            "",
            " ",
            "plain",
            "=1+1",
            "+1",
            "-1",
            "@sum",
            "\t=1",
            "  =1",
            "'=1",
            "'",
            "\u{ff1d}1",
            "a\"b",
            "\"",
            "a,b",
            "a\r\nb",
            "\n",
            "\r",
            "=\"\"",
            "''",
            ",",
            "Übung 😀",
            "=cmd|' /C calc'!A0",
            "a;=1",
            "a;'=1",
            "a; ''\t\"=1",
            "a\t-1;;+1;",
            "a\r\n@b",
            ";\u{ff0b}1",
            "a;b\tc",
        ];
        for reason in reasons {
            let said = Entry { reason: Some(reason.to_owned()), ..entry() };
            let text = line(&said, &TimeZone::UTC);
            assert_eq!(back(&text), said, "{reason:?}");
            let shown = cells(&text).expect("cells").swap_remove(8).expect("a reason");
            assert_eq!(shown, reason);
            // As a spreadsheet reads the cell: without the quotes that only CSV means.
            let raw = text.split(",done,").nth(1).expect("a reason").trim_start_matches('"').trim_start();
            assert!(!raw.starts_with(['=', '+', '@', '\u{ff1d}']), "{raw}");
            // And where it splits at semicolons, tabs and lines, and takes quotes away.
            for cell in raw.split(SPLITS) {
                let cell = cell.trim_start_matches(|c: char| c == '"' || c.is_whitespace());
                assert!(!cell.starts_with(['=', '+', '-', '@', '\u{ff0b}']), "{raw}");
            }
        }
        assert_eq!(back(&line(&entry(), &TimeZone::UTC)).reason, None, "empty is not absent");
    }

    #[test]
    fn what_was_not_written_here_is_refused() {
        let good = line(&entry(), &TimeZone::UTC);
        for bad in [
            "",
            ",",
            HEADER,
            &good.replace("done", "\"done"),
            &good.replace("member", "mem\"ber"),
            &good.replace("call.viewed", ""),
            &good.replace("2026", "then"),
            &good.replace("\r\n", ",more\r\n"),
        ] {
            assert_eq!(read(bad), Err(BadLine), "{bad}");
        }
    }
}
