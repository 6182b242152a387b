//! The token of the webhook: where it comes from, who agrees on it, and what never replaces it.

use std::collections::BTreeSet;
use std::fs;
use std::thread;
use std::time::Duration;

use serde_json::json;

use super::{BOTH, changes, tools_without};
use crate::harness::proxy::{Fault, Plan};
use crate::harness::site::{DEPUTY, EDITOR, MANAGER, PROPERTY, Parent, SetUp, Site, TRIGGER, start};

/// Parents that start a stage at the same moment: all are accepted.
fn start_together(site: &Site, parents: &[Parent<'_>], delay: Duration) {
    // So that the rounds interleave differently; what must hold does not depend on it.
    site.proxy.before_each_answer(move || thread::sleep(delay));
    let started: Vec<_> = parents
        .iter()
        .map(|parent| {
            let mut command = parent.trigger();
            // A parent waits longer than another one takes for a step, also on a busy machine.
            command.env("SIDESTAGE_RETRY_DELAY", "0.5").env("SIDESTAGE_RETRY_CAP", "4");
            start(command)
        })
        .collect();
    for (parent, child) in parents.iter().zip(started) {
        let ended = parent.ended(&child.wait_with_output().unwrap());
        assert_eq!(ended.code, Some(0), "{delay:?}: {}", ended.printed);
    }
    assert_eq!(site.runs().len(), parents.len(), "{delay:?}");
}

#[test]
fn parents_without_a_long_key_settle_on_one_trigger_and_a_random_token() {
    for round in 0..4 {
        let site = Site::new();
        let parents = ["first", "second"].map(|name| site.parent(name));
        start_together(&site, &parents, Duration::from_millis(10 * round));
        // Who was last has won; both hold the token that is valid now, or have been accepted before.
        assert!(parents.iter().any(|parent| site.is_set_up_with(&parent.token()).is_ok()), "round {round}");
    }
}

#[test]
fn eight_parents_at_the_same_moment_write_the_same_token_and_none_replaces_anothers() {
    for round in 0..2 {
        let site = Site::new();
        let parents: Vec<_> = (0..8).map(|number| site.parent_with(&format!("parent-{number}"), MANAGER)).collect();
        start_together(&site, &parents, Duration::from_millis(20 * round));
        let tokens: BTreeSet<String> = parents.iter().map(Parent::token).collect();
        assert_eq!(tokens.len(), 1, "round {round}");
        assert_eq!(site.is_set_up_with(tokens.first().unwrap()), Ok(()), "round {round}");
        let created = site.proxy.seen().iter().filter(|request| request.starts_with("POST ") && request.ends_with("/triggers")).count();
        assert!(created <= parents.len(), "round {round}: {created} triggers were created");
    }
}

#[test]
fn a_token_of_the_service_that_is_refused_is_made_again_from_the_key() {
    for with in BOTH {
        let site = Site::new();
        let parent = site.parent("first");
        // The key is exchanged; the first answer to the token is a refusal, and so is a later one.
        for refused in [1, 4] {
            site.proxy.plan(Some(Plan { request: refused, fault: Fault::Status(401), is_forwarded: false, is_lasting: false }));
            parent.succeeds(parent.set_up(with));
            let exchanged = site.proxy.seen().iter().filter(|request| request.ends_with("/identity/token")).count();
            let expected = if site.proxy.seen().len() > refused { 2 } else { 1 };
            assert_eq!(exchanged, expected, "{with:?} {refused}: {:?}", site.proxy.seen());
        }
    }
}

#[test]
fn two_keys_at_one_pipeline_settle_as_without_a_key() {
    let site = Site::new();
    let parents = [site.parent_with("first", MANAGER), site.parent_with("second", DEPUTY)];
    start_together(&site, &parents, Duration::ZERO);
    assert!(parents.iter().any(|parent| site.is_set_up_with(&parent.token()).is_ok()));
}

/// What openssl computes under a key.
fn hmac_by_openssl(key: &str, text: &str) -> String {
    let digits: String = key.bytes().map(|byte| format!("{byte:02x}")).collect();
    let script = "printf '%s' \"$2\" | openssl dgst -sha256 -mac HMAC -macopt \"hexkey:$1\"";
    let output = std::process::Command::new("bash").args(["-c", script, "bash", &digits, text]).output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().rsplit(' ').next().unwrap().to_owned()
}

#[test]
fn the_token_is_derived_from_a_long_key_with_or_without_openssl_and_another_parent_finds_nothing_to_do() {
    for with in BOTH {
        for hides_openssl in [false, true] {
            let site = Site::new();
            let expected = hmac_by_openssl(MANAGER, &format!("sidestage webhook token 1\n{}\n{TRIGGER}\n", site.service.pipeline));
            let first = site.parent_with("first", MANAGER);
            let second = site.parent_with("second", MANAGER);
            let folder = tools_without(&first, "openssl");
            let set_up = |parent: &Parent<'_>| {
                let mut command = parent.set_up(with);
                if hides_openssl {
                    command.env("PATH", &folder);
                }
                parent.succeeds(command)
            };
            set_up(&first);
            assert_eq!((first.token(), site.is_set_up_with(&expected)), (expected.clone(), Ok(())), "{with:?} {hides_openssl}");
            site.proxy.plan(None);
            set_up(&second);
            assert_eq!((second.token(), site.is_set_up_with(&expected)), (expected, Ok(())), "{with:?} {hides_openssl}");
            // Where hashes can be compared, nothing is written a second time.
            let may_write = hides_openssl && with == SetUp::Script;
            assert_eq!(changes(&site).is_empty(), !may_write, "{with:?} {hides_openssl}: {:?}", changes(&site));
        }
    }
}

#[test]
fn bash_and_openssl_agree_on_the_hmac() {
    let site = Site::new();
    let library = site.folder.path().join("out/lib.sh");
    let script = r#"source <(sed -n '/^hmac_sha256()/,/^}/p' "$1"); IFS= read -r -d '' key || true; hmac_sha256 "$key" "$2""#;
    let ascii: String = (b' '..=b'~').map(char::from).collect();
    let keys = ["k".repeat(32), "k".repeat(64), "k".repeat(65), ascii, "ключ-к-службе-".repeat(4), "é\t'\"\\".repeat(7)];
    for key in keys {
        let text = "sidestage webhook token 1\n1-2-3\nName % of \\x a trigger\n";
        for locale in ["C", "C.UTF-8"] {
            let mut command = std::process::Command::new("bash");
            command.args(["-c", script, "bash"]).arg(&library).arg(text).env("LC_ALL", locale);
            fs::write(site.folder.path().join("key"), &key).unwrap();
            let output = command.stdin(fs::File::open(site.folder.path().join("key")).unwrap()).output().unwrap();
            assert_eq!(String::from_utf8_lossy(&output.stdout), hmac_by_openssl(&key, text), "{key} {locale}");
        }
    }
}

#[test]
fn a_token_that_is_mounted_from_a_vault_reaches_the_trigger_and_the_reference_stays() {
    for with in BOTH {
        for key in [EDITOR, MANAGER] {
            let site = Site::new();
            let reference = json!({ "name": PROPERTY, "type": "secure", "value": "{vault::sm.group.token}" });
            site.ask("POST", "/properties", &reference);
            let shown = site.properties();
            let parent = site.parent_with("first", key);
            let token = "the-value-that-the-vault-has-for-it";
            parent.mount(token);
            parent.succeeds(parent.set_up(with));
            parent.succeeds(parent.trigger());
            assert_eq!((site.properties(), parent.token().as_str()), (shown, token), "{with:?} {key}");
            assert_eq!(site.runs().len(), 1);
        }
    }
}

#[test]
fn rotation_makes_a_random_token_and_says_that_running_parents_do_not_know_it() {
    let site = Site::new();
    let parent = site.parent_with("first", MANAGER);
    parent.succeeds(parent.set_up(SetUp::Apply));
    let derived = parent.token();
    let mut command = parent.set_up(SetUp::Apply);
    command.arg("--rotate");
    let printed = parent.succeeds(command);
    assert!(printed.contains("runs that have begun do not know the new token"), "{printed}");
    assert_ne!(parent.token(), derived);
    assert_eq!(site.is_set_up_with(&parent.token()), Ok(()));
}
