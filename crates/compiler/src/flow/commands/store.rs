//! The store, and triggers.

use std::sync::Arc;

use compact_str::CompactString;

use super::super::certainty::Certainty;
use super::super::facts::{Fact, Subject};
use super::super::interpret::fields::Arguments;
use super::super::interpret::{Interpreter, Status};
use super::super::stage::{Access, Event, Export, Read, SuspiciousKind, Trigger, WithoutKey};
use super::super::value::folder::Folder;
use super::super::value::{Cause, Secret, Value};
use super::Site;
use crate::platform::{self, StoreCommand, StoreKind};
use crate::source::Location;

impl Interpreter<'_, '_> {
    pub(super) fn store(&mut self, store: StoreCommand, arguments: &Arguments<'_>, site: Site<'_>) -> Status {
        let own = arguments.skip(1);
        match store {
            StoreCommand::Set(kind) => return self.set_pairs(kind, arguments, &own, site),
            StoreCommand::Save(kind) => {
                let (key, place) = self.key(&own, site);
                if let (StoreKind::Repo, Some(repo)) = (kind, &key) {
                    self.register(repo, place, &own.skip(1));
                }
                self.set(kind, key, place, None);
                self.stored_file(kind, &own);
            }
            StoreCommand::Get(kind) => {
                let value = self.get(kind, &own, site);
                self.print(&value);
                return if own.list().len() > 1 { Status::Likely } else { Status::Unknown };
            }
            StoreCommand::Load(kind) => {
                let (key, place) = self.key(&own, site);
                let has_default = own.list().len() > 2 || self.context.handles_failure();
                self.note_read(kind, key.clone(), place, if has_default { WithoutKey::GoesOn } else { WithoutKey::Fails });
                let is_path = own.text(1) == Some("path");
                let name = kind.reader();
                if kind == StoreKind::Repo && key.as_deref() == Some("app-repo") && is_path {
                    self.print(&Value::folder(Folder::RepoName { sure: false }));
                } else if self.is_asked() {
                    self.print(&Value::unknown(Cause::Output(name.into())));
                }
                return Status::Unknown;
            }
            StoreCommand::Export => {
                if own.list().len() > 1 || own.list().first().is_some_and(|first| first.value.prefix().contains('=')) {
                    self.suspect_export(&own, site);
                }
                for argument in own.list() {
                    if argument.value.is("") {
                        // It exports nothing, and says so.
                        return Status::Failure;
                    }
                    self.export_value(&argument.value, argument.place);
                }
                if !own.is_complete && own.list().is_empty() {
                    let place = self.site_location(site);
                    self.export(None, place);
                }
            }
            StoreCommand::Trigger => {
                self.trigger(&own, site);
                self.other_output("trigger-task");
            }
            StoreCommand::Other => {
                self.other_output("pipelinectl");
                return Status::Unknown;
            }
        }
        Status::Likely
    }

    fn suspect_export(&mut self, own: &Arguments<'_>, site: Site<'_>) {
        let texts: Vec<CompactString> = own.list().iter().filter_map(|argument| argument.value.known().cloned()).collect();
        if texts.len() == own.list().len() && own.is_complete {
            let place = self.site_location(site);
            self.suspect(place, SuspiciousKind::ExportShape(texts));
        }
    }

    fn export_value(&mut self, value: &Value, place: Location) {
        let (keys, cause) = value.split();
        if keys.len() == 1 && cause.is_none() {
            return self.export(keys.into_iter().next(), place);
        }
        // Any of them, and perhaps none: on each path it is one.
        let mut options: Vec<Option<CompactString>> = keys.into_iter().map(Some).collect();
        if cause.is_some() {
            options.push(None);
        }
        self.one_of(&options, |interpreter, key| {
            interpreter.export(key.clone(), place);
            Status::Likely
        });
    }

    fn key(&mut self, own: &Arguments<'_>, site: Site<'_>) -> (Option<CompactString>, Location) {
        match own.list().first() {
            Some(first) => (first.value.known().cloned(), first.place),
            None => (None, self.site_location(site)),
        }
    }

    /// The properties of `save_repo`: `name=value` each, or a name whose value comes from standard input.
    fn register(&mut self, repo: &CompactString, place: Location, properties: &Arguments<'_>) {
        for property in properties.list() {
            let prefix = property.value.prefix();
            let name = match prefix.split_once('=') {
                Some((name, _)) => Some(CompactString::from(name)),
                None => property.value.known().cloned(),
            };
            let subject = match name {
                Some(name) => Subject::RepoProperty(repo.clone(), name),
                None => Subject::AnyRepoProperty(repo.clone()),
            };
            self.set_fact(subject, Fact::new(place, None));
        }
        if !properties.is_complete {
            self.set_fact(Subject::AnyRepoProperty(repo.clone()), Fact::new(place, None));
        }
    }

    fn set_pairs(&mut self, kind: StoreKind, arguments: &Arguments<'_>, own: &Arguments<'_>, site: Site<'_>) -> Status {
        let input = self.input();
        let command = arguments.text(0).unwrap_or_default();
        if own.is_complete {
            self.suspect_set(command, own, input.is_some(), site);
        }
        for pair in own.list().chunks(2) {
            let key = &pair[0];
            let value = pair.get(1).map(|value| value.value.clone()).or_else(|| input.clone().map(Value::without_last_lines));
            if key.value.is("") {
                return Status::Failure;
            }
            let (names, cause) = key.value.split();
            let is_one = names.len() == 1 && cause.is_none() && own.is_complete;
            if is_one {
                self.set(kind, names.into_iter().next(), key.place, value.as_ref());
                continue;
            }
            let mut options: Vec<Option<CompactString>> = names.into_iter().map(Some).collect();
            if cause.is_some() {
                options.push(None);
            }
            self.one_of(&options, |interpreter, name| {
                interpreter.set(kind, name.clone(), key.place, value.as_ref());
                Status::Likely
            });
        }
        Status::Likely
    }

    fn suspect_set(&mut self, command: &str, own: &Arguments<'_>, has_input: bool, site: Site<'_>) {
        let kind = match own.list() {
            [only] if !has_input => only.value.prefix().split_once('=').map(|(key, value)| SuspiciousKind::PairInOneWord {
                command: command.into(),
                key: key.into(),
                value: value.into(),
            }),
            [key, sign, value] if sign.value.is("=") => key.value.known().map(|key| SuspiciousKind::SpacedPair {
                command: command.into(),
                key: key.clone(),
                value: value.value.known().cloned().unwrap_or_default(),
            }),
            _ => None,
        };
        if let Some(kind) = kind {
            let place = match own.list() {
                [only] => site.word(only).map_or_else(|| only.place, |word| self.location(word.span)),
                _ => self.site_location(site),
            };
            self.suspect(place, kind);
        }
    }

    /// `get_env key [default]`: notes the read, returns what it prints.
    fn get(&mut self, kind: StoreKind, own: &Arguments<'_>, site: Site<'_>) -> Value {
        let (key, place) = self.key(own, site);
        let default = own.get(1).cloned();
        let without = match &default {
            _ if self.context.handles_failure() => WithoutKey::GoesOn,
            // An empty default hides that nothing is there: what it gives is no value.
            Some(default) if default.is_empty() == Some(true) => WithoutKey::GoesOnEmpty,
            Some(_) => WithoutKey::GoesOn,
            None => WithoutKey::Fails,
        };
        self.note_read(kind, key.clone(), place, without);
        let Some(key) = key else { return Value::unknown(Cause::Output(kind.reader().into())) };
        if kind != StoreKind::Env {
            let secret = Value::unknown(Cause::Secret(Arc::new(Secret { key, place })));
            return default.map_or_else(|| secret.clone(), |default| default.or(&secret));
        }
        let secret = match self.fact_of(&Subject::Set(StoreKind::Env, key.clone())) {
            Some(fact) => fact.secret().cloned(),
            None => platform::is_secure(&key).then(|| Arc::new(Secret { key: key.clone(), place })),
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

    pub(in crate::flow) fn note_read(&mut self, kind: StoreKind, key: Option<CompactString>, place: Location, without: WithoutKey) {
        let own = key.as_ref().and_then(|key| {
            let subject = self.facts.find(&Subject::Set(kind, key.clone()))?;
            Some(self.state.fact(subject)?.certainty)
        });
        self.log(Event::Read(Read { kind, key, place, without, own, order: 0 }));
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
            Some(own) => Some(own.then(entry.as_ref())),
            None => entry,
        }
    }

    pub(in crate::flow) fn set(&mut self, kind: StoreKind, key: Option<CompactString>, place: Location, value: Option<&Value>) {
        if let Some(key) = &key {
            let subject = self.facts.id(Subject::Set(kind, key.clone()));
            // Of a value that is neither known nor secret nothing is kept.
            let value = value.filter(|value| value.split().1.is_none() || value.secret().is_some());
            let fact = Fact::new(place, value.cloned().map(Arc::new));
            let unsent = Fact { value: None, ..fact.clone() };
            self.state.set_fact(self.facts, subject, fact);
            if kind == StoreKind::Env && !self.is_surely_exported(key) {
                self.set_fact(Subject::Unsent(key.clone()), unsent);
            }
        }
        self.log(Event::Set(Access { kind, key, place }));
    }

    fn is_surely_exported(&self, key: &CompactString) -> bool {
        let subject = self.facts.find(&Subject::Exported(key.clone()));
        subject.and_then(|subject| self.state.fact(subject)).is_some_and(|fact| fact.certainty == Certainty::Yes)
    }

    fn export(&mut self, key: Option<CompactString>, place: Location) {
        match &key {
            Some(key) => {
                let exported = Fact::new(place, None);
                // Where an earlier stage set the key, the certainty of the export says enough.
                let unsent = self.facts.find(&Subject::Unsent(key.clone()));
                if unsent.is_some_and(|unsent| self.state.fact(unsent).is_some()) {
                    self.set_fact(Subject::Unsent(key.clone()), exported.ended());
                }
                self.set_fact(Subject::Exported(key.clone()), exported);
            }
            None => self.set_fact(Subject::Widened, Fact::new(place, None)),
        }
        let at = self.state.head();
        self.log(Event::Export(Export { key, place, at }));
    }

    fn trigger(&mut self, own: &Arguments<'_>, site: Site<'_>) {
        let place = self.site_location(site);
        let (names, unknown, name_place) = match own.list().first() {
            Some(first) => {
                let (names, unknown) = first.value.split();
                (names, unknown, first.place)
            }
            None => (Vec::new(), Some(Cause::Variable("1".into())), place),
        };
        if own.list().is_empty() && own.is_complete {
            self.suspect(place, SuspiciousKind::TriggerWithoutName);
            return;
        }
        let more: Vec<CompactString> = own.list().iter().skip(1).filter_map(|argument| argument.value.known().cloned()).collect();
        if !more.is_empty() {
            self.suspect(place, SuspiciousKind::TriggerOfSeveral(more));
        }
        self.log_trigger(names, unknown, name_place, site);
    }

    /// Notes that a command triggers a stage of any of these names.
    pub(super) fn log_trigger(&mut self, names: Vec<CompactString>, unknown: Option<Cause>, name_place: Location, site: Site<'_>) {
        let (place, certain, at) = (self.site_location(site), self.is_certain(), self.state.head());
        self.log(Event::Trigger(Box::new(Trigger { place, name_place, names, unknown, certain, order: 0, at })));
        self.set_fact(Subject::Triggered(place), Fact::new(place, None));
    }
}
