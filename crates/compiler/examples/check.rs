//! Checks a configuration in memory, and shows the findings through `miette`.
//!
//! `cargo run -p sidestage-compiler --example check`

use miette::NarratableReportHandler;
use sidestage_compiler::compilation::{Options, compile};
use sidestage_compiler::diagnostics::Located;
use sidestage_compiler::source::{MemoryFiles, PathsFrom};

const CONFIG: &str = "\
version: '1'
dynamic-scan:
  script: |
    #!/usr/bin/env bash
    source scripts/trigger
owasp-zap:
  script: |
    #!/usr/bin/env bash
    zap --target \"$(get_env app-url)\"
";
const SCRIPT: &str = "set_env app-url https://example.com\ntrigger-task owasp-zap\n";

#[allow(clippy::print_stdout)] // what an example is for
fn main() {
    let files = MemoryFiles::new([("scripts/trigger", SCRIPT)]);
    let compilation = compile(".pipeline-config.yaml", CONFIG.as_bytes(), &files, &Options::default());
    for finding in &compilation.findings {
        let located = Located::new(&compilation.sources, &PathsFrom::default(), finding);
        let mut text = String::new();
        if NarratableReportHandler::new().render_report(&mut text, &located).is_ok() {
            println!("{text}");
        }
    }
}
