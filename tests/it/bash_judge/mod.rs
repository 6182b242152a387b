//! Bash is the judge: small repositories are made from a grammar, run with real bash in every environment that their
//! conditions ask for, and compared with what the analysis says of them.
//!
//! `SIDESTAGE_JUDGE_SCRIPTS=100000` makes more, `SIDESTAGE_JUDGE_SEED` begins elsewhere. A disagreement is made small and
//! printed with the seed that repeats it. `SIDESTAGE_JUDGE_REPORT=FILE` goes on after the first one and writes all that
//! are different into a file, by kind; `SIDESTAGE_JUDGE_KINDS='no, but it is;run not record'` asks for some kinds only.

mod analysis;
mod grammar;
mod judge;
mod machine;
mod run;
mod shrink;
mod tree;
mod words;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use self::analysis::{Analysis, analyse};
use self::judge::{Disagreement, judge};
use self::run::{Bash, Outcome};
use self::tree::Repository;

/// How many repositories are made, unless more are asked for.
const SCRIPTS: u64 = 2_000;
/// After how many seconds a repository is left out: none of those that are made takes a tenth of it.
const LIMIT: u32 = 10;
/// The analysis recurses as deep as scripts are nested.
const STACK: usize = 64 << 20;
/// After how many repositories a report is written again.
const REPORTED: u64 = 1_000;
/// Failures of one kind that a report shows.
const OF_A_KIND: usize = 12;

/// A disagreement, made small.
struct Failure {
    seed: u64,
    repository: Repository,
    disagreement: Disagreement,
}

/// What was seen, for a report.
#[derive(Default)]
struct Record {
    failures: Vec<Failure>,
    /// How often each kind was met, before anything was made small.
    met: BTreeMap<&'static str, u64>,
    /// Repositories that bash cannot read or does not end, and why.
    unfit: BTreeMap<u64, String>,
    /// What is not followed, and in how many stages.
    opaque: BTreeMap<String, u64>,
}

#[test]
fn bash_agrees() {
    let number = |name: &str, default: u64| std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default);
    let (scripts, seed) = (number("SIDESTAGE_JUDGE_SCRIPTS", SCRIPTS), number("SIDESTAGE_JUDGE_SEED", 1));
    let report = std::env::var("SIDESTAGE_JUDGE_REPORT").ok();
    let kinds = std::env::var("SIDESTAGE_JUDGE_KINDS").ok();
    let is_asked = |kind: &str| kinds.as_ref().is_none_or(|kinds| kinds.split(';').any(|asked| asked == kind));
    let (next, record, bash) = (AtomicU64::new(seed), Mutex::new(Record::default()), Bash::within(LIMIT));
    let work = || {
        loop {
            let seed_of_this = next.fetch_add(1, Ordering::Relaxed);
            let is_enough = report.is_none() && !record.lock().unwrap().failures.is_empty();
            if seed_of_this >= seed + scripts || is_enough {
                return;
            }
            look(seed_of_this, &bash, &record, &is_asked);
            // A long run that is stopped has told what it saw.
            let looked_at = seed_of_this - seed + 1;
            if let Some(path) = report.as_ref().filter(|_| looked_at.is_multiple_of(REPORTED)) {
                let told = told(&mut record.lock().unwrap(), &bash, looked_at);
                fs::write(path, told).unwrap();
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(2, usize::from) {
            std::thread::Builder::new().stack_size(STACK).spawn_scoped(scope, work).unwrap();
        }
    });
    let mut record = record.into_inner().unwrap();
    let told = told(&mut record, &bash, scripts);
    if let Some(path) = report {
        fs::write(path, told).unwrap();
    }
    assert!(record.unfit.len() as u64 * 100 <= scripts, "of {scripts} repositories these are not valid, or do not end: {:?}", record.unfit);
    if let Some(failure) = record.failures.first() {
        panic!("{} of {scripts} disagree, the smallest of the first kind is\n{}", record.failures.len(), describe(failure, &bash));
    }
}

/// What bash and the analysis say of a repository; an error where bash cannot read it or does not end.
fn compare(repository: &Repository, bash: &Bash) -> Result<(Vec<Outcome>, Analysis, Vec<Disagreement>), String> {
    let outcomes = bash.run(repository).ok_or("does not end")?;
    let is_broken = |line: &&str| line.contains("syntax error") || line.contains("unexpected EOF");
    if let Some(line) = outcomes.iter().find_map(|outcome| outcome.errors.lines().find(is_broken)) {
        return Err(line.to_owned());
    }
    let Ok(analysis) = catch_unwind(AssertUnwindSafe(|| analyse(repository))) else {
        return Ok((outcomes, Analysis::default(), vec![Disagreement { kind: "panic", detail: "the analysis panics".to_owned() }]));
    };
    let disagreements = judge(repository, &outcomes, &analysis);
    Ok((outcomes, analysis, disagreements))
}

fn look(seed: u64, bash: &Bash, record: &Mutex<Record>, is_asked: &dyn Fn(&str) -> bool) {
    let repository = grammar::repository(seed);
    let (outcomes, analysis, disagreements) = match compare(&repository, bash) {
        Ok(compared) => compared,
        Err(why) => {
            record.lock().unwrap().unfit.insert(seed, why);
            return;
        }
    };
    let kinds: BTreeSet<&'static str> = disagreements.iter().map(|disagreement| disagreement.kind).filter(|kind| is_asked(kind)).collect();
    {
        let mut record = record.lock().unwrap();
        for reason in analysis.opaque.values().flatten() {
            let reason = reason.replace(|character: char| character.is_ascii_digit(), "");
            *record.opaque.entry(reason).or_default() += 1;
        }
        for kind in &kinds {
            *record.met.entry(kind).or_default() += 1;
        }
    }
    let (usual, unbound) = (complaints(&outcomes), never_bound(&repository));
    for kind in kinds {
        let is_known = {
            let record = record.lock().unwrap();
            record.failures.iter().filter(|failure| failure.disagreement.kind == kind).count() >= OF_A_KIND
        };
        if is_known {
            continue;
        }
        // A part that is left out must not make bash complain of more than it did.
        let disagreement = |smaller: &Repository| {
            let (outcomes, _, disagreements) = compare(smaller, bash).ok()?;
            let found = disagreements.into_iter().find(|disagreement| disagreement.kind == kind)?;
            let is_like_it = complaints(&outcomes).is_subset(&usual) && never_bound(smaller).is_subset(&unbound);
            is_like_it.then_some(found)
        };
        let smallest = shrink::shrink(repository.clone(), &|smaller| disagreement(smaller).is_some());
        let Some(disagreement) = disagreement(&smallest) else { continue };
        let failure = Failure { seed, repository: smallest, disagreement };
        let mut record = record.lock().unwrap();
        if !record.failures.iter().any(|known| known.disagreement.kind == kind && is_same(&known.repository, &failure.repository)) {
            record.failures.push(failure);
        }
    }
}

/// What bash says about scripts that do not do what they were made for.
fn complaints(outcomes: &[Outcome]) -> BTreeSet<&'static str> {
    const COMPLAINTS: [&str; 8] = [
        "can only be used in a function",
        "can only `return'",
        "only meaningful in a",
        "command not found",
        "No such file",
        "not a valid identifier",
        "unbound variable",
        "invalid",
    ];
    COMPLAINTS.into_iter().filter(|complaint| outcomes.iter().any(|outcome| outcome.errors.contains(complaint))).collect()
}

/// Variables of scripts that are only ever expanded: the environment could bring them, and no run has it so.
fn never_bound(repository: &Repository) -> BTreeSet<String> {
    let text = repository.text();
    let (mut expanded, mut bound) = (BTreeSet::new(), BTreeSet::new());
    for (at, _) in text.match_indices('v') {
        let digits = text[at + 1..].bytes().take_while(u8::is_ascii_digit).count();
        let name = text[at..=at + digits].to_owned();
        if text[..at].ends_with(['$', '{', '!']) {
            expanded.insert(name)
        } else {
            bound.insert(name)
        };
    }
    expanded.difference(&bound).cloned().collect()
}

/// Whether two repositories differ in numbers of names, keys and stages only.
fn is_same(left: &Repository, right: &Repository) -> bool {
    let bare = |repository: &Repository| {
        let text = repository.text().replace(|character: char| character.is_ascii_digit(), "");
        let words = text.replace("dynamic-scan", "deploy").replace("setup", "deploy");
        let words = words.split(|character: char| !character.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
        words.map(|word| if matches!(word, "b" | "x" | "y" | "z") { "a" } else { word }).collect::<Vec<_>>().join(" ")
    };
    bare(left) == bare(right)
}

fn describe(failure: &Failure, bash: &Bash) -> String {
    let Failure { seed, repository, disagreement } = failure;
    let mut text = format!("{}: {}\n\n{}\n", disagreement.kind, disagreement.detail, repository.text());
    if let Ok((outcomes, analysis, _)) = compare(repository, bash) {
        for outcome in &outcomes {
            let _ = writeln!(text, "bash with {}:", outcome.environment);
            for trigger in &outcome.triggers {
                let run::Triggered { from, target, label, exported, set, lacked } = trigger;
                let _ = writeln!(text, "  {from} -> {target} {label}: exported {exported:?}, set {set:?}, lacked {lacked:?}");
            }
            let _ = writeln!(text, "  ended: {:?}", outcome.ended);
            for line in outcome.errors.lines() {
                let _ = writeln!(text, "  {}", line.rsplit('/').next().unwrap_or_default());
            }
        }
        let _ = writeln!(text, "analysis:");
        for run in &analysis.runs {
            let certain = if run.is_certain { "certain" } else { "possible" };
            let _ = writeln!(text, "  {} -> {} {:?}: {certain}, exports (is sure) {:?}", run.from, run.target, run.label, run.exports);
        }
        for trigger in analysis.triggers.iter().filter(|trigger| trigger.is_unknown || trigger.names.iter().any(|name| name.len() > 1)) {
            let unknown = if trigger.is_unknown { ", and others" } else { "" };
            let _ = writeln!(text, "  {} triggers {:?} at {:?}{unknown}", trigger.from, trigger.names, trigger.label);
        }
        for told in &analysis.findings {
            let _ = writeln!(text, "  {} of {} in {}", told.rule, told.key, told.target);
        }
        for (stage, reasons) in &analysis.opaque {
            let _ = writeln!(text, "  not followed in {stage}: {reasons:?}");
        }
    }
    let _ = writeln!(text, "\nSIDESTAGE_JUDGE_SEED={seed} SIDESTAGE_JUDGE_SCRIPTS=1 repeats it");
    text
}

/// What was seen of so many repositories, the smallest failure of each kind first.
fn told(record: &mut Record, bash: &Bash, scripts: u64) -> String {
    record.failures.sort_by_key(|failure| (failure.disagreement.kind, failure.repository.text().len(), failure.seed));
    let mut text = format!("{scripts} repositories, of which {} are not fit\n", record.unfit.len());
    for (seed, why) in record.unfit.iter().take(OF_A_KIND) {
        let _ = writeln!(text, "  {seed}: {why}");
    }
    text.push_str("\nrepositories with each kind of disagreement:\n");
    for (kind, count) in &record.met {
        let _ = writeln!(text, "{count:6} {kind}");
    }
    text.push_str("\nstages in which something is not followed:\n");
    for (reason, count) in &record.opaque {
        let _ = writeln!(text, "{count:6} {reason}");
    }
    for failure in &record.failures {
        let _ = write!(text, "\n{}\n{}", "=".repeat(100), describe(failure, bash));
    }
    text
}
