//! The script files of the repository: found by what is there, read and parsed once.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::provided::Provided;
use super::shared::Replays;
use crate::config::settings::Settings;
use crate::source::{EntryKind, FileId, Files, ReadError, ScriptMap, Sources, normalize};
use crate::syntax::shell::{self, Script};

/// A script file that was read.
#[derive(Debug)]
pub(super) struct ScriptFile {
    pub(super) file: FileId,
    pub(super) script: Script,
}

/// What is at a script's path.
#[derive(Debug, Clone)]
pub(super) enum Found {
    /// A shell script.
    Script(Arc<ScriptFile>),
    /// A file that is no shell script, or cannot be read as one: it may do anything.
    Opaque,
    /// A script that the settings call the platform's: it is not read.
    Platform,
    /// A folder.
    Folder,
    /// Nothing, below any folder that could be the repository's root.
    Missing,
}

pub(super) struct Library<'a> {
    files: &'a dyn Files,
    /// Folders that may be what scripts call the root, the likeliest first: the one that the settings name, that of
    /// the configuration, then its parents.
    roots: Vec<String>,
    pub(super) provided: Provided,
    known: FxHashMap<String, Found>,
    /// All script files in the order in which they were read.
    read: Vec<Arc<ScriptFile>>,
    pub(super) replays: Replays,
}

impl<'a> Library<'a> {
    /// `config` is the configuration's path from the repository's root.
    pub(super) fn new(files: &'a dyn Files, config: &str, settings: &Settings) -> Self {
        let mut roots: Vec<String> = settings.repo_root.iter().cloned().collect();
        let mut folder = config;
        while let Some((parent, _)) = folder.rsplit_once('/') {
            roots.push(parent.to_owned());
            folder = parent;
        }
        roots.push(String::new());
        let provided = Provided::new(&settings.platform_scripts);
        Self { files, roots, provided, known: FxHashMap::default(), read: Vec::new(), replays: Replays::default() }
    }

    pub(super) fn into_read(self) -> Vec<Arc<ScriptFile>> {
        self.read
    }

    /// The script at a path from the root that scripts see.
    pub(super) fn find(&mut self, sources: &mut Sources, path: &str) -> Found {
        if let Some(found) = self.known.get(path) {
            return found.clone();
        }
        let found = self.look(sources, path);
        self.known.insert(path.to_owned(), found.clone());
        found
    }

    /// Whether anything stands at a path.
    pub(super) fn exists(&self, path: &str) -> bool {
        self.roots.iter().filter_map(|root| normalize(&format!("{root}/{path}"))).any(|full| self.files.kind(&full).is_some())
    }

    fn look(&mut self, sources: &mut Sources, path: &str) -> Found {
        if self.provided.holds(path) {
            return Found::Platform;
        }
        let mut folder = None;
        for root in &self.roots {
            let Some(full) = normalize(&format!("{root}/{path}")) else { continue };
            match self.files.kind(&full) {
                Some(EntryKind::File) if self.provided.holds(&full) => return Found::Platform,
                Some(EntryKind::File) => return self.read(sources, &full),
                Some(EntryKind::Folder) => folder = folder.or(Some(Found::Folder)),
                None => {}
            }
        }
        folder.unwrap_or(Found::Missing)
    }

    fn read(&mut self, sources: &mut Sources, full: &str) -> Found {
        let bytes = match self.files.read(full) {
            Ok(bytes) => bytes,
            Err(ReadError::Missing) => return Found::Missing,
            Err(ReadError::Outside | ReadError::Failed(_)) => return Found::Opaque,
        };
        let Ok(text) = String::from_utf8(bytes) else { return Found::Opaque };
        if !is_shell(&text) {
            return Found::Opaque;
        }
        // The text is the file's to the byte: a byte order mark is a blank to the parser.
        let script = match text.strip_prefix('\u{feff}') {
            Some(rest) => shell::parse(rest.as_bytes(), &ScriptMap::verbatim(3)),
            None => shell::parse(text.as_bytes(), &ScriptMap::verbatim(0)),
        };
        let file = sources.add(full.to_owned(), text.into());
        let script = Arc::new(ScriptFile { file, script });
        self.read.push(script.clone());
        Found::Script(script)
    }
}

/// Whether a script is the shell's, by its first line; without one it is.
pub(super) fn is_shell(text: &str) -> bool {
    let Some(line) = text.trim_start_matches('\u{feff}').lines().next().and_then(|line| line.strip_prefix("#!")) else {
        return true;
    };
    let mut words = line.split_whitespace().map(|word| word.rsplit('/').next().unwrap_or(word));
    let program = match words.next() {
        Some("env") => words.find(|word| !word.starts_with('-') && !word.contains('=')),
        program => program,
    };
    matches!(program, None | Some("sh" | "bash" | "dash" | "ash" | "ksh" | "zsh" | "busybox"))
}

#[cfg(test)]
mod tests {
    use super::is_shell;

    #[test]
    fn the_first_line_tells_the_language() {
        for shell in ["echo", "#!/bin/sh\n", "#!/usr/bin/env bash\n", "#!/usr/bin/env -S bash -e\n", "# no shebang", ""] {
            assert!(is_shell(shell), "{shell:?}");
        }
        for other in ["#!/usr/bin/env python3\n", "#!/usr/bin/node\n", "#!/usr/bin/env -S node --x\n"] {
            assert!(!is_shell(other), "{other:?}");
        }
    }
}
