//! `sqlx::migrate!` embeds the migrations; a new file must build it anew.

fn main() {
    println!("cargo:rerun-if-changed=migrations");
}
