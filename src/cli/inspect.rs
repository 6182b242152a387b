//! `sidestage check --show-files`, `--show-settings` and `--verbose`: what a configuration is read with.

use std::fmt::Write;

use sidestage_compiler::config::settings::{Settings, Tekton};

use crate::terminal::count;
use crate::workspace::Configuration;

/// The configuration and the scripts that it reaches, a line each.
pub(super) fn files(configuration: &Configuration) -> String {
    configuration.compilation.sources.iter().map(|source| format!("{}\n", configuration.folder.paths.show(source.path()))).collect()
}

/// The settings that hold, as a settings file would have them.
pub(super) fn settings(configuration: &Configuration) -> String {
    let from = configuration.folder.settings_file.as_deref().map_or("no settings file".to_owned(), |file| format!("settings from {file}"));
    let mut text = format!("# {}: {from}\n", configuration.shown_path());
    let Settings { rules, properties, trigger_parameters, repo_root, platform_scripts, event_listener, git_hosts, out, exclude, tekton } =
        configuration.settings();
    if !rules.is_empty() {
        text.push_str("rules:\n");
        for (rule, level) in rules {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "  {rule}: {}", level.name());
        }
    }
    list(&mut text, "properties", properties);
    list(&mut text, "trigger-parameters", trigger_parameters);
    for (key, value) in [("repo-root", repo_root), ("event-listener", event_listener), ("out", out)] {
        if let Some(value) = value {
            let _ = writeln!(text, "{key}: {}", quoted(value));
        }
    }
    list(&mut text, "platform-scripts", platform_scripts);
    list(&mut text, "git-hosts", git_hosts);
    list(&mut text, "exclude", exclude);
    if let Some(tekton) = tekton {
        text.push_str(&of_tekton(tekton));
    }
    text + "\n"
}

fn of_tekton(settings: &Tekton) -> String {
    let named =
        [("name", &settings.name), ("namespace", &settings.namespace), ("image", &settings.image), ("base-image", &settings.base_image)];
    let own = named.iter().filter_map(|(key, value)| Some(format!("{key}: {}", quoted(value.as_ref()?))));
    let classes: Vec<String> = settings.runtime_classes.iter().map(|(from, to)| format!("{}: {}", quoted(from), quoted(to))).collect();
    let classes = (!classes.is_empty()).then(|| format!("runtime-classes: {{{}}}", classes.join(", ")));
    format!("tekton: {{{}}}\n", own.chain(classes).collect::<Vec<_>>().join(", "))
}

/// `a.yaml (v1; ci, cc): 3 scripts`.
pub(super) fn summary(configuration: &Configuration) -> String {
    let compilation = &configuration.compilation;
    let kinds: Vec<&str> = compilation.flow.pipelines.iter().map(|pipeline| pipeline.kind.name()).collect();
    let kinds = if kinds.is_empty() { "no pipeline".to_owned() } else { kinds.join(", ") };
    let scripts = count(compilation.flow.scripts, "script");
    format!("{} ({}; {kinds}): {scripts}", configuration.shown_path(), compilation.model.format.name())
}

/// The same with its settings and the files that it reads.
pub(super) fn told(configuration: &Configuration) -> String {
    let folder = &configuration.folder;
    let settings = folder.settings_file.as_deref().map_or("no settings".to_owned(), |file| format!("settings from `{file}`"));
    let read: Vec<String> =
        configuration.compilation.sources.iter().skip(1).map(|source| format!("`{}`", folder.paths.show(source.path()))).collect();
    let read = if read.is_empty() { String::new() } else { format!("; reads {}", read.join(", ")) };
    format!("{}, {settings}{read}", summary(configuration))
}

fn list(text: &mut String, key: &str, values: &[impl AsRef<str>]) {
    if !values.is_empty() {
        let values: Vec<String> = values.iter().map(|value| quoted(value.as_ref())).collect();
        let _ = writeln!(text, "{key}: [{}]", values.join(", "));
    }
}

/// A string as YAML reads it back.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
