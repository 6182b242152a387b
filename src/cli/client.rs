//! The client of the Pipeline API, as the environment describes it.

use super::{Exit, print_error};
use sidestage_runtime::api::{Client, ClientConfig, Failure, FailureKind, Retries, Token};
use sidestage_runtime::run_store::RunStore;

/// A client of the pipeline that this run, or this machine, is set to.
pub(super) fn client(store: RunStore) -> Result<Client, Failure> {
    client_config(store).map(Client::new)
}

/// The store of the run; without one there is nothing to do. `purpose` says what it is for.
pub(super) fn store_of_run(purpose: &str) -> Result<RunStore, Failure> {
    let store = RunStore::find();
    if store.is_available() {
        return Ok(store);
    }
    Err(setting_error("there is no pipelinectl command here")
        .reason(purpose)
        .help("Run this in a stage of the pipeline, or make a link to sidestage named `pipelinectl` and put it on PATH."))
}

/// How a command that talks to the pipeline ends; a failure is printed.
pub(super) fn ended(result: Result<(), Failure>) -> Exit {
    result.map_or_else(
        |failure| {
            print_error(&failure.to_string());
            Exit::Failure(failure.kind.exit_code())
        },
        |()| Exit::Clean,
    )
}

/// A setting is missing or wrong.
pub(super) fn setting_error(message: impl Into<String>) -> Failure {
    Failure::new(FailureKind::Setting, message)
}

/// The environment, as the official clients read it, completed by what the run knows.
fn client_config(store: RunStore) -> Result<ClientConfig, Failure> {
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
        return Err(Failure::new(FailureKind::Rights, "IAM_ACCESS_TOKEN contains characters that are not valid in a token"));
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
fn region(store: RunStore) -> Result<String, Failure> {
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
