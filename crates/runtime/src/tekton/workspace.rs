//! What a run keeps in its workspace beside the repositories: `.sidestage/`.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sidestage_compiler::plan::PlannedStage;

use super::askpass::ASKPASS;
use crate::failure::{Failure, FailureKind};
use crate::tools;

/// The folder of the run's own things, in the workspace.
pub(super) const OWN: &str = ".sidestage";

/// The run's own things.
#[derive(Debug)]
pub(super) struct Workspace {
    root: PathBuf,
}

/// What later steps of the run must know.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct RunFacts {
    /// The folder of the configuration's repository, in the workspace.
    pub(super) repository: String,
    /// The configuration, relative to it.
    pub(super) config: String,
}

impl Workspace {
    pub(super) fn new(root: &Path) -> Self {
        Self { root: root.to_owned() }
    }

    fn own(&self, name: &str) -> PathBuf {
        self.root.join(OWN).join(name)
    }

    /// What scripts find at `$ONE_PIPELINE_PATH`.
    pub(super) fn one_pipeline(&self) -> PathBuf {
        self.own("one-pipeline")
    }

    /// The commands of the run.
    pub(super) fn bin(&self) -> PathBuf {
        self.one_pipeline().join("bin")
    }

    /// What scripts find at `$COMMONS_PATH`: nothing, unless an overlay puts it there.
    pub(super) fn commons(&self) -> PathBuf {
        self.one_pipeline().join("commons")
    }

    /// The payload of an async run.
    pub(super) fn payload(&self) -> PathBuf {
        self.own("payload.json")
    }

    /// The script of a stage: `STAGE`, or `TASK.STEP`.
    pub(super) fn script(&self, place: &str) -> PathBuf {
        self.own("stages").join(place)
    }

    /// Copies this program and the tools, for images that have neither.
    pub(super) fn install(&self, say: &mut dyn FnMut(&str)) -> Result<(), Failure> {
        self.put_tools().map_err(|error| unwritable("the tools of the run", &error))?;
        if fs::read(self.bin().join("sidestage")).is_ok_and(|program| needs_loader(&program)) {
            say("note: this sidestage is no static program: stages whose images lack its loader and libraries cannot begin.");
        }
        Ok(())
    }

    fn put_tools(&self) -> io::Result<()> {
        // What an earlier try has left.
        match fs::remove_dir_all(self.root.join(OWN)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let program = self.bin().join("sidestage");
        fs::create_dir_all(self.bin())?;
        fs::create_dir_all(self.commons())?;
        fs::copy(std::env::current_exe()?, &program)?;
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755))?;
        tools::link_commands(&self.bin(), &program)?;
        std::os::unix::fs::symlink(&program, self.bin().join(ASKPASS))?;
        tools::write_tools(&self.one_pipeline())
    }

    /// Keeps the scripts of these stages.
    pub(super) fn unpack<'s>(&self, stages: impl Iterator<Item = &'s PlannedStage>) -> Result<(), Failure> {
        for (stage, script) in stages.filter_map(|stage| Some((stage, stage.script.as_ref()?))) {
            let path = self.script(&stage.id.replace('/', "."));
            self.put(&path, script.as_bytes(), 0o755).map_err(|error| unwritable(&format!("the script of {}", stage.id), &error))?;
        }
        Ok(())
    }

    pub(super) fn keep_payload(&self, payload: &str) -> Result<(), Failure> {
        self.put(&self.payload(), payload.as_bytes(), 0o600).map_err(|error| unwritable("the payload", &error))
    }

    pub(super) fn keep(&self, facts: &RunFacts) -> Result<(), Failure> {
        let text = serde_json::to_string_pretty(facts).unwrap_or_else(|_| unreachable!("texts are JSON"));
        self.put(&self.own("run.json"), text.as_bytes(), 0o644).map_err(|error| unwritable("what later steps need", &error))
    }

    pub(super) fn facts(&self) -> Result<RunFacts, Failure> {
        let path = self.own("run.json");
        let read = fs::read_to_string(&path).ok().and_then(|text| serde_json::from_str(&text).ok());
        read.ok_or_else(|| {
            Failure::new(FailureKind::Setting, format!("{} is not there, or cannot be read", path.display()))
                .reason("The first step of a run writes it: `sidestage tekton start` or `receive`.")
                .help("Look at the log of that step.")
        })
    }

    fn put(&self, path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
        fs::create_dir_all(path.parent().unwrap_or(&self.root))?;
        fs::write(path, bytes)?;
        fs::set_permissions(path, fs::Permissions::from_mode(mode))
    }
}

/// Whether an ELF file of 64 bits names a loader: a program header of type 3.
fn needs_loader(file: &[u8]) -> bool {
    let number = |at: usize, size: usize| {
        let bytes = file.get(at..at + size).unwrap_or_default();
        bytes.iter().rev().fold(0_usize, |number, byte| number << 8 | usize::from(*byte))
    };
    let (table, size, count) = (number(32, 8), number(54, 2), number(56, 2));
    file.starts_with(b"\x7fELF") && (0..count).any(|header| number(table.saturating_add(header * size), 4) == 3)
}

pub(super) fn unwritable(what: &str, error: &io::Error) -> Failure {
    Failure::new(FailureKind::Setting, format!("{what} cannot be written: {error}"))
        .reason("All steps of a run share the workspace, and must be able to write it.")
        .help("Run all of them as one user: `podTemplate: {securityContext: {runAsUser: 0}}` in the run.")
}
