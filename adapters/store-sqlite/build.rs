//! Tells cargo that a new migration changes this crate: the macro only watches files it has seen.

fn main() {
    println!("cargo::rerun-if-changed=../../migrations/sqlite");
}
