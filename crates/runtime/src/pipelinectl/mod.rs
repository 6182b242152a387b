//! The key-value store that all stages of a run share, and its commands, as the platform documents them.
//!
//! One binary: `pipelinectl CMD ...`, `sidestage pipelinectl CMD ...`, or a link named like the command. A call does
//! little more than start, so nothing here goes through the command line of `sidestage`.

mod context;
mod entries;
mod error;
mod files;
mod journal;
mod json_bytes;
mod name;
mod records;
mod run_data;
mod state;
mod store;
mod streams;
mod variables;

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

pub use run_data::RunData;

use context::StoreContext;
use error::StoreError;
use sidestage_compiler::diagnostics::nearest;

type Arguments<'a> = &'a [Vec<u8>];

/// A key and its value.
type KeyValue = (Vec<u8>, Vec<u8>);

/// A command: its name, its arguments, what it does, and how.
struct Command {
    name: &'static str,
    synopsis: &'static str,
    about: &'static str,
    run: fn(&StoreContext, Arguments) -> Result<(), StoreError>,
}

const fn command(
    name: &'static str,
    synopsis: &'static str,
    about: &'static str,
    run: fn(&StoreContext, Arguments) -> Result<(), StoreError>,
) -> Command {
    Command { name, synopsis, about, run }
}

impl Command {
    fn help(&self) -> String {
        format!("{}\n  {}\n", format!("{} {}", self.name, self.synopsis).trim_end(), self.about)
    }
}

const COMMANDS: &[Command] = &[
    command(
        "set_env",
        "KEY VALUE [KEY VALUE ...] | KEY",
        "sets variables; without a value it is read from standard input",
        variables::set_env,
    ),
    command(
        "set_envc",
        "KEY VALUE [KEY VALUE ...] | KEY",
        "the same, permanently: such a variable cannot be set again",
        variables::set_envc,
    ),
    command("get_env", "KEY [DEFAULT]", "prints a variable, else the file $CONFIG_DIR/KEY, else the default", variables::get_env),
    command("list_env", "", "lists the variables that are set", variables::list_env),
    command("export_env", "KEY ...", "marks variables for async runs", variables::export_env),
    command("set_secret", "KEY [VALUE]", "keeps a secret; it never goes to an async run", variables::set_secret),
    command(
        "get_secret",
        "KEY [DEFAULT]",
        "prints a secret, else the file $SECRET_CONFIG_DIR/KEY, else the default",
        variables::get_secret,
    ),
    command("list_secrets", "", "lists the names of secrets", variables::list_secrets),
    command("remove_secret", "KEY", "forgets a secret", variables::remove_secret),
    command("save_file", "KEY PATH", "keeps the contents of a file", files::save_file),
    command("load_file", "KEY", "prints them", files::load_file),
    command("list_files", "[PREFIX]", "lists the files that are kept", files::list_files),
    command("remove_file", "KEY", "forgets a file", files::remove_file),
    command(
        "save_repo",
        "KEY PROPERTY=VALUE ... [PROPERTY]",
        "registers a repository, or changes it; one value may come from standard input",
        records::save_repo,
    ),
    command("list_repos", "", "lists the repositories", records::list_repos),
    command("load_repo", "KEY [PROPERTY] [DEFAULT]", "prints a property of a repository, or all as JSON", records::load_repo),
    command("save_artifact", "KEY PROPERTY=VALUE ... [PROPERTY]", "registers an artifact, or changes it", records::save_artifact),
    command("list_artifacts", "", "lists the artifacts", records::list_artifacts),
    command("load_artifact", "KEY [PROPERTY] [DEFAULT]", "prints a property of an artifact, or all as JSON", records::load_artifact),
    command("save_result", "STAGE PATH", "keeps a result file of a stage, by its path in the workspace", files::save_result),
    command("list_results", "STAGE", "lists the result files of a stage", files::list_results),
    command("load_result", "STAGE FILE", "prints one", files::load_result),
    command("put_data", "KEY PROPERTY VALUE", "sets a property of an entry", records::put_data),
    command(
        "get_data",
        "KEY [PROPERTY]",
        "prints a property of an entry, or lists them; `result` lists the stages with results",
        records::get_data,
    ),
    command("save_asset", "PROPERTY VALUE ... blob JSON|FILE", "keeps an asset permanently", entries::save_asset),
    command("load_asset", "[PROPERTY VALUE ...]", "prints the asset with these properties, or all in a list", entries::load_asset),
    command("save_evidence", "PROPERTY VALUE ... blob JSON|FILE", "keeps a piece of evidence permanently", entries::save_evidence),
    command("load_evidence", "[PROPERTY VALUE ...]", "prints the evidence with these properties, or all in a list", entries::load_evidence),
    command("delete_evidences", "", "forgets all evidence", entries::delete_evidences),
    command(
        "serialize",
        "[--all-repos] [--all-artifacts] [--exported] [--] [KEY ...]",
        "prints what an async run gets, as JSON, never a secret; --exported adds the marked variables, and their names as `exported`",
        state::serialize,
    ),
    command("deserialize", "FILE", "takes over what `serialize` has printed", state::deserialize),
    command("save_string", "KEY [VALUE]", "deprecated: set_env", variables::set_env),
    command("load_string", "KEY", "deprecated: get_env", variables::get_env),
];

/// The arguments of a call, if the program was called as `pipelinectl` or by a command's own name, or with
/// `pipelinectl` as its first argument.
pub fn call(arguments: &[OsString]) -> Option<Vec<OsString>> {
    let own = Path::new(arguments.first()?).file_name()?.to_str()?;
    if own == "pipelinectl" {
        return Some(arguments[1..].to_vec());
    }
    if COMMANDS.iter().any(|command| command.name == own) {
        return Some(std::iter::once(own.into()).chain(arguments[1..].iter().cloned()).collect());
    }
    (arguments.get(1)? == "pipelinectl").then(|| arguments[2..].to_vec())
}

/// The names of all commands: links of these names to the program are the commands.
pub fn command_names() -> impl Iterator<Item = &'static str> {
    COMMANDS.iter().map(|command| command.name)
}

/// Runs one command: the first argument names it.
pub fn main(arguments: Vec<OsString>) -> ExitCode {
    let arguments: Vec<Vec<u8>> = arguments.into_iter().map(OsString::into_encoded_bytes).collect();
    match dispatch(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            error.print_error(arguments.first().map(Vec::as_slice));
            ExitCode::from(error.exit_code())
        }
    }
}

fn dispatch(arguments: Arguments) -> Result<(), StoreError> {
    let Some((name, rest)) = arguments.split_first() else {
        return Err(StoreError::usage(format!("which command?\n\n{}", help())));
    };
    let name = String::from_utf8_lossy(name);
    match (&*name, rest) {
        ("help" | "--help" | "-h", []) => return streams::print(help().as_bytes()),
        ("help", [of, ..]) => return streams::print(find(&String::from_utf8_lossy(of))?.help().as_bytes()),
        ("--version" | "-V", _) => return streams::print(concat!("pipelinectl of sidestage ", env!("CARGO_PKG_VERSION"), "\n").as_bytes()),
        _ => {}
    }
    let command = find(&name)?;
    // With a value after it, this is a key.
    if matches!(rest, [only] if only == b"--help" || only == b"-h") {
        return streams::print(command.help().as_bytes());
    }
    let context = StoreContext::from_environment()?;
    context.store.settle()?;
    (command.run)(&context, rest).map_err(|error| error.of_command(command.name, command.synopsis))
}

fn find(name: &str) -> Result<&'static Command, StoreError> {
    COMMANDS.iter().find(|command| command.name == name).ok_or_else(|| unknown(name))
}

fn unknown(name: &str) -> StoreError {
    let hint = match nearest(name, COMMANDS.iter().map(|command| command.name)) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "`pipelinectl help` lists all commands.".to_owned(),
    };
    StoreError::usage(format!("there is no command `{name}`; {hint}"))
}

fn help() -> String {
    let mut text = "The key-value store that all stages of a run share.\n\nUsage: pipelinectl COMMAND [ARGUMENT ...]\n\n".to_owned();
    for command in COMMANDS {
        text.push_str(format!("  {:<16} {}", command.name, command.synopsis).trim_end());
        text.push_str(&format!("\n  {:<16}   {}\n", "", command.about));
    }
    text.push_str(
        "\nThe store is the folder $PIPELINECTL_STATE, else $WORKSPACE/.pipelinectl. Values are printed byte by byte; a\n\
         terminal gets a line end after them. Exit codes: 1 not there, or wrong arguments; 2 the store cannot be read or written.\n",
    );
    text
}
