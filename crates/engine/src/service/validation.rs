//! What the service takes: the enums, patterns, lengths and limits that the official clients do not check.

use serde_json::Value;

use super::error::ApiError;
use super::store::Document;

/// Bytes of a request's body.
pub(super) const BODY_LIMIT: usize = 512 * 1024;

/// Triggers of a pipeline, and properties of a pipeline or trigger.
pub(super) const COUNT_LIMIT: usize = 1024;

const VALUE_LIMIT: usize = 4096;

pub(super) const TRIGGER_TYPES: [&str; 4] = ["generic", "manual", "scm", "timer"];
pub(super) const PROPERTY_TYPES: [&str; 5] = ["secure", "text", "integration", "single_select", "appconfig"];
pub(super) const STATUSES: [&str; 8] = ["pending", "waiting", "queued", "running", "succeeded", "failed", "error", "cancelled"];
pub(super) const ENDED: [&str; 4] = ["succeeded", "failed", "error", "cancelled"];
const EVENTS: [&str; 3] = ["push", "pull_request", "pull_request_closed"];
const ALGORITHMS: [&str; 7] = ["md5", "sha1", "sha256", "sha384", "sha512", "sha512_224", "sha512_256"];

/// The real service has these too; they are not safe to sign with.
const ALGORITHMS_NOT_EMULATED: [&str; 2] = ["md4", "ripemd160"];

type Validity = Result<(), String>;

/// A member of a body.
struct Field {
    name: &'static str,
    check: fn(&Value) -> Validity,
    /// The types of trigger that have it; all where empty.
    of: &'static [&'static str],
}

const fn field(name: &'static str, of: &'static [&'static str], check: fn(&Value) -> Validity) -> Field {
    Field { name, check, of }
}

const TRIGGER: &[Field] = &[
    field("type", &[], |value| one_of(value, &TRIGGER_TYPES)),
    field("name", &[], trigger_name),
    field("event_listener", &[], identifier),
    field("worker", &[], |value| member(value, "id", worker_id)),
    field("max_concurrent_runs", &[], |value| expect(value.as_u64().is_some_and(|count| count > 0), "a whole number of at least 1")),
    field("limit_waiting_runs", &[], boolean),
    field("enabled", &[], boolean),
    field("favorite", &[], boolean),
    field("tags", &[], |value| list(value, |tag| text(tag, 1, 253))),
    field("filter", &["generic", "scm"], |value| text(value, 1, VALUE_LIMIT)),
    field("secret", &["generic"], secret),
    field("cron", &["timer"], cron),
    field("timezone", &["timer"], timezone),
    field("source", &["scm"], source),
    field("events", &["scm"], |value| list(value, |event| one_of(event, &EVENTS))),
    field("enable_events_from_forks", &["scm"], boolean),
    field("disable_draft_events", &["scm"], boolean),
];

const PROPERTY: &[Field] = &[
    field("name", &[], identifier),
    field("type", &[], |value| one_of(value, &PROPERTY_TYPES)),
    field("value", &[], |value| text(value, 0, VALUE_LIMIT)),
    field("enum", &[], |value| list(value, |option| text(option, 1, VALUE_LIMIT))),
    field("locked", &[], boolean),
    field("path", &[], |value| text(value, 0, VALUE_LIMIT)),
];

/// The known members of a trigger, each as it must be. Others are left out, as the service does.
pub(super) fn trigger(body: &Document) -> Result<Document, ApiError> {
    let trigger = known(body, TRIGGER)?;
    let kind = required(&trigger, "type")?;
    required(&trigger, "name")?;
    required(&trigger, "event_listener")?;
    for field in TRIGGER.iter().filter(|field| !field.of.is_empty() && !field.of.contains(&kind)) {
        if trigger.contains_key(field.name) {
            return Err(ApiError::bad_request(format!("`{}` is only for triggers of type {}", field.name, field.of.join(" or "))));
        }
    }
    for (needed, of) in [("cron", "timer"), ("source", "scm")] {
        if kind == of {
            trigger.get(needed).ok_or_else(|| missing(needed))?;
        }
    }
    Ok(trigger)
}

/// The known members of a property, each as it must be.
pub(super) fn property(body: &Document) -> Result<Document, ApiError> {
    let property = known(body, PROPERTY)?;
    required(&property, "name")?;
    let kind = required(&property, "type")?;
    let options = property.get("enum").and_then(Value::as_array);
    match (kind, options) {
        ("single_select", None) => return Err(missing("enum")),
        ("single_select", Some(options)) => {
            if let Some(value) = property.get("value").filter(|value| !options.contains(value)) {
                return Err(ApiError::bad_request(format!("`value` must be one of `enum`, and {value} is not")));
            }
        }
        (_, Some(_)) => return Err(ApiError::bad_request("`enum` is only for properties of type single_select")),
        (_, None) => {}
    }
    if kind != "integration" && property.contains_key("path") {
        return Err(ApiError::bad_request("`path` is only for properties of type integration"));
    }
    Ok(property)
}

/// The name of a trigger's copy.
pub(super) fn copy_name(body: &Document) -> Result<String, ApiError> {
    let name = body.get("name").ok_or_else(|| missing("name"))?;
    trigger_name(name).map_err(|expected| wrong("name", &expected))?;
    Ok(name.as_str().unwrap_or_default().to_owned())
}

/// What is said about a run.
pub(super) fn description(body: &Document) -> Result<(), ApiError> {
    match body.get("description") {
        Some(description) => text(description, 0, VALUE_LIMIT).map_err(|expected| wrong("description", &expected)),
        None => Ok(()),
    }
}

/// What a webhook's body may say to the service itself; everything else is the caller's.
pub(super) fn payload(body: &Document) -> Result<(), ApiError> {
    description(body)?;
    let property = |value: &Value| {
        member(value, "name", identifier)?;
        member(value, "type", |kind| one_of(kind, &["TEXT", "SECURE"]))?;
        member(value, "value", |value| text(value, 0, VALUE_LIMIT))
    };
    match body.get("properties") {
        Some(properties) => list(properties, property).map_err(|expected| wrong("properties", &expected)),
        None => Ok(()),
    }
}

/// An object of texts, as overriding properties are.
pub(super) fn texts(value: &Value, name: &str) -> Result<Vec<(String, String)>, ApiError> {
    let object = value.as_object().ok_or_else(|| wrong(name, "an object of texts"))?;
    let entry = |(key, value): (&String, &Value)| {
        identifier(&Value::from(key.as_str())).map_err(|expected| wrong(&format!("{name}.{key}"), &expected))?;
        text(value, 0, VALUE_LIMIT).map_err(|expected| wrong(&format!("{name}.{key}"), &expected))?;
        Ok((key.clone(), value.as_str().unwrap_or_default().to_owned()))
    };
    object.iter().map(entry).collect()
}

/// Whether a text can be the id of a pipeline.
pub(super) fn is_pipeline_id(id: &str) -> bool {
    id.len() == 36 && id.bytes().all(|byte| byte == b'-' || byte.is_ascii_digit() || byte.is_ascii_lowercase())
}

fn known(body: &Document, fields: &[Field]) -> Result<Document, ApiError> {
    let mut found = Document::new();
    for field in fields {
        if let Some(value) = body.get(field.name).filter(|value| !value.is_null()) {
            (field.check)(value).map_err(|expected| wrong(field.name, &expected))?;
            found.insert(field.name.to_owned(), value.clone());
        }
    }
    Ok(found)
}

fn required<'a>(body: &'a Document, name: &str) -> Result<&'a str, ApiError> {
    body.get(name).and_then(Value::as_str).ok_or_else(|| missing(name))
}

pub(super) fn missing(name: &str) -> ApiError {
    ApiError::bad_request(format!("`{name}` is missing"))
}

fn wrong(name: &str, expected: &str) -> ApiError {
    ApiError::bad_request(format!("`{name}` must be {expected}"))
}

fn expect(is_so: bool, expected: &str) -> Validity {
    if is_so { Ok(()) } else { Err(expected.to_owned()) }
}

fn boolean(value: &Value) -> Validity {
    expect(value.is_boolean(), "true or false")
}

fn one_of(value: &Value, known: &[&str]) -> Validity {
    expect(value.as_str().is_some_and(|text| known.contains(&text)), &format!("one of {}", known.join(", ")))
}

fn text(value: &Value, least: usize, most: usize) -> Validity {
    let length = value.as_str().map(|text| text.chars().count());
    expect(length.is_some_and(|length| (least..=most).contains(&length)), &format!("a text of {least} to {most} characters"))
}

/// Names of listeners, properties, keys and workers.
fn identifier(value: &Value) -> Validity {
    let is_one =
        |text: &str| (1..=253).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
    expect(value.as_str().is_some_and(is_one), "1 to 253 letters, digits, `-`, `_` or `.`")
}

fn trigger_name(value: &Value) -> Validity {
    let is_one = |text: &str| {
        (1..=253).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.: /()[]".contains(&byte))
    };
    expect(value.as_str().is_some_and(is_one), "1 to 253 letters, digits, blanks or any of -_.:/()[]")
}

/// `public`, `inherit`, or the id of a private worker.
fn worker_id(value: &Value) -> Validity {
    let is_one = |text: &str| (1..=36).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    expect(value.as_str().is_some_and(is_one), "1 to 36 letters, digits or `-`")
}

/// Minute, hour, day of the month, month, day of the week.
const CRON: [(u32, u32); 5] = [(0, 59), (0, 23), (1, 31), (1, 12), (0, 7)];

fn cron(value: &Value) -> Validity {
    let fields: Vec<&str> = value.as_str().unwrap_or_default().split(' ').collect();
    let is_one = fields.len() == CRON.len()
        && fields.iter().zip(CRON).all(|(field, limits)| field.split(',').all(|part| is_cron_part(part, limits)));
    expect(is_one, "five fields of a crontab: minute, hour, day of the month, month, day of the week")
}

/// `*`, a number or a range, and after `/` a step.
fn is_cron_part(part: &str, (least, most): (u32, u32)) -> bool {
    let number = |text: &str| text.parse().ok().filter(|number| (least..=most).contains(number) && !text.starts_with('+'));
    let (range, step) = part.split_once('/').map_or((part, None), |(range, step)| (range, Some(step)));
    let is_range = match range.split_once('-') {
        Some((from, to)) => number(from).zip(number(to)).is_some_and(|(from, to)| from <= to),
        None => range == "*" || number(range).is_some(),
    };
    is_range && step.is_none_or(|step| step.parse::<u32>().is_ok_and(|step| (1..=most).contains(&step)))
}

/// The name of a timezone; whether there is one of the name is not looked at.
fn timezone(value: &Value) -> Validity {
    let is_one =
        |text: &str| (1..=253).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-+_., /".contains(&byte));
    expect(value.as_str().is_some_and(is_one), "the name of a timezone, like Europe/Berlin")
}

fn list(value: &Value, check: impl Fn(&Value) -> Validity) -> Validity {
    let entries = value.as_array().ok_or("a list")?;
    entries.iter().try_for_each(|entry| check(entry).map_err(|expected| format!("a list, each entry {expected}")))
}

fn member(value: &Value, name: &str, check: impl Fn(&Value) -> Validity) -> Validity {
    let inner = value.as_object().ok_or("an object")?.get(name).ok_or(format!("an object with `{name}`"))?;
    check(inner).map_err(|expected| format!("an object whose `{name}` is {expected}"))
}

fn secret(value: &Value) -> Validity {
    member(value, "type", |kind| one_of(kind, &["token_matches", "digest_matches", "internal_validation"]))?;
    if value["type"] == "internal_validation" {
        return Ok(());
    }
    member(value, "value", |value| text(value, 1, VALUE_LIMIT))?;
    member(value, "source", |source| one_of(source, &["header", "payload", "query"]))?;
    member(value, "key_name", identifier)?;
    match (value["type"] == "digest_matches", value.get("algorithm")) {
        (true, _) => member(value, "algorithm", algorithm),
        (false, Some(_)) => Err("without `algorithm`, unless its type is digest_matches".to_owned()),
        (false, None) => Ok(()),
    }
}

fn algorithm(value: &Value) -> Validity {
    let known = one_of(value, &ALGORITHMS);
    match value.as_str().filter(|name| ALGORITHMS_NOT_EMULATED.contains(name)) {
        Some(name) => known.map_err(|expected| format!("{expected} ({name} is not emulated here)")),
        None => known,
    }
}

fn source(value: &Value) -> Validity {
    member(value, "type", |kind| text(kind, 1, 253))?;
    member(value, "properties", |properties| {
        member(properties, "url", |url| text(url, 1, 2048))?;
        match (properties.get("branch"), properties.get("pattern")) {
            (Some(_), Some(_)) => Err("either with `branch` or with `pattern`".to_owned()),
            _ => Ok(()),
        }
    })
}
