//! Why a command could not do its work: what, and what to do about it.

use camino::Utf8PathBuf;
use miette::{Diagnostic, NamedSource, SourceSpan};
use thiserror::Error;

use crate::workspace::Unreadable;

/// An error of the program. Each ends it with exit code 2.
#[derive(Debug, Error, Diagnostic)]
pub(super) enum CliError {
    #[error("{0}")]
    #[diagnostic(code(sidestage::read))]
    Read(#[from] Unreadable),

    #[error("`{path}` cannot be {what}: {reason}; nothing was changed")]
    #[diagnostic(code(sidestage::write))]
    Write { path: Utf8PathBuf, what: &'static str, reason: String },

    #[error("standard output cannot be written: {0}")]
    #[diagnostic(code(sidestage::output))]
    Output(#[from] std::io::Error),

    #[error("`{path}` could not be read completely")]
    #[diagnostic(code(sidestage::incomplete))]
    Incomplete { path: Utf8PathBuf },

    #[error("no pipeline configuration in {places}: {looked_at}, and none has `version: '1'` with stages or `version: '2'` with tasks")]
    #[diagnostic(
        code(sidestage::no_configuration),
        help("files that .gitignore names were left out; name a file to see why it is not one")
    )]
    NoConfiguration { places: String, looked_at: String },

    #[error("`{path}` contains several pipeline configurations")]
    #[diagnostic(code(sidestage::several_configurations), help("name one of {names}"))]
    SeveralConfigurations { path: Utf8PathBuf, names: String },

    #[error("unknown {kind} `{name}`")]
    #[diagnostic(code(sidestage::unknown_name))]
    UnknownName {
        kind: &'static str,
        name: String,
        #[help]
        hint: String,
    },

    #[error("the baseline `{path}` cannot be {what}: {reason}")]
    #[diagnostic(code(sidestage::baseline))]
    Baseline {
        path: Utf8PathBuf,
        what: &'static str,
        reason: String,
        #[help]
        help: Option<String>,
    },

    #[error(transparent)]
    #[diagnostic(transparent)]
    InvalidFile(Box<InvalidFile>),

    #[error("`{path}` is not a folder")]
    #[diagnostic(code(sidestage::not_a_folder), help("name another one"))]
    NotAFolder { path: Utf8PathBuf },

    #[error("`{path}` is there already; nothing was changed")]
    #[diagnostic(code(sidestage::exists), help("see what would be written with `sidestage init --stdout`"))]
    Exists { path: Utf8PathBuf },

    #[error("there is no folder to write to")]
    #[diagnostic(code(sidestage::no_out), help("name one with `--out DIR`, or with `out: DIR` in `.sidestage.yaml`"))]
    NoOut,

    #[error("`{path}` is there, and `sidestage build` did not write it; nothing was changed")]
    #[diagnostic(code(sidestage::foreign_file), help("move it away, or name another folder with `--out`"))]
    ForeignFile { path: Utf8PathBuf },

    #[error("`{path}` contains files that `sidestage build` did not write")]
    #[diagnostic(code(sidestage::foreign_folder), help("name an empty or new folder with `--out`"))]
    ForeignFolder { path: Utf8PathBuf },

    #[error("standard input cannot be fixed")]
    #[diagnostic(code(sidestage::stdin_fix), help("name the file, or use `--diff`"))]
    StdinFix,

    #[error("cannot tell the format of a graph from the name `{path}`")]
    #[diagnostic(code(sidestage::unknown_suffix), help("use .svg, .html, .mmd, .dot or .json, or name it with `--format`"))]
    UnknownSuffix { path: Utf8PathBuf },

    #[error("`--statistics` has no form for `--format {format}`")]
    #[diagnostic(code(sidestage::statistics), help("leave out `--format`, or use `--format json`"))]
    Statistics { format: String },

    #[error("{0}")]
    #[diagnostic(code(sidestage::graph), help("draw one pipeline with `--pipeline`, or use `--format svg` or `html`"))]
    Graph(#[from] sidestage_compiler::report::graph::TooLarge),

    #[cfg(feature = "http")]
    #[error("{0}")]
    #[diagnostic(code(sidestage::serve))]
    Serve(String),

    #[cfg(feature = "http")]
    #[error("{0}")]
    #[diagnostic(code(sidestage::run))]
    Run(String),

    #[cfg(feature = "http")]
    #[error("`{path}` has nothing for {wanted}")]
    #[diagnostic(code(sidestage::nothing_runs), help("pipelines that it serves: {served}; choose one with `--pipeline`"))]
    NothingRuns { path: String, wanted: String, served: String },

    #[cfg(feature = "http")]
    #[error("running the scripts of {root} on this machine was not confirmed; nothing was run")]
    #[diagnostic(
        code(sidestage::not_confirmed),
        help("what would run: {stages}; add `--yes`, leave stages out with `--skip`, or use `--containers`")
    )]
    NotConfirmed { root: String, stages: String },

    #[cfg(feature = "http")]
    #[error("`{text}` is not what is expected")]
    #[diagnostic(code(sidestage::value), help("write {expected}"))]
    Value { text: String, expected: String },

    #[cfg(feature = "http")]
    #[error("there is no value for the secret `{name}`")]
    #[diagnostic(
        code(sidestage::no_secret),
        help("put it into the environment variable {variable}, or run this on a terminal, which asks for it")
    )]
    NoSecret { name: String, variable: String },

    #[cfg(feature = "http")]
    #[error("there is no run `{start}`")]
    #[diagnostic(code(sidestage::no_run), help("`sidestage runs` lists the runs of this repository"))]
    NoRun { start: String },

    #[cfg(feature = "http")]
    #[error("several runs begin with `{start}`")]
    #[diagnostic(code(sidestage::several_runs), help("they are {ids}"))]
    SeveralRuns { start: String, ids: String },

    #[cfg(feature = "http")]
    #[error("it is not known where runs can be kept: neither XDG_STATE_HOME nor HOME is set")]
    #[diagnostic(code(sidestage::no_state), help("name a folder with `--state DIR`"))]
    NoStateFolder,

    #[cfg(feature = "http")]
    #[error("the folder of the runs, {}, cannot be written: {reason}", folder.display())]
    #[diagnostic(code(sidestage::state), help("name another one with `--state DIR`"))]
    State { folder: std::path::PathBuf, reason: String },

    #[cfg(feature = "http")]
    #[error("there is no container engine on the PATH")]
    #[diagnostic(
        code(sidestage::no_containers),
        help("install podman or docker, name one with `--containers=ENGINE`, or leave the option out")
    )]
    NoContainers,

    #[cfg(not(feature = "http"))]
    #[error("this build of sidestage has no HTTP: install it with its default features")]
    #[diagnostic(code(sidestage::no_http), help("type `cargo install --path .`"))]
    NoHttp,

    #[error("this is a bug in sidestage: {0}")]
    #[diagnostic(code(sidestage::bug), help("report it with the file that causes it"))]
    Bug(String),
}

/// A file of ours that is not what it should be.
#[derive(Debug, Error, Diagnostic)]
#[error("`{path}` is not a {kind}: {reason}")]
#[diagnostic(code(sidestage::invalid_file))]
pub(super) struct InvalidFile {
    pub(super) path: Utf8PathBuf,
    pub(super) kind: &'static str,
    pub(super) reason: String,
    #[source_code]
    pub(super) text: NamedSource<String>,
    #[label("here")]
    pub(super) place: Option<SourceSpan>,
    #[help]
    pub(super) help: String,
}

impl From<InvalidFile> for CliError {
    fn from(file: InvalidFile) -> Self {
        Self::InvalidFile(Box::new(file))
    }
}

impl From<serde_json::Error> for CliError {
    fn from(error: serde_json::Error) -> Self {
        Self::Bug(format!("the answer cannot be written as JSON: {error}"))
    }
}

/// The place of a JSON error; nothing where the error has none.
pub(super) fn json_place(text: &str, error: &serde_json::Error) -> Option<SourceSpan> {
    let line = text.split_inclusive('\n').nth(error.line().checked_sub(1)?)?;
    let before: usize = text.split_inclusive('\n').take(error.line() - 1).map(str::len).sum();
    let column = error.column().saturating_sub(1).min(line.trim_end().len().saturating_sub(1));
    let at = before + (0..=column).rev().find(|at| line.is_char_boundary(*at)).unwrap_or_default();
    let width = text.get(at..).and_then(|rest| rest.chars().next()).map_or(0, char::len_utf8);
    Some((at, width).into())
}

#[cfg(test)]
#[allow(clippy::expect_used)] // a test that panics has failed, as it should
mod tests {
    use super::json_place;

    #[test]
    fn the_place_of_a_json_error_is_the_character_that_it_names() {
        for (text, expected) in [("{\"a\": x}", Some("x")), ("{\n  \"a\": 1,\n  ä\n}", Some("ä")), ("[1, 2", Some("2")), ("", None)] {
            let error = serde_json::from_str::<serde_json::Value>(text).expect_err("none of them is JSON");
            let marked = json_place(text, &error).and_then(|place| text.get(place.offset()..place.offset() + place.len()));
            assert_eq!(marked, expected, "{text}: {error}");
        }
    }
}
