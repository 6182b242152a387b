//! The timeline as a picture, in the looks of the graph.

use std::fmt::Write;
use std::time::Duration;

use sidestage_compiler::report::escaped;

use super::rows::{Chart, Row, step};
use crate::execute::shown_duration;
use crate::run::State;

/// Pixels.
const MARGIN: i64 = 16;
const TOP: i64 = 52;
const ROW: i64 = 26;
const BAR: i64 = 16;
const PLOT: i64 = 640;
/// A letter of the font, in tenths of a pixel.
const LETTER: i64 = 73;
const LONGEST: usize = 36;

const STYLE: &str = "\
.time{--text:#1f2328;--soft:#59636e;--line:#d1d9e0;--stage:#818b98;--async:#0969da;--ok:#1a7f37;--bad:#cf222e;--wait:#9a6700;\
font:12px ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono','Liberation Mono',monospace}\
@media(prefers-color-scheme:dark){.time{--text:#e6edf3;--soft:#9198a1;--line:#3d444d;--stage:#7d8590;--async:#4493f8;--ok:#3fb950;\
--bad:#f85149;--wait:#d29922}}\
.time text{fill:var(--text);white-space:pre}.time .title{font-weight:600;font-size:14px}.time .soft{fill:var(--soft);font-size:11px}\
.time line{stroke:var(--line)}.time path{fill:none;stroke:var(--async);stroke-width:1.3;stroke-dasharray:4 3}\
.time rect{fill:var(--stage)}.time .async rect{fill:var(--async)}.time .bad rect{fill:var(--bad)}.time .bad .state{fill:var(--bad)}\
.time .running rect{fill:var(--wait)}.time .off text{fill:var(--soft)}";

fn cut(text: &str) -> String {
    if text.chars().count() <= LONGEST { text.to_owned() } else { text.chars().take(LONGEST - 1).chain(['\u{2026}']).collect() }
}

fn letters(count: usize) -> i64 {
    i64::try_from(count).unwrap_or_default() * LETTER / 10
}

fn words(milliseconds: i64) -> String {
    shown_duration(Duration::from_millis(u64::try_from(milliseconds).unwrap_or_default()))
}

/// The marks of the axis are round, and no two are alike.
fn mark(milliseconds: i64) -> String {
    let (seconds, minutes, hours) = (milliseconds / 1_000, milliseconds / 60_000, milliseconds / 3_600_000);
    let rest = |number: i64, unit: &str| if number == 0 { String::new() } else { format!("{number}{unit}") };
    match milliseconds {
        0 => "0".to_owned(),
        1..1_000 => format!("{milliseconds}ms"),
        1_000..60_000 if milliseconds % 1_000 > 0 => format!("{seconds}.{}s", milliseconds % 1_000 / 100),
        1_000..60_000 => format!("{seconds}s"),
        60_000..3_600_000 => format!("{minutes}m{}", rest(seconds % 60, "s")),
        _ => format!("{hours}h{}", rest(minutes % 60, "m")),
    }
}

fn label(row: &Row) -> String {
    cut(&row.run.as_ref().map_or(row.name.clone(), |run| format!("{} {run}", row.name)))
}

pub(super) fn svg(chart: &Chart) -> String {
    let names = chart.rows.iter().map(|row| letters(label(row).chars().count())).max().unwrap_or_default();
    let left = MARGIN + names + 14;
    let x = |time: i64| left + time * PLOT / chart.length;
    let y = |row: usize| TOP + i64::try_from(row).unwrap_or_default() * ROW;
    let mut body = String::new();
    // Writing to a string cannot fail.
    let _ = writeln!(body, "<text class=\"title\" x=\"{MARGIN}\" y=\"{}\">{}</text>", MARGIN + 10, escaped(&chart.title));
    let bottom = y(chart.rows.len());
    let step = step(chart.length);
    for time in (0..=chart.length / step).map(|index| index * step) {
        let at = x(time);
        let _ = writeln!(body, "<line x1=\"{at}\" y1=\"{}\" x2=\"{at}\" y2=\"{bottom}\"/>", TOP - 6);
        let _ = writeln!(body, "<text class=\"soft\" x=\"{}\" y=\"{}\">{}</text>", at + 3, TOP - 8, mark(time));
    }
    for (index, row) in chart.rows.iter().enumerate() {
        if let Some((moment, Some(parent))) = row.triggered {
            let (from, to) = (y(parent) + BAR, y(index) + BAR / 2);
            let end = row.span.map_or(moment, |(begin, _)| begin);
            let _ = writeln!(body, "<path d=\"M{} {from}V{to}H{}\"/>", x(moment), x(end).max(x(moment) + 1));
        }
    }
    for (index, row) in chart.rows.iter().enumerate() {
        draw(&mut body, row, y(index), &x);
    }
    let width = left + PLOT + 150;
    let height = bottom + MARGIN;
    format!(
        "<svg class=\"time\" xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" \
         role=\"img\">\n<title>{}</title>\n<style>{STYLE}</style>\n{body}</svg>\n",
        escaped(&chart.title)
    )
}

fn draw(body: &mut String, row: &Row, y: i64, x: &impl Fn(i64) -> i64) {
    let kind = if row.run.is_some() { "async" } else { "stage" };
    let state = match row.state {
        State::Succeeded => "ok",
        State::Running => "running",
        State::Queued | State::Skipped => "off",
        State::Failed | State::TimedOut | State::Cancelled | State::Interrupted => "bad",
    };
    let time = row.span.map(|(from, to)| words(to - from));
    let why = row.reason.as_ref().map_or(String::new(), |reason| format!(": {reason}"));
    let title = format!("{} {}{}{why}", row.name, row.state, time.as_ref().map_or(String::new(), |time| format!(" in {time}")));
    let baseline = y + BAR - 4;
    let _ = writeln!(body, "<g class=\"{kind} {state}\"><title>{}</title>", escaped(&title));
    let _ = writeln!(body, "<text x=\"{MARGIN}\" y=\"{baseline}\">{}</text>", escaped(&label(row)));
    match row.span {
        Some((from, to)) => {
            let (left, right) = (x(from), x(to).max(x(from) + 2));
            let _ = writeln!(body, "<rect x=\"{left}\" y=\"{y}\" width=\"{}\" height=\"{BAR}\" rx=\"3\"/>", right - left);
            let ending = if row.state == State::Succeeded { String::new() } else { format!(" {}", row.state) };
            let text = format!("{}{ending}", time.unwrap_or_default());
            let _ = writeln!(body, "<text class=\"soft state\" x=\"{}\" y=\"{baseline}\">{}</text>", right + 5, escaped(&text));
        }
        None => {
            let _ = writeln!(body, "<text class=\"soft state\" x=\"{}\" y=\"{baseline}\">{}</text>", x(0) + 5, row.state);
        }
    }
    body.push_str("</g>\n");
}

#[cfg(test)]
mod tests {
    use super::super::rows::step;
    use super::mark;

    #[test]
    fn marks_of_an_axis_differ() {
        assert_eq!([200, 1_200, 2_000, 90_000, 120_000, 5_400_000].map(mark), ["200ms", "1.2s", "2s", "1m30s", "2m", "1h30m"]);
        for length in [1, 950, 1_300, 4_000, 95_000, 290_000, 5_000_000, 17_000_000] {
            let step = step(length);
            let marks: Vec<String> = (0..=length / step).map(|index| mark(index * step)).collect();
            let mut once = marks.clone();
            once.dedup();
            assert_eq!(marks, once, "{length}");
        }
    }
}
