//! Committed tables: a change of them must be looked at.

/// Compares `text` with `tests/it/snapshots/{name}.txt`; with `UPDATE_SNAPSHOTS=1` writes it instead.
pub fn matches_snapshot(name: &str, text: &str) {
    let path = super::root().join("tests/it/snapshots").join(name).with_extension("txt");
    let text = format!("{}\n", text.trim_end());
    if std::env::var("UPDATE_SNAPSHOTS").is_ok_and(|value| value == "1") {
        std::fs::write(&path, &text).expect("the snapshot can be written");
        return;
    }
    let known = std::fs::read_to_string(&path).unwrap_or_default();
    let gone: Vec<_> = known.lines().filter(|line| !text.lines().any(|other| other == *line)).collect();
    let new: Vec<_> = text.lines().filter(|line| !known.lines().any(|other| other == *line)).collect();
    assert!(
        known == text,
        "{} is no longer true.\ngone: {gone:#?}\nnew: {new:#?}\nIf this is meant, run the test again with \
         UPDATE_SNAPSHOTS=1 and commit the file.",
        path.display()
    );
}
