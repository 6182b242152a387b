//! The compiler's whole length: bytes of a configuration in, model, flow and findings out.

use std::sync::Arc;

use crate::flow::{self, Detail, Flow, Subjected};
use crate::model::{self, Detected, Format, Model};
use crate::platform::PipelineKind;
use crate::rules::{self, Context, Finding};
use crate::schema::{self, Shape};
use crate::settings::Settings;
use crate::source::{FileId, Files, Sources, Span};
use crate::suppression::{self, Ignores};
use crate::yaml::{self, Document, YamlError};

/// What is asked for.
#[derive(Debug, Clone)]
pub struct Options {
    /// The kinds of pipeline to look at; all that the configuration serves where none is given.
    pub pipelines: Vec<PipelineKind>,
    /// How much the flow analysis keeps.
    pub detail: Detail,
    /// What the project says about itself.
    pub settings: Settings,
}

impl Default for Options {
    fn default() -> Self {
        Self { pipelines: Vec::new(), detail: Detail::Findings, settings: Settings::default() }
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
    /// The comments that hide findings.
    pub ignores: Ignores,
    /// What is wrong with it, and is not hidden.
    pub findings: Vec<Finding>,
}

/// Compiles the configuration at `path`, relative to the repository's root.
pub fn compile(path: &str, bytes: &[u8], files: &dyn Files, options: &Options) -> Compilation {
    let mut sources = Sources::default();
    let (text, encoding_error) = decode(bytes);
    let text: Arc<str> = text.into();
    let file = sources.add(files.display(path), text.clone());
    let document = match encoding_error {
        Some(error) => Document::unreadable(error),
        None => yaml::read(&text),
    };
    let detected = model::detect(&document, &text);
    let format = match detected {
        Detected::Config(format) | Detected::Unversioned(format) => format,
        Detected::Other(_) => Format::V1,
    };
    let is_config = !matches!(detected, Detected::Other(_));
    let model = if is_config { model::read(&document, &text, format) } else { Model::empty(format) };
    // Below an error the tree is not what was meant.
    let violations = match document.root().filter(|_| is_config && document.errors().is_empty()) {
        Some(root) => schema::validate(&document, &text, root, shape(format)),
        None => Vec::new(),
    };
    let kinds = if options.pipelines.is_empty() { model.pipelines() } else { options.pipelines.clone() };
    let subject = Subjected { document: &document, text: &text, file, path, model: &model };
    let flow = flow::analyse(subject, &kinds, options.detail, files, &mut sources);
    let context = Context {
        sources: &sources,
        file,
        text: &text,
        document: &document,
        detected,
        violations: &violations,
        model: &model,
        flow: &flow,
        settings: &options.settings,
    };
    let mut findings = rules::check(&context);
    // What cannot be read could use any ignore.
    let is_whole = options.pipelines.is_empty() && is_config && document.errors().is_empty() && flow.syntax_errors.is_empty();
    let in_scripts = flow.comments.iter().map(|(file, comments)| (*file, comments.as_slice()));
    let comments = std::iter::once((file, document.comments())).chain(in_scripts);
    let ignores = suppression::apply(&sources, comments, is_whole, &mut findings);
    Compilation { sources, file, path: path.to_owned(), document, detected, model, flow, ignores, findings }
}

fn shape(format: Format) -> Shape {
    match format {
        Format::V1 => Shape::ConfigV1,
        Format::V2 => Shape::ConfigV2,
    }
}

/// Bytes to text. What is not UTF-8 becomes `?`, byte for byte, so that positions stay exact.
fn decode(bytes: &[u8]) -> (String, Option<YamlError>) {
    let error = |at: usize, width: usize, message: &str, help: &str| {
        Some(YamlError { span: Span::new(at, at + width), message: message.to_owned(), help: Some(help.to_owned()) })
    };
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        let text = "?".repeat(bytes.len());
        return (text, error(0, 2, "the file is UTF-16, and the platform reads UTF-8", "save it as UTF-8"));
    }
    if let Some(at) = bytes.iter().position(|byte| *byte == 0) {
        let text = String::from_utf8_lossy(&bytes[..at]).chars().map(|c| if c.is_ascii() { c } else { '?' }).collect();
        return (text, error(at, 0, "the file is binary: it holds a NUL byte", "name a YAML file"));
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => (text.to_owned(), None),
        Err(invalid) => {
            let at = invalid.valid_up_to();
            let message = format!("the byte 0x{:02x} is not UTF-8", bytes[at]);
            let mut text = String::with_capacity(bytes.len());
            for chunk in bytes.utf8_chunks() {
                text.push_str(chunk.valid());
                text.extend(std::iter::repeat_n('?', chunk.invalid().len()));
            }
            (text, error(at, 1, &message, "save the file as UTF-8"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::decode;

    #[test]
    fn bytes_that_are_no_text_are_named_at_their_place() {
        let fault = |bytes: &[u8]| decode(bytes).1.map(|error| (error.span.start, error.message));
        assert_eq!(fault("grüße".as_bytes()), None);
        assert_eq!(fault(b"a: gr\xfc\xdfe"), Some((5, "the byte 0xfc is not UTF-8".to_owned())));
        assert_eq!(fault(b"ab\0c").map(|fault| fault.0), Some(2));
        assert_eq!(fault(&[0xff, 0xfe, b'a', 0]).map(|fault| fault.0), Some(0));
        assert_eq!(decode(b"a\xfcb").0, "a?b", "positions stay exact");
    }
}
