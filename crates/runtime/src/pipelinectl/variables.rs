//! Variables and secrets.

use std::borrow::Cow;

use super::context::StoreContext;
use super::error::StoreError;
use super::journal::Put;
use super::name::{key, shown};
use super::streams;
use super::{Arguments, KeyValue};
use crate::hash::sha256;

const SET: &str = "env";
const CONSTANT: &str = "constant";
const EXPORTED: &str = "exported";
const SECRET: &str = "secret";
/// Values that were secrets: whoever shows what a run prints must still hide them.
const FORMER: &str = "former-secret";

pub(super) fn set_env(context: &StoreContext, arguments: Arguments) -> Result<(), StoreError> {
    let pairs = pairs(arguments)?;
    let lock = context.store.lock()?;
    context.store.put_all(&lock, &settings(context, &pairs)?)
}

/// What sets variables; the caller holds the lock.
pub(super) fn settings<'a>(context: &StoreContext, pairs: &'a [KeyValue]) -> Result<Vec<Put<'a>>, StoreError> {
    for (key, _) in pairs {
        if context.store.has(CONSTANT, &[key]) {
            return Err(StoreError::refused(format!("`{}` was set by set_envc, so it stays as it is", shown(key))));
        }
    }
    Ok(puts(SET, pairs))
}

fn puts<'a>(kind: &'static str, pairs: &'a [KeyValue]) -> Vec<Put<'a>> {
    pairs.iter().map(|(key, value)| Put { kind, keys: vec![key.as_slice()], value }).collect()
}

pub(super) fn set_envc(context: &StoreContext, arguments: Arguments) -> Result<(), StoreError> {
    let pairs = pairs(arguments)?;
    let lock = context.store.lock()?;
    for (index, (key, _)) in pairs.iter().enumerate() {
        let by = match () {
            () if context.store.has(CONSTANT, &[key]) => "set_envc",
            () if context.store.has(SET, &[key]) => "set_env",
            () if pairs[..index].iter().any(|(earlier, _)| earlier == key) => "this very command",
            () => continue,
        };
        return Err(StoreError::refused(format!("`{}` was already set by {by}; set_envc sets a variable permanently", shown(key))));
    }
    context.store.put_all(&lock, &puts(CONSTANT, &pairs))
}

/// Pairs of a key and a value; a single key takes its value from standard input.
fn pairs(arguments: Arguments) -> Result<Vec<KeyValue>, StoreError> {
    match arguments {
        [] => Err(StoreError::usage("no key is given")),
        [only] => Ok(vec![(key(only)?.to_vec(), streams::value_from_input(only)?)]),
        several => {
            if let Some(lonely) = several.chunks_exact(2).remainder().first() {
                return Err(StoreError::usage(format!(
                    "`{}` has no value; only a single key can take it from standard input",
                    shown(lonely)
                )));
            }
            several.chunks_exact(2).map(|pair| Ok((key(&pair[0])?.to_vec(), pair[1].clone()))).collect()
        }
    }
}

pub(super) fn get_env(context: &StoreContext, arguments: Arguments) -> Result<(), StoreError> {
    let (key, default) = key_and_default(arguments)?;
    match (value(context, key)?, default) {
        (Some(value), _) => streams::print_value(&value),
        (None, Some(default)) => streams::print_value(default),
        (None, None) => Err(StoreError::refused(format!(
            "`{}` is not set, and there is no default\nType: set_env {0} VALUE before, or get_env {0} DEFAULT",
            shown(key)
        ))),
    }
}

/// The value of a variable: what was set, else the pipeline's own.
pub(super) fn value(context: &StoreContext, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
    for kind in [CONSTANT, SET] {
        if let Some(value) = context.store.get(kind, &[key])? {
            return Ok(Some(value));
        }
    }
    context.configured(key)
}

fn key_and_default(arguments: Arguments<'_>) -> Result<(&[u8], Option<&[u8]>), StoreError> {
    match arguments {
        [name] => Ok((key(name)?, None)),
        [name, default] => Ok((key(name)?, Some(default))),
        _ => Err(StoreError::usage(format!("{} arguments are given", arguments.len()))),
    }
}

pub(super) fn list_env(context: &StoreContext, arguments: Arguments) -> Result<(), StoreError> {
    no_arguments(arguments)?;
    let mut keys = context.store.list(SET, &[])?;
    keys.extend(context.store.list(CONSTANT, &[])?);
    keys.sort();
    streams::print_lines(&keys)
}

pub(super) fn no_arguments(arguments: Arguments) -> Result<(), StoreError> {
    if arguments.is_empty() { Ok(()) } else { Err(StoreError::usage("this command takes no arguments")) }
}

/// A variable may be exported before it is set: parameters of the trigger never are.
pub(super) fn export_env(context: &StoreContext, arguments: Arguments) -> Result<(), StoreError> {
    if arguments.is_empty() {
        return Err(StoreError::usage("no key is given"));
    }
    let marks = arguments.iter().map(|name| Ok(Put { kind: EXPORTED, keys: vec![key(name)?], value: b"" }));
    let marks = marks.collect::<Result<Vec<_>, StoreError>>()?;
    context.store.put_all(&context.store.lock()?, &marks)
}

pub(super) fn exported(context: &StoreContext) -> Result<Vec<Vec<u8>>, StoreError> {
    context.store.list(EXPORTED, &[])
}

pub(super) fn set_secret(context: &StoreContext, arguments: Arguments) -> Result<(), StoreError> {
    let (name, value) = match arguments {
        [name] => (key(name)?, Cow::Owned(streams::value_from_input(name)?)),
        [name, value] => (key(name)?, Cow::Borrowed(value)),
        _ => return Err(StoreError::usage("one key and at most one value are taken")),
    };
    retire(context, name)?;
    context.store.put(SECRET, &[name], &value)
}

/// The values of all secrets that were set, also of those that were replaced or removed.
pub(super) fn secrets(context: &StoreContext) -> Result<Vec<Vec<u8>>, StoreError> {
    let of_kind = |kind| -> Result<Vec<Vec<u8>>, StoreError> {
        let keys = context.store.list(kind, &[])?;
        keys.iter().filter_map(|key| context.store.get(kind, &[key]).transpose()).collect()
    };
    Ok([of_kind(SECRET)?, of_kind(FORMER)?].concat())
}

/// Keeps the value of a secret that is replaced or removed.
fn retire(context: &StoreContext, key: &[u8]) -> Result<(), StoreError> {
    let Some(value) = context.store.get(SECRET, &[key])? else { return Ok(()) };
    context.store.put(FORMER, &[sha256(&value).as_bytes()], &value)
}

pub(super) fn get_secret(context: &StoreContext, arguments: Arguments) -> Result<(), StoreError> {
    let (key, default) = key_and_default(arguments)?;
    let value = match context.store.get(SECRET, &[key])? {
        None => context.configured_secret(key)?,
        value => value,
    };
    match (value, default) {
        (Some(value), _) => streams::print_value(&value),
        (None, Some(default)) => streams::print_value(default),
        (None, None) => Err(StoreError::refused(format!(
            "there is no secret `{}`, and there is no default\nType: set_secret {0} VALUE before, or get_secret {0} DEFAULT",
            shown(key)
        ))),
    }
}

pub(super) fn is_secret(context: &StoreContext, key: &[u8]) -> Result<bool, StoreError> {
    Ok(context.store.has(SECRET, &[key]) || context.configured_secret(key)?.is_some())
}

pub(super) fn list_secrets(context: &StoreContext, arguments: Arguments) -> Result<(), StoreError> {
    no_arguments(arguments)?;
    let mut keys = context.store.list(SECRET, &[])?;
    keys.extend(context.configured_secrets());
    keys.sort();
    keys.dedup();
    streams::print_lines(&keys)
}

pub(super) fn remove_secret(context: &StoreContext, arguments: Arguments) -> Result<(), StoreError> {
    let [name] = arguments else { return Err(StoreError::usage("one key is taken")) };
    retire(context, key(name)?)?;
    if context.store.remove(SECRET, &[key(name)?])? {
        Ok(())
    } else {
        Err(StoreError::refused(format!("there is no secret `{}` that set_secret made", shown(name))))
    }
}
