//! `webhook.tf.json`, read by our schema and by a real parser of Terraform's language.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

fn built(fixture: &str) -> (tempfile::TempDir, Value) {
    let folder = tempfile::tempdir().expect("a folder");
    let config = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(fixture);
    let out = folder.path().join("out");
    let output = Command::new(env!("CARGO_BIN_EXE_sidestage"))
        .args(["build", "--emit", "terraform"])
        .arg(config)
        .arg("--out")
        .arg(&out)
        .output()
        .expect("the binary runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    // A parser may skip a file that is no JSON without a word.
    let text = fs::read_to_string(out.join("webhook.tf.json")).expect("the file");
    (folder, serde_json::from_str(&text).expect("JSON"))
}

fn errors(value: &Value) -> Vec<String> {
    let schema = serde_json::from_str(sidestage_compiler::config::schema::named("terraform").expect("a schema").text).expect("JSON");
    jsonschema::validator_for(&schema).unwrap().iter_errors(value).map(|error| error.to_string()).collect()
}

#[test]
fn the_file_has_the_shape_of_its_schema() {
    for fixture in ["zap", "zap-v2"] {
        let (_folder, value) = built(fixture);
        assert_eq!(errors(&value), Vec::<String>::new(), "{fixture}");
    }
}

#[test]
fn a_literal_secret_or_another_resource_would_be_seen() {
    let (_folder, value) = built("zap");
    let trigger = "/resource/ibm_cd_tekton_pipeline_trigger/async_stages";
    let changes = [
        (format!("{trigger}/secret/value"), "0123456789abcdef0123456789abcdef"),
        ("/resource/ibm_cd_tekton_pipeline_property/async_stage_token/value".to_owned(), "literal"),
        (format!("{trigger}/secret/type"), "digest_matches"),
        (format!("{trigger}/pipeline_id"), "7a1b"),
    ];
    for (pointer, text) in changes {
        let mut other = value.clone();
        *other.pointer_mut(&pointer).expect("a value") = text.into();
        assert_eq!(errors(&other).len(), 1, "{pointer}");
    }
    let mut more = value;
    more["resource"]["ibm_iam_api_key"] = serde_json::json!({});
    assert_eq!(errors(&more).len(), 1);
}

#[test]
fn a_parser_of_terraform_finds_these_resources_and_links_them() {
    let (folder, _) = built("zap");
    let python = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/clients/python/bin/python");
    assert!(python.exists(), "{} is missing: `./test.sh` installs it", python.display());
    let output = Command::new(python)
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients/python/terraform.py"))
        .arg(folder.path().join("out"))
        .output()
        .expect("python runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let expected = "\
ibm_cd_tekton_pipeline_property.async_stage_token: random_password.async_stage_token, variable.pipeline_id
ibm_cd_tekton_pipeline_trigger.async_stages: random_password.async_stage_token, variable.pipeline_id
output.async_stage_webhook_url: ibm_cd_tekton_pipeline_trigger.async_stages
random_password.async_stage_token
variable.pipeline_id
";
    assert_eq!(String::from_utf8_lossy(&output.stdout), expected);
}
