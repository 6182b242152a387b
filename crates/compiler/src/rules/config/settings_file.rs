//! What is wrong with a settings file, as findings of the rules for configurations.

use super::{duplicate_key, invalid_config, invalid_yaml};
use crate::config::schema::{Violation, ViolationKind};
use crate::config::settings;
use crate::diagnostics::{Finding, RuleId, sort, suggest};
use crate::source::{FileId, Location, Sources};
use crate::syntax::yaml::Document;

/// Checks a settings file: its tree, and what was found while it was read.
pub fn check(sources: &Sources, file: FileId, document: &Document, violations: &[Violation]) -> Vec<Finding> {
    let text = sources.get(file).text();
    let mut findings: Vec<Finding> = invalid_yaml::errors(document, file).collect();
    findings.extend(duplicate_key::keys(document, text, file, "only the last one counts"));
    findings.extend(duplicate_key::items(violations, file));
    findings.extend(violations.iter().filter_map(|violation| match &violation.kind {
        ViolationKind::UnknownKey { key } if violation.path.is_empty() => Some(unknown_key(file, violation, key)),
        ViolationKind::UnknownKey { key } => Some(unknown_rule(file, violation, key)),
        // A settings file is for people to change.
        _ => invalid_config::invalid(sources, file, violation).map(|finding| finding.maybe_fix(None)),
    }));
    sort(&mut findings, sources);
    findings
}

fn unknown_key(file: FileId, violation: &Violation, key: &str) -> Finding {
    let help = match suggest::nearest(key, settings::KEYS.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "remove it; `sidestage schema settings` describes every key".to_owned(),
    };
    let at = Location { file, span: violation.span };
    Finding::new(RuleId::UnknownKey, at, format!("unknown key `{key}`")).label("the settings have no such key").help(help)
}

fn unknown_rule(file: FileId, violation: &Violation, name: &str) -> Finding {
    let at = Location { file, span: violation.span };
    Finding::new(RuleId::InvalidConfig, at, format!("unknown rule `{name}`")).help(RuleId::hint(name))
}

#[cfg(test)]
#[allow(clippy::expect_used)] // a test that panics has failed, as it should
mod tests {
    use std::collections::BTreeSet;

    use crate::compilation::compile_settings;
    use crate::config::settings::KEYS;
    use crate::diagnostics::RuleId;
    use crate::source::MemoryFiles;

    fn reported(text: &str) -> Vec<String> {
        let file = compile_settings(".sidestage.yaml", text.as_bytes(), &MemoryFiles::default());
        let line = |finding: &crate::diagnostics::Finding| {
            let at = file.sources.get(finding.at.file).position(finding.at.span.start);
            format!("{}:{} {} {}", at.line, at.column, finding.rule.name(), finding.line())
        };
        file.findings.iter().map(line).collect()
    }

    #[test]
    fn every_error_has_its_rule_and_its_place() {
        let cases: [(&str, &[&str]); 9] = [
            ("", &[]),
            ("rules:\nproperties:\n", &[]),
            ("- a\n", &["1:1 invalid-config invalid top level of the file: expected a mapping or nothing, found a list"]),
            ("propertys: []\n", &["1:1 unknown-key unknown key `propertys`: the settings have no such key"]),
            ("rules:\n  mising-stage: off\n", &["2:3 invalid-config unknown rule `mising-stage`"]),
            (
                "rules:\n  missing-stage: fatal\n",
                &[
                    "2:18 invalid-config invalid value of `rules.missing-stage`: expected `error`, `warning`, `info` or `off`, found the string `fatal`",
                ],
            ),
            ("properties: [a, b, a]\n", &["1:20 duplicate-key duplicate item `a`"]),
            ("properties: [a]\nproperties: [b]\n", &["2:1 duplicate-key duplicate key `properties`: only the last one counts"]),
            (
                "exclude:\n  - '{a'\n",
                &[
                    "2:5 invalid-config invalid value of `exclude[0]`: `{a` is not a valid glob: unclosed alternate group; missing '}' (maybe escape '{' with '[{]'?)",
                ],
            ),
        ];
        for (text, expected) in cases {
            assert_eq!(reported(text), expected, "{text:?}");
        }
    }

    #[test]
    fn the_schema_has_the_same_keys_and_every_rule() {
        let text = crate::config::schema::named("settings").expect("a schema of ours").text;
        let schema: serde_json::Value = serde_json::from_str(text).expect("JSON");
        let names = |value: &serde_json::Value| value.as_object().expect("an object").keys().cloned().collect::<BTreeSet<_>>();
        assert_eq!(names(&schema["properties"]), KEYS.iter().map(ToString::to_string).collect());
        let rules = names(&schema["properties"]["rules"]["properties"]);
        let missing: Vec<&str> = RuleId::ALL.iter().map(|rule| rule.name()).filter(|name| !rules.contains(*name)).collect();
        assert!(missing.is_empty(), "{missing:?}");
    }
}
