//! What the service hands its runs to, where something executes them.

use std::path::PathBuf;

use secrecy::SecretString;

/// A run that was accepted, with all that it is started with.
pub(crate) struct Order {
    /// The id of the run.
    pub(crate) id: String,
    /// The name of its trigger.
    pub(crate) trigger: String,
    /// The body of the webhook's call, or what a call of the API stands for.
    pub(crate) event: String,
    /// Properties of pipeline, trigger and call, in the clear.
    pub(crate) properties: Vec<(String, String)>,
    /// Secure ones.
    pub(crate) secrets: Vec<(String, SecretString)>,
    /// The run that it repeats.
    pub(crate) repeats: Option<String>,
}

/// The log of a stage.
pub(crate) struct Log {
    /// The stage.
    pub(crate) name: String,
    /// Where it is.
    pub(crate) path: PathBuf,
}

/// Executes runs.
pub(crate) trait Executor: Send + Sync {
    /// Takes a run over. When this returns, it is on disk, and will neither be lost nor run twice.
    ///
    /// # Errors
    /// Why it cannot be executed.
    fn accept(&self, order: Order) -> Result<(), String>;

    /// Ends a run, at once where it is forced.
    fn cancel(&self, run: &str, is_forced: bool);

    /// Whether it ends: what waits then stays for the next one.
    fn is_ending(&self) -> bool;

    /// The logs of a run, in the order of its stages.
    fn logs(&self, run: &str) -> Vec<Log>;
}
