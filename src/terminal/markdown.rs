//! Pages for the terminal: text wrapped at its width, headings and code set apart.

use std::fmt::Write;

use anstyle::{AnsiColor, Style};
use sidestage_compiler::report::Look;

const HEADING: Style = Style::new().bold().underline();
const CODE: Style = AnsiColor::Cyan.on_default();

/// A page as it is shown. Where nobody looks at it, it stays as it is.
pub(crate) fn shown(page: &str, look: Look) -> String {
    if look.columns.is_none() {
        return page.to_owned();
    }
    let mut out = String::new();
    let mut paragraph = String::new();
    let mut is_code = false;
    for line in page.lines().chain([""]) {
        let is_fence = line.starts_with("```");
        let is_heading = !is_code && line.starts_with('#');
        let begins = is_fence || is_heading || line.is_empty() || line.starts_with("* ") || line.starts_with("- ") || line.starts_with('|');
        if (begins || is_code) && !paragraph.is_empty() {
            wrapped(&mut out, &std::mem::take(&mut paragraph), look);
        }
        // Writing to a string cannot fail.
        if is_fence {
            is_code = !is_code;
            if let (true, Some((_, file))) = (is_code, line.split_once(' ')) {
                let _ = writeln!(out, "    {CODE}# {file}{CODE:#}");
            }
        } else if is_code {
            let _ = writeln!(out, "    {CODE}{line}{CODE:#}");
        } else if is_heading {
            let _ = writeln!(out, "{HEADING}{}{HEADING:#}", line.trim_start_matches('#').trim());
        } else if line.starts_with('|') {
            row(&mut out, line);
        } else if line.is_empty() {
            out.push('\n');
        } else {
            paragraph.push_str(if paragraph.is_empty() { "" } else { " " });
            paragraph.push_str(line.trim());
        }
    }
    out.truncate(out.trim_end().len());
    out.push('\n');
    out
}

fn wrapped(out: &mut String, paragraph: &str, look: Look) {
    let is_item = paragraph.starts_with("* ") || paragraph.starts_with("- ");
    out.push_str(&look.indented(paragraph, "", if is_item { "  " } else { "" }));
    out.push('\n');
}

/// A row of a table; the line under its head says nothing here.
fn row(out: &mut String, line: &str) {
    if !line.contains("---") {
        let cells: Vec<String> = line.trim_matches('|').split('|').map(|cell| format!("{:12}", cell.trim())).collect();
        let _ = writeln!(out, "{}", cells.join(" ").trim_end());
    }
}

#[cfg(test)]
mod tests {
    use sidestage_compiler::report::Look;

    use super::shown;

    #[test]
    fn text_is_wrapped_and_code_is_not() {
        let page = "# A rule\n\nOne two three four five six seven eight\nnine ten.\n* an item that is longer than the width of it all\n\n```sh scripts/x\necho a line of code that is longer than the width\n```\n| level | since |\n|---|---|\n| error | 0.1.0 |\n";
        let look = Look { columns: Some(40), ..Look::PLAIN };
        let plain = anstream::adapter::strip_str(&shown(page, look)).to_string();
        let expected = "A rule\n\nOne two three four five six seven eight\nnine ten.\n* an item that is longer than the width\n  of it all\n\n    # scripts/x\n    echo a line of code that is longer than the width\nlevel        since\nerror        0.1.0\n";
        assert_eq!(plain, expected);
        assert_eq!(shown(page, Look::PLAIN), page);
    }
}
