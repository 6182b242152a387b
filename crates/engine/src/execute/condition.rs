//! `when`: a CEL expression over what is known of a run.

use std::collections::BTreeMap;

use cel::{Context, Program, Value};

/// The parser goes as deep as its text.
const DEEPEST: usize = 60;

/// The names that an expression may use: each property and parameter whose name is an identifier, the map `properties` with
/// all of them, and `pipeline`, the kind of the pipeline.
#[derive(Debug, Default)]
pub(super) struct Known<'a> {
    pub(super) pipeline: &'a str,
    pub(super) properties: BTreeMap<&'a str, &'a str>,
}

/// Whether the condition holds.
///
/// # Errors
/// Why that cannot be said, in words.
pub(super) fn holds(expression: &str, known: &Known<'_>) -> Result<bool, String> {
    let program = compile(expression)?;
    let references = program.references();
    let is_known = |name: &str| matches!(name, "pipeline" | "properties") || known.properties.contains_key(name);
    let mut unknown: Vec<&str> = references.variables().into_iter().filter(|name| !is_known(name)).collect();
    unknown.sort_unstable();
    if !unknown.is_empty() {
        return Err(format!("`{}` is not known here; give it with --property {}=...", unknown.join("`, `"), unknown[0]));
    }
    let mut context = Context::default();
    let all: std::collections::HashMap<String, String> =
        known.properties.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    for (name, value) in &known.properties {
        context.add_variable_from_value(*name, (*value).to_owned());
    }
    context.add_variable_from_value("properties", all);
    context.add_variable_from_value("pipeline", known.pipeline.to_owned());
    match program.execute(&context) {
        Ok(Value::Bool(holds)) => Ok(holds),
        Ok(_) => Err("it is neither true nor false".to_owned()),
        Err(error) => Err(format!("{error}; a property is given with --property NAME=VALUE")),
    }
}

fn compile(expression: &str) -> Result<Program, String> {
    let mut depth = 0_usize;
    for c in expression.chars() {
        match c {
            '(' | '[' | '{' | '!' | '-' | '?' => depth += 1,
            ')' | ']' | '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > DEEPEST {
            return Err("it is nested too deeply".to_owned());
        }
    }
    Program::compile(expression).map_err(|error| error.to_string().lines().next().unwrap_or_default().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_speak_of_what_is_known() {
        let known = Known { pipeline: "ci", properties: BTreeMap::from([("branch", "main"), ("opt-in", "1")]) };
        let cases: &[(&str, Result<bool, &str>)] = &[
            ("true", Ok(true)),
            ("pipeline == 'ci'", Ok(true)),
            ("branch == 'master'", Ok(false)),
            ("branch.startsWith('ma') && properties['opt-in'] == '1'", Ok(true)),
            ("branch == master", Err("`master` is not known here; give it with --property master=...")),
            ("branch", Err("it is neither true nor false")),
            ("branch ==", Err("")),
        ];
        for (expression, expected) in cases {
            match (holds(expression, &known), expected) {
                (Ok(holds), Ok(expected)) => assert_eq!(holds, *expected, "{expression}"),
                (Err(reason), Err(expected)) => assert!(reason.contains(expected), "{expression}: {reason}"),
                (got, _) => panic!("{expression}: {got:?}"),
            }
        }
        let deep = format!("{}true{}", "(".repeat(500), ")".repeat(500));
        assert_eq!(holds(&deep, &known), Err("it is nested too deeply".to_owned()));
    }
}
