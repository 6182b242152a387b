//! The compiler's whole length: bytes of a configuration in, model, flow and findings out.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};

use compact_str::CompactString;

use crate::config::schema::{self, SchemaKind};
use crate::config::settings::{self, Settings};
use crate::config::{self, Detected, Format, Model};
use crate::diagnostics::Finding;
use crate::filter::suppression::{self, Ignores};
use crate::flow::{self, Detail, Flow, Subjected};
use crate::platform::PipelineKind;
use crate::proof::Proof;
use crate::rules::{self, Context};
use crate::source::{FileId, Files, Sources};
use crate::syntax::yaml::{self, Document};

/// What is asked for.
#[derive(Debug, Clone)]
pub struct Options {
    /// The kinds of pipeline to look at; all that the configuration serves where none is given.
    pub pipelines: Vec<PipelineKind>,
    /// How much the flow analysis keeps.
    pub detail: Detail,
    /// What the project says about itself.
    pub settings: Settings,
    /// Whether the pipelines are to run on a cluster with Tekton; where the settings speak of it, they are in any case.
    pub for_tekton: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { pipelines: Vec::new(), detail: Detail::Findings, settings: Settings::default(), for_tekton: false }
    }
}

/// A configuration, compiled.
#[derive(Debug)]
pub struct Compilation {
    /// All files that were read.
    pub sources: Sources,
    /// The configuration.
    pub file: FileId,
    /// Its path from the repository's root.
    pub path: String,
    /// Its tree.
    pub document: Document,
    /// What it is.
    pub detected: Detected,
    /// Its stages; none where it is no configuration.
    pub model: Model,
    /// What its scripts do.
    pub flow: Flow,
    /// How much of what crosses is known.
    pub proof: Proof,
    /// The comments that hide findings.
    pub ignores: Ignores,
    /// What is wrong with it, and is not hidden.
    pub findings: Vec<Finding>,
}

impl Compilation {
    /// Lets go of what only a graph, a plan or a fix asks for: the tree, the model, and what each stage does. Of many
    /// configurations that is most of the memory.
    pub fn keep_findings(&mut self) {
        self.document = Document::default();
        self.model = Model::empty(self.model.format);
        self.flow.forget_stages();
    }
}

/// Compiles the configuration at `path`, relative to the repository's root. Bytes that are given away become the text:
/// a large file is held once.
pub fn compile(path: &str, bytes: impl Into<Vec<u8>>, files: &dyn Files, options: &Options) -> Compilation {
    let mut sources = Sources::default();
    let (text, document) = yaml::read_bytes(bytes.into());
    let text = Arc::new(text);
    let file = sources.add(path.to_owned(), text.clone());
    let detected = config::detect(&document, &text);
    let format = match detected {
        Detected::Config(format) | Detected::Unversioned(format) => format,
        Detected::Other(_) => Format::V1,
    };
    let is_config = !matches!(detected, Detected::Other(_));
    let model = if is_config { config::read(&document, &text, format) } else { Model::empty(format) };
    // Below an error the tree is not what was meant.
    let violations = match document.root().filter(|_| is_config && document.errors().is_empty()) {
        Some(root) => schema::validate(&document, &text, root, schema_kind(format)),
        None => Vec::new(),
    };
    let kinds = if options.pipelines.is_empty() { model.pipelines() } else { options.pipelines.clone() };
    let subject = Subjected { document: &document, text: &text, file, path, model: &model, settings: &options.settings };
    let flow = flow::analyse(subject, &kinds, options.detail, files, &mut sources);
    let others = others(path, &flow, files);
    let context = Context {
        sources: &sources,
        file,
        path,
        text: &text,
        document: &document,
        detected,
        violations: &violations,
        model: &model,
        flow: &flow,
        others: &others,
        settings: &options.settings,
        for_tekton: options.for_tekton || options.settings.tekton.is_some(),
        trigger_sites: OnceLock::new(),
    };
    let mut findings = rules::check(&context);
    // What cannot be read could use any ignore.
    let is_whole = options.pipelines.is_empty() && is_config && document.errors().is_empty() && flow.syntax_errors.is_empty();
    let in_scripts = flow.comments.iter().map(|(file, comments)| (*file, comments.as_slice()));
    let comments = std::iter::once((file, document.comments())).chain(in_scripts);
    let commands = |id: FileId| {
        if id == file { suppression::of_config(&document, &text, &model) } else { suppression::of_script(sources.get(id).text()) }
    };
    let ignores = suppression::apply(&sources, comments, &commands, is_whole, &mut findings);
    let proof = Proof::of(&model, &flow, &options.settings);
    Compilation { sources, file, path: path.to_owned(), document, detected, model, flow, proof, ignores, findings }
}

/// The configurations of the repository that runs choose instead of this one.
fn others(path: &str, flow: &Flow, files: &dyn Files) -> BTreeMap<CompactString, Model> {
    let chosen: BTreeSet<&CompactString> = flow.elsewhere.iter().filter_map(|elsewhere| elsewhere.configuration.as_ref()).collect();
    let read = |chosen: &CompactString| {
        let (text, document) = yaml::read_bytes(files.read(chosen).ok()?);
        let Detected::Config(format) = config::detect(&document, &text) else { return None };
        document.errors().is_empty().then(|| config::read(&document, &text, format))
    };
    chosen.into_iter().filter(|chosen| *chosen != path).filter_map(|chosen| Some((chosen.clone(), read(chosen)?))).collect()
}

/// A settings file, read and checked.
#[derive(Debug)]
pub struct SettingsFile {
    /// The file alone.
    pub sources: Sources,
    /// What it says, as far as it was understood.
    pub settings: Settings,
    /// What is wrong with it.
    pub findings: Vec<Finding>,
}

/// Reads the settings file at `path`, relative to the repository's root.
pub fn compile_settings(path: &str, bytes: impl Into<Vec<u8>>, files: &dyn Files) -> SettingsFile {
    let mut sources = Sources::default();
    let (text, document) = yaml::read_bytes(bytes.into());
    let text = Arc::new(text);
    let file = sources.add(path.to_owned(), text.clone());
    let (settings, violations) = settings::read(&document, &text, path, files);
    let mut findings = rules::settings_file::check(&sources, file, &document, &violations);
    let is_whole = document.errors().is_empty();
    suppression::apply(&sources, std::iter::once((file, document.comments())), &|_| Vec::new(), is_whole, &mut findings);
    SettingsFile { sources, settings, findings }
}

fn schema_kind(format: Format) -> SchemaKind {
    match format {
        Format::V1 => SchemaKind::ConfigV1,
        Format::V2 => SchemaKind::ConfigV2,
    }
}
