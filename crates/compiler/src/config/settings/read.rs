//! The tree of a settings file to settings. What is wrong is left out, and said.

use compact_str::CompactString;

use super::{Level, Settings, Tekton, excluded};
use crate::config::schema::{self, SchemaKind, Violation, ViolationKind};
use crate::source::{EntryKind, Files, normalize};
use crate::syntax::yaml::{Document, Entry, NodeId};

/// All keys of a settings file.
pub const KEYS: &[&str] = &[
    "rules",
    "properties",
    "trigger-parameters",
    "repo-root",
    "platform-scripts",
    "event-listener",
    "git-hosts",
    "out",
    "exclude",
    "tekton",
];

/// Reads the settings file at `path`, relative to the repository's root: its settings, and what is wrong with them.
pub fn read(document: &Document, text: &str, path: &str, files: &dyn Files) -> (Settings, Vec<Violation>) {
    let Some(root) = document.root() else { return (Settings::default(), Vec::new()) };
    let violations = schema::validate(document, text, root, SchemaKind::Settings);
    let mut reader = Reader { document, text, root, violations };
    let settings = Settings {
        rules: reader.rules(),
        properties: reader.list("properties"),
        trigger_parameters: reader.list("trigger-parameters"),
        repo_root: reader.repo_root(path.rsplit_once('/').map_or("", |(folder, _)| folder), files),
        platform_scripts: reader.list("platform-scripts"),
        event_listener: reader.text_at("event-listener").map(|(_, name)| name),
        git_hosts: reader.list("git-hosts"),
        out: reader.out(path.rsplit_once('/').map_or("", |(folder, _)| folder)),
        exclude: reader.exclude(),
        tekton: reader.tekton(),
    };
    let mut violations = reader.violations;
    violations.sort_by_key(|violation| violation.span);
    if !document.errors().is_empty() {
        // Below an error the tree is not what was meant.
        violations.clear();
    }
    (settings, violations)
}

struct Reader<'a> {
    document: &'a Document,
    text: &'a str,
    root: NodeId,
    violations: Vec<Violation>,
}

impl Reader<'_> {
    /// A text that nothing is wrong with.
    fn sound(&self, node: NodeId) -> Option<String> {
        let start = self.document.span(node).start;
        let is_sound = self.violations.iter().all(|violation| violation.span.start != start);
        self.document.string(self.text, node).filter(|_| is_sound).map(std::borrow::Cow::into_owned)
    }

    fn text_at(&self, key: &str) -> Option<(NodeId, String)> {
        let node = self.document.get(self.text, self.root, key)?;
        Some((node, self.sound(node)?))
    }

    fn items(&self, key: &str) -> impl Iterator<Item = (usize, NodeId, String)> {
        let list = self.document.get(self.text, self.root, key);
        let items = list.map(|list| self.document.items(list)).unwrap_or_default();
        items.iter().enumerate().filter_map(|(index, node)| Some((index, *node, self.sound(*node)?)))
    }

    fn list<T: From<String>>(&self, key: &str) -> Vec<T> {
        self.items(key).map(|(_, _, item)| item.into()).collect()
    }

    fn rules(&self) -> Vec<(CompactString, Level)> {
        let rules = self.document.get(self.text, self.root, "rules");
        let entries = rules.map(|rules| self.document.entries(rules)).unwrap_or_default();
        let level = |node| Level::named(&self.document.string(self.text, node)?);
        entries.iter().filter_map(|entry| Some((self.document.text(self.text, entry.key)?.into(), level(entry.value)?))).collect()
    }

    /// The folder, from the repository's root.
    fn repo_root(&mut self, folder: &str, files: &dyn Files) -> Option<String> {
        let (node, path) = self.text_at("repo-root")?;
        let inside = normalize(&format!("{folder}/{path}")).filter(|_| !path.starts_with('/'));
        let message = match inside {
            Some(root) if files.kind(&root) == Some(EntryKind::Folder) => return Some(root),
            Some(root) => format!("the repository has no folder `{root}`"),
            None => format!("`{path}` is outside the repository: name a folder in it, relative to this file"),
        };
        self.note(node, &["repo-root"], message);
        None
    }

    /// The folder, from the repository's root; it may not be there yet.
    fn out(&mut self, folder: &str) -> Option<String> {
        let (node, path) = self.text_at("out")?;
        let inside = normalize(&format!("{folder}/{path}")).filter(|inside| !path.starts_with('/') && !inside.is_empty());
        if inside.is_none() {
            self.note(node, &["out"], format!("`{path}` is not a folder inside the repository: name one, relative to this file"));
        }
        inside
    }

    fn tekton(&self) -> Option<Tekton> {
        let node = self.document.get(self.text, self.root, "tekton")?;
        let text = |key| self.document.get(self.text, node, key).and_then(|value| self.sound(value));
        let classes = self.document.get(self.text, node, "runtime-classes").map(|classes| self.document.entries(classes));
        let class = |entry: &Entry| Some((self.document.text(self.text, entry.key)?.into_owned(), self.sound(entry.value)?));
        Some(Tekton {
            name: text("name"),
            namespace: text("namespace"),
            image: text("image"),
            base_image: text("base-image"),
            runtime_classes: classes.unwrap_or_default().iter().filter_map(class).collect(),
        })
    }

    fn exclude(&mut self) -> Vec<String> {
        let (mut globs, mut faults) = (Vec::new(), Vec::new());
        for (index, node, glob) in self.items("exclude") {
            match excluded::fault(&glob) {
                Some(reason) => faults.push((node, index, format!("`{glob}` is not a valid glob: {reason}"))),
                None => globs.push(glob),
            }
        }
        for (node, index, message) in faults {
            self.note(node, &["exclude", &index.to_string()], message);
        }
        globs
    }

    fn note(&mut self, node: NodeId, path: &[&str], message: String) {
        let path = path.iter().map(ToString::to_string).collect();
        self.violations.push(Violation { span: self.document.span(node), path, kind: ViolationKind::Invalid { message, repair: None } });
    }
}

#[cfg(test)]
mod tests {
    use super::{Level, Settings, read};
    use crate::source::MemoryFiles;
    use crate::syntax::yaml;

    fn settings(path: &str, text: &str) -> (Settings, usize) {
        let files = MemoryFiles::new([("app/scripts/x", "")]);
        let (settings, violations) = read(&yaml::read(text), text, path, &files);
        (settings, violations.len())
    }

    #[test]
    fn what_was_understood_counts() {
        let text = "\
rules: {missing-stage: off, late-export: loud, no-such-rule: error}
properties: [region, 7, region, a b]
trigger-parameters: [opt-in]
platform-scripts: ['${TOOLS}/']
event-listener: own-listener
exclude: ['vendor/', '{a']
surprise: 1
";
        let (settings, faults) = settings(".sidestage.yaml", text);
        assert_eq!(settings.level("missing-stage"), Some(Level::Off));
        assert_eq!(settings.level("late-export"), None);
        assert_eq!(settings.properties, ["region"]);
        assert_eq!(settings.trigger_parameters, ["opt-in"]);
        assert_eq!(settings.platform_scripts, ["${TOOLS}/"]);
        assert_eq!(settings.event_listener.as_deref(), Some("own-listener"));
        assert_eq!(settings.exclude, ["vendor/"]);
        assert_eq!(faults, 7);
    }

    #[test]
    fn the_root_is_relative_to_the_file_and_stays_in_the_repository() {
        let root = |path: &str, value: &str| settings(path, &format!("repo-root: {value}\n")).0.repo_root;
        assert_eq!(root(".sidestage.yaml", "app").as_deref(), Some("app"));
        assert_eq!(root(".sidestage.yaml", "./app/.").as_deref(), Some("app"));
        assert_eq!(root("app/.sidestage.yaml", "..").as_deref(), Some(""));
        assert_eq!(root("app/.sidestage.yaml", "scripts").as_deref(), Some("app/scripts"));
        for refused in ["..", "/app", "nowhere", "app/scripts/x"] {
            assert_eq!(root(".sidestage.yaml", refused), None, "{refused}");
        }
    }
}
