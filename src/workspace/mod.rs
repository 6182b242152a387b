//! Paths to compilations: which configurations there are, the repository that each belongs to, the settings that hold
//! for it, compiled on all cores. Knows nothing of the command line, and prints nothing.

mod discover;
mod open;
mod output_folder;
mod reach;
mod repository;
mod settings;

use camino::{Utf8Path, Utf8PathBuf};
use sidestage_compiler::compilation::{Compilation, Options, compile};
use sidestage_compiler::flow;
use sidestage_compiler::source::Files;

pub(crate) use open::{Configuration, PARALLEL_FROM, Workspace, absolute, open, surrounding};
pub(crate) use output_folder::{Changes, Kept, OutputFolder, Refusal};
pub(crate) use repository::{Repository, read_file, working_folder};

/// The analysis follows scripts on the stack, and scripts may be nested deeply: each thread that compiles gets this much.
pub(crate) const STACK: usize = 256 << 20;

/// Compiles a configuration, on all cores where it is large.
pub(crate) fn compiled(path: &str, bytes: Vec<u8>, files: &dyn Files, options: &Options) -> Compilation {
    if bytes.len() >= flow::PARALLEL_FROM {
        start_threads();
    }
    compile(path, bytes, files, options)
}

/// Starts the threads that compile on all cores, each with the stack for it.
fn start_threads() {
    // Where a pool is there already, that one serves.
    let _ = rayon::ThreadPoolBuilder::new().stack_size(STACK).build_global();
}

/// What is to be opened.
pub(crate) struct Request<'a> {
    /// Configurations as they are, folders by what they hold, scripts by the configurations that reach them; `-` is
    /// standard input.
    pub(crate) paths: &'a [Utf8PathBuf],
    /// The path that standard input stands for.
    pub(crate) stdin_filename: &'a Utf8Path,
    /// Which settings hold.
    pub(crate) settings: &'a SettingsSource,
    /// What is asked of the compiler.
    pub(crate) options: &'a Options,
    /// Whether a file may be named that has nothing to do with a pipeline.
    pub(crate) allow_missing: bool,
    /// What is asked of a compilation that is done.
    pub(crate) needs: Needs,
}

/// What is asked of compilations that are done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Needs {
    /// What is found, and how much was read: of many configurations the rest is let go of.
    Findings,
    /// All of them.
    #[default]
    Everything,
}

/// Where settings come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum SettingsSource {
    /// The nearest `.sidestage.yaml` upward of each configuration.
    Nearest,
    /// One file for all.
    File(Utf8PathBuf),
    /// None hold.
    Nothing,
}

/// Something that is to be said beside the findings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Remark {
    /// Worth knowing.
    Note(String),
    /// Something could not be read: the result is not whole.
    Failure(String),
}

impl Remark {
    fn note(text: String) -> Self {
        Self::Note(text)
    }
}

/// A file that could not be read.
#[derive(Debug)]
pub(crate) struct Unreadable {
    pub(crate) path: Utf8PathBuf,
    pub(crate) reason: String,
}

impl std::fmt::Display for Unreadable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "`{}` cannot be read: {}", self.path, self.reason)
    }
}

impl std::error::Error for Unreadable {}
