//! `sidestage apply`: sets up the webhook on the pipeline, as `setup-webhook.sh` does.

use std::fs;
use std::io::Write;

use camino::Utf8Path;

use super::arguments::Apply;
use super::client::{client, ended, setting_error};
use super::error::{CliError, InvalidFile, json_place};
use super::levels::levels;
use super::one::{one, whole};
use super::{Exit, print, print_findings, print_line, print_note};
use crate::workspace::Unreadable;
use miette::NamedSource;
use sidestage_compiler::emit::{Manifest, Target};
use sidestage_compiler::plan;
use sidestage_compiler::report::findings;
use sidestage_runtime::api::Failure;
use sidestage_runtime::run_store::RunStore;
use sidestage_runtime::setup::{self, SetupOptions, TokenUse};

pub(super) fn run(arguments: &Apply) -> Result<Exit, CliError> {
    let Some(manifest) = manifest(arguments)? else { return Ok(Exit::Findings) };
    Ok(ended(set_up(arguments, &manifest)))
}

/// What must be there: read from a `webhook.json`, or from the configuration, where it has no errors.
fn manifest(arguments: &Apply) -> Result<Option<Manifest>, CliError> {
    if let Some(path) = &arguments.manifest {
        return read_manifest(path).map(Some);
    }
    let levels = levels(&arguments.levels)?;
    let (configuration, mut summary) = one(arguments.file.as_deref(), &whole(&[]), &arguments.settings, &levels)?;
    summary.count(&configuration.compilation.findings);
    if summary.errors > 0 {
        print_findings(&configuration.checked());
        print_line(&format!("\nNothing was set up: {}.", findings::tally(&summary)));
        return Ok(None);
    }
    let plan = plan::plan(&configuration.compilation, configuration.settings());
    Ok(Some(Manifest::new(&plan, &Target::of(configuration.settings()))))
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

fn set_up(arguments: &Apply, manifest: &Manifest) -> Result<(), Failure> {
    let store = RunStore::find();
    let mut client = client(store)?;
    let token = if arguments.rotate { TokenUse::Rotate } else { TokenUse::Keep };
    let options = SetupOptions { is_dry: arguments.dry_run, enable: arguments.enable, token };
    let mut shown = Vec::new();
    let applied = setup::apply(&mut client, store, manifest, options, &mut shown);
    // What a dry run would have sent before it met a fault is worth seeing.
    write_out(&shown)?;
    let outcome = applied?;
    for remark in &outcome.notes {
        print_note(remark);
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

fn write_out(text: &[u8]) -> Result<(), Failure> {
    let text = String::from_utf8_lossy(text);
    print(&text).map_err(|error| setting_error(format!("standard output cannot be written: {error}")))?;
    std::io::stdout().flush().map_err(|error| setting_error(format!("standard output cannot be written: {error}")))
}
