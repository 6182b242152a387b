//! `sidestage apply`: sets up the webhook on the pipeline, as `setup-webhook.sh` does.

use std::fs;
use std::io::Write;

use camino::Utf8Path;

use super::arguments::Apply;
use super::error::{CliError, InvalidFile, json_place};
use super::levels::levels;
use super::one::one;
use super::{Exit, print, print_error, print_line};
use crate::workspace::Unreadable;
use miette::NamedSource;
use sidestage_compiler::emit::{Manifest, Target};
use sidestage_compiler::plan;
use sidestage_compiler::report::findings;
use sidestage_runtime::setup::{self, Client, ClientConfig, ErrorKind, Retries, RunStore, SetupError, SetupOptions, Token};

pub(super) fn run(arguments: &Apply) -> Result<Exit, CliError> {
    let Some(manifest) = manifest(arguments)? else { return Ok(Exit::Findings) };
    match set_up(arguments, &manifest) {
        Ok(()) => Ok(Exit::Clean),
        Err(error) => {
            print_error(&error.to_string());
            Ok(Exit::SetUp(error.kind.exit_code()))
        }
    }
}

/// What must be there: read from a `webhook.json`, or from the configuration, where it has no errors.
fn manifest(arguments: &Apply) -> Result<Option<Manifest>, CliError> {
    if let Some(path) = &arguments.manifest {
        return read_manifest(path).map(Some);
    }
    let levels = levels(&arguments.levels)?;
    let (configuration, mut summary) = one(arguments.file.as_deref(), &[], &arguments.settings, &levels)?;
    summary.count(&configuration.compilation.findings);
    if summary.errors > 0 {
        print_line(findings::full(&configuration.checked()).trim_end());
        print_line(&format!("\nNothing was set up: {}.", findings::tally(&summary)));
        return Ok(None);
    }
    let plan = plan::plan(&configuration.compilation, configuration.settings());
    let mut target = Target::default();
    if let Some(listener) = &configuration.settings().event_listener {
        target.event_listener.clone_from(listener);
    }
    Ok(Some(Manifest::new(&plan, &target)))
}

fn read_manifest(path: &Utf8Path) -> Result<Manifest, CliError> {
    let text = fs::read_to_string(path).map_err(|error| Unreadable { path: path.to_owned(), reason: error.to_string() })?;
    let invalid = |reason: String, place| InvalidFile {
        path: path.to_owned(),
        kind: "webhook.json",
        reason,
        place,
        text: NamedSource::new(path, text.clone()),
        help: "`sidestage build` writes it; `sidestage schema webhook` says what it holds".to_owned(),
    };
    let manifest: Manifest = serde_json::from_str(&text).map_err(|error| invalid(error.to_string(), json_place(&text, &error)))?;
    if manifest.version != 1 || manifest.trigger.r#type != "generic" {
        return Err(invalid("it is not version 1".to_owned(), None).into());
    }
    Ok(manifest)
}

fn set_up(arguments: &Apply, manifest: &Manifest) -> Result<(), SetupError> {
    let store = RunStore::find();
    let mut client = Client::new(client_config(store)?);
    let options = SetupOptions { is_dry: arguments.dry_run, enable: arguments.enable, rotate: arguments.rotate };
    let mut shown = Vec::new();
    let applied = setup::apply(&mut client, store, manifest, options, &mut shown);
    // What a dry run would have sent before it met a fault is worth seeing.
    write_out(&shown)?;
    let outcome = applied?;
    for remark in &outcome.notes {
        print_line(&format!("note: {remark}"));
    }
    if let Some(path) = arguments.result.as_ref().filter(|_| !options.is_dry) {
        let text = serde_json::to_string_pretty(&outcome).unwrap_or_else(|_| unreachable!("texts and a bool are JSON"));
        fs::write(path, format!("{text}\n")).map_err(|error| setting_error(format!("`{path}` cannot be written: {error}")))?;
    }
    let done = match (options.is_dry, outcome.changed) {
        (true, true) => "Nothing was sent: these requests would change the pipeline.",
        (_, false) => "The pipeline is set up; nothing had to be changed.",
        (false, true) => "The pipeline is set up.",
    };
    write_out(format!("{done}\n").as_bytes())
}

fn write_out(text: &[u8]) -> Result<(), SetupError> {
    let text = String::from_utf8_lossy(text);
    print(&text).map_err(|error| setting_error(format!("standard output cannot be written: {error}")))?;
    std::io::stdout().flush().map_err(|error| setting_error(format!("standard output cannot be written: {error}")))
}

fn setting_error(message: impl Into<String>) -> SetupError {
    SetupError::new(ErrorKind::Setting, message)
}

/// The environment, as the official clients read it, completed by what the run knows.
fn client_config(store: RunStore) -> Result<ClientConfig, SetupError> {
    let pipeline = variable("PIPELINE_ID").unwrap_or_default();
    if pipeline.is_empty() || pipeline.len() > 64 || !pipeline.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
        return Err(setting_error(format!("PIPELINE_ID is not set, or is not a valid id: '{pipeline}'"))
            .reason("It says which pipeline is set up.")
            .help("Type: export PIPELINE_ID=<the id of the Tekton pipeline>"));
    }
    let api = match variable("CD_TEKTON_PIPELINE_URL") {
        Some(url) if is_url(&url) => url,
        Some(url) => return Err(setting_error(format!("CD_TEKTON_PIPELINE_URL is not an http or https URL: '{url}'"))),
        None => format!("https://api.{}.devops.cloud.ibm.com/pipeline/v2", region(store)?),
    };
    // What was typed wins over what the run has.
    let api_key = match variable("CD_TEKTON_PIPELINE_APIKEY").map(Token::new) {
        None => match store.secret("ibmcloud-api-key")? {
            None => store.variable("ibmcloud-api-key")?.map(Token::new),
            key => key,
        },
        key => key,
    };
    let bearer = variable("IAM_ACCESS_TOKEN").map(|token| token.trim_start_matches("Bearer ").to_owned());
    if bearer.as_ref().is_some_and(|token| !token.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte))) {
        return Err(SetupError::new(ErrorKind::Rights, "IAM_ACCESS_TOKEN contains characters that are not valid in a token"));
    }
    Ok(ClientConfig {
        api,
        iam: variable("CD_TEKTON_PIPELINE_AUTH_URL").unwrap_or_else(|| "https://iam.cloud.ibm.com".to_owned()),
        pipeline,
        bearer: bearer.map(Token::new),
        api_key,
        retries: Retries::read(variable)?,
        timeout: Retries::time_out("SIDESTAGE_TIMEOUT", variable("SIDESTAGE_TIMEOUT").as_deref().unwrap_or("60"))?,
    })
}

/// The region of this pipeline: from the environment, a property, or the address of the run's page.
fn region(store: RunStore) -> Result<String, SetupError> {
    const NAMES: [&str; 3] = ["IBM_CLOUD_REGION", "PIPELINE_REGION", "IBMCLOUD_REGION"];
    let is_region =
        |name: &str| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    for name in NAMES {
        if let Some(region) = variable(name).or(store.variable(name)?).filter(|region| is_region(region)) {
            return Ok(region);
        }
    }
    let page = variable("PIPELINE_RUN_URL").unwrap_or_default();
    let region = page.split_once("env_id=ibm:yp:").map(|(_, rest)| rest.split(['&', '#']).next().unwrap_or_default().to_owned());
    region.filter(|region| is_region(region)).ok_or_else(|| {
        setting_error("the region of this pipeline is not known")
            .reason("It is part of the address of the Pipeline API.")
            .help("Type: export IBM_CLOUD_REGION=<region, such as us-south>")
    })
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

fn is_url(text: &str) -> bool {
    (text.starts_with("http://") || text.starts_with("https://")) && !text.contains(char::is_whitespace)
}
