//! The house rules that a compiler does not know (architecture.md; examples.md, section 7).

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::kit::root;

/// A file longer than this is split by verb.
const LONGEST: usize = 400;
/// Known to be longer. This list only shrinks.
const LONGER: [&str; 0] = [];

fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()) {
        if entry.is_dir() {
            found.extend(files(&entry, extension));
        } else if entry.extension().is_some_and(|other| other == extension) {
            found.push(entry);
        }
    }
    found.sort();
    found
}

fn sources() -> Vec<(String, String)> {
    let root = root();
    let all = files(&root.join("src"), "rs").into_iter().map(|path| {
        let name = path.strip_prefix(&root).expect("below the root").to_string_lossy().into_owned();
        (name, fs::read_to_string(&path).expect("text"))
    });
    all.collect()
}

#[test]
fn feature_cfgs_stand_in_two_files_only() {
    for (name, text) in sources() {
        let is_map = name == "src/lib.rs" || name == "src/main.rs";
        assert!(is_map || !text.contains("cfg(feature"), "{name}: a feature cfg outside lib.rs and main.rs");
    }
}

#[test]
fn no_file_is_too_long_to_read() {
    let mut longer: Vec<String> = Vec::new();
    for (name, text) in sources() {
        if text.lines().count() > LONGEST {
            longer.push(name);
        }
    }
    assert_eq!(longer, LONGER, "files over {LONGEST} lines");
}

#[test]
fn arrows_point_one_way() {
    let forbidden = [
        ("src/model/", "crate::server"),
        ("src/model/", "crate::ui"),
        ("src/server/store/", "server::http"),
        ("src/server/store/", "axum::"),
        ("src/server/providers/", "sqlx"),
        ("src/server/pages/", "sqlx::"),
        ("src/server/services/", "sqlx::"),
    ];
    for (name, text) in sources() {
        for (room, stranger) in forbidden {
            assert!(!name.starts_with(room) || !text.contains(stranger), "{name} reaches for {stranger}");
        }
    }
}

#[test]
fn every_lint_exception_has_a_reason() {
    for (name, text) in sources() {
        assert!(!text.contains("#[allow("), "{name}: say expect, with a reason");
        for (number, line) in text.lines().enumerate().filter(|(_, line)| line.trim_start().starts_with("#[expect(")) {
            let whole: String = text.lines().skip(number).take(6).collect();
            let attribute = whole.split(")]").next().unwrap_or_default();
            assert!(attribute.contains("reason ="), "{name}:{}: {line}", number + 1);
        }
    }
}

#[test]
fn migrations_are_numbered_without_gaps() {
    for (number, path) in files(&root().join("migrations"), "sql").iter().enumerate() {
        let name = path.file_name().expect("a name").to_string_lossy();
        assert!(name.starts_with(&format!("{:04}_", number + 1)), "{name}");
    }
}
