//! The script files of the repository: found by what is there, read and parsed once; and what calls of them did.

use std::cell::RefCell;
use std::sync::Arc;

use compact_str::CompactString;
use rustc_hash::{FxHashMap, FxHashSet};

use super::emitted::EmittedFile;
use super::interpret::calls::{CallKey, CallSummary};
use super::provided::Provided;
use crate::config::StageId;
use crate::config::settings::Settings;
use crate::platform::StoreCommand;
use crate::source::{EntryKind, FileId, Files, Location, ReadError, ScriptMap, Sources, normalize};
use crate::syntax::shell::{self, Function, Script};

/// So many calls are remembered: those of the first scripts are met again.
const MAX_SUMMARIES: usize = 20_000;
/// A longer file is no list that a script reads.
const MAX_TEXT: usize = 64 * 1024;
/// How many files are looked at in search of store commands, from one that names others.
const MAX_SEARCHED: usize = 40;

/// A script file that was read.
#[derive(Debug)]
pub(super) struct ScriptFile {
    pub(super) file: FileId,
    pub(super) script: Script,
    /// In bytes.
    pub(super) length: usize,
}

/// What is at a script's path.
#[derive(Debug, Clone)]
pub(super) enum Found {
    /// A shell script.
    Script(Arc<ScriptFile>),
    /// A file of another language; whether its text names a store command.
    Program {
        /// Whether it can call the store.
        names_store: bool,
    },
    /// A file that cannot be read: it may do anything.
    Opaque,
    /// A script that sidestage wrote.
    Emitted(EmittedFile),
    /// A script that the settings call the platform's: it is not read.
    Platform,
    /// A folder.
    Folder,
    /// Nothing, below any folder that could be the repository's root.
    Missing,
}

pub(super) struct ScriptFiles<'a> {
    files: &'a dyn Files,
    /// Folders that may be what scripts call the root, the likeliest first: the one that the settings name, that of
    /// the configuration, then its parents.
    roots: Vec<String>,
    /// The names of all stages of the configuration.
    stages: FxHashSet<CompactString>,
    pub(super) provided: Provided,
    /// By path, and whether it is sourced.
    known: FxHashMap<(String, bool), Found>,
    /// What stands at each path that was asked for.
    kinds: RefCell<FxHashMap<String, Option<EntryKind>>>,
    /// The texts of small files that were asked for.
    small: RefCell<FxHashMap<String, Option<CompactString>>>,
    /// The folder that `build` writes to, where the settings name it.
    out: Option<String>,
    /// Emitted files of the repository that are called.
    emitted: Vec<String>,
    /// All script files in the order in which they were read.
    read: Vec<Arc<ScriptFile>>,
    texts: FxHashMap<(FileId, u32, CompactString), Arc<Script>>,
    summaries: FxHashMap<CallKey, Arc<CallSummary>>,
    /// Functions that were defined: summaries know them by their addresses.
    functions: FxHashMap<usize, Arc<Function>>,
    scopes: u32,
    /// The stage that is interpreted.
    stage: StageId,
    /// Files of the repository that stages change, and which.
    changed: FxHashMap<CompactString, Vec<StageId>>,
    /// Scripts that were run, and by which stages.
    ran: FxHashMap<String, Vec<StageId>>,
    /// Whether a script was run as it is in the repository, and a stage changes it.
    pub(super) is_stale: bool,
}

impl<'a> ScriptFiles<'a> {
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
            known: FxHashMap::default(),
            kinds: RefCell::default(),
            small: RefCell::default(),
            out: settings.out.clone(),
            emitted: Vec::new(),
            read: Vec::new(),
            texts: FxHashMap::default(),
            summaries: FxHashMap::default(),
            functions: FxHashMap::default(),
            scopes: 0,
            stage: StageId(0),
            changed: FxHashMap::default(),
            ran: FxHashMap::default(),
            is_stale: false,
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

    /// The script files that were read, and the emitted ones that are called.
    pub(super) fn into_read(self) -> (Vec<Arc<ScriptFile>>, Vec<String>) {
        (self.read, self.emitted)
    }

    /// A name for a run of a stage whose entry matters: what it did is met again by itself alone.
    pub(super) fn new_scope(&mut self, stage: StageId) -> u32 {
        self.stage = stage;
        self.scopes += 1;
        self.scopes
    }

    pub(super) fn summary(&self, key: &CallKey) -> Option<Arc<CallSummary>> {
        self.summaries.get(key).cloned()
    }

    pub(super) fn keep_summary(&mut self, key: CallKey, summary: CallSummary) {
        if self.summaries.len() < MAX_SUMMARIES {
            self.summaries.insert(key, Arc::new(summary));
        }
    }

    /// Keeps a function as long as the summaries.
    pub(super) fn keep_function(&mut self, function: &Arc<Function>) {
        self.functions.entry(Arc::as_ptr(function) as usize).or_insert_with(|| function.clone());
    }

    /// Begins to look at the stages again, knowing which scripts they change.
    pub(super) fn begin_again(&mut self) {
        self.summaries.clear();
        self.is_stale = false;
    }

    /// The script at a path from the root that scripts see. One that is sourced is read whatever its first line says.
    pub(super) fn find(&mut self, sources: &mut Sources, path: &str, is_sourced: bool) -> Found {
        let ran = self.ran.entry(path.to_owned()).or_default();
        if ran.last() != Some(&self.stage) {
            ran.push(self.stage);
        }
        let key = (path.to_owned(), is_sourced);
        if let Some(found) = self.known.get(&key) {
            return found.clone();
        }
        let found = self.look(sources, path, is_sourced);
        self.known.insert(key, found.clone());
        found
    }

    /// What stands at a path, below any folder that could be the repository's root.
    pub(super) fn kind(&self, path: &str) -> Option<EntryKind> {
        if let Some(kind) = self.kinds.borrow().get(path) {
            return *kind;
        }
        let kind = self.places(path).find_map(|full| self.files.kind(&full));
        self.kinds.borrow_mut().insert(path.to_owned(), kind);
        kind
    }

    /// Whether anything stands at a path.
    pub(super) fn exists(&self, path: &str) -> bool {
        self.kind(path).is_some()
    }

    /// The text of a small file.
    pub(super) fn text(&self, path: &str) -> Option<CompactString> {
        self.kind(path)?;
        if let Some(text) = self.small.borrow().get(path) {
            return text.clone();
        }
        let full = self.places(path).find(|full| self.files.kind(full) == Some(EntryKind::File));
        let bytes = full.and_then(|full| self.files.read(&full).ok()).filter(|bytes| bytes.len() <= MAX_TEXT);
        let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok()).map(CompactString::from);
        self.small.borrow_mut().insert(path.to_owned(), text.clone());
        text
    }

    fn places<'s>(&'s self, path: &'s str) -> impl Iterator<Item = String> + 's {
        self.roots.iter().filter_map(move |root| normalize(&format!("{root}/{path}")))
    }

    /// Notes that a stage writes a file.
    pub(super) fn note_changed(&mut self, path: &CompactString) {
        if self.kind(path) != Some(EntryKind::File) {
            return;
        }
        let changed = self.changed.entry(path.clone()).or_default();
        if !changed.contains(&self.stage) {
            changed.push(self.stage);
            let others = self.ran.get(path.as_str());
            self.is_stale |= others.is_some_and(|ran| ran.iter().any(|stage| *stage != self.stage));
        }
    }

    /// Whether another stage writes a file of the repository: what this one writes, its state tells.
    pub(super) fn is_changed(&self, path: &str) -> bool {
        !self.changed.is_empty() && self.changed.get(path).is_some_and(|changed| changed.iter().any(|stage| *stage != self.stage))
    }

    fn look(&mut self, sources: &mut Sources, path: &str, is_sourced: bool) -> Found {
        if self.provided.holds(path) {
            return Found::Platform;
        }
        let mut folder = None;
        let places: Vec<String> = self.places(path).collect();
        for full in places {
            match self.files.kind(&full) {
                Some(EntryKind::File) if self.provided.holds(&full) => return Found::Platform,
                Some(EntryKind::File) => return self.read(sources, &full, is_sourced),
                Some(EntryKind::Folder) => folder = folder.or(Some(Found::Folder)),
                None => {}
            }
        }
        folder.unwrap_or(Found::Missing)
    }

    fn read(&mut self, sources: &mut Sources, full: &str, is_sourced: bool) -> Found {
        let bytes = match self.files.read(full) {
            Ok(bytes) => bytes,
            Err(ReadError::Missing) => return Found::Missing,
            Err(ReadError::Outside | ReadError::Failed(_)) => return Found::Opaque,
        };
        // A program in a machine's code is no script.
        if bytes.starts_with(b"\x7fELF") || bytes.iter().take(512).filter(|byte| **byte == 0).count() > 4 {
            return Found::Program { names_store: false };
        }
        // The shell reads bytes: one that is no text does not stop it.
        let text = match String::from_utf8(bytes) {
            Ok(text) => text,
            Err(error) => one_to_one(error.as_bytes()),
        };
        if !is_sourced && !is_shell(&text) {
            return Found::Program { names_store: self.names_store(&text, &mut FxHashSet::default()) };
        }
        if let Some(emitted) = EmittedFile::of_text(&text) {
            if !self.emitted.iter().any(|known| known == full) {
                self.emitted.push(full.to_owned());
            }
            return Found::Emitted(emitted);
        }
        if let Some(read) = self.read.iter().find(|read| sources.get(read.file).path() == full) {
            return Found::Script(read.clone());
        }
        // The text is the file's to the byte: a byte order mark is a blank to the parser.
        let script = match text.strip_prefix('\u{feff}') {
            Some(rest) => shell::parse(rest.as_bytes(), &ScriptMap::verbatim(3)),
            None => shell::parse(text.as_bytes(), &ScriptMap::verbatim(0)),
        };
        let length = text.len();
        let file = sources.add(full.to_owned(), text.into());
        let script = Arc::new(ScriptFile { file, script, length });
        self.read.push(script.clone());
        Found::Script(script)
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

    /// Shell text that stands in a file, parsed once.
    pub(super) fn text_script(&mut self, file: FileId, start: u32, text: &str, map: &ScriptMap) -> Arc<Script> {
        let key = (file, start, CompactString::from(text));
        if let Some(script) = self.texts.get(&key) {
            return script.clone();
        }
        let script = Arc::new(shell::parse(text.as_bytes(), map));
        self.texts.insert(key, script.clone());
        script
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

/// Joins texts that stand in a file with blanks between them, and maps the result back to the file: exactly where the
/// text stands there as it is but for backslashes and the indentation of lines, else to the places as wholes.
pub(super) fn align(file: &str, pieces: &[(CompactString, Location)]) -> (String, ScriptMap) {
    let mut text = String::new();
    let mut points: Vec<(u32, u32)> = Vec::new();
    let mut is_exact = true;
    for (piece, place) in pieces {
        if !text.is_empty() {
            text.push(' ');
        }
        let raw = place.span.slice(file).as_bytes();
        let base = text.len() as u32;
        let mut at = 0;
        let mut last: Option<u32> = None;
        let bytes = piece.as_bytes();
        for (offset, byte) in bytes.iter().enumerate() {
            if raw.get(at) == Some(&b'\\')
                && (raw.get(at + 1) == Some(byte))
                && *byte != b'\n'
                && (*byte != b'\\' || raw.get(at + 1) == Some(&b'\\'))
            {
                at += 1;
            }
            if raw.get(at) == Some(&b'\r') && raw.get(at + 1) == Some(byte) {
                at += 1;
            }
            if raw.get(at) != Some(byte) {
                is_exact = false;
                break;
            }
            let shift = place.span.start + at as u32 - (base + offset as u32);
            if last != Some(shift) {
                points.push((base + offset as u32, place.span.start + at as u32));
                last = Some(shift);
            }
            at += 1;
            if *byte == b'\n' {
                // The lines of a block have an indentation that is not the script's.
                let own = bytes[offset + 1..].iter().take_while(|byte| **byte == b' ').count();
                let there = raw.get(at..).unwrap_or_default().iter().take_while(|byte| **byte == b' ').count();
                at += there.saturating_sub(own);
            }
        }
        text.push_str(piece);
    }
    let whole = pieces
        .iter()
        .map(|(_, place)| place.span)
        .reduce(|left, right| crate::source::Span { start: left.start.min(right.start), end: left.end.max(right.end) });
    if is_exact && !points.is_empty() {
        return (text, ScriptMap::of_points(points, file.len() as u32));
    }
    (text, ScriptMap::whole(whole.unwrap_or_default()))
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
    use super::{align, is_shell, one_to_one};
    use crate::source::{Location, Sources, Span};

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

    #[test]
    fn shell_text_has_the_places_of_the_file_that_holds_it() {
        let file = Sources::default().add("x".to_owned(), std::sync::Arc::default());
        let place = |start, end| Location { file, span: Span { start, end } };
        let file = "bash -c \"a\n    b \\$c\"";
        let (text, map) = align(file, &[("a\nb $c".into(), place(9, 20))]);
        let at = |needle: &str| {
            let start = text.find(needle).unwrap_or_default() as u32;
            map.to_file(Span { start, end: start + needle.len() as u32 }).slice(file).to_owned()
        };
        assert_eq!((at("a"), at("b"), at("$c")), ("a".to_owned(), "b".to_owned(), "$c".to_owned()));
        let (_, map) = align("eval $x", &[("export_env a".into(), place(5, 7))]);
        assert_eq!(map.to_file(Span { start: 0, end: 3 }), Span { start: 5, end: 7 });
    }
}
