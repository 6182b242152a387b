//! What holds for every input, however broken: run by the random test and by the fuzz targets.

use sidestage_compiler::compilation::{Compilation, Options, compile};
use sidestage_compiler::diagnostics::{Finding, Severity};
use sidestage_compiler::fix;
use sidestage_compiler::flow::{self, Detail};
use sidestage_compiler::graph;
use sidestage_compiler::plan;
use sidestage_compiler::report::{self, findings::Checked};
use sidestage_compiler::source::{Location, MemoryFiles, PathsFrom, ScriptMap};
use sidestage_compiler::syntax::shell;
use sidestage_compiler::syntax::yaml;

pub(crate) const CONFIG: &str = ".pipeline-config.yaml";

/// Reading YAML never panics, and every error and comment stands in the text.
pub(crate) fn yaml(text: &str) {
    let document = yaml::read(text);
    for span in document.errors().iter().map(|error| error.span).chain(document.comments().iter().copied()) {
        assert!(text.get(span.range()).is_some(), "{span:?} is not in {text:?}");
    }
}

/// Parsing shell never panics, and every error stands in the text.
pub(crate) fn shell(text: &[u8]) {
    let script = shell::parse(text, &ScriptMap::verbatim(0));
    for error in &script.errors {
        assert!(error.span.end as usize <= text.len(), "{error:?} is not in {:?}", String::from_utf8_lossy(text));
    }
}

/// A check never panics, gives the same answer twice, and every place that it speaks of is in its file; what is not
/// stopped by an error can be drawn and planned.
pub(crate) fn check(config: &[u8], scripts: &[(String, String)]) -> Compilation {
    let files = MemoryFiles::new(scripts.iter().cloned());
    let options = Options { detail: Detail::Exports, ..Options::default() };
    let compilation = compile(CONFIG, config, &files, &options);
    let stands = |at: Location| {
        let text = compilation.sources.get(at.file).text();
        assert!(text.get(at.span.range()).is_some(), "{at:?} is not in its file");
    };
    for finding in &compilation.findings {
        stands(finding.at);
        finding.related.iter().for_each(|related| stands(related.at));
        assert!(!finding.message.is_empty());
    }
    let _ = report::findings::full(
        &Checked {
            sources: &compilation.sources,
            findings: &compilation.findings,
            paths: &PathsFrom::default(),
            proof: Some(&compilation.proof),
        },
        report::Look::PLAIN,
    );
    let graph = graph::build(&compilation.model, &compilation.flow, compilation.file);
    let _ = report::graph::dot(&graph);
    let _ = plan::plan(&compilation, &options.settings);
    let again = compile(CONFIG, config, &files, &options);
    let told = |compilation: &Compilation| format!("{:?}", compilation.findings);
    assert_eq!(told(&compilation), told(&again), "the same input gave another answer");
    compilation
}

/// What makes any configuration a large one, whose stages are interpreted on all cores: at its end, so that every place
/// stays what it is.
pub(crate) fn enlarging_comment() -> String {
    let line = "# It says nothing.\n";
    line.repeat(flow::PARALLEL_FROM.div_ceil(line.len()))
}

/// What is found does not depend on the size of a configuration: a large one is interpreted on all cores.
pub(crate) fn size(config: &str, scripts: &[(String, String)]) {
    let files = MemoryFiles::new(scripts.iter().cloned());
    let compiled = |config: &str| compile(CONFIG, config, &files, &Options::default());
    let small = compiled(config);
    // What is added would stand inside of something that is never closed.
    if !config.ends_with('\n') || !small.document.errors().is_empty() {
        return;
    }
    let large = compiled(&(config.to_owned() + &enlarging_comment()));
    assert_eq!(format!("{:?}", small.findings), format!("{:?}", large.findings), "the size made a difference");
}

/// Parts a text at lines `--- path` into a configuration and its scripts.
pub(crate) fn parted(text: &str) -> (String, Vec<(String, String)>) {
    let mut parts = text.split("\n--- ");
    let config = parts.next().unwrap_or_default().to_owned();
    let scripts = parts.filter_map(|part| part.split_once('\n')).map(|(path, script)| (path.trim().to_owned(), script.to_owned()));
    (config, scripts.collect())
}

/// A fix never adds an error, and what it writes compiles.
pub(crate) fn fix(config: &str, scripts: &[(String, String)]) {
    let files = MemoryFiles::new(scripts.iter().cloned());
    let options = Options::default();
    let errors = |compilation: &Compilation| compilation.findings.iter().filter(|finding| finding.severity == Severity::Error).count();
    let compilation = compile(CONFIG, config.as_bytes(), &files, &options);
    let all = |findings: &[Finding]| findings.iter().filter(|finding| finding.fix.is_some()).cloned().collect::<Vec<_>>();
    let fixed = fix::fix(&compilation, &all, &files, &options);
    let text = fixed.texts.get(CONFIG).map_or(config, |text| text);
    let scripts = scripts.iter().map(|(path, script)| (path.clone(), fixed.texts.get(path).unwrap_or(script).clone()));
    let after = compile(CONFIG, text.as_bytes(), &MemoryFiles::new(scripts), &options);
    assert!(errors(&after) <= errors(&compilation), "more errors than before in\n{text}");
}
