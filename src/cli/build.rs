//! `sidestage build`: checks, then writes what has changed of the set of files, or nothing.

use std::fs;

use camino::{Utf8Path, Utf8PathBuf};

use super::arguments::{Build, PartName, TransportName};
use super::error::CliError;
use super::levels::levels;
use super::one::{one, whole};
use super::{Exit, print, print_error, print_findings, print_line, print_note};
use crate::terminal::count;
use crate::workspace::{Changes, Configuration, Kept, OutputFolder, Refusal, absolute};
use sidestage_compiler::compilation::Options;
use sidestage_compiler::emit::tekton::Fault;
use sidestage_compiler::emit::{Emission, Emitted, Part, Target, Transport, emit};
use sidestage_compiler::plan;
use sidestage_compiler::platform::tekton::PIPELINE_OF_CLIENTS;
use sidestage_compiler::report::findings;

pub(super) fn run(arguments: &Build) -> Result<Exit, CliError> {
    let levels = levels(&arguments.levels)?;
    let for_tekton = arguments.target.contains(&PartName::Tekton);
    let options = Options { for_tekton, ..whole(&arguments.pipeline) };
    let (configuration, mut summary) = match one(arguments.file.as_deref(), &options, &arguments.settings, &levels) {
        Err(CliError::NoConfiguration { places, .. }) if arguments.allow_missing => {
            print_note(&format!("no pipeline configuration in {places}, so nothing is built"));
            return Ok(Exit::Clean);
        }
        opened => opened?,
    };
    summary.count(&configuration.compilation.findings);
    if !configuration.compilation.findings.is_empty() {
        print_findings(&configuration.checked());
    }
    if summary.errors > 0 {
        print_line(&format!("\nNothing was written: {}.", findings::tally(&summary)));
        return Ok(Exit::Findings);
    }
    let plan = plan::plan(&configuration.compilation, configuration.settings());
    let transport = match arguments.transport {
        TransportName::Webhook => Transport::Webhook,
        TransportName::Platform => Transport::Platform,
    };
    let part = |name: &PartName| match name {
        PartName::Scripts => Part::Scripts,
        PartName::Terraform => Part::Terraform,
        PartName::Tekton => Part::Tekton,
    };
    let parts = arguments.target.iter().map(part).collect();
    let of_settings = Target::of(configuration.settings());
    let cluster = arguments.cluster.over(of_settings.cluster);
    let target = Target { parts, transport, cluster, ..of_settings };
    let Emission { files, faults } = emit(&plan, &target).map_err(|error| CliError::Bug(error.to_string()))?;
    if !faults.is_empty() {
        return Ok(refused_by_cluster(&faults));
    }
    tell_large(&files);
    if plan.triggers.is_empty() && target.parts.contains(&Part::Scripts) {
        print_note("nothing in this configuration triggers an async stage, so there is no trigger script");
    }
    let out = match out_folder(arguments, &configuration) {
        None if arguments.allow_missing => {
            print_note("no folder is named to write to, so nothing is built");
            return Ok(Exit::Clean);
        }
        out => out.ok_or(CliError::NoOut)?,
    };
    let folder = OutputFolder::open(&out).map_err(|refusal| refused(&out, refusal))?;
    let called = called_below(&out, &configuration)?;
    let changes = folder.compare(&files, |path| called.iter().any(|called| called == path)).map_err(|refusal| refused(&out, refusal))?;
    for (path, reason) in &changes.kept {
        let why = match reason {
            Kept::Called => "a script calls it",
            Kept::Edited => "it was changed after it was written; delete it by hand",
        };
        print_note(&format!("{out}/{path} is not written any more, and stays: {why}"));
    }
    if arguments.check {
        return check(&out, &changes, files.len());
    }
    for path in &changes.edited {
        print_note(&format!("{out}/{path} was changed after it was written; it is written again"));
    }
    folder.carry_out(&changes).map_err(|refusal| refused(&out, refusal))?;
    if let Some(path) = &arguments.depfile {
        write_depfile(path, &configuration)?;
    }
    print(&told(&out, &changes, files.len()))?;
    Ok(Exit::Clean)
}

/// Manifests that no cluster would take: what is wrong with them, since nothing of the configuration's text is.
fn refused_by_cluster(faults: &[Fault]) -> Exit {
    for Fault { file, path, message } in faults {
        let place = if path.is_empty() { file.clone() } else { format!("{file}: {path}") };
        print_error(&format!("{place}: {message}"));
    }
    print_line("\nNothing was written: a cluster would refuse these manifests, or fail on them.");
    Exit::Findings
}

/// What kubectl keeps beside an object must fit.
fn tell_large(files: &[Emitted]) {
    for file in files.iter().filter(|file| file.path.starts_with("pipelines/") && file.text.len() > PIPELINE_OF_CLIENTS) {
        let size = file.text.len() / 1000;
        print_note(&format!("{} has {size} KB: type `kubectl apply --server-side -k DIR`, since `kubectl apply` takes 256 KB", file.path));
    }
}

/// The folder that is asked for, else that of the settings.
fn out_folder(arguments: &Build, configuration: &Configuration) -> Option<Utf8PathBuf> {
    let of_settings = || configuration.settings().out.as_ref().map(|out| configuration.folder.paths.show(out).into());
    arguments.out.clone().or_else(of_settings)
}

/// The files below the folder that scripts call.
fn called_below(out: &Utf8Path, configuration: &Configuration) -> Result<Vec<String>, CliError> {
    let out = absolute(out).map_err(|error| CliError::Write { path: out.to_owned(), what: "found", reason: error.to_string() })?;
    let repository = &configuration.folder.repository;
    let called = configuration.compilation.flow.emitted.iter().map(|path| repository.absolute(path));
    Ok(called.filter_map(|path| path.strip_prefix(&out).ok().map(|path| path.as_str().to_owned())).collect())
}

fn refused(out: &Utf8Path, refusal: Refusal) -> CliError {
    let path = out.to_owned();
    match refusal {
        Refusal::NotAFolder => CliError::NotAFolder { path },
        Refusal::Foreign => CliError::ForeignFolder { path },
        Refusal::ForeignFile(path) => CliError::ForeignFile { path },
        Refusal::Failed(path, what, error) => CliError::Write { path, what, reason: error.to_string() },
    }
}

/// What was done, file by file.
fn told(out: &Utf8Path, changes: &Changes<'_>, all: usize) -> String {
    if changes.is_empty() {
        return format!("All {} in {out} are up to date.\n", count(all, "file"));
    }
    let written = changes.written.len();
    let others = if written == all { String::new() } else { format!(", {} up to date", all - written) };
    let mut text = format!("Wrote {} to {out}{others}{}\n", count(written, "file"), if written == 0 { "." } else { ":" });
    for (file, _) in &changes.written {
        text.push_str(&format!("  {}\n", file.path));
    }
    for path in &changes.removed {
        text.push_str(&format!("  {path} (removed)\n"));
    }
    text
}

/// `--check`: nothing is written; the difference, and whether there is one.
fn check(out: &Utf8Path, changes: &Changes<'_>, all: usize) -> Result<Exit, CliError> {
    if changes.is_empty() {
        print(&told(out, changes, all))?;
        return Ok(Exit::Clean);
    }
    let mut text = String::new();
    for (file, before) in &changes.written {
        match before {
            Some(before) => text.push_str(&findings::diff(out.join(&file.path).as_str(), before, &file.text)),
            None => text.push_str(&format!("missing: {}\n", out.join(&file.path))),
        }
    }
    for path in &changes.removed {
        text.push_str(&format!("not written any more: {}\n", out.join(path)));
    }
    for path in changes.other_modes() {
        text.push_str(&format!("cannot be run, or can be and should not: {}\n", out.join(path)));
    }
    print(&text)?;
    print_line(&format!("error: {out} is not what `sidestage build` would write\n  Type the same without --check."));
    Ok(Exit::Findings)
}

/// What the files were made from, for make: the depfile is its own target, and each of its sources one without a recipe, so
/// that one that is gone does not stop make.
fn write_depfile(path: &Utf8Path, configuration: &Configuration) -> Result<(), CliError> {
    let show = |path: &str| escaped(&configuration.folder.paths.show(path));
    let sources = configuration.compilation.sources.iter().map(|source| show(source.path()));
    let mut sources: Vec<String> = sources.chain(configuration.folder.settings_file.iter().map(|path| escaped(path))).collect();
    sources.sort();
    sources.dedup();
    let rules: String = sources.iter().map(|source| format!("\n{source}:\n")).collect();
    let text = format!("{}: {}\n{rules}", escaped(path.as_str()), sources.join(" "));
    fs::write(path, text).map_err(|error| CliError::Write { path: path.to_owned(), what: "written", reason: error.to_string() })
}

/// A path as make reads it.
fn escaped(path: &str) -> String {
    path.replace('\\', "\\\\").replace('$', "$$").replace(' ', "\\ ").replace('#', "\\#").replace(':', "\\:")
}
