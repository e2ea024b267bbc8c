//! The product's statements, taken from the store's source text: what is compared is what runs, also after a change.

pub const AUDIT: &str = include_str!("../../src/server/store/audit.rs");
pub const CALL: &str = include_str!("../../src/server/store/call.rs");
pub const CALL_LOG: &str = include_str!("../../src/server/store/call_log.rs");
pub const CONNECTION: &str = include_str!("../../src/server/store/connection.rs");
pub const LIVE: &str = include_str!("../../src/server/store/live.rs");
pub const LOBBY: &str = include_str!("../../src/server/store/lobby.rs");
pub const OUTBOX: &str = include_str!("../../src/server/store/outbox.rs");
pub const RECEIPT: &str = include_str!("../../src/server/store/receipt.rs");
pub const TX: &str = include_str!("../../src/server/store/tx.rs");

/// The `nth` statement (from 0) of a function, as it stands between its quotes.
pub fn statement(source: &'static str, function: &str, nth: usize) -> &'static str {
    let head = format!("fn {function}(");
    let begin = source.find(&head).unwrap_or_else(|| panic!("the store has no {function} any more"));
    let rest = &source[begin..];
    // The next function of any kind ends this one.
    let end = rest[head.len()..].find("fn ").map_or(rest.len(), |at| at + head.len());
    let body = &rest[..end];
    let (at, _) = body
        .match_indices("sqlx::query")
        .nth(nth)
        .unwrap_or_else(|| panic!("{function} has no statement {nth} any more"));
    let call = &body[at..];
    let quote = call.find('"').unwrap_or_else(|| panic!("{function}: no quote"));
    let close = if call[..quote].ends_with("r#") { "\"#" } else { "\"" };
    let text = &call[quote + 1..];
    let length = text.find(close).unwrap_or_else(|| panic!("{function}: no end of the statement"));
    &text[..length]
}

/// The statement with `$1`, `$2`, … replaced. Panics when their number is not that of `values`: then the store has
/// changed, and so must the benchmark.
pub fn fill(statement: &str, values: &[&str]) -> String {
    let mut text = statement.to_owned();
    // From the highest, so that $1 does not find itself in $10.
    for (i, value) in values.iter().enumerate().rev() {
        let place = format!("${}", i + 1);
        assert!(text.contains(&place), "no {place} in: {statement}");
        text = text.replace(&place, value);
    }
    assert!(!text.contains('$'), "more parameters than {} in: {statement}", values.len());
    text
}

/// To compare statements: white space does not count.
pub fn plain(statement: &str) -> String {
    statement.split_whitespace().collect::<Vec<_>>().join(" ")
}
