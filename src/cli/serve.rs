//! `sidestage serve`: the Pipeline API and the webhook on this machine.

use std::sync::Arc;

use sidestage_compiler::filter::Levels;
use sidestage_engine::execute::{Engine, EngineOptions};
use sidestage_engine::run::RunOptions;
use sidestage_engine::{ApiKeys, Pages, ServerOptions, serve};

use super::arguments::{RunFormat, Serve, SettingsArguments};
use super::error::CliError;
use super::one::{one, whole};
use super::run::{Compiler, container_engine, environment, reporter};
use super::{Exit, print_line};
use crate::page::Page;
use crate::workspace::{SettingsSource, Unreadable, absolute};

pub(super) fn run(arguments: &Serve) -> Result<Exit, CliError> {
    let keys = match &arguments.api_key_file {
        None => None,
        Some(path) => {
            let text = std::fs::read_to_string(path).map_err(|error| Unreadable { path: path.clone(), reason: error.to_string() })?;
            Some(ApiKeys::read(&text).map_err(|reason| CliError::Serve(format!("`{path}`: {reason}")))?)
        }
    };
    let is_reachable = arguments.listen.is_some_and(|address| !address.ip().is_loopback());
    if is_reachable && keys.as_ref().is_some_and(ApiKeys::has_short) {
        print_line(
            "warning: a key has fewer than 32 characters: whoever guesses it, from any machine that reaches this address, can change everything\n  \
             Type: openssl rand -hex 32",
        );
    }
    if is_reachable {
        print_line("warning: keys and tokens travel over http, so everybody on the way can read them; put TLS before this address");
    }
    let options = ServerOptions {
        listen: arguments.listen,
        state: arguments.state.clone().map(Into::into),
        pipeline: arguments.pipeline.clone(),
        keys,
        allowed_hosts: arguments.allow_host.clone(),
    };
    if arguments.execute {
        return execute(arguments, options);
    }
    serve(options, &mut std::io::stdout()).map_err(|error| CliError::Serve(error.to_string()))?;
    Ok(Exit::Clean)
}

/// The same, and what reaches it runs.
fn execute(arguments: &Serve, server: ServerOptions) -> Result<Exit, CliError> {
    let configuration = match &arguments.file {
        None => None,
        Some(file) => Some(one(Some(file), &whole(&[]), &SettingsArguments::default(), &Levels::default())?.0),
    };
    let options = RunOptions {
        jobs: arguments.jobs.map(usize::from),
        containers: arguments.containers.as_deref().map(container_engine).transpose()?,
        environment: environment(&arguments.environment)?,
        ..RunOptions::default()
    };
    let temporary;
    let state = match &arguments.state {
        Some(folder) => {
            absolute(folder).map_err(|error| Unreadable { path: folder.clone(), reason: error.to_string() })?.into_std_path_buf()
        }
        None => {
            temporary = tempfile::tempdir().map_err(|error| CliError::Serve(format!("no temporary folder can be made: {error}")))?;
            temporary.path().to_owned()
        }
    };
    let repository =
        configuration.as_ref().map(|it| (it.folder.repository.root().to_owned().into_std_path_buf(), it.compilation.path.clone()));
    let engine_options = EngineOptions { state, options, server, is_private: false, repository };
    let page = arguments.page.then(|| Arc::new(Page::new(configuration.as_ref())));
    let pages = page.clone().map(|page| page as Arc<dyn Pages>);
    let compiler = Arc::new(Compiler { settings: SettingsSource::Nearest });
    let engine = Engine::start(engine_options, compiler, reporter(RunFormat::Text), pages, Some(&mut std::io::stdout()));
    let engine = engine.map_err(|error| CliError::Serve(error.to_string()))?;
    if let Some(page) = &page {
        print_line(&format!("page: {}", page.attach(&engine)));
    }
    engine.wait_for_end();
    Ok(Exit::Clean)
}
