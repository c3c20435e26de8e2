//! A page that is added to docs/errors is taken into the binary.
fn main() {
    println!("cargo::rerun-if-changed=../../docs/errors");
}
