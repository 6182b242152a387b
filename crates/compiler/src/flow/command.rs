//! What commands do: the store, triggers, scripts, and the few others that change what a script sees.

use std::sync::Arc;

use compact_str::CompactString;

use super::facts::{Certainty, Fact, Subject};
use super::folder::Folder;
use super::library::Found;
use super::machine::{Arguments, Machine, Status};
use super::provided::written;
use super::stage::{MissingScript, Read, SuspiciousKind, Trigger};
use super::value::{Binding, Cause, Piece, Secret, Text, Value};
use crate::platform::{self, ParameterKind, StoreCommand, StoreKind};
use crate::source::{Location, Span};
use crate::syntax::shell::{Command, Input, Part, Redirect, Word, input};

/// Commands that run the command given to them; the number of own arguments before it.
fn wrapper(name: &str) -> Option<usize> {
    Some(match name {
        "command" | "builtin" | "nohup" | "sudo" | "env" | "exec" | "time" | "stdbuf" | "nice" => 0,
        "timeout" => 1,
        _ => return None,
    })
}

/// Commands whose success is not what a script asks for.
fn is_expected_to_succeed(name: &str) -> bool {
    matches!(
        name,
        "cd" | "pushd"
            | "popd"
            | "echo"
            | "printf"
            | "mkdir"
            | "chmod"
            | "true"
            | ":"
            | "set"
            | "shopt"
            | "export"
            | "git"
            | "cp"
            | "mv"
            | "rm"
    )
}

/// Commands that bring files which later stages find in the workspace.
fn brings_files(name: &str) -> bool {
    matches!(name, "git" | "gh" | "curl" | "wget" | "tar" | "unzip" | "cp" | "mv" | "ln" | "mkdir" | "touch" | "ibmcloud")
}

/// Programs that run code which may call pipelinectl, as `make` runs a Makefile.
fn runs_code(name: &str) -> bool {
    let name = name.rsplit('/').next().unwrap_or(name);
    name.starts_with("python")
        || matches!(
            name,
            "make"
                | "npm"
                | "npx"
                | "yarn"
                | "pnpm"
                | "node"
                | "ruby"
                | "perl"
                | "go"
                | "java"
                | "mvn"
                | "gradle"
                | "ansible-playbook"
                | "tox"
                | "task"
                | "just"
                | "xargs"
                | "find"
        )
}

impl Machine<'_, '_> {
    pub(super) fn command(&mut self, command: &Command, span: Span) -> Status {
        for assignment in command.environment() {
            if let Some(subscript) = &assignment.subscript {
                self.word(subscript);
            }
            self.evaluate_assigned(&assignment.value);
        }
        self.outputs(command.redirects());
        let mut name = command.name();
        let mut arguments = command.arguments();
        // `exec` without a command only redirects.
        let replaces = name.is("exec") && !arguments.is_empty();
        while let Some(skipped) = name.literal().as_deref().and_then(wrapper) {
            let own =
                arguments.iter().take_while(|word| word.literal().is_some_and(|text| text.starts_with('-') || text.contains('='))).count();
            match arguments.get(own + skipped) {
                Some(inner) => {
                    name = inner;
                    arguments = &arguments[own + skipped + 1..];
                }
                None => return Status::Unknown,
            }
        }
        if name.is("pipelinectl")
            && let [first, rest @ ..] = arguments
        {
            name = first;
            arguments = rest;
        }
        let status = self.named(command, name, arguments, span);
        if replaces {
            self.end_process(false);
        }
        status
    }

    fn named(&mut self, command: &Command, name: &Word, arguments: &[Word], span: Span) -> Status {
        let value = self.word(name);
        let Some(text) = value.known() else {
            self.evaluate(command, arguments);
            return self.script(name, &value, arguments, span);
        };
        if let Some(defined) = self.state.function(&text).cloned() {
            let values = self.words(arguments);
            self.evaluate(command, &[]);
            self.call_function(&defined, values);
            return Status::Unknown;
        }
        if let Some(store) = StoreCommand::named(&text) {
            return self.store(store, command, arguments, span);
        }
        match text.as_str() {
            "source" | "." => {
                self.evaluate(command, &[]);
                if let [path, rest @ ..] = arguments {
                    let target = self.word(path);
                    let arguments = if rest.is_empty() { Arguments::Inherited } else { Arguments::Own(self.words(rest)) };
                    self.run_path(path, &target, &Way::Source(arguments), span);
                }
                Status::Likely
            }
            "bash" | "sh" | "zsh" | "ksh" | "dash" => self.interpreter(command, arguments, span),
            "eval" | "trap" => {
                match command.inline() {
                    Some(block) if text == "eval" => {
                        self.block(block);
                    }
                    Some(block) => {
                        self.process(|machine| {
                            machine.block(block);
                        });
                    }
                    None => {
                        self.evaluate(command, arguments);
                        if text == "eval" {
                            let place = self.location(span);
                            self.opaque(place, "`eval` of text that is not fixed".into(), false);
                        }
                    }
                }
                Status::Unknown
            }
            "cd" | "pushd" => {
                let target = arguments.iter().find(|word| !word.literal().is_some_and(|text| text.starts_with('-') && text.len() > 1));
                let folder = match target {
                    Some(word) => self.change_folder(word),
                    None => Folder::Outside,
                };
                self.state.set_folder(folder);
                Status::Likely
            }
            "popd" => {
                self.state.set_folder(Folder::Unknown);
                Status::Likely
            }
            "read" | "mapfile" | "readarray" | "unset" | "getopts" => {
                self.evaluate(command, arguments);
                for name in arguments.iter().filter_map(Word::literal).filter(|name| !name.starts_with('-') && !name.is_empty()) {
                    let unknown = Value::unknown(Cause::Variable(name.clone()));
                    self.state.set_variable(&name, Binding::Scalar(unknown), false);
                }
                Status::Unknown
            }
            "printf" if arguments.first().is_some_and(|word| word.is("-v")) => {
                self.evaluate(command, arguments);
                if let Some(name) = arguments.get(1).and_then(Word::literal) {
                    let unknown = Value::unknown(Cause::Variable(name.clone()));
                    self.state.set_variable(&name, Binding::Scalar(unknown), false);
                }
                Status::Likely
            }
            "shift" => {
                if let Some(values) = &mut self.arguments
                    && !values.is_empty()
                {
                    values.remove(0);
                }
                Status::Likely
            }
            "set" if arguments.iter().any(|word| word.is("--")) => {
                let at = arguments.iter().position(|word| word.is("--")).unwrap_or_default();
                self.arguments = self.words(&arguments[at + 1..]);
                Status::Likely
            }
            "true" | ":" | "false" => {
                self.evaluate(command, arguments);
                if text == "false" { Status::Failure } else { Status::Success }
            }
            path if path.contains('/') => {
                let values = self.words(arguments);
                self.evaluate(command, &[]);
                self.run_path(name, &value, &Way::Child(values), span);
                Status::Likely
            }
            "cat" => {
                for word in arguments.iter().filter(|word| !word.literal().is_some_and(|text| text.starts_with('-'))) {
                    self.reads_file(word);
                }
                self.evaluate(command, &[]);
                Status::Unknown
            }
            "tee" => {
                for word in arguments.iter().filter(|word| !word.literal().is_some_and(|text| text.starts_with('-'))) {
                    self.creates(word, true);
                    self.writes_file(word);
                }
                self.evaluate(command, &[]);
                Status::Unknown
            }
            name => {
                if runs_code(name) {
                    self.flow.programs.push(self.location(span));
                }
                if name == "chmod" {
                    self.evaluate(command, arguments);
                } else {
                    let stays = brings_files(name);
                    for word in arguments {
                        self.creates(word, stays);
                    }
                    self.evaluate(command, &[]);
                }
                if is_expected_to_succeed(name) { Status::Likely } else { Status::Unknown }
            }
        }
    }

    /// Notes the files that redirections write.
    pub(super) fn outputs(&mut self, redirects: &[Redirect]) {
        for word in redirects.iter().filter_map(Redirect::output) {
            self.creates(word, true);
            self.writes_file(word);
        }
    }

    /// Evaluates words and input for what they run.
    fn evaluate(&mut self, command: &Command, arguments: &[Word]) {
        self.evaluate_words(arguments);
        for input in command.redirects().iter().filter_map(Redirect::input) {
            match input {
                Input::Text(word) => {
                    self.word(word);
                }
                Input::File(word) => self.reads_file(word),
            }
        }
    }

    /// What a command finds on its standard input, where something is connected to it.
    fn input(&mut self, command: &Command) -> Option<Value> {
        match input(command.redirects()) {
            Some(Input::Text(word)) => Some(self.word(word)),
            Some(Input::File(_)) => Some(Value::unknown(Cause::Expansion)),
            None => self.piped.clone(),
        }
    }

    fn writes_file(&mut self, word: &Word) {
        let value = self.word(word);
        if let Some(path) = self.state.folder().file_below(&value) {
            let place = self.word_location(word);
            self.set(StoreKind::Workspace, Some(path), place, None);
        }
    }

    /// Notes that a file must be there: one that the repository does not have.
    fn reads_file(&mut self, word: &Word) {
        let value = self.word(word);
        if !self.is_certain() || self.guarded > 0 {
            return;
        }
        if let Some(path) = self.state.folder().file_below(&value)
            && !self.library.exists(&path)
        {
            let place = self.word_location(word);
            self.note_read(StoreKind::Workspace, Some(path), place, false);
        }
    }

    /// A command whose name is not fixed text: a script by its path, or anything at all.
    fn script(&mut self, name: &Word, value: &Value, arguments: &[Word], span: Span) -> Status {
        let has_path = value.options().iter().any(|option| option.iter().any(|piece| matches!(piece, Piece::Folder(_))));
        let values = self.words(arguments);
        let is_path = |option: &Text| self.library.provided.names(name, option);
        if has_path || value.options().iter().any(is_path) {
            self.run_path(name, value, &Way::Child(values), span);
            return Status::Likely;
        }
        let (_, cause) = value.split();
        let cause = cause.map_or_else(String::new, |cause| format!(" ({})", cause.describe()));
        let place = self.location(span);
        self.opaque(place, format!("a command that is not known{cause}").into(), false);
        Status::Unknown
    }

    fn interpreter(&mut self, command: &Command, arguments: &[Word], span: Span) -> Status {
        self.evaluate(command, &[]);
        if let Some(block) = command.inline() {
            return self.process(|machine| {
                machine.block(block);
            });
        }
        let mut rest = arguments.iter();
        let mut is_text = false;
        let script = rest.find(|word| match word.literal() {
            Some(flag) if flag.starts_with('-') => {
                is_text |= flag.contains('c') && !flag.starts_with("--");
                false
            }
            _ => true,
        });
        let Some(script) = script else { return Status::Unknown };
        let target = self.word(script);
        let values: Vec<Word> = rest.cloned().collect();
        let values = self.words(&values);
        if is_text {
            let place = self.location(span);
            self.opaque(place, "shell text that is not fixed".into(), false);
        } else {
            self.run_path(script, &target, &Way::Child(values), span);
        }
        Status::Likely
    }

    // The store.

    fn store(&mut self, store: StoreCommand, command: &Command, arguments: &[Word], span: Span) -> Status {
        match store {
            StoreCommand::Set(kind) => self.set_pairs(kind, command, arguments),
            StoreCommand::Save(kind) => {
                let (key, place) = self.key(arguments.first(), command);
                if let (StoreKind::Repo, Some(repo)) = (kind, &key) {
                    self.register(repo, place, &arguments[1..]);
                }
                self.evaluate(command, arguments.get(1..).unwrap_or_default());
                self.set(kind, key, place, None);
            }
            StoreCommand::Get(kind) => {
                self.evaluate(command, &[]);
                self.read(kind, arguments);
                return Status::Unknown;
            }
            StoreCommand::Load(kind) => {
                let (key, place) = self.key(arguments.first(), command);
                self.evaluate(command, arguments.get(1..).unwrap_or_default());
                let has_default = arguments.len() > 2 || self.guarded > 0;
                self.note_read(kind, key, place, has_default);
                return Status::Unknown;
            }
            StoreCommand::Export => {
                self.evaluate(command, &[]);
                for word in arguments {
                    let place = self.word_location(word);
                    let value = self.word(word);
                    let (keys, cause) = value.split();
                    for key in keys {
                        self.export(Some(key), place);
                    }
                    if cause.is_some() {
                        self.export(None, place);
                    }
                }
            }
            StoreCommand::Trigger => self.trigger(command, arguments, span),
            StoreCommand::Other => self.evaluate(command, arguments),
        }
        Status::Likely
    }

    fn key(&mut self, word: Option<&Word>, command: &Command) -> (Option<CompactString>, Location) {
        match word {
            Some(word) => (self.word(word).known(), self.word_location(word)),
            None => (None, self.location(command.name().span)),
        }
    }

    /// The properties of `save_repo`: `name=value` each, or a name whose value comes from standard input.
    fn register(&mut self, repo: &CompactString, place: Location, properties: &[Word]) {
        for word in properties {
            let name = match &*word.parts {
                [Part::Text(text, _), ..] if text.contains('=') => text.split('=').next().map(CompactString::from),
                _ => self.word(word).known().map(|text| text.split('=').next().unwrap_or_default().into()),
            };
            let subject = match name {
                Some(name) => Subject::RepoProperty(repo.clone(), name),
                None => Subject::AnyRepoProperty(repo.clone()),
            };
            self.hold(subject, Fact::new(place, None));
        }
    }

    fn set_pairs(&mut self, kind: StoreKind, command: &Command, arguments: &[Word]) {
        let input = self.input(command);
        self.evaluate(command, &[]);
        if let ([only], None) = (arguments, &input)
            && let Some((key, value)) = only.literal().as_deref().and_then(|text| text.split_once('='))
        {
            let command = command.name().literal().unwrap_or_default();
            let kind = SuspiciousKind::PairInOneWord { command, key: key.into(), value: value.into() };
            self.suspect(self.location(only.span), kind);
        }
        for pair in arguments.chunks(2) {
            let (keys, place) = (self.word(&pair[0]), self.word_location(&pair[0]));
            let value = pair.get(1).map(|value| self.word(value)).or_else(|| input.clone());
            let (names, cause) = keys.split();
            let is_one = names.len() == 1 && cause.is_none();
            for key in names {
                self.set(kind, Some(key), place, value.as_ref().filter(|value| is_one || value.secret().is_some()));
            }
            if cause.is_some() {
                self.set(kind, None, place, None);
            }
        }
    }

    /// `get_env key [default]`: notes the read, returns what it prints.
    pub(super) fn read(&mut self, kind: StoreKind, arguments: &[Word]) -> Value {
        let Some(word) = arguments.first() else { return Value::unknown(Cause::Expansion) };
        let key = self.word(word).known();
        let place = self.word_location(word);
        let default = arguments.get(1).map(|word| self.word(word));
        let has_default = default.is_some() || self.guarded > 0;
        self.note_read(kind, key.clone(), place, has_default);
        let Some(key) = key else { return Value::unknown(Cause::Output(kind.reader().into())) };
        if kind != StoreKind::Env {
            let secret = Value::unknown(Cause::Secret(Arc::new(Secret { key, place })));
            return default.map_or_else(|| secret.clone(), |default| default.or(&secret));
        }
        let is_secure = platform::parameter(&key).is_some_and(|parameter| parameter.kind == ParameterKind::Secure);
        let secret = match self.fact_of(&Subject::Set(StoreKind::Env, key.clone())) {
            Some(fact) => fact.secret().cloned(),
            None => is_secure.then(|| Arc::new(Secret { key: key.clone(), place })),
        };
        let unknown = Value::unknown(secret.map_or_else(|| Cause::Env(key.clone()), Cause::Secret));
        match self.known_value(&key) {
            Some(value) => value,
            None => match default {
                Some(default) => default.or(&unknown),
                None => unknown,
            },
        }
    }

    fn note_read(&mut self, kind: StoreKind, key: Option<CompactString>, place: Location, has_default: bool) {
        let own = key.as_ref().and_then(|key| {
            let subject = self.facts.find(&Subject::Set(kind, key.clone()))?;
            Some(self.state.fact(subject)?.certainty)
        });
        let order = self.order();
        self.flow.reads.push(Read { kind, key, place, has_default, own, order });
    }

    fn known_value(&mut self, key: &str) -> Option<Value> {
        match key {
            "pipeline_namespace" => {
                self.flow.depends_on_pipeline = true;
                return Some(Value::text(self.surroundings.pipeline?.name()));
            }
            "ONE_PIPELINE_CONFIG_DIRECTORY_NAME" => return Some(Value::folder(Folder::RepoName { sure: false })),
            _ => {}
        }
        let fact = self.fact_of(&Subject::Set(StoreKind::Env, key.into()))?;
        let value = (*fact.value?).clone();
        if value.split().1.is_some() {
            return None;
        }
        Some(match fact.certainty {
            Certainty::Yes => value,
            _ => value.or(&Value::unknown(Cause::Env(key.into()))),
        })
    }

    /// What holds here, with what held before the stage.
    fn fact_of(&self, subject: &Subject) -> Option<Fact> {
        let subject = self.facts.find(subject)?;
        let entry = self.surroundings.entry.and_then(|entry| entry.get(subject));
        match self.state.fact(subject) {
            Some(own) => Some(own.after(entry.as_ref())),
            None => entry,
        }
    }

    fn trigger(&mut self, command: &Command, arguments: &[Word], span: Span) {
        self.evaluate(command, arguments.get(1..).unwrap_or_default());
        let place = self.location(span);
        let (names, unknown, name_place) = match arguments.first() {
            Some(word) => {
                let name_place = self.word_location(word);
                let (names, unknown) = self.word(word).split();
                (names, unknown, name_place)
            }
            None => (Vec::new(), Some(Cause::Variable("1".into())), place),
        };
        let certain = self.is_certain();
        self.flow.triggers.push(Trigger { place, name_place, names, unknown, certain, order: self.order(), at: self.state.head() });
    }

    // Scripts and folders.

    fn change_folder(&mut self, word: &Word) -> Folder {
        let target = self.word(word);
        match target.options() {
            [path] => self.state.folder().join(path),
            _ => Folder::Unknown,
        }
    }

    /// Notes that a command may make a file: it will not be missed in the repository.
    fn creates(&mut self, word: &Word, stays: bool) {
        // Most words are plain text: they need no evaluation.
        if let [Part::Text(text, _)] = &*word.parts {
            self.note_created(text, stays);
            return;
        }
        let value = self.word(word);
        for option in value.options() {
            if let Some(Piece::Text(text)) = option.last() {
                self.note_created(text, stays);
            }
        }
    }

    fn note_created(&mut self, path: &str, stays: bool) {
        let name = path.rsplit('/').next().unwrap_or(path);
        // `git clone https://../tools.git` makes `tools`.
        let name = name.strip_suffix(".git").unwrap_or(name);
        if name.is_empty() {
            return;
        }
        self.created.insert(name.into());
        if stays {
            self.flow.created.insert(name.into());
        }
    }

    fn run_path(&mut self, word: &Word, target: &Value, way: &Way, span: Span) {
        for option in target.options() {
            let folder = self.state.folder().join(option);
            self.run_resolved(word, option, folder, way, span);
        }
    }

    fn run_resolved(&mut self, word: &Word, text: &[Piece], folder: Folder, way: &Way, span: Span) {
        let place = self.location(span);
        if !matches!(folder, Folder::Platform(_)) && self.library.provided.names(word, text) {
            return self.opaque(place, format!("the platform's script `{}`", written(word)).into(), true);
        }
        match folder {
            Folder::Repo { path, sure } => match self.library.find(self.sources, &path) {
                Found::Script(script) => {
                    let parent = path.rsplit_once('/').map_or("", |(parent, _)| parent).into();
                    match way {
                        Way::Source(arguments) => self.source(&script, parent, arguments.clone()),
                        Way::Child(arguments) => self.run_child(&script, parent, arguments.clone()),
                    }
                }
                Found::Opaque => self.opaque(place, format!("`{path}`, which is no shell script").into(), false),
                Found::Platform => self.opaque(place, format!("the platform's script `{path}`").into(), true),
                Found::Folder => self.sources_folder(word, way),
                Found::Missing => self.missing(word, &path, sure, span),
            },
            Folder::Platform(path) => {
                if !platform::is_harmless_platform_script(&path) {
                    self.opaque(place, format!("the platform's script `{}`", path.trim_start_matches('/')).into(), true);
                }
            }
            Folder::Workspace => {
                self.sources_folder(word, way);
                self.opaque(place, "a script outside the repository".into(), false);
            }
            Folder::Outside => {
                let is_relative = matches!(text, [Piece::Text(path), ..] if !path.starts_with(['/', '~']));
                if is_relative && text.iter().all(|piece| matches!(piece, Piece::Text(_))) {
                    let place = self.word_location(word);
                    let path = self.sources.get(self.file).slice(place.span).into();
                    self.flow.missing.push(MissingScript { place, path, leaves: true });
                }
                self.opaque(place, "a script outside the repository".into(), false);
            }
            Folder::RepoName { .. } | Folder::Unknown => {
                self.opaque(place, "a script whose path is not known".into(), false);
            }
        }
    }

    fn sources_folder(&mut self, word: &Word, way: &Way) {
        if matches!(way, Way::Source(_)) {
            let place = self.word_location(word);
            let path = self.sources.get(self.file).slice(place.span).into();
            self.suspect(place, SuspiciousKind::SourcesFolder(path));
        }
    }

    fn missing(&mut self, word: &Word, path: &CompactString, sure: bool, span: Span) {
        let name = path.rsplit('/').next().unwrap_or(path);
        let top = path.split('/').next().unwrap_or(path);
        let is_made = self.created.contains(name) || self.created.contains(top);
        // A path whose folder is in the repository should be there too; any other may come from a clone or a download.
        let folder_is_there = path.rsplit_once('/').is_none_or(|(folder, _)| self.library.exists(folder)) || self.created.is_empty();
        let place = self.word_location(word);
        if sure && !is_made && folder_is_there {
            self.flow.missing.push(MissingScript { place, path: path.clone(), leaves: false });
        }
        let place = self.location(span);
        self.opaque(place, format!("`{path}`, which is not in the repository").into(), false);
    }
}

/// How a script is run.
enum Way {
    /// In the present shell.
    Source(Arguments),
    /// As a child; its arguments, where they are known.
    Child(Option<Vec<Value>>),
}
