//! The verdicts of a real cluster, the samples that ran on one, and random documents.

use std::fs;

use serde_json::{Value, json};
use sidestage_compiler::emit::tekton::{Document, faults};

use super::manifests::Manifests;
use super::schemas::{Schemas, data, is_manifest};

/// Rows that the cluster takes, and yet nothing works: triggers answer 202 to any event, and nothing comes of it.
const EXTRA: [&str; 20] = [
    "triggers/el-compare-secret-args.yaml",       // CEL: no such overload
    "triggers/el-filter-header-plain.yaml",       // a header is a list and never equals text
    "triggers/el-filter-not-bool.yaml",           // the filter never gives true
    "triggers/el-filter-number.yaml",             // the interceptor cannot decode its parameters
    "triggers/el-filter-syntax.yaml",             // CEL does not parse
    "triggers/el-filter-unknown-function.yaml",   // CEL: undeclared reference
    "triggers/el-interceptor-param-unknown.yaml", // the filter is not there: all events pass
    "triggers/el-interceptor-unknown.yaml",       // neither a core interceptor nor one of the set
    "triggers/el-overlay-no-key.yaml",            // the overlay has no place
    "triggers/el-overlay-syntax.yaml",            // CEL does not parse
    "triggers/el-trigger-duplicate.yaml",         // each event makes two runs
    "triggers/tb-bad-path.yaml",                  // JSONPath does not parse
    "triggers/tb-unclosed.yaml",                  // text in place of a value
    "triggers/tb-unknown-root.yaml",              // JSONPath finds nothing
    "triggers/tt-bad-label.yaml",                 // the run is refused when an event comes
    "triggers/tt-bad-timeout.yaml",               // the same
    "triggers/tt-duplicate.yaml",                 // one of the two is never used
    "triggers/tt-no-name.yaml",                   // the run is refused when an event comes
    "triggers/tt-plain-params.yaml",              // the run gets the text `$(params.payload)`
    "triggers/tt-unknown-field.yaml",             // the field is lost, or the run refused
];

/// Rows that fail and cannot be known from the manifests.
const UNKNOWABLE: [&str; 3] = [
    "pipelines/run-runtime-class.yaml", // the class is not on this cluster; it may be on another
    "pipelines/param-name-dots.yaml",   // it ran without a value for a parameter that needs one; the dot is allowed
    "pipelines/script-no-shebang.yaml", // `set -e` is put before the script, whose first command is `false`; ok-minimal has no `#!` either
];

// Rows without a fault where one could be suspected, all accepted:
// param-number, yaml-bool-param        a value of another scalar type becomes text
// param-extra-for-task, run-extra-param  what is too much is dropped
// name-dots, run-name-dots             names of Tekton's objects are subdomains
// default-mode-octal                   YAML 1.1 reads 0555 as 365; `documents` below reads it so
// el-trigger-name-upper                the name is a label's value, which may have capitals and '_'
// el-no-service-account                the default one
// el-inline-template, el-pod-resources   as documented
// tt-unused                            a value that nothing uses is dropped
// tt-pod                               any object may be made; its rules are not Tekton's
// tt-v1beta1-run                       Tekton still serves and converts v1beta1
// tt-name-and-generate-name            the name wins
// tb-param-name                        names are only compared; no template has to use it

/// The documents of a file. `---` stands alone in its line.
fn documents(text: &str) -> Vec<Value> {
    let parts = text.split("\n---\n").map(|part| serde_yaml::from_str::<Value>(part).expect("yaml"));
    parts.filter(|value| !value.is_null()).map(octal_modes).collect()
}

/// `defaultMode: 0555` is a number in octal for kubectl, which reads YAML 1.1, and text for YAML 1.2.
fn octal_modes(value: Value) -> Value {
    match value {
        Value::Object(fields) => fields.into_iter().map(|(key, value)| (key.clone(), octal_mode(&key, value))).collect(),
        Value::Array(items) => items.into_iter().map(octal_modes).collect(),
        other => other,
    }
}

fn octal_mode(key: &str, value: Value) -> Value {
    let mode = value.as_str().filter(|text| matches!(key, "defaultMode" | "mode") && text.starts_with('0'));
    match mode.and_then(|text| i64::from_str_radix(text, 8).ok()) {
        Some(mode) => mode.into(),
        None => octal_modes(value),
    }
}

fn set(values: &[(String, Value)]) -> Vec<Document<'_>> {
    values.iter().map(|(file, value)| Document { file, value }).collect()
}

#[derive(Debug)]
struct Row {
    file: String,
    text: String,
    schema: String,
    bad: bool,
}

fn rows() -> Vec<Row> {
    let table = fs::read_to_string(data("cases/cases.tsv")).unwrap();
    let cells = table.lines().skip(1).map(|line| line.split('\t').map(str::to_owned).collect::<Vec<_>>());
    cells.filter(|cells| cells.len() >= 6).map(|cells| row(&cells)).collect()
}

fn row(cells: &[String]) -> Row {
    let bad = cells[3] == "refused" || cells[5] == "fails";
    let text = match cells[0].strip_prefix("(not kept) ") {
        None => fs::read_to_string(data("cases").join(&cells[0])).unwrap(),
        Some(made) => made_again(made),
    };
    Row { file: cells[0].clone(), text, schema: cells[2].clone(), bad }
}

/// Large cases are not kept as files; the table says how they are made.
fn made_again(made: &str) -> String {
    let digits: String = made.chars().skip_while(|c| *c != ' ').filter(char::is_ascii_digit).collect();
    let lines = "            # x\n".repeat(digits.parse().expect("number of lines"));
    let base = fs::read_to_string(data("cases/pipelines/ok-minimal.yaml")).unwrap();
    let (start, _) = base.split_once("        script:").expect("script");
    format!("{start}        script: |\n{lines}")
}

#[test]
fn verdicts_of_the_cluster() {
    let (schemas, mut wrong, mut used) = (Schemas::read(), Vec::new(), 0);
    for row in rows() {
        let values: Vec<_> = documents(&row.text).into_iter().map(|value| (row.file.clone(), value)).collect();
        let refused: Vec<_> = values.iter().flat_map(|(_, value)| schemas.faults(value)).collect();
        let found = faults(&set(&values));
        let name = row.file.as_str();
        let (extra, unknowable) = (EXTRA.contains(&name), UNKNOWABLE.contains(&name));
        let expected = (row.bad && !unknowable) || extra;
        used += usize::from(extra) + usize::from(unknowable);
        if refused.is_empty() != (row.schema == "valid") {
            wrong.push(format!("{name}: the schema was {}, now {refused:?}", row.schema));
        }
        // What is only in EXTRA must be found without the schemas' help.
        let is_found = if extra { !found.is_empty() } else { !refused.is_empty() || !found.is_empty() };
        if is_found != expected {
            wrong.push(format!("{name}: expected {expected}, found {found:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(used, EXTRA.len() + UNKNOWABLE.len(), "a list names a row that is not there");
}

fn sample(name: &str) -> Vec<(String, Value)> {
    Manifests::read(&data("samples").join(name)).documents
}

#[test]
fn samples_are_good() {
    let schemas = Schemas::read();
    for name in ["zap", "zap-v2"] {
        let values = sample(name);
        assert!(values.len() > 10, "{name}");
        assert_eq!(faults(&set(&values)), [], "{name}");
        for (file, value) in values.iter().filter(|(_, value)| is_manifest(value)) {
            assert_eq!(schemas.faults(value), Vec::<String>::new(), "{name}/{file}");
        }
    }
}

#[test]
fn references_across_a_set() {
    let good = sample("zap");
    let without = |kind: &str, name: &str| {
        let keep = |value: &Value| value["kind"] != kind || value["metadata"]["name"] != name;
        let values: Vec<_> = good.iter().filter(|(_, value)| keep(value)).cloned().collect();
        faults(&set(&values)).into_iter().map(|fault| fault.path).collect::<Vec<_>>()
    };
    assert_eq!(without("TriggerBinding", "web-async"), ["spec.triggers[0].bindings[0].ref"]);
    assert_eq!(without("TriggerTemplate", "web-async"), ["spec.triggers[0].template.ref"]);
    assert_eq!(without("Role", "web-run"), ["roleRef.name"]);
    assert_eq!(without("ServiceAccount", "web-async"), ["spec.resourcetemplates[0].spec.taskRunTemplate.serviceAccountName"]);
    assert_eq!(without("Pipeline", "web-ci"), ["spec.pipelineRef.name"]);
    assert_eq!(without("ServiceAccount", "web-listener"), ["subjects[0].name", "subjects[0].name", "spec.serviceAccountName"]);
    let twice: Vec<_> = good.iter().chain(good.first()).cloned().collect();
    assert_eq!(faults(&set(&twice)).len(), 1);
}

/// A change of the sample set at one place, and the path of the fault that it makes.
fn changed(file: &str, kind: &str, pointer: &str, new: &Value) -> Vec<String> {
    let mut values = sample("zap");
    let place = values.iter_mut().find(|(name, value)| name == file && value["kind"] == kind).expect("document");
    *place.1.pointer_mut(pointer).expect("place") = new.clone();
    faults(&set(&values)).into_iter().map(|fault| format!("{}: {}", fault.path, fault.message)).collect()
}

#[test]
fn changes_of_a_sample_are_found() {
    let first = "/spec/tasks/0";
    let step = |field: &str| format!("{first}/taskSpec/steps/0/{field}");
    let changes = [
        (first.to_owned() + "/params/0/value", json!("$(params.nothing)"), "there is no parameter `nothing`"),
        (first.to_owned() + "/params/0/value", json!(["a"]), "the value is of type array"),
        (first.to_owned() + "/params/0/value", json!("$(tasks.setup.status)"), "only known in `finally`"),
        (first.to_owned() + "/workspaces/0/name", json!("other"), "the pipeline has no workspace `other`"),
        (step("args"), json!(["x$(params.parameters)"]), "an array must stand alone"),
        (step("args"), json!(["x".repeat(131_072)]), "131071 are allowed"),
        (step("env/0/value"), json!("$(params.parameters[*])"), "an array can only stand"),
        (step("env/0/value"), json!("$(workspaces.other.path)"), "the task has no workspace `other`"),
        (step("env/0/value"), json!("$(steps.step-other.exitCode.path)"), "there is no step `step-other`"),
        ("/spec/tasks/1/runAfter".to_owned(), json!(["deploy"]), "tasks wait for each other: containerize, deploy, setup, test"),
        ("/spec/params/1/default".to_owned(), json!([]), "the default is of type array"),
        ("/metadata/labels".to_owned(), json!({"a/b/c": "d"}), "is no name"),
    ];
    for (pointer, new, message) in changes {
        let found = changed("pipelines/ci.yaml", "Pipeline", &pointer, &new);
        assert!(found.iter().any(|fault| fault.contains(message)), "{pointer} {new}: {found:?}");
    }
}

#[test]
fn changes_of_a_filter_are_found() {
    let pointer = "/spec/triggers/0/interceptors/0/params/0/value";
    let filter = |text: &str| changed("listener.yaml", "EventListener", pointer, &json!(text));
    let good = [
        "header.match('X-A', 'b') || !(body.a.b[0].c in ['x', \"y\"])",
        "body.list.exists(item, item.name.startsWith('a')) && has(body.a)",
        "body.a == null ? true : size(body.a) > 0",
        "requestURL.parseURL().path == '/a' // as sent",
        "extensions.x == 'a' && body.n - 1 < 1.5e3 && r'\\' != b'a' && body.s.split('/')[0] == 'a'",
        "body.stage.matches('^a\\\\d$') && {'a': 1}.size() == 1",
        "math.greatest(body.a, 1) == 1u && header['X-A'][0] == 'a'",
        "",
    ];
    for text in good {
        assert_eq!(filter(text), Vec::<String>::new(), "{text}");
    }
    let bad =
        ["body.", "bodi.a == 'a'", "'a' && true", "body.a == 'a", "1 == 'a'", "size(body)", "body.a b", "header.canonical('a', 'b') == ''"];
    for text in bad {
        assert_eq!(filter(text).len(), 1, "{text}");
    }
    // These are too deep to be looked at, or are refused; the stack must hold.
    for part in ["(", "!", "[", "1+", "a.", "a[", "a?", "-", "a&&"] {
        for count in [100, 290, 100_000] {
            filter(&(part.repeat(count) + "a"));
        }
    }
}

#[test]
fn durations_are_those_of_go() {
    let timeout = |text: &str| {
        let task = json!({"name": "a", "timeout": text, "taskSpec": {"steps": [{"name": "a", "image": "a"}]}});
        let pipeline = json!({"apiVersion": "tekton.dev/v1", "kind": "Pipeline", "metadata": {"name": "a"}, "spec": {"tasks": [task]}});
        faults(&set(&[("a".to_owned(), pipeline)])).len()
    };
    for good in ["0", "1h30m", "1.5h", ".5s", "+1m", "1µs", "90m0s", "1.h", "2562047h", "-0"] {
        assert_eq!(timeout(good), 0, "{good}");
    }
    for bad in ["", "1", "h", "1h-", "1d", "1 h", "-1s", "1..5h", ".h", "9999999h", "99999999999999999999999999999999999999999h", "é"] {
        assert_eq!(timeout(bad), 1, "{bad}");
    }
}

/// A generator of numbers that a seed repeats.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).expect("31 bits") % limit.max(1)
    }
}

/// Deletes, doubles or replaces a node somewhere below.
fn mutate(value: &mut Value, random: &mut Random) {
    let go_on = random.below(5) > 0;
    match value {
        Value::Array(items) if !items.is_empty() => {
            let index = random.below(items.len());
            match random.below(4) {
                _ if go_on => mutate(&mut items[index], random),
                0 => drop(items.remove(index)),
                1 => items.push(items[index].clone()),
                _ => items[index] = other(random),
            }
        }
        Value::Object(fields) if !fields.is_empty() => {
            let key = fields.keys().nth(random.below(fields.len())).cloned().expect("key");
            match random.below(3) {
                _ if go_on => mutate(&mut fields[&key], random),
                0 => drop(fields.remove(&key)),
                _ => fields[&key] = other(random),
            }
        }
        _ => *value = other(random),
    }
}

fn other(random: &mut Random) -> Value {
    let texts =
        ["", "$(", "$()", "$(params.", "é$(params.é)", "$(tasks.a.results.b)", "-", "1é", "9".repeat(60).as_str(), "'é"].map(json_text);
    let values = [json!(null), json!(true), json!(-1), json!(1.5), json!([]), json!({}), json!([[{}], null]), json!({"name": {"a": []}})];
    let index = random.below(texts.len() + values.len());
    texts.into_iter().chain(values).nth(index).expect("value")
}

fn json_text(text: &str) -> Value {
    text.into()
}

#[test]
fn no_document_makes_a_panic() {
    let mut random = Random(7);
    for name in ["zap", "zap-v2"] {
        let good = sample(name);
        for _ in 0..1_000 {
            let mut values = good.clone();
            for _ in 0..=random.below(4) {
                let index = random.below(values.len());
                mutate(&mut values[index].1, &mut random);
            }
            faults(&set(&values));
        }
    }
}
