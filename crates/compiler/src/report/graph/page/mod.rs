//! `graph --format html`: the picture as a page. One file, no network: the picture of each pipeline, the facts behind it
//! as JSON, and a script that shows them.

mod data;

use super::picture::{Pictured, Story, element, scenes};
use crate::diagnostics::Finding;
use crate::report::escaped;

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");
/// Nothing is fetched, whatever a name in the configuration says.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data: blob:";

/// The page of a configuration with what was found in it.
///
/// # Errors
/// Where the facts cannot be written as JSON, which is a bug.
pub fn html(pictured: &Pictured<'_>, findings: &[Finding]) -> Result<String, serde_json::Error> {
    let story = Story::new(pictured);
    let scenes = scenes(pictured);
    let data = serde_json::to_string(&data::data(pictured, &scenes, findings))?;
    let sections: String = scenes
        .iter()
        .enumerate()
        .map(|(index, scene)| {
            format!("<section class=\"scene\" data-scene=\"{index}\" hidden>\n{}</section>\n", element(std::slice::from_ref(scene), &story))
        })
        .collect();
    let name = escaped(pictured.name);
    // In a script element only these could be taken for markup.
    let data = data.replace('<', "\\u003c");
    Ok(format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{POLICY}\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<meta name=\"color-scheme\" content=\"light dark\">\n\
         <title>{name} - sidestage</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n\
         <header>\n<h1>{name}</h1>\n<nav role=\"tablist\" aria-label=\"Pipelines\"></nav>\n\
         <input type=\"search\" placeholder=\"Search (/)\" aria-label=\"Search stages and variables\" list=\"names\"><datalist id=\"names\"></datalist>\n\
         <div class=\"tools\"><button data-do=\"fit\" title=\"Fit (0)\">Fit</button><button data-do=\"svg\">Copy SVG</button>\
         <button data-do=\"png\">Copy PNG</button><button data-do=\"mermaid\">Copy Mermaid</button><button data-do=\"help\" title=\"Keys (?)\">?</button></div>\n\
         </header>\n<main tabindex=\"-1\">\n{sections}</main>\n<aside aria-live=\"polite\"></aside>\n\
         <script type=\"application/json\" id=\"data\">{data}</script>\n<script>\n{SCRIPT}</script>\n</body>\n</html>\n"
    ))
}
