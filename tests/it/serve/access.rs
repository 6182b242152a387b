//! Pages of other sites do not become callers: which hosts, origins and types of a body are taken.

use std::process::Command;

use serde_json::{Value, json};

use super::{JSON, trigger};
use crate::harness::connection::Connection;
use crate::harness::service::{SIDESTAGE, Service, ask, message, send};

const HOST_REFUSED: &str = "the header `Host` names a host that is not allowed; --allow-host NAME allows one";

#[test]
fn only_a_host_that_is_this_machine_or_allowed_is_served() {
    let service = Service::start(&["--allow-host", "pipeline.example", "--allow-host", "other.example"]);
    let allowed = ["localhost", "LocalHost:1", "localhost.", "a.localhost:8080", "127.0.0.1", "127.1.2.3:80", "[::1]:8080"];
    for host in allowed.into_iter().chain(["pipeline.example", "Pipeline.Example:8080", "other.example"]) {
        let (status, reply) = ask("GET", &service.address("/triggers"), &[("Host", host)], &Value::Null);
        assert_eq!(status, 200, "{host}: {reply}");
    }
    let names =
        ["evil.example", "evil.example:8080", "localhost.evil.example", "127.0.0.1.evil.example", "notlocalhost", "a.pipeline.example"];
    for host in
        names.into_iter().chain(["192.0.2.1", "0.0.0.0", "localhost@evil.example", "a/b@c", "[::1].evil.example", "::1", "localhost:x"])
    {
        for path in [service.address("/triggers"), format!("{}/nothing", service.origin)] {
            let (status, reply) = ask("GET", &path, &[("Host", host)], &Value::Null);
            assert_eq!((status, message(&reply)), (403, HOST_REFUSED), "{host} {path}");
        }
    }
}

#[test]
fn each_host_that_a_request_names_must_be_allowed() {
    let service = Service::start(&[]);
    for (head, status) in [
        ("GET / HTTP/1.1\r\nHost: localhost\r\n", 404),
        ("GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n", 403),
        ("GET / HTTP/1.1\r\n", 403),
        ("GET http://evil.example/ HTTP/1.1\r\nHost: localhost\r\n", 403),
    ] {
        let mut connection = Connection::to(&service);
        connection.send(format!("{head}Connection: close\r\n\r\n").as_bytes());
        assert_eq!(connection.status(), Some(status), "{head}");
    }
}

#[test]
fn a_page_of_another_site_changes_and_reads_nothing() {
    let service = Service::start(&["--allow-host", "pipeline.example"]);
    let made = service.create("/triggers", &trigger());
    let property = json!({ "name": "p", "type": "text" });
    for (name, value) in [
        ("Origin", "http://evil.example"),
        ("Origin", "https://localhost.evil.example"),
        ("Origin", "null"),
        ("Origin", ""),
        ("Sec-Fetch-Site", "cross-site"),
        ("Sec-Fetch-Site", "same-site"),
    ] {
        let page = [(name, value)];
        assert_eq!(ask("GET", &service.address("/triggers"), &page, &Value::Null).0, 403, "{name}: {value}");
        assert_eq!(ask("POST", &service.address("/properties"), &page, &property).0, 403, "{name}: {value}");
        let call = [(name, value), ("x-async-stage-token", "0123456789abcdef")];
        assert_eq!(ask("POST", made["webhook_url"].as_str().unwrap(), &call, &json!({})).0, 403, "{name}: {value}");
    }
    assert_eq!((&service.get("/properties")["properties"], &service.get("/pipeline_runs")["pipeline_runs"]), (&json!([]), &json!([])));
    for page in [
        ("Origin", service.origin.as_str()),
        ("Origin", "http://localhost:3000"),
        ("Origin", "https://pipeline.example"),
        ("Sec-Fetch-Site", "same-origin"),
        ("Sec-Fetch-Site", "none"),
    ] {
        assert_eq!(ask("GET", &service.address("/triggers"), &[page], &Value::Null).0, 200, "{page:?}");
    }
}

#[test]
fn a_body_says_that_it_is_what_the_path_takes() {
    let service = Service::start(&[]);
    let made = service.create("/triggers", &trigger());
    let [trigger_path, property_path] = [format!("/triggers/{}", made["id"].as_str().unwrap()), "/properties/p".to_owned()];
    service.create("/properties", &json!({ "name": "p", "type": "text" }));
    let token = ("x-async-stage-token", "0123456789abcdef");
    let webhook = made["webhook_url"].as_str().unwrap();
    let form = "application/x-www-form-urlencoded";
    let iam = format!("{}/identity/token", service.origin);
    let [json, patch] = ["application/json", "application/merge-patch+json"];
    let body = r#"{ "name": "p", "type": "text" }"#;
    let key = "grant_type=urn:ibm:params:oauth:grant-type:apikey&apikey=any";
    for (method, address, body, expected) in [
        ("POST", service.address("/properties"), body, json),
        ("PUT", service.address(&property_path), body, json),
        ("PATCH", service.address(&trigger_path), body, patch),
        ("POST", webhook.to_owned(), "{}", json),
        ("POST", iam, key, form),
    ] {
        for given in ["", "text/plain", "multipart/form-data", "application/jsonp", json, form, patch] {
            let headers: &[(&str, &str)] = if given.is_empty() { &[token] } else { &[token, ("Content-Type", given)] };
            let (status, reply) = send(method, &address, headers, body.as_bytes());
            if given == expected {
                assert_ne!(status, 415, "{method} {address} {given}");
            } else {
                assert_eq!(
                    (status, message(&reply)),
                    (415, format!("the Content-Type must be {expected}").as_str()),
                    "{method} {address} {given}"
                );
            }
        }
    }
    let set = ("Content-Type", "Application/JSON; charset=utf-8");
    assert_eq!(send("POST", webhook, &[token, set], b"{}").0, 201);
}

#[test]
fn without_a_body_no_type_is_needed() {
    let service = Service::start(&[]);
    service.create("/triggers", &json!({ "type": "manual", "name": "m", "event_listener": "l" }));
    let run = service.create("/pipeline_runs", &json!({ "trigger": { "name": "m" } }));
    let path = service.address(&format!("/pipeline_runs/{}", run["id"].as_str().unwrap()));
    assert_eq!(send("POST", &format!("{path}/cancel"), &[], b"").0, 202);
    assert_eq!(send("POST", &format!("{path}/rerun"), &[], b"").0, 201);
    assert_eq!(send("POST", &format!("{path}/rerun"), &[JSON], b"").0, 201);
}

#[test]
fn an_allowed_host_is_a_name_without_scheme_and_port() {
    for name in ["http://pipeline.example", "pipeline.example:8080", "*.example", ""] {
        let output = Command::new(SIDESTAGE).args(["serve", "--allow-host", name]).output().expect("the binary runs");
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{name}: {errors}");
        assert!(errors.contains(&format!("`{name}` is not the name of a host")), "{name}: {errors}");
    }
}

#[test]
fn a_short_key_on_an_address_that_others_reach_is_warned_of() {
    let folder = tempfile::tempdir().unwrap();
    let said = |key: &str, listen: &str| {
        let keys = folder.path().join("keys");
        std::fs::write(&keys, format!("{key}\n")).unwrap();
        let mut command = std::process::Command::new(crate::harness::service::SIDESTAGE);
        command.args(["serve", "--listen", listen, "--api-key-file"]).arg(&keys);
        let mut child = command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()).spawn().unwrap();
        // It is ready when it says where it is.
        let mut line = String::new();
        std::io::BufRead::read_line(&mut std::io::BufReader::new(child.stdout.take().unwrap()), &mut line).unwrap();
        child.kill().unwrap();
        let output = child.wait_with_output().unwrap();
        String::from_utf8(output.stderr).unwrap()
    };
    let long = "k".repeat(32);
    assert!(said("k", "0.0.0.0:0").contains("fewer than 32 characters"));
    let of_long = said(&long, "0.0.0.0:0");
    assert!(!of_long.contains("fewer than 32") && of_long.contains("travel over http"), "{of_long}");
    assert_eq!((said("k", "127.0.0.1:0"), said(&long, "127.0.0.1:0")), (String::new(), String::new()));
}
