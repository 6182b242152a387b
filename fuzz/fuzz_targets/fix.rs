#![no_main]

#[path = "../../tests/laws/mod.rs"]
mod laws;

libfuzzer_sys::fuzz_target!(|text: &str| {
    let (config, scripts) = laws::parted(text);
    laws::fix(&config, &scripts);
});
