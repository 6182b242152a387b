//! The `EventListener`: it accepts everything, and creates a run where its interceptors would let an event pass.

use std::time::Duration;

use serde_json::{Value, json};

use super::http::{self, Request};
use super::state::State;
use super::{Fault, NAMESPACE, Run};

pub(super) fn answer(state: &mut State, request: &Request) -> Vec<u8> {
    if request.method != "POST" {
        return accepted(state);
    }
    state.posts += 1;
    let fault = state.post_faults.pop_front().unwrap_or(Fault::None);
    let delay = match fault {
        Fault::None | Fault::CutAfter => Some(Duration::ZERO),
        Fault::Late(delay) => Some(delay),
        Fault::Drop | Fault::Refuse => None,
    };
    if let (Some(delay), Some(run)) = (delay, wanted(state, request)) {
        state.order(run, delay);
    }
    if matches!(fault, Fault::Refuse | Fault::CutAfter) { Vec::new() } else { accepted(state) }
}

/// The answer says that an event has come, never what has become of it.
fn accepted(state: &State) -> Vec<u8> {
    let body = json!({
        "eventListener": "sidestage",
        "namespace": NAMESPACE,
        "eventListenerUID": "6a3c5b0e-57d0-4f2b-9d55-0c1d8e1f7a42",
        "eventID": format!("00000000-0000-4000-8000-{:012}", state.posts),
    });
    http::json(202, &body)
}

/// The run that a good request asks for.
fn wanted(state: &State, request: &Request) -> Option<Run> {
    if request.header("x-async-stage-token") != Some(&state.stage_token) {
        return None;
    }
    let body: Value = serde_json::from_slice(&request.body).ok()?;
    let text = |name: &str| body[name].as_str().map(str::to_owned);
    let run = Run { name: text("run")?, stage: text("stage")?, parent: text("parent")?, payload: text("payload")? };
    let is_good = body["sidestage"].as_f64() == Some(1.0)
        && state.pipelines.contains_key(&run.stage)
        && is_name(&run.name)
        // A label may also have dots.
        && is_name(&run.parent.replace('.', "-"))
        && is_base64(&run.payload);
    is_good.then_some(run)
}

/// `^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$`
fn is_name(text: &str) -> bool {
    let is_known = |byte: u8| byte == b'-' || byte.is_ascii_lowercase() || byte.is_ascii_digit();
    (1..=63).contains(&text.len()) && text.bytes().all(is_known) && !text.starts_with('-') && !text.ends_with('-')
}

/// `^[A-Za-z0-9+/]+=*$`
fn is_base64(text: &str) -> bool {
    let digits = text.trim_end_matches('=');
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+/".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::{is_base64, is_name};

    #[test]
    fn names_are_labels_of_dns() {
        let longest = "a".repeat(63);
        for good in ["a", "0", "a-b", "a--9", &longest] {
            assert!(is_name(good), "{good}");
        }
        let too_long = "a".repeat(64);
        for bad in ["", "-", "-a", "a-", "A", "a.b", "a_b", "ä", "a\n", &too_long] {
            assert!(!is_name(bad), "{bad}");
        }
    }

    #[test]
    fn payloads_are_base64() {
        for good in ["e30=", "e30", "a+/9==="] {
            assert!(is_base64(good), "{good}");
        }
        for bad in ["", "=", "a=b", "a-b", "a b", "e30=\n"] {
            assert!(!is_base64(bad), "{bad}");
        }
    }
}
