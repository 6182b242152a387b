//! How the program is linked: for a start that costs little, since pipelines start `pipelinectl` hundreds of times.

use std::env;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let features = env::var("CARGO_CFG_TARGET_FEATURE").unwrap_or_default();
    // A static program has no libraries to find, and lies where `-C relocation-model` says: `-no-pie` would name a loader
    // in it that images without glibc do not have.
    if features.split(',').any(|feature| feature == "crt-static") {
        return;
    }
    let target = |part: &str| env::var(format!("CARGO_CFG_TARGET_{part}")).unwrap_or_default();
    if (target("OS").as_str(), target("ENV").as_str()) == ("linux", "gnu") {
        // A position-independent program corrects some two hundred pages of pointers at each start. Without that the
        // program lies at a fixed address; its libraries, heap and stack still do not.
        println!("cargo::rustc-link-arg-bins=-no-pie");
        // The unwinder inside the program: one library less to find, map and bind.
        println!("cargo::rustc-link-lib=gcc_eh");
    }
}
