//! Properties, parameters and secrets, from the command line and from a file.

use std::collections::BTreeMap;
use std::io::{BufRead, IsTerminal, Write};

use camino::Utf8Path;
use secrecy::SecretString;
use sidestage_runtime::hash::sha256;

use crate::cli::arguments::DataArguments;
use crate::cli::error::CliError;
use crate::workspace::Unreadable;

/// What a run is given.
#[derive(Debug, Default)]
pub(super) struct Values {
    pub(super) properties: BTreeMap<String, String>,
    pub(super) parameters: BTreeMap<String, String>,
    pub(super) secrets: Vec<(String, SecretString)>,
    pub(super) environment: BTreeMap<String, String>,
}

/// A secret that is asked for: its name, and the variable that holds it.
type Asked = (String, String);

/// Reads all of them; what stands on the command line wins over the file.
pub(super) fn values(arguments: &DataArguments) -> Result<Values, CliError> {
    let mut values = Values::default();
    let mut asked = Vec::new();
    if let Some(path) = &arguments.values {
        read_file(path, &mut values, &mut asked)?;
    }
    for (given, option, into) in
        [(&arguments.property, "--property", &mut values.properties), (&arguments.parameter, "--parameter", &mut values.parameters)]
    {
        for text in given {
            let (name, value) =
                pair(text).ok_or_else(|| CliError::Value { text: text.clone(), expected: format!("{option} NAME=VALUE") })?;
            into.insert(name, value);
        }
    }
    asked.extend(arguments.secret.iter().map(|text| asked_secret(text)));
    values.environment = environment(&arguments.environment)?;
    values.secrets = secrets(&asked)?;
    Ok(values)
}

fn pair(text: &str) -> Option<(String, String)> {
    let (name, value) = text.split_once('=')?;
    (!name.is_empty()).then(|| (name.to_owned(), value.to_owned()))
}

/// `NAME=VALUE`, or `NAME` for what this shell has.
pub(in crate::cli) fn environment(given: &[String]) -> Result<BTreeMap<String, String>, CliError> {
    let variable = |text: &String| match pair(text) {
        Some(pair) => Ok(pair),
        None => match std::env::var(text) {
            Ok(value) => Ok((text.clone(), value)),
            Err(_) => Err(CliError::Value { text: text.clone(), expected: format!("--env {text}=VALUE, or {text} in the environment") }),
        },
    };
    given.iter().map(variable).collect()
}

fn read_file(path: &Utf8Path, values: &mut Values, asked: &mut Vec<Asked>) -> Result<(), CliError> {
    let text = std::fs::read_to_string(path).map_err(|error| Unreadable { path: path.to_owned(), reason: error.to_string() })?;
    for (index, line) in text.lines().enumerate() {
        let line = line.trim_start();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (kind, rest) = line.split_once(' ').unwrap_or((line, ""));
        let fault = || CliError::Value {
            text: format!("{path}:{}: {line}", index + 1),
            expected: "`property NAME=VALUE`, `parameter NAME=VALUE` or `secret NAME`".to_owned(),
        };
        match kind {
            "property" => drop(pair(rest).map(|(name, value)| values.properties.insert(name, value)).ok_or_else(fault)?),
            "parameter" => drop(pair(rest).map(|(name, value)| values.parameters.insert(name, value)).ok_or_else(fault)?),
            "secret" if !rest.trim().is_empty() => asked.push(asked_secret(rest.trim())),
            _ => return Err(fault()),
        }
    }
    Ok(())
}

/// `git-token` is in `GIT_TOKEN`, where nothing else is said.
fn asked_secret(text: &str) -> Asked {
    match text.split_once('=') {
        Some((name, variable)) => (name.to_owned(), variable.to_owned()),
        None => (text.to_owned(), variable_of(text)),
    }
}

fn variable_of(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' }).collect()
}

/// The values of secrets by these names; what a run is repeated with.
pub(super) fn secrets_again(names: &[String], given: &[String]) -> Result<Vec<(String, SecretString)>, CliError> {
    let given: Vec<Asked> = given.iter().map(|text| asked_secret(text)).collect();
    let variable =
        |name: &String| given.iter().find(|(known, _)| known == name).map_or_else(|| variable_of(name), |(_, variable)| variable.clone());
    secrets(&names.iter().map(|name| (name.clone(), variable(name))).collect::<Vec<_>>())
}

fn secrets(asked: &[Asked]) -> Result<Vec<(String, SecretString)>, CliError> {
    let mut found: BTreeMap<String, SecretString> = BTreeMap::new();
    for (name, variable) in asked {
        let value = match std::env::var(passed_on(name)).or_else(|_| std::env::var(variable)) {
            Ok(value) if !value.is_empty() => value,
            Err(std::env::VarError::NotUnicode(_)) => {
                return Err(CliError::Run(format!("the value of the secret `{name}`, in {variable}, is not UTF-8")));
            }
            _ if std::io::stdin().is_terminal() => ask(name)?,
            _ => return Err(CliError::NoSecret { name: name.clone(), variable: variable.clone() }),
        };
        found.insert(name.clone(), value.into());
    }
    Ok(found.into_iter().collect())
}

/// The variable in which a detached run gets what was typed.
pub(super) fn passed_on(name: &str) -> String {
    format!("SIDESTAGE_TYPED_{}", sha256(name.as_bytes()))
}

/// Asks on the terminal, which shows nothing of the answer.
fn ask(name: &str) -> Result<String, CliError> {
    let mut out = std::io::stderr();
    let _ = write!(out, "secret {name}: ");
    let _ = out.flush();
    let hidden = Hidden::begin();
    let mut line = String::new();
    let read = std::io::stdin().lock().read_line(&mut line);
    drop(hidden);
    let _ = writeln!(out);
    read.map_err(|error| Unreadable { path: "standard input".into(), reason: error.to_string() })?;
    let value = line.trim_end_matches(['\n', '\r']).to_owned();
    if value.is_empty() { Err(CliError::NoSecret { name: name.to_owned(), variable: variable_of(name) }) } else { Ok(value) }
}

/// While this lives, the terminal does not show what is typed.
struct Hidden(Option<rustix::termios::Termios>);

impl Hidden {
    fn begin() -> Self {
        use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
        let stdin = std::io::stdin();
        let Ok(before) = tcgetattr(&stdin) else { return Self(None) };
        let mut quiet = before.clone();
        quiet.local_modes.remove(LocalModes::ECHO);
        Self(tcsetattr(&stdin, OptionalActions::Now, &quiet).is_ok().then_some(before))
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        if let Some(before) = &self.0 {
            let _ = rustix::termios::tcsetattr(std::io::stdin(), rustix::termios::OptionalActions::Now, before);
        }
    }
}
