//! Variables and secrets.

use super::problem::Problem;
use super::run::{self, Run, key, shown};
use super::{Arguments, Pair};

const SET: &str = "env";
const CONSTANT: &str = "constant";
const EXPORTED: &str = "exported";
const SECRET: &str = "secret";

pub(super) fn set_env(run: &Run, arguments: Arguments) -> Result<(), Problem> {
    let pairs = pairs(arguments)?;
    let _lock = run.store.lock()?;
    set(run, &pairs)
}

/// Sets variables, all of them or none; the caller holds the lock.
pub(super) fn set(run: &Run, pairs: &[Pair]) -> Result<(), Problem> {
    for (key, _) in pairs {
        if run.store.has(CONSTANT, &[key]) {
            return Err(Problem::refused(format!("`{}` was set by set_envc, so it stays as it is", shown(key))));
        }
    }
    pairs.iter().try_for_each(|(key, value)| run.store.put(SET, &[key], value))
}

pub(super) fn set_envc(run: &Run, arguments: Arguments) -> Result<(), Problem> {
    let pairs = pairs(arguments)?;
    let _lock = run.store.lock()?;
    for (index, (key, _)) in pairs.iter().enumerate() {
        let by = match () {
            () if run.store.has(CONSTANT, &[key]) => "set_envc",
            () if run.store.has(SET, &[key]) => "set_env",
            () if pairs[..index].iter().any(|(earlier, _)| earlier == key) => "this very command",
            () => continue,
        };
        return Err(Problem::refused(format!("`{}` was already set by {by}; set_envc sets a variable once and for all", shown(key))));
    }
    pairs.iter().try_for_each(|(key, value)| run.store.put(CONSTANT, &[key], value))
}

/// Pairs of a key and a value; a single key takes its value from standard input.
fn pairs(arguments: Arguments) -> Result<Vec<Pair>, Problem> {
    match arguments {
        [] => Err(Problem::usage("no key is given")),
        [only] => Ok(vec![(key(only)?.to_vec(), run::value_from_input(only)?)]),
        several => {
            if let Some(lonely) = several.chunks_exact(2).remainder().first() {
                return Err(Problem::usage(format!("`{}` has no value; only a single key can take it from standard input", shown(lonely))));
            }
            several.chunks_exact(2).map(|pair| Ok((key(&pair[0])?.to_vec(), pair[1].clone()))).collect()
        }
    }
}

pub(super) fn get_env(run: &Run, arguments: Arguments) -> Result<(), Problem> {
    let (key, default) = key_and_default(arguments)?;
    match (value(run, key)?, default) {
        (Some(value), _) => run::print_value(&value),
        (None, Some(default)) => run::print_value(default),
        (None, None) => Err(Problem::refused(format!(
            "`{}` is not set, and there is no default\nType: set_env {0} VALUE before, or get_env {0} DEFAULT",
            shown(key)
        ))),
    }
}

/// The value of a variable: what was set, else the pipeline's own.
pub(super) fn value(run: &Run, key: &[u8]) -> Result<Option<Vec<u8>>, Problem> {
    for kind in [CONSTANT, SET] {
        if let Some(value) = run.store.get(kind, &[key])? {
            return Ok(Some(value));
        }
    }
    run.configured(key)
}

fn key_and_default(arguments: Arguments<'_>) -> Result<(&[u8], Option<&[u8]>), Problem> {
    match arguments {
        [name] => Ok((key(name)?, None)),
        [name, default] => Ok((key(name)?, Some(default))),
        _ => Err(Problem::usage(format!("{} arguments are given", arguments.len()))),
    }
}

pub(super) fn list_env(run: &Run, arguments: Arguments) -> Result<(), Problem> {
    no_arguments(arguments)?;
    let mut keys = run.store.list(SET, &[])?;
    keys.extend(run.store.list(CONSTANT, &[])?);
    keys.sort();
    run::print_lines(&keys)
}

pub(super) fn no_arguments(arguments: Arguments) -> Result<(), Problem> {
    if arguments.is_empty() { Ok(()) } else { Err(Problem::usage("this command takes no arguments")) }
}

/// A variable may be exported before it is set: parameters of the trigger never are.
pub(super) fn export_env(run: &Run, arguments: Arguments) -> Result<(), Problem> {
    if arguments.is_empty() {
        return Err(Problem::usage("no key is given"));
    }
    let keys = arguments.iter().map(|name| key(name)).collect::<Result<Vec<_>, _>>()?;
    keys.iter().try_for_each(|key| run.store.put(EXPORTED, &[key], b""))
}

pub(super) fn exported(run: &Run) -> Result<Vec<Vec<u8>>, Problem> {
    run.store.list(EXPORTED, &[])
}

pub(super) fn set_secret(run: &Run, arguments: Arguments) -> Result<(), Problem> {
    match arguments {
        [name] => run.store.put(SECRET, &[key(name)?], &run::value_from_input(name)?),
        [name, value] => run.store.put(SECRET, &[key(name)?], value),
        _ => Err(Problem::usage("one key and at most one value are taken")),
    }
}

pub(super) fn get_secret(run: &Run, arguments: Arguments) -> Result<(), Problem> {
    let (key, default) = key_and_default(arguments)?;
    let value = match run.store.get(SECRET, &[key])? {
        None => run.configured_secret(key)?,
        value => value,
    };
    match (value, default) {
        (Some(value), _) => run::print_value(&value),
        (None, Some(default)) => run::print_value(default),
        (None, None) => Err(Problem::refused(format!(
            "there is no secret `{}`, and there is no default\nType: set_secret {0} VALUE before, or get_secret {0} DEFAULT",
            shown(key)
        ))),
    }
}

pub(super) fn is_secret(run: &Run, key: &[u8]) -> Result<bool, Problem> {
    Ok(run.store.has(SECRET, &[key]) || run.configured_secret(key)?.is_some())
}

pub(super) fn list_secrets(run: &Run, arguments: Arguments) -> Result<(), Problem> {
    no_arguments(arguments)?;
    let mut keys = run.store.list(SECRET, &[])?;
    keys.extend(run.configured_secrets());
    keys.sort();
    keys.dedup();
    run::print_lines(&keys)
}

pub(super) fn remove_secret(run: &Run, arguments: Arguments) -> Result<(), Problem> {
    let [name] = arguments else { return Err(Problem::usage("one key is taken")) };
    if run.store.remove(SECRET, &[key(name)?])? {
        Ok(())
    } else {
        Err(Problem::refused(format!("there is no secret `{}` that set_secret made", shown(name))))
    }
}
