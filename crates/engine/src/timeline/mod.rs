//! When each stage and each async run ran: as text, as a picture, as a page.

mod rows;
mod svg;
mod text;

use jiff::Timestamp;
use sidestage_compiler::report::escaped;

use crate::run::RunView;
use rows::Chart;

/// The timeline as text, sixty columns wide; empty where nothing has begun.
pub fn text(view: &RunView, runs: &[RunView], now: Timestamp) -> String {
    text::text(&Chart::new(view, runs, now))
}

/// The timeline as a picture of its own.
pub fn svg(view: &RunView, runs: &[RunView], now: Timestamp) -> String {
    svg::svg(&Chart::new(view, runs, now))
}

/// The timeline as a page: one file, nothing is fetched.
pub fn page(view: &RunView, runs: &[RunView], now: Timestamp) -> String {
    let chart = Chart::new(view, runs, now);
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<meta name=\"color-scheme\" content=\"light dark\">\n\
         <title>{} - sidestage</title>\n<style>body{{margin:0;padding:8px;background:#fff}}\
         @media(prefers-color-scheme:dark){{body{{background:#0d1117}}}}</style>\n</head>\n<body>\n{}</body>\n</html>\n",
        escaped(&chart.title),
        svg::svg(&chart)
    )
}
