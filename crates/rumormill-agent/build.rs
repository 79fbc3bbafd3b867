//! Has the library compiled again when a file of the page is added or removed.

fn main() {
    println!("cargo:rerun-if-changed=page");
    println!("cargo:rerun-if-changed=build.rs");
}
