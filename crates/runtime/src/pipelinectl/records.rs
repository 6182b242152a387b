//! Repositories, artifacts and other entries with properties. A property is a file, so that two writers of one entry
//! never lose what the other one wrote.

use std::collections::BTreeMap;

use super::Arguments;
use super::files;
use super::problem::Problem;
use super::run::{self, Run, key, shown};
use super::text::Text;
use super::variables::no_arguments;

/// A kind of entry with properties.
#[derive(Debug, Clone, Copy)]
pub(super) struct Kind {
    folder: &'static str,
    word: &'static str,
    list: &'static str,
}

pub(super) const REPO: Kind = Kind { folder: "repo", word: "repository", list: "list_repos" };
pub(super) const ARTIFACT: Kind = Kind { folder: "artifact", word: "artifact", list: "list_artifacts" };
const DATA: &str = "data";

/// Values by the name of the property.
pub(super) type Properties = BTreeMap<Vec<u8>, Vec<u8>>;

pub(super) fn save_repo(run: &Run, arguments: Arguments) -> Result<(), Problem> {
    save(run, REPO, arguments)
}

pub(super) fn save_artifact(run: &Run, arguments: Arguments) -> Result<(), Problem> {
    save(run, ARTIFACT, arguments)
}

pub(super) fn list_repos(run: &Run, arguments: Arguments) -> Result<(), Problem> {
    no_arguments(arguments)?;
    run::print_lines(&run.store.list(REPO.folder, &[])?)
}

pub(super) fn list_artifacts(run: &Run, arguments: Arguments) -> Result<(), Problem> {
    no_arguments(arguments)?;
    run::print_lines(&run.store.list(ARTIFACT.folder, &[])?)
}

pub(super) fn load_repo(run: &Run, arguments: Arguments) -> Result<(), Problem> {
    load(run, REPO, arguments)
}

pub(super) fn load_artifact(run: &Run, arguments: Arguments) -> Result<(), Problem> {
    load(run, ARTIFACT, arguments)
}

fn save(run: &Run, kind: Kind, arguments: Arguments) -> Result<(), Problem> {
    let [name, properties @ ..] = arguments else { return Err(Problem::usage("no key is given")) };
    if properties.is_empty() {
        return Err(Problem::usage("no property is given"));
    }
    let mut values = Vec::new();
    let mut from_input = None;
    for property in properties {
        match property.iter().position(|byte| *byte == b'=') {
            Some(end) => values.push((key(&property[..end])?, property[end + 1..].to_vec())),
            None => {
                if let Some(other) = from_input.replace(key(property)?) {
                    return Err(Problem::usage(format!(
                        "`{}` and `{}` have no value; standard input can give only one",
                        shown(other),
                        shown(property)
                    )));
                }
            }
        }
    }
    if let Some(property) = from_input {
        values.push((property, run::value_from_input(property)?));
    }
    put(run, kind, key(name)?, values.iter().map(|(property, value)| (*property, value.as_slice())))
}

/// Puts properties of an entry.
pub(super) fn put<'a>(run: &Run, kind: Kind, name: &[u8], properties: impl Iterator<Item = (&'a [u8], &'a [u8])>) -> Result<(), Problem> {
    for (property, value) in properties {
        run.store.put(kind.folder, &[name, property], value)?;
    }
    Ok(())
}

/// All entries of a kind with their properties.
pub(super) fn all(run: &Run, kind: Kind) -> Result<BTreeMap<Vec<u8>, Properties>, Problem> {
    run.store.list(kind.folder, &[])?.into_iter().map(|name| Ok((name.clone(), properties(run, kind.folder, &name)?))).collect()
}

fn properties(run: &Run, folder: &str, name: &[u8]) -> Result<Properties, Problem> {
    let mut found = BTreeMap::new();
    for property in run.store.list(folder, &[name])? {
        if let Some(value) = run.store.get(folder, &[name, &property])? {
            found.insert(property, value);
        }
    }
    Ok(found)
}

fn load(run: &Run, kind: Kind, arguments: Arguments) -> Result<(), Problem> {
    let (name, property, default) = match arguments {
        [name] => (key(name)?, None, None),
        [name, property] => (key(name)?, Some(key(property)?), None),
        [name, property, default] => (key(name)?, Some(key(property)?), Some(default)),
        _ => return Err(Problem::usage("a key, at most one property and its default are taken")),
    };
    let Some(property) = property else { return print_all(run, kind, name) };
    match (run.store.get(kind.folder, &[name, property])?, default) {
        (Some(value), _) => run::print_value(&value),
        (None, Some(default)) => run::print_value(default),
        (None, None) if run.store.has(kind.folder, &[name]) => {
            Err(Problem::refused(format!("the {} `{}` has no property `{}`", kind.word, shown(name), shown(property))))
        }
        (None, None) => Err(unknown(kind, name)),
    }
}

fn unknown(kind: Kind, name: &[u8]) -> Problem {
    Problem::refused(format!("there is no {} `{}`; {} names them", kind.word, shown(name), kind.list))
}

fn print_all(run: &Run, kind: Kind, name: &[u8]) -> Result<(), Problem> {
    let properties = properties(run, kind.folder, name)?;
    if properties.is_empty() {
        return Err(unknown(kind, name));
    }
    let name = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let object: BTreeMap<String, Text> = properties.into_iter().map(|(property, value)| (name(&property), Text::new(value))).collect();
    let text = serde_json::to_string(&object).map_err(|error| Problem::Broken(error.to_string()))?;
    run::print(format!("{text}\n").as_bytes())
}

pub(super) fn put_data(run: &Run, arguments: Arguments) -> Result<(), Problem> {
    let [name, property, value] = arguments else { return Err(Problem::usage("a key, a property and a value are taken")) };
    run.store.put(DATA, &[key(name)?, key(property)?], value)
}

pub(super) fn get_data(run: &Run, arguments: Arguments) -> Result<(), Problem> {
    match arguments {
        [name] if name == b"result" => run::print_lines(&run.store.list(files::RESULT, &[])?),
        [name] => {
            let properties = run.store.list(DATA, &[key(name)?])?;
            if properties.is_empty() {
                Err(Problem::refused(format!("there is no data `{}`", shown(name))))
            } else {
                run::print_lines(&properties)
            }
        }
        [name, property] => match run.store.get(DATA, &[key(name)?, key(property)?])? {
            Some(value) => run::print_value(&value),
            None => Err(Problem::refused(format!("the data `{}` has no property `{}`", shown(name), shown(property)))),
        },
        _ => Err(Problem::usage("a key and at most one property are taken")),
    }
}
