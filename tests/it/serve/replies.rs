//! Replies, filters and checks that the official clients rely on.

use serde_json::{Value, json};

use super::{trigger, with};
use crate::harness::service::{Service, message};

fn timer() -> Value {
    json!({ "type": "timer", "name": "t", "event_listener": "l", "cron": "0 4 * * *" })
}

#[test]
fn a_source_says_whether_its_repository_can_be_reached() {
    let service = Service::start(&[]);
    let source = json!({ "type": "git", "properties": { "url": "https://git.example/a", "branch": "main" } });
    let made = service.create("/triggers", &json!({ "type": "scm", "name": "s", "event_listener": "l", "source": source }));
    assert_eq!(made["source"]["properties"], json!({ "url": "https://git.example/a", "branch": "main", "blind_connection": false }));
    let (status, same) = service.ask("PATCH", &format!("/triggers/{}", made["id"].as_str().unwrap()), &json!({ "source": made["source"] }));
    assert_eq!((status, &same["source"]), (200, &made["source"]));
}

#[test]
fn a_patch_to_zero_takes_the_limit_of_runs_away() {
    let service = Service::start(&[]);
    let made = service.create("/triggers", &with(&trigger(), &json!({ "max_concurrent_runs": 1 })));
    let path = format!("/triggers/{}", made["id"].as_str().unwrap());
    let (status, patched) = service.ask("PATCH", &path, &json!({ "max_concurrent_runs": 0 }));
    assert_eq!((status, patched), (200, with(&made, &json!({ "max_concurrent_runs": null }))));
    assert_eq!(service.ask("PATCH", &path, &json!({ "max_concurrent_runs": -1 })).0, 400);
}

#[test]
fn a_run_shows_its_worker_as_the_clients_read_it() {
    let service = Service::start(&[]);
    service.create("/triggers", &json!({ "type": "manual", "name": "m", "event_listener": "l", "worker": { "id": "w1" } }));
    let run = service.create("/pipeline_runs", &json!({ "trigger": { "name": "m" } }));
    assert_eq!(run["worker"], json!({ "id": "w1", "name": "w1", "agent_id": "w1" }));
}

#[test]
fn triggers_are_found_by_the_name_of_their_worker() {
    let service = Service::start(&[]);
    for (name, worker) in [("a", json!({ "id": "w1" })), ("b", json!({ "id": "w2", "name": "second" })), ("c", Value::Null)] {
        service.create("/triggers", &with(&trigger(), &json!({ "name": name, "worker": worker })));
    }
    for (worker, expected) in [("w1", "a"), ("second", "b"), ("inherit", "c")] {
        let found = service.get(&format!("/triggers?worker.name={worker}"));
        let names: Vec<&Value> = found["triggers"].as_array().unwrap().iter().map(|trigger| &trigger["name"]).collect();
        assert_eq!(names, [expected], "{worker}");
    }
    assert_eq!(service.get("/triggers?worker.name=unknown")["triggers"], json!([]));
}

#[test]
fn a_worker_has_an_id_of_at_most_36_characters() {
    let service = Service::start(&[]);
    let create = |id: &str| service.ask("POST", "/triggers", &with(&trigger(), &json!({ "worker": { "id": id } })));
    assert_eq!(create(&"w".repeat(36)).0, 201);
    for id in [&"w".repeat(37), "a b", ""] {
        let (status, reply) = create(id);
        let expected = "`worker` must be an object whose `id` is 1 to 36 letters, digits or `-`";
        assert_eq!((status, message(&reply)), (400, expected), "{id}");
    }
}

#[test]
fn a_timer_has_the_five_fields_of_a_crontab_and_a_timezone() {
    let service = Service::start(&[]);
    for cron in ["0 4 * * *", "*/5 * * * *", "0 */2 * * *", "0,30 8-18 1-15/2 1,7 1-5"] {
        let (status, reply) = service.ask("POST", "/triggers", &with(&timer(), &json!({ "cron": cron, "timezone": "Etc/GMT+1" })));
        assert_eq!(status, 201, "{cron}: {reply}");
    }
    for cron in [
        "daily",
        "0 4 * *",
        "0 4 * * * *",
        "60 4 * * *",
        "0 24 * * *",
        "0 4 0 * *",
        "0 4 * 13 *",
        "0 4 * * 8",
        "5-1 * * * *",
        "*/0 * * * *",
        "+1 * * * *",
    ] {
        let (status, reply) = service.ask("POST", "/triggers", &with(&timer(), &json!({ "cron": cron })));
        let expected = "`cron` must be five fields of a crontab: minute, hour, day of the month, month, day of the week";
        assert_eq!((status, message(&reply)), (400, expected), "{cron}");
    }
    for timezone in [String::new(), "Europe;Berlin".to_owned(), "z".repeat(254)] {
        let (status, reply) = service.ask("POST", "/triggers", &with(&timer(), &json!({ "timezone": timezone })));
        assert_eq!((status, message(&reply)), (400, "`timezone` must be the name of a timezone, like Europe/Berlin"), "{timezone}");
    }
}

#[test]
fn a_path_is_only_for_properties_of_an_integration() {
    let service = Service::start(&[]);
    let tool = json!({ "name": "p", "type": "integration", "value": "tool", "path": "parameters.name" });
    let (status, reply) = service.ask("POST", "/properties", &with(&tool, &json!({ "type": "text" })));
    assert_eq!((status, message(&reply)), (400, "`path` is only for properties of type integration"));
    service.create("/properties", &tool);
}
