//! Set-up and trigger, executed, and judged by what the API then holds and what the webhook received.
//! The set-up runs as the emitted script and as `sidestage apply`.

mod token;

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use crate::harness::proxy::{Fault, Plan};
use crate::harness::site::{EDITOR, OPERATOR, PROPERTY, Parent, SetUp, Site, TRIGGER, start};
use serde_json::{Value, json};
use sidestage_runtime::api::FailureKind;

const BOTH: [SetUp; 2] = [SetUp::Script, SetUp::Apply];

/// A site that is set up, and a new run that has the token mounted.
fn ready(site: &Site) -> Parent<'_> {
    let first = site.parent("first");
    let ended = first.run(first.set_up(SetUp::Script));
    assert_eq!(ended.code, Some(0), "{}", ended.printed);
    let next = site.parent("next");
    next.mount(&first.token());
    next
}

/// The requests that change something on the pipeline.
fn changes(site: &Site) -> Vec<String> {
    site.proxy.seen().into_iter().filter(|request| !request.starts_with("GET ") && !request.ends_with("/identity/token")).collect()
}

#[test]
fn the_first_run_creates_trigger_and_property_and_the_second_changes_nothing() {
    for with in BOTH {
        let site = Site::new();
        let parent = site.parent("first");
        parent.succeeds(parent.set_up(with));
        let token = parent.token();
        assert!(token.len() >= 32, "{with:?}: a token of {} characters", token.len());
        assert_eq!(site.is_set_up_with(&token), Ok(()), "{with:?}");
        let trigger = &site.triggers()[0];
        let expected = json!({
            "type": "generic", "name": TRIGGER, "event_listener": "async-stage-listener", "enabled": true,
            "secret": { "type": "token_matches", "source": "header", "key_name": "x-async-stage-token" },
        });
        for (name, value) in expected.as_object().unwrap().iter().filter(|(name, _)| *name != "secret") {
            assert_eq!(&trigger[name], value, "{with:?} {name}");
        }
        for (name, value) in expected["secret"].as_object().unwrap() {
            assert_eq!(&trigger["secret"][name], value, "{with:?} {name}");
        }
        site.proxy.plan(None);
        parent.succeeds(parent.set_up(with));
        assert_eq!(changes(&site), Vec::<String>::new(), "{with:?}");
        assert_eq!(parent.token(), token);
    }
}

#[test]
fn a_token_that_the_user_rotated_reaches_the_trigger_and_nothing_else_changes() {
    for with in BOTH {
        let site = Site::new();
        let parent = ready(&site);
        let id = site.triggers()[0]["id"].as_str().unwrap().to_owned();
        let path = format!("/triggers/{id}");
        site.ask("PATCH", &path, &json!({ "worker": { "id": "my-worker" }, "tags": ["mine"], "filter": "true", "max_concurrent_runs": 3 }));
        site.ask("POST", &format!("{path}/properties"), &json!({ "name": "mine", "type": "text", "value": "kept" }));
        let rotated = "a-token-that-the-user-made-0123456789";
        site.ask("PUT", &format!("/properties/{PROPERTY}"), &json!({ "name": PROPERTY, "type": "secure", "value": rotated }));
        let mut before = site.triggers()[0].clone();
        parent.mount(rotated);
        parent.succeeds(parent.set_up(with));
        assert_eq!(site.is_set_up_with(rotated), Ok(()), "{with:?}");
        let mut after = site.triggers()[0].clone();
        before["secret"]["value"].take();
        after["secret"]["value"].take();
        assert_eq!(after, before, "{with:?}");
        parent.succeeds(parent.trigger());
        assert_eq!(site.runs().len(), 1);
    }
}

#[test]
fn a_half_that_is_missing_is_made_again() {
    for with in BOTH {
        for (is_trigger_gone, is_known) in [(true, true), (true, false), (false, true), (false, false)] {
            let site = Site::new();
            let known = ready(&site);
            if is_trigger_gone {
                site.ask("DELETE", &format!("/triggers/{}", site.triggers()[0]["id"].as_str().unwrap()), &Value::Null);
            } else {
                site.ask("DELETE", &format!("/properties/{PROPERTY}"), &Value::Null);
            }
            let parent = if is_known { known } else { site.parent("stranger") };
            parent.succeeds(parent.set_up(with));
            assert_eq!(site.is_set_up_with(&parent.token()), Ok(()), "{with:?} {is_trigger_gone} {is_known}");
            parent.succeeds(parent.trigger());
            assert_eq!(site.runs().len(), 1);
        }
    }
}

#[test]
fn a_disabled_trigger_stays_disabled_until_it_is_asked_for() {
    for with in BOTH {
        let site = Site::new();
        let parent = ready(&site);
        site.ask("PATCH", &format!("/triggers/{}", site.triggers()[0]["id"].as_str().unwrap()), &json!({ "enabled": false }));
        let ended = parent.run(parent.set_up(with));
        assert_eq!(ended.code, Some(5), "{with:?} {}", ended.printed);
        assert!(ended.printed.contains("is disabled") && ended.printed.contains("--enable"), "{}", ended.printed);
        assert_eq!(parent.run(parent.trigger()).code, Some(5));
        assert_eq!((site.triggers()[0]["enabled"].clone(), site.runs().len()), (json!(false), 0));
        let mut command = parent.set_up(with);
        command.arg("--enable");
        parent.succeeds(command);
        assert_eq!(site.triggers()[0]["enabled"], json!(true), "{with:?}");
    }
}

#[test]
fn of_several_triggers_the_one_that_knows_the_token_is_taken_and_none_is_touched() {
    for with in BOTH {
        let site = Site::new();
        let parent = ready(&site);
        let own = site.triggers()[0]["id"].clone();
        for _ in 0..2 {
            let secret =
                json!({ "type": "token_matches", "value": "another-token", "source": "header", "key_name": "x-async-stage-token" });
            site.ask("POST", "/triggers", &json!({ "type": "generic", "name": TRIGGER, "event_listener": "l", "secret": secret }));
        }
        let before = site.triggers();
        let printed = parent.succeeds(parent.set_up(with));
        assert!(printed.contains("several triggers"), "{with:?}: {printed}");
        assert_eq!(site.triggers(), before, "{with:?}");
        parent.succeeds(parent.trigger());
        assert_eq!(site.runs()[0]["trigger"]["id"], own);
    }
}

#[test]
fn a_token_that_differs_is_seen_by_its_hash_and_repaired_alone() {
    for with in BOTH {
        let site = Site::new();
        let parent = ready(&site);
        let path = format!("/triggers/{}", site.triggers()[0]["id"].as_str().unwrap());
        let mut secret = site.triggers()[0]["secret"].clone();
        secret["value"] = "a-foreign-token".into();
        site.ask("PATCH", &path, &json!({ "secret": secret }));
        site.proxy.plan(None);
        parent.succeeds(parent.set_up(with));
        let changes = changes(&site);
        assert_eq!(changes.len(), 1, "{with:?} {changes:?}");
        assert!(changes[0].starts_with("PATCH ") && changes[0].ends_with(&path), "{with:?} {changes:?}");
        assert_eq!(site.is_set_up_with(&parent.token()), Ok(()), "{with:?}");
    }
}

#[test]
fn an_operator_runs_what_is_set_up_and_is_told_who_can_set_up() {
    for with in BOTH {
        let site = Site::new();
        let operator = site.parent_with("operator", OPERATOR);
        let ended = operator.run(operator.set_up(with));
        assert_eq!(ended.code, Some(4), "{with:?} {}", ended.printed);
        assert!(ended.printed.contains("Editor"), "{with:?} {}", ended.printed);
        assert_eq!((site.triggers().len(), site.properties().len()), (0, 0));
        let token = ready(&site).token();
        operator.ctl(&["remove_secret", PROPERTY]);
        operator.mount(&token);
        operator.succeeds(operator.set_up(with));
        operator.succeeds(operator.trigger());
        assert_eq!(site.runs().len(), 1);
    }
}

/// A folder with every tool of this machine but one.
fn tools_without(parent: &Parent<'_>, missing: &str) -> PathBuf {
    let folder = parent.folder.join("tools");
    fs::create_dir(&folder).unwrap();
    symlink(crate::harness::service::SIDESTAGE, folder.join("pipelinectl")).unwrap();
    for from in ["/bin", "/usr/bin"] {
        for entry in fs::read_dir(from).unwrap().flatten().filter(|entry| entry.file_name() != missing) {
            let _ = symlink(entry.path(), folder.join(entry.file_name()));
        }
    }
    folder
}

#[test]
fn a_tool_that_is_missing_is_named() {
    for missing in ["jq", "curl"] {
        let site = Site::new();
        let parent = site.parent("first");
        let folder = tools_without(&parent, missing);
        for script in ["setup-webhook.sh", "trigger/scan.sh"] {
            let mut command = parent.script(script);
            command.env("PATH", &folder);
            let ended = parent.run(command);
            assert_eq!(ended.code, Some(2), "{script} {}", ended.printed);
            assert!(ended.printed.contains(missing), "{script} without {missing}: {}", ended.printed);
        }
        assert_eq!(site.proxy.seen(), Vec::<String>::new());
    }
}

#[test]
fn a_jq_that_is_too_old_is_named_and_sends_nothing() {
    let site = Site::new();
    let parent = site.parent("first");
    let folder = tools_without(&parent, "jq");
    // 1.6 brought the option.
    let old = "#!/usr/bin/env bash\n[[ \" $* \" != *\" --rawfile \"* ]] || { echo 'jq: Unknown arguments' >&2; exit 2; }\nexec /usr/bin/jq \"$@\"\n";
    fs::write(folder.join("jq"), old).unwrap();
    fs::set_permissions(folder.join("jq"), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let mut command = parent.set_up(SetUp::Script);
    command.env("PATH", &folder);
    let ended = parent.run(command);
    assert_eq!((ended.code, ended.printed.contains("jq 1.6 or newer")), (Some(2), true), "{}", ended.printed);
    assert_eq!(changes(&site), Vec::<String>::new());
}

#[test]
fn without_openssl_tokens_are_not_compared_and_the_webhook_tells_whether_they_fit() {
    let site = Site::new();
    let parent = ready(&site);
    let folder = tools_without(&parent, "openssl");
    let without = |mut command: std::process::Command| {
        command.env("PATH", &folder);
        parent.succeeds(command)
    };
    let printed = without(parent.set_up(SetUp::Script));
    assert!(printed.contains("no openssl"), "{printed}");
    let trigger = site.triggers()[0].clone();
    let mut secret = trigger["secret"].clone();
    secret["value"] = "a-foreign-token".into();
    site.ask("PATCH", &format!("/triggers/{}", trigger["id"].as_str().unwrap()), &json!({ "secret": secret }));
    without(parent.trigger());
    assert_eq!((site.runs().len(), site.is_set_up_with(&parent.token())), (1, Ok(())));
}

#[test]
fn a_trigger_that_is_listed_late_is_waited_for_and_not_created_again() {
    for with in BOTH {
        // Late, later, and never.
        for lists in [1, 4, 1000] {
            let site = Site::new();
            let parent = site.parent("first");
            site.proxy.list_late(lists + 1);
            parent.succeeds(parent.set_up(with));
            assert_eq!(site.is_set_up_with(&parent.token()), Ok(()), "{with:?} {lists}");
            let created = site.proxy.seen().iter().filter(|request| request.starts_with("POST ") && request.ends_with("/triggers")).count();
            assert_eq!(created, 1, "{with:?} {lists}");
        }
    }
}

#[test]
fn a_trigger_whose_creation_was_not_answered_and_that_is_listed_late_is_not_created_again() {
    for with in BOTH {
        let site = Site::new();
        let parent = site.parent("first");
        let step = {
            let other = Site::new();
            let parent = other.parent("first");
            parent.succeeds(parent.set_up(with));
            other.proxy.seen().iter().position(|request| request.starts_with("POST ") && request.ends_with("/triggers")).unwrap()
        };
        site.proxy.list_late(3);
        site.proxy.plan(Some(Plan { request: step, fault: Fault::Cut, is_forwarded: true, is_lasting: false }));
        parent.succeeds(parent.set_up(with));
        assert_eq!((site.triggers().len(), site.is_set_up_with(&parent.token())), (1, Ok(())), "{with:?}: {:?}", site.proxy.seen());
    }
}

#[test]
fn entries_of_an_odd_form_are_left_alone() {
    for with in BOTH {
        for body in [
            r#"{"triggers":[{"name":"Subpipeline Webhook Trigger","id":null},"odd",7]}"#,
            r#"{"triggers":null}"#,
            r#"{"triggers":[{"name":"Subpipeline Webhook Trigger","id":17,"type":"generic","secret":"odd"}]}"#,
        ] {
            let site = Site::new();
            let parent = site.parent("first");
            // The token, the properties, the triggers.
            site.proxy.plan(Some(Plan { request: 2, fault: Fault::Reply(body), is_forwarded: false, is_lasting: false }));
            parent.succeeds(parent.set_up(with));
            assert_eq!(site.is_set_up_with(&parent.token()), Ok(()), "{with:?} {body}");
        }
    }
}

#[test]
fn scripts_of_one_run_that_start_stages_at_once_agree_on_one_token() {
    let site = Site::new();
    let parent = site.parent("first");
    let started: Vec<_> = (0..4).map(|_| start(parent.trigger())).collect();
    for child in started {
        let ended = parent.ended(&child.wait_with_output().unwrap());
        assert_eq!(ended.code, Some(0), "{}", ended.printed);
    }
    assert_eq!((site.runs().len(), site.is_set_up_with(&parent.token())), (4, Ok(())));
}

#[test]
fn an_argument_that_a_script_does_not_know_starts_nothing() {
    let site = Site::new();
    let parent = site.parent("first");
    for script in ["trigger/scan.sh", "setup-webhook.sh", "list-async-runs.sh", "async-stage.sh"] {
        for (argument, code, words) in
            [("--dry-run", 2, "unknown argument: --dry-run"), ("--help", 0, "Exit codes: "), ("-h", 0, "Exit codes: ")]
        {
            let mut command = parent.script(script);
            command.arg(argument);
            let ended = parent.run(command);
            assert_eq!(ended.code, Some(code), "{script} {argument}: {}", ended.printed);
            assert!(ended.printed.contains(words) && !ended.printed.contains("shellcheck"), "{script} {argument}: {}", ended.printed);
        }
    }
    assert_eq!(site.proxy.seen(), Vec::<String>::new());
}

#[test]
fn a_setting_that_leads_nowhere_is_named() {
    for with in BOTH {
        let site = Site::new();
        let parent = site.parent("first");
        let refused = |settings: &[(&str, &str)], code, words: &[&str]| {
            let mut command = parent.set_up(with);
            command.envs(settings.iter().copied());
            let ended = parent.run(command);
            assert_eq!(ended.code, Some(code), "{with:?} {words:?}: {}", ended.printed);
            for words in words {
                assert!(ended.printed.contains(words), "{with:?} {words}: {}", ended.printed);
            }
        };
        refused(&[("PIPELINE_ID", "nope")], 2, &["there is no pipeline `nope`", "Look at PIPELINE_ID"]);
        let closed = "http://127.0.0.1:9/pipeline/v2";
        refused(&[("CD_TEKTON_PIPELINE_URL", closed), ("SIDESTAGE_RETRIES", "1")], 1, &[closed, "CD_TEKTON_PIPELINE_URL"]);
        fs::write(parent.folder.join("secrets/ibmcloud-api-key"), "no-key-that-is-known").unwrap();
        refused(&[], 4, &["the API key is refused", "Provided API key could not be found."]);
        assert_eq!((site.triggers().len(), site.properties().len()), (0, 0));
    }
}

#[test]
fn the_key_that_is_typed_wins_over_that_of_the_run() {
    let site = Site::new();
    let parent = site.parent_with("operator", OPERATOR);
    let mut command = parent.set_up(SetUp::Apply);
    command.env("CD_TEKTON_PIPELINE_APIKEY", EDITOR);
    parent.succeeds(command);
    assert_eq!(site.is_set_up_with(&parent.token()), Ok(()));
}

#[test]
fn a_short_token_is_taken_with_a_warning() {
    for with in BOTH {
        let site = Site::new();
        let parent = ready(&site);
        for (token, is_short) in [("32-characters-of-a-secret-token-", false), ("31-characters-of-a-secret-token", true)] {
            site.ask("PUT", &format!("/properties/{PROPERTY}"), &json!({ "name": PROPERTY, "type": "secure", "value": token }));
            parent.mount(token);
            let printed = parent.succeeds(parent.set_up(with));
            assert_eq!(printed.contains("fewer than 32 characters"), is_short, "{with:?} {token}: {printed}");
            assert_eq!(site.is_set_up_with(token), Ok(()), "{with:?}");
        }
    }
}

#[test]
fn script_and_apply_take_the_same_settings() {
    let cases = [
        ("SIDESTAGE_TIMEOUT", "0", 2),
        ("SIDESTAGE_TIMEOUT", ".5", 0),
        ("SIDESTAGE_TIMEOUT", "1e3", 2),
        ("SIDESTAGE_RETRIES", "08", 0),
        ("SIDESTAGE_RETRIES", "0", 2),
        ("SIDESTAGE_RETRY_DELAY", "0.25", 0),
        ("SIDESTAGE_RETRY_DELAY", ".5", 2),
        ("SIDESTAGE_RETRY_CAP", "1 s", 2),
        // An http address is a service on this machine: no proxy gets to see a token.
        ("http_proxy", "http://127.0.0.1:9", 0),
        ("HTTP_PROXY", "http://127.0.0.1:9", 0),
        ("ALL_PROXY", "http://127.0.0.1:9", 0),
    ];
    for (name, value, code) in cases {
        let site = Site::new();
        let parent = site.parent("first");
        for with in BOTH {
            let mut command = parent.set_up(with);
            command.env(name, value);
            let ended = parent.run(command);
            assert_eq!(ended.code, Some(code), "{with:?} {name}={value}: {}", ended.printed);
            assert!(code == 0 || ended.printed.contains(name), "{with:?} {name}={value}: {}", ended.printed);
        }
    }
}

#[test]
fn an_address_with_a_slash_too_many_is_the_same_address() {
    for with in BOTH {
        let site = Site::new();
        let parent = site.parent("first");
        let mut command = parent.set_up(with);
        for name in ["CD_TEKTON_PIPELINE_URL", "CD_TEKTON_PIPELINE_AUTH_URL"] {
            let address = command.get_envs().find(|(known, _)| *known == name).and_then(|(_, value)| value).unwrap().to_owned();
            command.env(name, format!("{}//", address.to_str().unwrap()));
        }
        parent.succeeds(command);
        assert_eq!(site.is_set_up_with(&parent.token()), Ok(()), "{with:?}");
    }
}

#[test]
fn a_property_of_another_type_is_a_decision_before_anything_is_sent() {
    for with in BOTH {
        let site = Site::new();
        site.ask("POST", "/properties", &json!({ "name": PROPERTY, "type": "single_select", "enum": ["one"], "value": "one" }));
        let parent = site.parent("first");
        site.proxy.plan(None);
        let ended = parent.run(parent.set_up(with));
        assert_eq!((ended.code, changes(&site)), (Some(5), Vec::new()), "{with:?} {}", ended.printed);
    }
}

#[test]
fn a_deadline_ends_the_waiting_and_is_named() {
    for with in BOTH {
        let site = Site::new();
        let parent = site.parent("first");
        site.proxy.plan(Some(Plan { request: 1, fault: Fault::Status(503), is_forwarded: false, is_lasting: true }));
        let mut command = parent.set_up(with);
        command.env("SIDESTAGE_DEADLINE", "30").env("SIDESTAGE_RETRY_DELAY", "60").env("SIDESTAGE_RETRY_CAP", "60");
        let ended = parent.run(command);
        assert_eq!(ended.code, Some(1), "{with:?} {}", ended.printed);
        assert_eq!(site.proxy.seen().len(), 2, "{with:?}: nothing is tried again");
        let mut command = parent.set_up(with);
        command.env("SIDESTAGE_DEADLINE", "soon");
        let ended = parent.run(command);
        assert_eq!((ended.code, ended.printed.contains("SIDESTAGE_DEADLINE")), (Some(2), true), "{with:?} {}", ended.printed);
    }
}

/// Every command line on this machine during a run: no answer of the proxy comes before all of them were read.
fn command_lines(site: &Site, run: impl FnOnce()) -> BTreeSet<Vec<u8>> {
    let (rounds, is_over) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
    let (seen, over) = (Arc::clone(&rounds), Arc::clone(&is_over));
    site.proxy.before_each_answer(move || {
        // One that has begun may have passed the process already.
        let wanted = seen.load(Ordering::Relaxed) + 2;
        while seen.load(Ordering::Relaxed) < wanted && !over.load(Ordering::Relaxed) {
            thread::yield_now();
        }
    });
    thread::scope(|scope| {
        let watcher = scope.spawn(|| {
            let mut lines = BTreeSet::new();
            while !is_over.load(Ordering::Relaxed) {
                for entry in fs::read_dir("/proc").unwrap().flatten() {
                    lines.extend(fs::read(entry.path().join("cmdline")));
                }
                rounds.fetch_add(1, Ordering::Relaxed);
            }
            lines
        });
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(run));
        is_over.store(true, Ordering::Relaxed);
        let lines = watcher.join().unwrap();
        result.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        lines
    })
}

#[test]
fn no_secret_is_on_a_command_line_or_in_a_trace() {
    let site = Site::new();
    let parent = site.parent("first");
    let lines = command_lines(&site, || {
        for script in ["trigger/scan.sh", "setup-webhook.sh", "list-async-runs.sh"] {
            let mut command = parent.command("bash");
            command.arg("-x").arg(site.folder.path().join("out").join(script)).env("SHELLOPTS", "xtrace");
            let ended = parent.run(command);
            assert_eq!(ended.code, Some(0), "{}", ended.printed);
        }
    });
    assert!(lines.iter().any(|line| line.windows(4).any(|part| part == b"curl")), "no curl was seen, so nothing was watched");
    for secret in [parent.token().as_str(), EDITOR] {
        assert!(!lines.iter().any(|line| String::from_utf8_lossy(line).contains(secret)), "a secret is on a command line");
    }
}

/// A text without line ends and repeated blanks.
fn on_one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn help_and_documentation_name_the_exit_codes_of_set_up() {
    let output = std::process::Command::new(crate::harness::service::SIDESTAGE).args(["apply", "--help"]).output().unwrap();
    let help = on_one_line(&String::from_utf8_lossy(&output.stdout));
    let page = fs::read_to_string(crate::harness::service::in_repository("docs/webhook.md")).unwrap();
    for kind in FailureKind::OF_SET_UP {
        let (code, meaning) = (kind.exit_code(), kind.meaning());
        assert!(help.contains(&format!("{code} {meaning}")), "{kind:?}: {help}");
        assert!(page.contains(&format!("| {code} | {meaning} |")), "{kind:?}");
    }
}

#[test]
fn a_dry_run_shows_the_requests_without_the_token_and_changes_nothing() {
    let site = Site::new();
    let parent = site.parent("first");
    let mut command = parent.set_up(SetUp::Apply);
    command.arg("--dry-run");
    let printed = parent.succeeds(command);
    assert!(printed.contains("POST ") && printed.contains("/properties") && printed.contains("/triggers"), "{printed}");
    assert!(printed.contains("\"value\": \"***\"") && printed.contains("Nothing was sent"), "{printed}");
    assert_eq!((site.triggers().len(), site.properties().len(), parent.token()), (0, 0, String::new()));
    assert_eq!(changes(&site), Vec::<String>::new());
}
