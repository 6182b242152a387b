//! Deep and long inputs: each is read in one go, on a small stack.
#![allow(clippy::unwrap_used)] // a thread that cannot be started, or that panics, is a failure

use super::super::{Script, StatementKind, parse};
use crate::source::ScriptMap;

const DEEP: usize = 100_000;

/// Parses, and drops what was parsed, on the stack of a thread.
fn on_small_stack<T: Send + 'static>(text: String, look: impl FnOnce(&Script) -> T + Send + 'static) -> T {
    let run = move || look(&parse(text.as_bytes(), &ScriptMap::verbatim(0)));
    #[allow(clippy::unwrap_used)] // a thread that fails has found a fault
    std::thread::Builder::new().stack_size(2 << 20).spawn(run).unwrap().join().unwrap()
}

#[test]
fn nothing_is_too_deep_for_the_stack() {
    let opener = [
        "$(",
        "$((",
        "((",
        "${",
        "${a:-",
        "{ ",
        "(",
        "if ",
        "if a; then\n",
        "while ",
        "[[ ( ",
        "case a in a) ",
        "\"$(",
        "\"${a:-",
        "`\\`",
        "'",
        "\"",
        "a=(",
        "a[",
        "a=([",
        "f() { ",
        "for ((",
        "a <(",
        "$[",
        "coproc ",
        "! ",
        "time ",
        "a {",
        "{a,",
        "@(",
        "eval 'eval \"",
        "$(cat <<E\n",
    ];
    for opener in opener {
        for text in [opener.repeat(DEEP), format!("a {}", opener.repeat(DEEP / 4))] {
            on_small_stack(text, |script| assert!(script.errors.len() <= 1_000));
        }
    }
    let errors = on_small_stack("$(".repeat(DEEP), |script| script.errors.clone());
    assert!(errors[0].message.starts_with("nested too deeply"), "{errors:?}");
}

#[test]
fn chains_and_pipelines_are_lists() {
    let chain = format!("a{}", " && b || c".repeat(DEEP));
    let length = on_small_stack(chain, |script| match &script.body[0].kind {
        StatementKind::Chain(chain) => chain.rest.len(),
        _ => 0,
    });
    assert_eq!(length, 2 * DEEP);
    let pipeline = format!("a{}", " | b".repeat(2 * DEEP));
    let length = on_small_stack(pipeline, |script| match &script.body[0].kind {
        StatementKind::Pipe(members) => members.len(),
        _ => 0,
    });
    assert_eq!(length, 2 * DEEP + 1);
    let expansions = format!("a {}", "$b${c#d}$(e)".repeat(DEEP));
    let length = on_small_stack(expansions, |script| match &script.body[0].kind {
        StatementKind::Command(command) => command.arguments()[0].parts.len(),
        _ => 0,
    });
    assert_eq!(length, 3 * DEEP);
}

#[test]
fn what_fails_often_is_read_in_one_go() {
    for line in [
        "cat <<E\n",
        "cat <<A <<B\n",
        "x=$((a; b)\n",
        "((a) ; (b)\n",
        "a \"\nb '\nc `\n",
        "a $(b ;; c)\n",
        "case a in\n b c\n",
        "if a; then x=\"\n",
    ] {
        on_small_stack(line.repeat(DEEP / 4), |script| assert!(script.errors.len() <= 1_000));
    }
}
