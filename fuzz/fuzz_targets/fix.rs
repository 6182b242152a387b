#![no_main]

#[path = "../../tests/it/properties.rs"]
mod properties;

libfuzzer_sys::fuzz_target!(|text: &str| {
    let (config, scripts) = properties::parted(text);
    properties::fix(&config, &scripts);
});
