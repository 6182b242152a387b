//! Runs of the pipeline, and the nonce by which they are known.

use serde_json::Value;

use crate::api::{Client, Failure, encoded};

/// An async run: its id and the address of its page, each empty where it is not known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Run {
    pub(crate) id: String,
    pub(crate) url: String,
}

/// More pages are not looked at.
const PAGES: usize = 10;

/// The run whose payload carries the nonce; nothing where there is none.
///
/// # Errors
/// Where the API does not tell.
pub(crate) fn find(client: &mut Client, trigger: &str, nonce: &str) -> Result<Option<Run>, Failure> {
    let mut start = String::new();
    for _ in 0..PAGES {
        let path = format!("/pipeline_runs?limit=50&trigger.name={}{start}", encoded(trigger));
        let page = client.get(&path, "list the runs of the pipeline")?;
        let runs = page["pipeline_runs"].as_array().map(Vec::as_slice).unwrap_or_default();
        let carries = |run: &&Value| match &run["event_params_blob"] {
            Value::String(text) => text.contains(nonce),
            other => other.to_string().contains(nonce),
        };
        let found = runs.iter().filter(carries).min_by_key(|run| run["created_at"].as_str().unwrap_or_default());
        if let Some(run) = found {
            return Ok(Some(named(run)));
        }
        let next = page["next"]["href"].as_str().and_then(|address| address.split(['?', '&']).find_map(|part| part.strip_prefix("start=")));
        match next {
            Some(next) => start = format!("&start={next}"),
            None => return Ok(None),
        }
    }
    Ok(None)
}

/// Id and address of a run, in whatever fields they stand.
pub(super) fn named(run: &Value) -> Run {
    let text = |names: &[&str]| names.iter().find_map(|name| run[*name].as_str()).unwrap_or_default().to_owned();
    let without_blanks = |text: String| text.split_whitespace().collect::<String>();
    let id = match &run["id"] {
        Value::String(id) => id.clone(),
        Value::Number(id) => id.to_string(),
        _ => id_in(&text(&["href", "url", "run_url"])),
    };
    Run { id: without_blanks(id), url: without_blanks(text(&["run_url", "html_url", "url", "href"])) }
}

fn id_in(address: &str) -> String {
    let end = ["/pipeline_runs/", "/runs/"].iter().find_map(|part| address.split_once(part));
    let is_of_id = |c: &char| c.is_ascii_alphanumeric() || *c == '-';
    end.map(|(_, rest)| rest.chars().take_while(is_of_id).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn id_and_address_are_found_in_any_of_their_fields() {
        for (reply, id, url) in [
            (json!({ "id": "a-1", "run_url": "https://x/y" }), "a-1", "https://x/y"),
            (
                json!({ "href": "https://x/v2/tekton_pipelines/p/pipeline_runs/b-2?x" }),
                "b-2",
                "https://x/v2/tekton_pipelines/p/pipeline_runs/b-2?x",
            ),
            (json!({ "html_url": "https://x/runs/c-3/view" }), "", "https://x/runs/c-3/view"),
            (json!({ "url": "https://x/runs/c-3/view" }), "c-3", "https://x/runs/c-3/view"),
            (json!({ "ok": true }), "", ""),
        ] {
            assert_eq!(named(&reply), Run { id: id.to_owned(), url: url.to_owned() }, "{reply}");
        }
    }
}
