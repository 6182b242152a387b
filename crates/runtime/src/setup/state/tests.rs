//! The decision table of set-up: what the pipeline shows and what this process knows, and the one step that follows.

use serde_json::{Value, json};
use sidestage_compiler::emit::Manifest;

use super::super::TokenUse;
use super::Listing::{Complete, Lacks, Late};
use super::*;
use crate::hash::masked;

const PIPELINE: &str = "pipeline";
const NAME: &str = "Subpipeline Webhook Trigger";
const PROPERTY: &str = "subpipeline-webhook-token";
const OWN: &str = "0123456789abcdef0123456789abcdef";
const OTHER: &str = "fedcba9876543210fedcba9876543210";
const DERIVED: &str = "00112233445566778899aabbccddeeff";

fn manifest() -> Manifest {
    let manifest = json!({
        "version": 1,
        "trigger": {
            "type": "generic", "name": NAME, "event_listener": "listener", "enabled": true,
            "secret": { "type": "token_matches", "source": "header", "key_name": "x-token" },
        },
        "property": { "name": PROPERTY, "type": "secure" },
        "properties": [{ "name": "region", "type": "text" }],
    });
    Manifest::deserialize(&manifest).unwrap()
}

/// A secure property that holds a token.
fn secure(token: &str) -> Value {
    json!({ "name": PROPERTY, "type": "secure", "value": masked(token, &[PIPELINE, PROPERTY]) })
}

fn text(token: &str) -> Value {
    json!({ "name": PROPERTY, "type": "text", "value": token })
}

/// An enabled trigger that holds a token.
fn trigger(id: &str, token: &str) -> Value {
    let secret = json!({ "type": "token_matches", "source": "header", "key_name": "x-token", "value": masked(token, &[PIPELINE, id]) });
    json!({ "id": id, "name": NAME, "type": "generic", "enabled": true, "secret": secret })
}

/// A value with one of its members replaced.
fn with(mut value: Value, pointer: &str, member: Value) -> Value {
    *value.pointer_mut(pointer).expect("a member") = member;
    value
}

fn pipeline(properties: &[Value], triggers: &[Value]) -> Pipeline {
    Pipeline::read(&json!({ "properties": properties }), &json!({ "triggers": triggers }), NAME)
}

/// A run that holds a token, or knows none.
fn run(token: Option<&str>) -> LocalState {
    let mut local = LocalState::new(SetupOptions::default(), true, PIPELINE);
    local.token = token.map(|token| Token::new(token.to_owned()));
    local
}

/// A run that can derive a token from its API key.
fn deriving(token: Option<&str>) -> LocalState {
    LocalState { derived: Some(Token::new(DERIVED.to_owned())), ..run(token) }
}

/// A run whose token was mounted for it.
fn mounted() -> LocalState {
    LocalState { is_mounted: true, ..run(Some(OWN)) }
}

/// A set-up from outside of a run: nothing can be kept, so no token is known.
fn outside(options: SetupOptions) -> LocalState {
    LocalState::new(options, false, PIPELINE)
}

fn enabling() -> LocalState {
    LocalState { options: SetupOptions { enable: true, ..SetupOptions::default() }, ..run(Some(OWN)) }
}

fn having_created(id: &str, waits: u32) -> LocalState {
    LocalState { created: Some(id.to_owned()), waits, changed: true, ..run(Some(OWN)) }
}

/// The next step in words.
fn decided(pipeline: &Pipeline, local: &LocalState) -> String {
    match next_step(pipeline, local, &manifest()) {
        Ok(None) => "nothing is left to do".to_owned(),
        Ok(Some(Step::CreateProperty)) => "create the property".to_owned(),
        Ok(Some(Step::ReplaceToken)) => "replace the token".to_owned(),
        Ok(Some(Step::AdoptToken(token))) => format!("adopt {}", token.expose_secret()),
        Ok(Some(Step::CreateTrigger)) => "create the trigger".to_owned(),
        Ok(Some(Step::GiveToken(id))) => format!("give {id} the token"),
        Ok(Some(Step::Enable(id))) => format!("enable {id}"),
        Ok(Some(Step::DeleteDuplicate(id))) => format!("delete {id}"),
        Ok(Some(Step::Wait)) => "wait".to_owned(),
        Ok(Some(Step::Look)) => "look again".to_owned(),
        Err(error) => format!("{:?}: {}", error.kind, error.to_string().lines().next().unwrap_or_default()),
    }
}

#[track_caller]
fn table(rows: &[(&[Value], &[Value], LocalState, &str)]) {
    for (number, (properties, triggers, local, expected)) in rows.iter().enumerate() {
        assert_eq!(decided(&pipeline(properties, triggers), local), *expected, "row {}", number + 1);
    }
}

#[test]
fn what_is_missing_is_created_the_property_first() {
    table(&[
        (&[], &[], run(None), "create the property"),
        (&[], &[], run(Some(OWN)), "create the property"),
        (&[], &[trigger("a", OTHER)], run(None), "create the property"),
        (&[secure(OWN)], &[], run(Some(OWN)), "create the trigger"),
        (&[secure(OWN)], &[trigger("a", OWN)], run(Some(OWN)), "nothing is left to do"),
    ]);
}

#[test]
fn a_token_that_nobody_here_knows_is_replaced_and_one_that_can_be_read_is_adopted() {
    table(&[
        (&[secure(OTHER)], &[], run(None), "replace the token"),
        (&[secure(OTHER)], &[trigger("a", OTHER)], run(None), "replace the token"),
        (&[secure(OTHER)], &[], run(Some(OWN)), "replace the token"),
        (&[text(OTHER)], &[], run(None), &format!("adopt {OTHER}")),
        (&[text(OTHER)], &[], run(Some(OWN)), &format!("adopt {OTHER}")),
        (&[text("")], &[], run(None), "replace the token"),
        (&[text(OWN)], &[trigger("a", OWN)], run(Some(OWN)), "nothing is left to do"),
    ]);
}

#[test]
fn a_property_that_changed_after_the_run_began_stays_while_the_trigger_takes_the_runs_token() {
    let changed = || LocalState { changed: true, ..run(Some(OWN)) };
    table(&[
        (&[secure(OTHER)], &[trigger("a", OWN)], run(Some(OWN)), "nothing is left to do"),
        (&[secure(OTHER)], &[trigger("a", OTHER)], run(Some(OWN)), "replace the token"),
        (&[secure(OTHER)], &[trigger("a", OWN)], changed(), "replace the token"),
    ]);
}

#[test]
fn a_token_that_any_parent_can_derive_is_adopted_before_anything_is_replaced() {
    let adopted = format!("adopt {DERIVED}");
    table(&[
        (&[secure(DERIVED)], &[], deriving(None), &adopted),
        (&[secure(DERIVED)], &[trigger("a", OTHER)], deriving(Some(OWN)), &adopted),
        (&[secure(DERIVED)], &[trigger("a", DERIVED)], LocalState { is_mounted: true, ..deriving(Some(OWN)) }, &adopted),
        // One that the run knows is kept, whatever else could be derived.
        (&[secure(OWN)], &[trigger("a", OWN)], deriving(Some(OWN)), "nothing is left to do"),
        (&[secure(OWN)], &[trigger("a", DERIVED)], deriving(Some(OWN)), "give a the token"),
        (&[secure(OTHER)], &[trigger("a", DERIVED)], deriving(None), "replace the token"),
        (&[secure(OTHER)], &[trigger("a", OWN)], deriving(Some(OWN)), "nothing is left to do"),
    ]);
}

#[test]
fn a_token_that_came_with_the_run_is_given_to_the_trigger_and_never_rewritten_in_the_property() {
    let reference = || with(secure(OTHER), "/value", json!("{vault::sm.group.token}"));
    let unknown = format!("Decision: the property {PROPERTY} refers to a vault, and its value is not known here");
    table(&[
        (&[reference()], &[], mounted(), "create the trigger"),
        (&[secure(OTHER)], &[], mounted(), "create the trigger"),
        (&[secure(OTHER)], &[trigger("a", OTHER)], mounted(), "give a the token"),
        (&[secure(OTHER)], &[trigger("a", OWN)], mounted(), "nothing is left to do"),
        (&[], &[], mounted(), "create the property"),
        // A near miss: what the run has made itself is replaced.
        (&[secure(OTHER)], &[], run(Some(OWN)), "replace the token"),
        // Who does not know the value, leaves the reference alone.
        (&[reference()], &[], run(None), &unknown),
        (&[reference()], &[], outside(SetupOptions::default()), &unknown),
    ]);
}

#[test]
fn a_trigger_with_another_token_is_given_the_runs_own() {
    let no_secret = with(trigger("a", OWN), "/secret", Value::Null);
    table(&[
        (&[secure(OWN)], &[trigger("a", OTHER)], run(Some(OWN)), "give a the token"),
        (&[secure(OWN)], &[no_secret], run(Some(OWN)), "give a the token"),
    ]);
}

#[test]
fn outside_of_a_run_a_token_that_is_not_known_is_left_unless_a_new_one_is_asked_for() {
    let rotating = || outside(SetupOptions { token: TokenUse::Rotate, ..SetupOptions::default() });
    table(&[
        (&[secure(OTHER)], &[trigger("a", OTHER)], outside(SetupOptions::default()), "nothing is left to do"),
        (&[secure(OTHER)], &[], outside(SetupOptions::default()), "replace the token"),
        (&[secure(OTHER)], &[trigger("a", OTHER)], rotating(), "replace the token"),
    ]);
}

#[test]
fn of_several_triggers_an_enabled_one_with_the_token_is_used_else_the_enabled_one_of_least_id() {
    let disabled = |id, token| with(trigger(id, token), "/enabled", json!(false));
    table(&[
        (&[secure(OWN)], &[trigger("a", OTHER), trigger("b", OWN)], run(Some(OWN)), "nothing is left to do"),
        (&[secure(OWN)], &[trigger("b", OTHER), trigger("a", OTHER)], run(Some(OWN)), "give a the token"),
        (&[secure(OWN)], &[disabled("a", OWN), trigger("b", OTHER)], run(Some(OWN)), "give b the token"),
        (&[secure(OWN)], &[disabled("a", OTHER), disabled("b", OWN)], enabling(), "enable b"),
    ]);
}

#[test]
fn what_users_decided_is_told_and_not_changed() {
    let disabled = || with(trigger("a", OWN), "/enabled", json!(false));
    let manual = with(trigger("a", OWN), "/type", json!("manual"));
    let signed = with(trigger("a", OWN), "/secret/type", json!("digest_matches"));
    let in_query = with(trigger("a", OWN), "/secret/source", json!("query"));
    let listed = with(secure(OWN), "/type", json!("single_select"));
    let refused = |reason: &str| format!("Decision: {reason}");
    table(&[
        (&[secure(OWN)], &[disabled()], run(Some(OWN)), &refused(&format!("the trigger `{NAME}` (a) is disabled"))),
        (&[secure(OWN)], &[disabled()], enabling(), "enable a"),
        (&[secure(OWN)], &[manual], run(Some(OWN)), &refused(&format!("the trigger `{NAME}` is of type manual"))),
        (
            &[secure(OWN)],
            &[signed],
            run(Some(OWN)),
            &refused(&format!("the trigger `{NAME}` has a secret of another kind: digest_matches in header")),
        ),
        (
            &[secure(OWN)],
            &[in_query],
            run(Some(OWN)),
            &refused(&format!("the trigger `{NAME}` has a secret of another kind: token_matches in query")),
        ),
        (&[listed], &[], run(Some(OWN)), &refused(&format!("the property {PROPERTY} is of type single_select"))),
    ]);
}

#[test]
fn of_two_parents_that_created_a_trigger_the_one_of_least_id_stays() {
    let both = [trigger("a", OWN), trigger("b", OTHER)];
    table(&[
        (&[secure(OWN)], &both, having_created("b", 0), "delete b"),
        (&[secure(OWN)], &both, having_created("a", 0), "wait"),
        (&[secure(OWN)], &both, having_created("a", MAX_WAITS - 1), "wait"),
        (&[secure(OWN)], &both, having_created("a", MAX_WAITS), "delete a"),
        (&[secure(OWN)], &both[..1], having_created("a", 0), "nothing is left to do"),
        (&[secure(OWN)], &both, run(Some(OWN)), "nothing is left to do"),
    ]);
}

#[test]
fn a_value_that_cannot_be_compared_is_believed_until_another_token_was_made() {
    let hidden = |value: Value, pointer: &str| with(value, pointer, json!("********"));
    let property = || hidden(secure(OTHER), "/value");
    let trigger = || hidden(trigger("a", OTHER), "/secret/value");
    let suspecting = |property, trigger| LocalState { suspect: Suspect { property, trigger }, ..run(Some(OWN)) };
    table(&[
        (&[property()], &[trigger()], suspecting(false, false), "nothing is left to do"),
        (&[property()], &[trigger()], suspecting(true, true), "replace the token"),
        (&[property()], &[trigger()], suspecting(false, true), "give a the token"),
    ]);
}

#[test]
fn what_was_accepted_is_no_longer_suspect() {
    let mut local = LocalState { suspect: Suspect { property: true, trigger: true }, ..run(Some(OWN)) };
    local.record(&Step::ReplaceToken, None);
    assert_eq!((local.suspect.property, local.suspect.trigger, local.changed), (false, true, true));
    local.record(&Step::GiveToken("a".to_owned()), None);
    assert!(!local.suspect.trigger);
}

#[test]
fn a_created_trigger_is_waited_for_until_it_is_listed_and_then_asked_for() {
    let created = || {
        let mut local = run(Some(OWN));
        local.record(&Step::CreateTrigger, Some("a"));
        local
    };
    let (empty, listed) = (pipeline(&[], &[]), pipeline(&[], &[trigger("a", OWN)]));
    let mut local = created();
    let listings = [&empty, &listed, &empty].map(|pipeline| local.listing(pipeline, 2));
    assert_eq!(listings, [Late(1), Complete, Complete], "once it was listed, nothing is waited for");
    let mut local = created();
    let listings = [&empty; 4].map(|pipeline| local.listing(pipeline, 2));
    assert_eq!(listings, [Late(1), Late(2), Lacks("a".to_owned()), Lacks("a".to_owned())], "it is never created again");
}

#[test]
fn a_creation_whose_reply_was_lost_is_looked_for_before_another_one() {
    let lost = |looks| LocalState { lost_create: looks, ..run(Some(OWN)) };
    table(&[
        (&[secure(OWN)], &[], lost(2), "look again"),
        (&[secure(OWN)], &[], lost(0), "create the trigger"),
        (&[secure(OWN)], &[trigger("a", OWN)], lost(2), "nothing is left to do"),
    ]);
}

#[test]
fn a_dry_run_comes_to_rest_by_the_requests_that_it_shows() {
    let mut local = run(None);
    let mut pipeline = pipeline(&[], &[]);
    let mut shown = Vec::new();
    while let Some(step) = next_step(&pipeline, &local, &manifest()).expect("no refusal") {
        local.token.get_or_insert_with(|| Token::new(OWN.to_owned()));
        let request = request(&step, &pipeline, &manifest(), "***").expect("a request");
        shown.push(format!("{} {}", request.method, request.path));
        local.record(&step, None);
        pipeline = after(&step, pipeline, &local, &manifest());
    }
    assert_eq!(shown, ["POST /properties", "POST /triggers"]);
}
