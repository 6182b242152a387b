//! The service: what it takes and refuses, who may do what, and what outlives a crash.

use std::fs;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

mod access;
mod limits;
mod replies;
mod store;

use crate::harness::service::{SIDESTAGE, Service, ask, message, send};
use serde_json::{Value, json};

const JSON: (&str, &str) = ("Content-Type", "application/json");

/// A body with some members replaced; null takes one away.
fn with(body: &Value, changes: &Value) -> Value {
    let mut body = body.clone();
    json_patch::merge(&mut body, changes);
    body
}

fn trigger() -> Value {
    json!({
        "type": "generic", "name": "async-stages", "event_listener": "async-stage-listener",
        "secret": { "type": "token_matches", "value": "0123456789abcdef", "source": "header", "key_name": "x-async-stage-token" },
    })
}

#[test]
fn a_trigger_is_taken_or_refused_as_the_real_service_does() {
    let service = Service::start(&[]);
    let taken = [
        json!({ "name": "A name (with) [all]: of / - _ . them" }),
        json!({ "name": "n".repeat(253) }),
        json!({ "secret": null }),
        json!({ "secret": { "value": "v".repeat(4096) } }),
        json!({ "secret": { "type": "digest_matches", "algorithm": "sha512_256" } }),
        json!({ "max_concurrent_runs": 1, "limit_waiting_runs": true, "favorite": true, "tags": ["a"], "filter": "header['x'] == 'y'" }),
        json!({ "worker": { "id": "inherit" } }),
        json!({ "type": "manual", "secret": null }),
        json!({ "type": "timer", "secret": null, "cron": "0 4 * * *", "timezone": "Europe/Berlin" }),
        json!({ "type": "scm", "secret": null, "events": ["push"], "source": { "type": "git", "properties": { "url": "https://git.example/a", "branch": "main" } } }),
        json!({ "a_member_of_tomorrow": 1 }),
    ];
    for changes in taken {
        let (status, reply) = service.ask("POST", "/triggers", &with(&trigger(), &changes));
        assert_eq!(status, 201, "{changes}: {reply}");
    }
    let refused = [
        (json!({ "type": "webhook" }), "`type` must be one of generic, manual, scm, timer"),
        (json!({ "type": null }), "`type` is missing"),
        (json!({ "name": null }), "`name` is missing"),
        (json!({ "event_listener": null }), "`event_listener` is missing"),
        (json!({ "name": "" }), "`name` must be 1 to 253 letters, digits, blanks or any of -_.:/()[]"),
        (json!({ "name": "n".repeat(254) }), "`name` must be 1 to 253 letters, digits, blanks or any of -_.:/()[]"),
        (json!({ "name": "a;b" }), "`name` must be 1 to 253 letters, digits, blanks or any of -_.:/()[]"),
        (json!({ "event_listener": "a b" }), "`event_listener` must be 1 to 253 letters, digits, `-`, `_` or `.`"),
        (json!({ "enabled": "yes" }), "`enabled` must be true or false"),
        (json!({ "max_concurrent_runs": 0 }), "`max_concurrent_runs` must be a whole number of at least 1"),
        (json!({ "cron": "0 4 * * *" }), "`cron` is only for triggers of type timer"),
        (json!({ "type": "timer", "secret": null }), "`cron` is missing"),
        (json!({ "type": "scm", "secret": null }), "`source` is missing"),
        (json!({ "type": "manual" }), "`secret` is only for triggers of type generic"),
    ];
    for (changes, expected) in refused {
        let (status, reply) = service.ask("POST", "/triggers", &with(&trigger(), &changes));
        assert_eq!((status, message(&reply)), (400, expected), "{changes}");
    }
    for secret in [
        json!({ "type": "password" }),
        json!({ "source": "cookie" }),
        json!({ "value": "v".repeat(4097) }),
        json!({ "value": "" }),
        json!({ "key_name": "a b" }),
        json!({ "type": "digest_matches", "algorithm": "sha3" }),
    ] {
        let (status, reply) = service.ask("POST", "/triggers", &with(&trigger(), &json!({ "secret": secret })));
        assert_eq!(status, 400, "{secret}: {reply}");
        assert!(message(&reply).starts_with("`secret` must be "), "{secret}: {reply}");
    }
}

#[test]
fn a_signature_that_is_not_emulated_is_refused_in_words() {
    let service = Service::start(&[]);
    for (algorithm, words) in [("md4", " (md4 is not emulated here)"), ("ripemd160", " (ripemd160 is not emulated here)"), ("sha3", "")] {
        let secret = json!({ "secret": { "type": "digest_matches", "algorithm": algorithm } });
        let (status, reply) = service.ask("POST", "/triggers", &with(&trigger(), &secret));
        let known = "`secret` must be an object whose `algorithm` is one of md5, sha1, sha256, sha384, sha512, sha512_224, sha512_256";
        assert_eq!((status, message(&reply)), (400, format!("{known}{words}").as_str()), "{algorithm}");
    }
}

#[test]
fn a_property_is_taken_or_refused_as_the_real_service_does() {
    let service = Service::start(&[]);
    let text = json!({ "name": "x", "type": "text", "value": "v" });
    let taken = [
        json!({ "name": "n".repeat(253) }),
        json!({ "name": "A-b_c.1", "value": "v".repeat(4096) }),
        json!({ "name": "umlaut", "value": "ü".repeat(4096) }),
        json!({ "name": "secret", "type": "secure" }),
        json!({ "name": "empty", "value": "" }),
        json!({ "name": "one", "type": "single_select", "enum": ["v", "w"] }),
        json!({ "name": "tool", "type": "integration", "path": "parameters.name" }),
    ];
    for changes in taken {
        let (status, reply) = service.ask("POST", "/properties", &with(&text, &changes));
        assert_eq!(status, 201, "{changes}: {reply}");
    }
    let refused = [
        (json!({ "type": "TEXT" }), "`type` must be one of secure, text, integration, single_select, appconfig"),
        (json!({ "name": "a b" }), "`name` must be 1 to 253 letters, digits, `-`, `_` or `.`"),
        (json!({ "name": "n".repeat(254) }), "`name` must be 1 to 253 letters, digits, `-`, `_` or `.`"),
        (json!({ "value": "v".repeat(4097) }), "`value` must be a text of 0 to 4096 characters"),
        (json!({ "value": 1 }), "`value` must be a text of 0 to 4096 characters"),
        (json!({ "locked": "true" }), "`locked` must be true or false"),
        (json!({ "enum": ["v"] }), "`enum` is only for properties of type single_select"),
        (json!({ "type": "single_select" }), "`enum` is missing"),
        (json!({ "type": "single_select", "enum": ["w"] }), "`value` must be one of `enum`, and \"v\" is not"),
    ];
    for (changes, expected) in refused {
        let (status, reply) = service.ask("POST", "/properties", &with(&text, &changes));
        assert_eq!((status, message(&reply)), (400, expected), "{changes}");
    }
    assert_eq!(service.ask("POST", "/properties", &with(&text, &json!({ "name": "empty" }))).0, 409);
    assert_eq!(service.ask("PUT", "/properties/empty", &json!({ "name": "other", "type": "text" })).0, 400);
    assert_eq!(service.ask("PUT", "/properties/empty", &json!({ "name": "empty", "type": "secure" })).0, 400);
    assert_eq!(service.ask("PUT", "/properties/nowhere", &with(&text, &json!({ "name": "nowhere" }))).0, 404);
    assert_eq!(service.ask("GET", "/properties/nowhere", &Value::Null).0, 404);
}

#[test]
fn secrets_are_shown_as_the_hashes_that_openssl_computes() {
    let service = Service::start(&[]);
    let token = "0123456789abcdef";
    let made = service.create("/triggers", &trigger());
    let id = made["id"].as_str().unwrap();
    let secure = json!({ "name": "subpipeline-webhook-token", "type": "secure", "value": token });
    let property = service.create("/properties", &secure);
    let own = service.create(&format!("/triggers/{id}/properties"), &secure);
    let pipeline = &service.pipeline;
    let cases = [
        (&made["secret"]["value"], format!("{pipeline}.{id}")),
        (&property["value"], format!("{pipeline}.subpipeline-webhook-token")),
        (&own["value"], format!("{pipeline}.{id}.subpipeline-webhook-token")),
    ];
    for (shown, key) in cases {
        let script = r#"printf %s "$1" | openssl dgst -sha3-512 -hmac "$2" | sed 's/.*= //'"#;
        let output = Command::new("bash").args(["-c", script, "-", token, &key]).output().expect("openssl runs");
        let expected = format!("hash:SHA3-512:{}", String::from_utf8_lossy(&output.stdout).trim());
        assert_eq!(shown, &Value::from(expected), "{key}");
    }
    for path in ["", "/triggers", "/properties", "/pipeline_runs"] {
        assert!(!service.get(path).to_string().contains(token), "{path} shows the token");
    }
}

#[test]
fn the_hash_that_was_shown_means_the_secret_that_is_there() {
    let service = Service::start(&[]);
    let made = service.create("/triggers", &trigger());
    let (status, patched) =
        service.ask("PATCH", &format!("/triggers/{}", made["id"].as_str().unwrap()), &json!({ "secret": made["secret"] }));
    assert_eq!((status, &patched["secret"]), (200, &made["secret"]));
    let property = service.create("/properties", &json!({ "name": "s", "type": "secure", "value": "abc" }));
    let (_, same) = service.ask("PUT", "/properties/s", &json!({ "name": "s", "type": "secure", "value": property["value"] }));
    assert_eq!(same["value"], property["value"]);
    let (_, other) = service.ask("PUT", "/properties/s", &json!({ "name": "s", "type": "secure", "value": "abd" }));
    assert_ne!(other["value"], property["value"]);
}

#[test]
fn a_patch_changes_what_it_names_and_is_a_merge_patch() {
    let service = Service::start(&[]);
    let made = service.create("/triggers", &with(&trigger(), &json!({ "worker": { "id": "w1" }, "tags": ["a"] })));
    let path = format!("/triggers/{}", made["id"].as_str().unwrap());
    let (status, patched) = service.ask("PATCH", &path, &json!({ "enabled": false }));
    assert_eq!((status, patched), (200, with(&made, &json!({ "enabled": false }))));
    assert_eq!(service.ask("PATCH", &path, &json!({ "type": "manual" })).0, 400);
    assert_eq!(service.ask("PATCH", &path, &json!({ "name": "a;b" })).0, 400);
    assert_eq!(send("PATCH", &service.address(&path), &[("Content-Type", "application/json")], b"{}").0, 415);
    assert_eq!(service.ask("PATCH", "/triggers/nowhere", &json!({})).0, 404);
}

#[test]
fn roles_decide_what_a_token_may_do() {
    let folder = tempfile::tempdir().unwrap();
    let keys = folder.path().join("keys");
    fs::write(&keys, "# the keys of the test\nkey-e\nkey-o operator\n\nkey-v viewer\n").unwrap();
    let service = Service::start(&["--api-key-file", keys.to_str().unwrap()]);
    let bearer = |key: &str| format!("Bearer {}", service.token(key).1["access_token"].as_str().expect("a token"));
    let editor = bearer("key-e");
    let made = ask("POST", &service.address("/triggers"), &[("Authorization", &editor)], &trigger()).1;
    let webhook = made["webhook_url"].as_str().unwrap();
    // Reading, running, changing.
    let expected = [
        ("", [401, 401, 401]),
        ("Bearer nonsense", [401, 401, 401]),
        (&bearer("key-v"), [200, 403, 403]),
        (&bearer("key-o"), [200, 201, 403]),
        (&editor, [200, 201, 201]),
    ];
    for (authorization, statuses) in expected {
        let headers: &[(&str, &str)] = if authorization.is_empty() { &[] } else { &[("Authorization", authorization)] };
        let got = [
            ask("GET", &service.address("/triggers"), headers, &Value::Null).0,
            ask("POST", &service.address("/pipeline_runs"), headers, &json!({ "trigger": { "name": "async-stages" } })).0,
            ask("POST", &service.address("/properties"), headers, &json!({ "name": "p", "type": "text" })).0,
        ];
        assert_eq!(got, statuses, "{authorization}");
    }
    let keyless = Service::start(&[]);
    assert_eq!(ask("POST", &keyless.address("/triggers"), &[("Authorization", "Bearer any")], &trigger()).0, 201);
    // The webhook knows no IAM, only its own token.
    assert_eq!(ask("POST", webhook, &[], &json!({})).0, 401);
    assert_eq!(ask("POST", webhook, &[("x-async-stage-token", "0123456789abcdef")], &json!({})).0, 201);
    let (status, refusal) = service.token("unknown");
    assert_eq!((status, refusal["errorCode"].as_str()), (400, Some("BXNIM0415E")));
}

#[test]
fn another_pipeline_path_or_method_is_refused_in_words() {
    let service = Service::start(&[]);
    let other = service.address("/triggers").replace(&service.pipeline, "00000000-0000-0000-0000-000000000000");
    for (method, address, status) in [
        ("GET", other.as_str(), 404),
        ("GET", &service.address("/nothing"), 404),
        ("PUT", &service.address("/triggers"), 405),
        ("GET", &service.address("/triggers/none"), 404),
        ("GET", &service.address("/pipeline_runs/none"), 404),
    ] {
        let (got, reply) = ask(method, address, &[], &Value::Null);
        assert_eq!(got, status, "{method} {address}");
        assert!(!message(&reply).is_empty() && reply["trace"].is_string(), "{reply}");
    }
    let (status, reply) = send("GET", &service.address("/triggers/%ff"), &[], b"");
    assert_eq!((status, message(&reply)), (400, "the path is not UTF-8"));
    let (status, reply) = ask("POST", &service.address("/pipeline_runs"), &[], &json!({ "trigger": { "name": "m" }, "description": 7 }));
    assert_eq!((status, message(&reply)), (400, "`description` must be a text of 0 to 4096 characters"));
    let (status, reply) = send("POST", &service.address("/triggers"), &[JSON], &vec![b'x'; 3_000_000]);
    assert_eq!((status, message(&reply)), (413, "the body has more than 512 KB"));
    assert_eq!(send("POST", &service.address("/triggers"), &[JSON], b"{").0, 400);
    assert_eq!(send("POST", &service.address("/triggers"), &[JSON], b"[]").0, 400);
}

#[test]
fn the_webhook_makes_a_run_for_who_knows_the_token() {
    let service = Service::start(&[]);
    let name = "x-async-stage-token";
    for (source, header, query, body, status) in [
        ("header", "0123456789abcdef", "", json!({}), 201),
        ("header", "", "", json!({}), 401),
        ("header", "0123456789abcdeF", "", json!({}), 401),
        ("header", "", "0123456789abcdef", json!({}), 401),
        ("query", "", "0123456789abcdef", json!({}), 201),
        ("query", "0123456789abcdef", "", json!({}), 401),
        ("payload", "", "", json!({ name: "0123456789abcdef" }), 201),
        ("payload", "", "", json!({ name: 1 }), 401),
    ] {
        let made = service.create("/triggers", &with(&trigger(), &json!({ "secret": { "source": source } })));
        let mut address = made["webhook_url"].as_str().unwrap().to_owned();
        if !query.is_empty() {
            address = format!("{address}?{name}={query}");
        }
        let headers: &[(&str, &str)] = if header.is_empty() { &[] } else { &[(name, header)] };
        assert_eq!(ask("POST", &address, headers, &body).0, status, "{source} {header} {query} {body}");
    }
}

#[test]
fn a_payload_reaches_the_run_byte_for_byte_up_to_512_kilobytes() {
    let service = Service::start(&[]);
    let made = service.create("/triggers", &trigger());
    let address = made["webhook_url"].as_str().unwrap();
    let headers = [JSON, ("x-async-stage-token", "0123456789abcdef")];
    let text = "{ \"b\": 1,\n \"a\": \"quotes \\\" and $(id) and ünï\" }";
    let (status, reply) = send("POST", address, &headers, text.as_bytes());
    assert_eq!(status, 201, "{reply}");
    let run = service.get(&format!("/pipeline_runs/{}", reply["id"].as_str().unwrap()));
    assert_eq!((run["event_params_blob"].as_str(), run["status"].as_str()), (Some(text), Some("queued")));
    let of_size = |size: usize| format!("{{\"a\":\"{}\"}}", "x".repeat(size - 8)).into_bytes();
    assert_eq!(send("POST", address, &headers, &of_size(512 * 1024)).0, 201);
    assert_eq!(send("POST", address, &headers, &of_size(512 * 1024 + 1)).0, 413);
    for (body, status) in [
        (&b"{"[..], 400),
        (b"\xff", 400),
        (b"{\"description\": 1}", 400),
        (b"{\"properties\": {}}", 400),
        (b"{\"properties\": [{\"name\": \"a\", \"type\": \"text\", \"value\": \"\"}]}", 400),
        (b"{\"properties\": [{\"name\": \"a\", \"type\": \"TEXT\", \"value\": \"\"}], \"description\": \"d\"}", 201),
    ] {
        assert_eq!(send("POST", address, &headers, body).0, status, "{}", String::from_utf8_lossy(body));
    }
}

#[test]
fn a_disabled_trigger_starts_nothing() {
    let service = Service::start(&[]);
    let made = service.create("/triggers", &with(&trigger(), &json!({ "enabled": false })));
    let call = ask("POST", made["webhook_url"].as_str().unwrap(), &[("x-async-stage-token", "0123456789abcdef")], &json!({}));
    assert_eq!((call.0, message(&call.1)), (403, "the trigger is disabled"));
    assert_eq!(service.ask("POST", "/pipeline_runs", &json!({ "trigger": { "name": "async-stages" } })).0, 400);
    assert_eq!(service.get("/pipeline_runs")["pipeline_runs"], json!([]));
}

#[test]
fn a_locked_property_cannot_be_overridden_by_a_run() {
    let service = Service::start(&[]);
    service.create("/triggers", &json!({ "type": "manual", "name": "m", "event_listener": "l" }));
    service.create("/properties", &json!({ "name": "free", "type": "text", "value": "1" }));
    service.create("/properties", &json!({ "name": "fixed", "type": "text", "value": "1", "locked": true }));
    let run = |properties: Value| service.ask("POST", "/pipeline_runs", &json!({ "trigger": { "name": "m", "properties": properties } }));
    let (status, made) = run(json!({ "free": "2" }));
    let value = made["properties"].as_array().unwrap().iter().find(|property| property["name"] == "free").unwrap();
    assert_eq!((status, &value["value"]), (201, &json!("2")));
    let (status, reply) = run(json!({ "fixed": "2" }));
    assert_eq!((status, message(&reply)), (400, "the property `fixed` is locked, so a run cannot override it"));
}

#[test]
fn runs_are_listed_in_pages_newest_first() {
    let service = Service::start(&[]);
    service.create("/triggers", &json!({ "type": "manual", "name": "m", "event_listener": "l" }));
    let mut expected: Vec<Value> =
        (0..7).map(|_| service.create("/pipeline_runs", &json!({ "trigger": { "name": "m" } }))["id"].clone()).collect();
    expected.reverse();
    let mut found = Vec::new();
    let mut path = "/pipeline_runs?limit=3".to_owned();
    let mut pages = 0;
    loop {
        let page = service.get(&path);
        found.extend(page["pipeline_runs"].as_array().unwrap().iter().map(|run| run["id"].clone()));
        pages += 1;
        let Some(next) = page["next"]["href"].as_str() else { break };
        path = next.replace(&service.address(""), "");
    }
    assert_eq!((pages, found), (3, expected));
    assert_eq!(service.get("/pipeline_runs?status=succeeded")["pipeline_runs"], json!([]));
    for query in ["limit=0", "limit=x", "start=x", "status=done"] {
        assert_eq!(service.ask("GET", &format!("/pipeline_runs?{query}"), &Value::Null).0, 400, "{query}");
    }
}

#[test]
fn a_run_is_cancelled_once_repeated_and_deleted() {
    let service = Service::start(&[]);
    service.create("/triggers", &json!({ "type": "manual", "name": "m", "event_listener": "l" }));
    let run = service.create("/pipeline_runs", &json!({ "trigger": { "name": "m" }, "description": "d" }));
    let path = format!("/pipeline_runs/{}", run["id"].as_str().unwrap());
    let (status, cancelled) = service.ask("POST", &format!("{path}/cancel"), &json!({ "force": true }));
    assert_eq!((status, cancelled["status"].as_str()), (202, Some("cancelled")));
    assert_eq!(service.ask("POST", &format!("{path}/cancel"), &Value::Null).0, 409);
    let (status, again) = service.ask("POST", &format!("{path}/rerun"), &Value::Null);
    assert_eq!((status, again["status"].as_str(), again["description"].as_str()), (201, Some("queued"), Some("d")));
    assert_ne!(again["id"], run["id"]);
    assert_eq!(service.get(&format!("{path}/logs")), json!({ "logs": [] }));
    assert_eq!(service.ask("DELETE", &path, &Value::Null).0, 204);
    assert_eq!(service.ask("DELETE", &path, &Value::Null).0, 404);
}

#[test]
fn where_only_some_runs_may_be_at_once_the_next_twenty_wait() {
    let service = Service::start(&[]);
    service.create("/triggers", &json!({ "type": "manual", "name": "m", "event_listener": "l", "max_concurrent_runs": 1 }));
    let statuses: Vec<Value> =
        (0..22).map(|_| service.create("/pipeline_runs", &json!({ "trigger": { "name": "m" } }))["status"].clone()).collect();
    let mut expected = vec![json!("queued")];
    expected.extend(vec![json!("waiting"); 20]);
    expected.push(json!("cancelled"));
    assert_eq!(statuses, expected);
}

#[test]
fn a_repeated_run_waits_like_a_new_one_and_a_trigger_may_let_only_the_newest_wait() {
    let service = Service::start(&[]);
    service.create(
        "/triggers",
        &json!({ "type": "manual", "name": "m", "event_listener": "l", "max_concurrent_runs": 1, "limit_waiting_runs": true }),
    );
    let start = || service.create("/pipeline_runs", &json!({ "trigger": { "name": "m" } }))["id"].as_str().unwrap().to_owned();
    let (first, _) = (start(), start());
    start();
    let (status, again) = service.ask("POST", &format!("/pipeline_runs/{first}/rerun"), &Value::Null);
    assert_eq!((status, again["status"].as_str()), (201, Some("waiting")));
    let runs = service.get("/pipeline_runs")["pipeline_runs"].clone();
    let statuses: Vec<&str> = runs.as_array().unwrap().iter().map(|run| run["status"].as_str().unwrap()).collect();
    assert_eq!(statuses, ["waiting", "cancelled", "cancelled", "queued"]);
}

#[test]
fn addresses_lead_back_the_way_that_the_caller_came() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    let options = ["--state", state.to_str().unwrap(), "--allow-host", "pipeline.example"];
    let addresses = |run: &Value| {
        let trigger = &run["trigger"];
        let all = [&run["href"], &run["run_url"], &trigger["href"], &trigger["webhook_url"], &trigger["properties"][0]["href"]];
        all.map(|address| address.as_str().unwrap().to_owned())
    };
    let first = Service::start(&options);
    let id = first.create("/triggers", &trigger())["id"].as_str().unwrap().to_owned();
    first.create(&format!("/triggers/{id}/properties"), &json!({ "name": "p", "type": "text", "value": "v" }));
    let run = first.create("/pipeline_runs", &json!({ "trigger": { "name": "async-stages" } }));
    assert!(addresses(&run).iter().all(|address| address.starts_with(&first.origin)), "{run}");
    let path = format!("/pipeline_runs/{}", run["id"].as_str().unwrap());
    first.kill();
    let second = Service::start(&options);
    let again = second.get(&path);
    assert!(addresses(&again).iter().all(|address| address.starts_with(&second.origin)), "{again}");
    let (_, seen) = ask("GET", &second.address(&path), &[("Host", "pipeline.example:8080")], &Value::Null);
    assert!(addresses(&seen).iter().all(|address| address.starts_with("http://pipeline.example:8080/")), "{seen}");
}

#[test]
fn the_store_is_for_its_owner_only_and_says_what_is_wrong_with_it() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("deep/state");
    let file = state.join("pipeline.redb");
    drop(Service::start(&["--state", state.to_str().unwrap()]));
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&state), mode(&file)), (0o700, 0o600));
    fs::write(&file, "no store at all, but longer than the header of one: ".repeat(100)).unwrap();
    let output = Command::new(SIDESTAGE).args(["serve", "--state", state.to_str().unwrap()]).output().expect("the binary runs");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(errors.contains("damaged") && !errors.contains("another `sidestage serve`"), "{errors}");
}

#[test]
fn a_token_is_worth_no_more_than_its_key() {
    let folder = tempfile::tempdir().unwrap();
    let [keys, state] = ["keys", "state"].map(|name| folder.path().join(name).to_str().unwrap().to_owned());
    let options = ["--state", &state, "--api-key-file", &keys];
    let property = |number: u32| json!({ "name": format!("p{number}"), "type": "text", "value": "v" });
    fs::write(&keys, "first editor\nsecond editor\n").unwrap();
    let service = Service::start(&options);
    let bearer = |service: &Service, key| format!("Bearer {}", service.token(key).1["access_token"].as_str().unwrap());
    let (first, second) = (bearer(&service, "first"), bearer(&service, "second"));
    service.kill();
    fs::write(&keys, "second viewer\n").unwrap();
    let service = Service::start(&options);
    let post = |token: &str| ask("POST", &service.address("/properties"), &[("Authorization", token)], &property(1)).0;
    assert_eq!((post(&first), post(&second)), (401, 403), "the first key is gone, the second only reads");
    assert_eq!(ask("GET", &service.address("/properties"), &[("Authorization", &second)], &Value::Null).0, 200);
}

#[test]
fn a_request_that_never_ends_does_not_keep_the_service() {
    use std::io::Write;
    let service = Service::start(&[]);
    let mut held = std::net::TcpStream::connect(service.origin.trim_start_matches("http://")).unwrap();
    held.write_all(b"POST /identity/token HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 100\r\n\r\nhalf").unwrap();
    service.end();
    drop(held);
}

#[test]
fn what_was_answered_with_success_outlives_kill_9() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    let options = ["--state", state.to_str().unwrap()];
    let mut pipeline = None;
    for round in 0..12 {
        let service = Service::start(&options);
        assert_eq!(pipeline.get_or_insert_with(|| service.pipeline.clone()), &service.pipeline, "round {round}");
        let known = service.get("/properties")["properties"].as_array().unwrap().len();
        assert_eq!(known, round * 3, "round {round}");
        for property in 0..3 {
            service.create("/properties", &json!({ "name": format!("p{round}.{property}"), "type": "secure", "value": "v" }));
        }
        service.kill();
    }
}

#[test]
fn a_crash_in_the_middle_of_many_requests_loses_no_answer() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    let options = ["--state", state.to_str().unwrap()];
    let service = Service::start(&options);
    let address = service.address("/properties");
    let count = Arc::new(AtomicUsize::new(0));
    let writers: Vec<_> = (0..4)
        .map(|writer| {
            let (address, count) = (address.clone(), Arc::clone(&count));
            thread::spawn(move || {
                let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
                let mut answered = Vec::new();
                for number in 0.. {
                    let name = format!("w{writer}.{number}");
                    let body = json!({ "name": name, "type": "text", "value": "v" }).to_string();
                    match agent.post(&address).header("Content-Type", "application/json").send(body) {
                        Ok(reply) if reply.status() == 201 => answered.push(name),
                        _ => break,
                    }
                    count.fetch_add(1, Ordering::Relaxed);
                }
                answered
            })
        })
        .collect();
    // In the middle: some are answered, and all writers go on.
    while count.load(Ordering::Relaxed) < 40 && writers.iter().any(|writer| !writer.is_finished()) {
        thread::sleep(Duration::from_millis(1));
    }
    service.kill();
    let answered: Vec<String> = writers.into_iter().flat_map(|writer| writer.join().expect("a writer")).collect();
    assert!(answered.len() >= 40, "the service failed after {} answers", answered.len());
    let service = Service::start(&options);
    let listed = service.get("/properties").to_string();
    let lost: Vec<&String> = answered.iter().filter(|name| !listed.contains(&format!("\"{name}\""))).collect();
    assert_eq!(lost, Vec::<&String>::new(), "of {}", answered.len());
}

#[test]
fn of_many_who_create_the_same_property_one_succeeds() {
    let service = Service::start(&[]);
    let statuses: Vec<u16> = thread::scope(|scope| {
        let callers: Vec<_> =
            (0..8).map(|_| scope.spawn(|| service.ask("POST", "/properties", &json!({ "name": "p", "type": "text" })).0)).collect();
        callers.into_iter().map(|caller| caller.join().expect("a caller")).collect()
    });
    assert_eq!(statuses.iter().filter(|status| **status == 201).count(), 1, "{statuses:?}");
    assert_eq!(statuses.iter().filter(|status| **status == 409).count(), 7, "{statuses:?}");
}

#[test]
fn it_is_not_started_where_strangers_could_reach_it_without_a_key() {
    let folder = tempfile::tempdir().unwrap();
    let empty = folder.path().join("keys");
    fs::write(&empty, "# none\n").unwrap();
    let state = folder.path().join("state");
    let first = Service::start(&["--state", state.to_str().unwrap()]);
    for (options, expected) in [
        (vec!["--listen", "0.0.0.0:0"], "0.0.0.0:0 can be reached from other machines, so callers must be known; add --api-key-file FILE"),
        (vec!["--listen", "0.0.0.0:0", "--api-key-file", empty.to_str().unwrap()], "it holds no API key; write one a line"),
        (vec!["--pipeline", "short"], "`short` is not a valid id of a pipeline"),
        (vec!["--state", state.to_str().unwrap()], "another `sidestage serve` uses it"),
    ] {
        let output = Command::new(SIDESTAGE).arg("serve").args(&options).output().expect("the binary runs");
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && output.stdout.is_empty(), "{options:?}");
        assert!(errors.contains(expected), "{options:?}: {errors}");
    }
    drop(first);
}
