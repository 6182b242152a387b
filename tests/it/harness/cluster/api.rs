//! The Kubernetes API, as far as it shows runs.

use std::ops::Bound;

use serde_json::{Value, json};

use super::http::{self, Request};
use super::state::{Record, State};
use super::{GetFault, NAMESPACE};

/// Code and body.
type Answer = (u16, Value);

pub(super) fn answer(state: &mut State, request: &Request) -> Vec<u8> {
    if request.method != "GET" {
        let (code, body) = failure(405, "MethodNotAllowed", "the server does not allow this method on the requested resource", None);
        return http::json(code, &body);
    }
    state.gets.push(request.target.clone());
    let fault = state.get_faults.pop_front().unwrap_or(GetFault::None);
    let question = Question::of(&request.target);
    let (code, body) = match fault {
        GetFault::None | GetFault::Cut => look(state, request, question.as_ref()),
        GetFault::Forbidden => forbidden(question.as_ref()),
        GetFault::Unauthorized => unauthorized(),
        GetFault::Unavailable => failure(503, "ServiceUnavailable", "the server is currently unable to handle the request", None),
    };
    let mut answer = http::json(code, &body);
    if fault == GetFault::Cut {
        answer.truncate(answer.len() - body.to_string().len() / 2);
    }
    answer
}

/// What a client asks for.
struct Question<'a> {
    namespace: &'a str,
    /// Without one, a list is wanted.
    name: Option<&'a str>,
    query: &'a str,
}

impl<'a> Question<'a> {
    fn of(target: &'a str) -> Option<Self> {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let rest = path.strip_prefix("/apis/tekton.dev/v1/namespaces/")?;
        let (namespace, name) = match rest.split('/').collect::<Vec<_>>()[..] {
            [namespace, "pipelineruns"] => (namespace, None),
            [namespace, "pipelineruns", name] => (namespace, Some(name)),
            _ => return None,
        };
        Some(Self { namespace, name, query })
    }

    fn parameter(&self, name: &str) -> Option<String> {
        self.query.split('&').filter_map(|pair| pair.split_once('=')).find(|(known, _)| *known == name).map(|(_, value)| decoded(value))
    }
}

/// Who is it, may they, is it there: in the order of the real one.
fn look(state: &State, request: &Request, question: Option<&Question>) -> Answer {
    if request.header("authorization").and_then(|value| value.strip_prefix("Bearer ")) != Some(&state.api_token) {
        return unauthorized();
    }
    match question {
        Some(question) if question.namespace != NAMESPACE => forbidden(Some(question)),
        Some(Question { name: Some(name), .. }) => state.runs.get(*name).map_or_else(|| not_found(name), |record| (200, record.object())),
        Some(question) => list(state, question).unwrap_or_else(|message| failure(400, "BadRequest", &message, None)),
        None => failure(404, "NotFound", "the server could not find the requested resource", None),
    }
}

/// A page of the runs, by name. The error is what is wrong with the question.
fn list(state: &State, question: &Question) -> Result<Answer, String> {
    let selector = question.parameter("labelSelector").unwrap_or_default();
    let labels = labels(&selector).ok_or_else(|| format!("unable to parse requirement: {selector}"))?;
    let after = last_seen(question)?;
    let mut rest = state
        .runs
        .range::<str, _>((Bound::Excluded(after.as_str()), Bound::Unbounded))
        .map(|(_, record)| record)
        .filter(|record| labels.iter().all(|(label, value)| record.has(label, value)));
    let page: Vec<_> = rest.by_ref().take(page_size(state, question)?).collect();
    let mut metadata = json!({ "resourceVersion": "1" });
    if let (Some(last), Some(_)) = (page.last(), rest.next()) {
        metadata["continue"] = json!(format!("{CONTINUE}{}", last.run.name));
    }
    let items: Vec<_> = page.into_iter().map(Record::object).collect();
    Ok((200, json!({ "apiVersion": "tekton.dev/v1", "kind": "PipelineRunList", "metadata": metadata, "items": items })))
}

/// Before the name of the last run in what clients are to take as it is.
const CONTINUE: &str = "after.";

/// The name after which the page begins.
fn last_seen(question: &Question) -> Result<String, String> {
    let token = question.parameter("continue").unwrap_or_default();
    if token.is_empty() {
        return Ok(token);
    }
    token.strip_prefix(CONTINUE).map(str::to_owned).ok_or_else(|| "continue key is not valid".to_owned())
}

/// The smaller of what the client and the test want; 0 is no wish.
fn page_size(state: &State, question: &Question) -> Result<usize, String> {
    let limit = question.parameter("limit").map(|limit| limit.parse()).transpose().map_err(|_| "limit is no number".to_owned())?;
    Ok([limit, state.page_size].into_iter().flatten().filter(|&size| size > 0).min().unwrap_or(usize::MAX))
}

/// The labels of a selector that asks for equality only; nothing else is understood.
fn labels(selector: &str) -> Option<Vec<(&str, &str)>> {
    selector.split(',').filter(|requirement| !requirement.is_empty()).map(equality).collect()
}

/// `label=value` or `label==value`
fn equality(requirement: &str) -> Option<(&str, &str)> {
    let is_plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_./".contains(&byte));
    let (label, value) = requirement.split_once('=')?;
    let value = value.strip_prefix('=').unwrap_or(value);
    (is_plain(label) && is_plain(value)).then_some((label, value))
}

/// Without the percent signs of a query.
fn decoded(text: &str) -> String {
    let mut parts = text.split('%');
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        match part.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                bytes.extend(&part.as_bytes()[2..]);
            }
            None => bytes.extend(format!("%{part}").bytes()),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn unauthorized() -> Answer {
    failure(401, "Unauthorized", "Unauthorized", None)
}

fn forbidden(question: Option<&Question>) -> Answer {
    let (namespace, name) = question.map_or((NAMESPACE, None), |question| (question.namespace, question.name));
    let (what, verb) = name.map_or((String::new(), "list"), |name| (format!(" \"{name}\""), "get"));
    let message = format!(
        "pipelineruns.tekton.dev{what} is forbidden: User \"system:serviceaccount:{NAMESPACE}:sidestage\" cannot {verb} resource \
         \"pipelineruns\" in API group \"tekton.dev\" in the namespace \"{namespace}\""
    );
    failure(403, "Forbidden", &message, Some(details(name)))
}

fn not_found(name: &str) -> Answer {
    failure(404, "NotFound", &format!("pipelineruns.tekton.dev \"{name}\" not found"), Some(details(Some(name))))
}

fn details(name: Option<&str>) -> Value {
    let mut details = json!({ "group": "tekton.dev", "kind": "pipelineruns" });
    if let Some(name) = name {
        details["name"] = json!(name);
    }
    details
}

/// A `Status` of Kubernetes.
fn failure(code: u16, reason: &str, message: &str, details: Option<Value>) -> Answer {
    let mut status = json!({
        "apiVersion": "v1", "kind": "Status", "metadata": {}, "status": "Failure",
        "code": code, "reason": reason, "message": message,
    });
    if let Some(details) = details {
        status["details"] = details;
    }
    (code, status)
}
