//! The repository as scripts see it: each path is looked at, and each script read and parsed, once for all stages.

use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use compact_str::CompactString;
use rustc_hash::{FxHashMap, FxHashSet};

use super::emitted::EmittedFile;
use super::provided::Provided;
use crate::config::settings::Settings;
use crate::platform::StoreCommand;
use crate::source::{EntryKind, Files, ReadError, ScriptMap, normalize};
use crate::syntax::shell::{self, Script};

/// A longer file is no list that a script reads.
const MAX_TEXT: usize = 64 * 1024;
/// How many files are looked at in search of store commands, from one that names others.
const MAX_SEARCHED: usize = 40;

/// What is at the path of a script.
#[derive(Debug, Clone)]
pub(super) enum Found<S = Arc<ShellFile>> {
    /// A shell script.
    Script(S),
    /// A file of another language; whether its text names a store command.
    Program {
        /// Whether it can call the store.
        names_store: bool,
    },
    /// A file that cannot be read: it may do anything.
    Opaque,
    /// A script that sidestage wrote.
    Emitted {
        /// What it does.
        file: EmittedFile,
        /// Its path from the repository's root.
        path: String,
    },
    /// A script that the settings call the platform's: it is not read.
    Platform,
    /// A folder.
    Folder,
    /// Nothing, below any folder that could be the repository's root.
    Missing,
}

/// The text of a file, parsed when it is first run.
#[derive(Debug)]
pub(super) struct ShellFile {
    /// From the repository's root.
    pub(super) path: String,
    pub(super) text: Arc<String>,
    script: OnceLock<Script>,
}

impl ShellFile {
    pub(super) fn script(&self) -> &Script {
        // The text is the file's to the byte: a byte order mark is a blank to the parser.
        self.script.get_or_init(|| match self.text.strip_prefix('\u{feff}') {
            Some(rest) => shell::parse(rest.as_bytes(), &ScriptMap::verbatim(3)),
            None => shell::parse(self.text.as_bytes(), &ScriptMap::verbatim(0)),
        })
    }
}

/// What a file holds.
#[derive(Debug, Clone)]
enum Content {
    Missing,
    /// It cannot be read.
    Opaque,
    /// A program in a machine's code.
    Program,
    Text(Arc<ShellFile>),
}

/// Answers by path, for all stages. Two stages that ask at the same moment may both find out; the first answer holds.
#[derive(Debug)]
struct Answers<T>(Mutex<FxHashMap<String, T>>);

impl<T> Default for Answers<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T: Clone> Answers<T> {
    fn of(&self, path: &str, find_out: impl FnOnce() -> T) -> T {
        let known = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(answer) = known().get(path) {
            return answer.clone();
        }
        let answer = find_out();
        match known().entry(path.to_owned()) {
            Entry::Occupied(first) => first.get().clone(),
            Entry::Vacant(place) => place.insert(answer).clone(),
        }
    }
}

pub(super) struct Repository<'a> {
    files: &'a dyn Files,
    /// Folders that may be what scripts call the root, the likeliest first: the one that the settings name, that of
    /// the configuration, then its parents.
    roots: Vec<String>,
    /// The names of all stages of the configuration.
    stages: FxHashSet<CompactString>,
    pub(super) provided: Provided,
    /// The folder that `build` writes to, where the settings name it.
    out: Option<String>,
    /// What stands at each path that was asked for, and where.
    places: Answers<Option<(EntryKind, Arc<str>)>>,
    /// The texts of small files that were asked for.
    small: Answers<Option<CompactString>>,
    /// What files hold that were run or sourced.
    contents: Answers<Content>,
}

impl<'a> Repository<'a> {
    /// `config` is the configuration's path from the repository's root, `stages` the names of its stages.
    pub(super) fn new(files: &'a dyn Files, config: &str, stages: FxHashSet<CompactString>, settings: &Settings) -> Self {
        let mut roots: Vec<String> = settings.repo_root.iter().cloned().collect();
        let mut folder = config;
        while let Some((parent, _)) = folder.rsplit_once('/') {
            roots.push(parent.to_owned());
            folder = parent;
        }
        roots.push(String::new());
        Self {
            files,
            roots,
            stages,
            provided: Provided::new(&settings.platform_scripts),
            out: settings.out.clone(),
            places: Answers::default(),
            small: Answers::default(),
            contents: Answers::default(),
        }
    }

    /// What `build` would write to a path where nothing is: the trigger script of a stage of this configuration anywhere,
    /// and any of its files in the folder that the settings name.
    pub(super) fn emitted_of_missing(&self, path: &str) -> Option<EmittedFile> {
        let below = self.out.as_ref().and_then(|out| path.strip_prefix(out.as_str())?.strip_prefix('/'));
        let emitted = match below {
            Some(below) => EmittedFile::of_path(below),
            None => EmittedFile::stage_of_path(path).map(|stage| EmittedFile::Trigger(stage.into())),
        };
        emitted.filter(|emitted| !matches!(emitted, EmittedFile::Trigger(stage) if !self.stages.contains(stage)))
    }

    /// What stands at a path, below any folder that could be the repository's root.
    pub(super) fn kind(&self, path: &str) -> Option<EntryKind> {
        self.place(path).map(|(kind, _)| kind)
    }

    /// Whether anything stands at a path.
    pub(super) fn exists(&self, path: &str) -> bool {
        self.kind(path).is_some()
    }

    /// The text of a small file.
    pub(super) fn text(&self, path: &str) -> Option<CompactString> {
        let full = self.file(path)?;
        self.small.of(path, || {
            let bytes = self.files.read(&full).ok().filter(|bytes| bytes.len() <= MAX_TEXT);
            bytes.and_then(|bytes| String::from_utf8(bytes).ok()).map(CompactString::from)
        })
    }

    /// What stands at a path below the first root that has anything there, and where that is.
    fn place(&self, path: &str) -> Option<(EntryKind, Arc<str>)> {
        self.places.of(path, || self.paths(path).find_map(|full| Some((self.files.kind(&full)?, full.into()))))
    }

    /// Where the file of a path is, below the first root that has one.
    fn file(&self, path: &str) -> Option<Arc<str>> {
        match self.place(path)? {
            (EntryKind::File, full) => Some(full),
            (EntryKind::Folder, _) => self.paths(path).find(|full| self.files.kind(full) == Some(EntryKind::File)).map(Arc::from),
        }
    }

    fn paths<'s>(&'s self, path: &'s str) -> impl Iterator<Item = String> + 's {
        self.roots.iter().filter_map(move |root| normalize(&format!("{root}/{path}")))
    }

    /// The script at a path from the root that scripts see. One that is sourced is read whatever its first line says.
    pub(super) fn look(&self, path: &str, is_sourced: bool) -> Found {
        if self.provided.holds(path) {
            return Found::Platform;
        }
        match self.file(path) {
            Some(full) if self.provided.holds(&full) => Found::Platform,
            Some(full) => self.open(&full, is_sourced),
            None if self.exists(path) => Found::Folder,
            None => Found::Missing,
        }
    }

    fn open(&self, full: &str, is_sourced: bool) -> Found {
        let file = match self.contents.of(full, || self.read(full)) {
            Content::Missing => return Found::Missing,
            Content::Opaque => return Found::Opaque,
            Content::Program => return Found::Program { names_store: false },
            Content::Text(file) => file,
        };
        if !is_sourced && !is_shell(&file.text) {
            return Found::Program { names_store: self.names_store(&file.text, &mut FxHashSet::default()) };
        }
        match EmittedFile::of_text(&file.text) {
            Some(emitted) => Found::Emitted { file: emitted, path: full.to_owned() },
            None => Found::Script(file),
        }
    }

    fn read(&self, full: &str) -> Content {
        let bytes = match self.files.read(full) {
            Ok(bytes) => bytes,
            Err(ReadError::Missing) => return Content::Missing,
            Err(ReadError::Outside | ReadError::Failed(_)) => return Content::Opaque,
        };
        // A program in a machine's code is no script.
        if bytes.starts_with(b"\x7fELF") || bytes.iter().take(512).filter(|byte| **byte == 0).count() > 4 {
            return Content::Program;
        }
        // The shell reads bytes: one that is no text does not stop it.
        let text = String::from_utf8(bytes).unwrap_or_else(|error| one_to_one(error.as_bytes()));
        Content::Text(Arc::new(ShellFile { path: full.to_owned(), text: Arc::new(text), script: OnceLock::new() }))
    }

    /// Whether a text names a command of the store, or a file of the repository that does.
    pub(super) fn names_store(&self, text: &str, seen: &mut FxHashSet<String>) -> bool {
        let words = || text.split(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '/')));
        if words().any(changes_store) {
            return true;
        }
        for word in words().filter(|word| word.contains('/') || std::path::Path::new(word).extension().is_some_and(|end| end == "sh")) {
            let path = word.trim_start_matches("./");
            if seen.len() >= MAX_SEARCHED || path.is_empty() || !seen.insert(path.to_owned()) {
                continue;
            }
            if let Some(inner) = self.text(path)
                && self.names_store(&inner, seen)
            {
                return true;
            }
        }
        false
    }
}

/// Whether a word is a command that sets, exports or triggers.
fn changes_store(word: &str) -> bool {
    matches!(StoreCommand::named(word), Some(StoreCommand::Set(_) | StoreCommand::Export | StoreCommand::Trigger))
        || matches!(word, "pipelinectl")
}

/// A text as long as the bytes, in which each byte that is no text is a question mark: places stay what they are.
fn one_to_one(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().map(|_| '?'));
    }
    text
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
    use super::{is_shell, one_to_one};

    #[test]
    fn the_first_line_tells_the_language() {
        for shell in ["echo", "#!/bin/sh\n", "#!/usr/bin/env bash\n", "#!/usr/bin/env -S bash -e\n", "# no shebang", ""] {
            assert!(is_shell(shell), "{shell:?}");
        }
        for other in ["#!/usr/bin/env python3\n", "#!/usr/bin/node\n", "#!/usr/bin/env -S node --x\n"] {
            assert!(!is_shell(other), "{other:?}");
        }
    }

    #[test]
    fn bytes_that_are_no_text_keep_their_places() {
        assert_eq!(one_to_one(b"a\xe4b\xff\xfe"), "a?b??");
    }
}
