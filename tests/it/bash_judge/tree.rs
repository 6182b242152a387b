//! A small repository as a tree: what is generated, written as text, and shrunk.

use std::fmt::Write as _;

/// A statement: fixed text, and bodies that hold other statements.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub(super) pieces: Vec<Piece>,
    /// What does the same with less, for the shrinker to try.
    pub(super) simple: Option<String>,
}

#[derive(Debug, Clone)]
pub(super) enum Piece {
    Text(String),
    Body(Vec<Node>),
    /// Statements behind a single quote; the text that follows begins with the one that closes it.
    Quoted(Vec<Node>),
}

impl Node {
    pub(super) fn line(text: impl Into<String>) -> Self {
        Self { pieces: vec![Piece::Text(text.into())], simple: None }
    }

    pub(super) fn block(open: impl Into<String>, body: Vec<Node>, close: impl Into<String>) -> Self {
        Self { pieces: vec![Piece::Text(open.into()), Piece::Body(body), Piece::Text(close.into())], simple: None }
    }

    pub(super) fn quoted(open: impl Into<String>, body: Vec<Node>, close: impl Into<String>) -> Self {
        Self { pieces: vec![Piece::Text(open.into()), Piece::Quoted(body), Piece::Text(close.into())], simple: None }
    }

    pub(super) fn or_simply(mut self, simple: impl Into<String>) -> Self {
        self.simple = Some(simple.into());
        self
    }

    fn write(&self, text: &mut String) {
        for piece in &self.pieces {
            match piece {
                Piece::Text(piece) => text.push_str(piece),
                Piece::Body(body) => {
                    text.push('\n');
                    text.push_str(&written(body));
                }
                Piece::Quoted(body) => {
                    let _ = write!(text, "'\n{}", written(body).replace('\'', r"'\''"));
                }
            }
        }
        text.push('\n');
    }
}

/// The text of statements; an empty body is not valid in bash.
pub(super) fn written(body: &[Node]) -> String {
    let mut text = String::new();
    for node in body {
        node.write(&mut text);
    }
    if text.is_empty() { ":\n".to_owned() } else { text }
}

/// A script: a stage of the pipeline, or a file.
#[derive(Debug, Clone)]
pub(super) struct Script {
    pub(super) name: String,
    pub(super) body: Vec<Node>,
    /// Whether the stage ends with success whatever its last statement said.
    pub(super) succeeds: bool,
}

impl Script {
    pub(super) fn text(&self) -> String {
        let end = if self.succeeds { ":\n" } else { "" };
        format!("#!/usr/bin/env bash\n{}{end}", written(&self.body))
    }
}

/// How often a variable of the environment is asked: where in more than one place, paths exclude each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asks {
    Once,
    /// In the same words.
    Alike,
    /// In any words, of which one may follow from the other: no finding is judged.
    Anyhow,
}

/// A configuration with its scripts.
#[derive(Debug, Clone)]
pub(super) struct Repository {
    pub(super) stages: Vec<Script>,
    pub(super) targets: Vec<Script>,
    pub(super) files: Vec<Script>,
    pub(super) asks: Asks,
}

/// A file that scripts read, and that exists in every repository.
pub(super) const DATA: (&str, &str) = ("s/keys.txt", "x\ny\n");

/// Another one, so that `s/*.txt` is several files: how many there are, the compiler does not know.
const MORE: (&str, &str) = ("s/notes.txt", "z\n");

impl Repository {
    pub(super) fn config(&self) -> String {
        let mut text = "version: '1'\n".to_owned();
        for stage in self.stages.iter().chain(&self.targets) {
            let script: String = stage.text().lines().map(|line| format!("    {line}\n")).collect();
            let _ = write!(text, "{}:\n  script: |\n{script}", stage.name);
        }
        text
    }

    /// All files next to the configuration: path and text.
    pub(super) fn files(&self) -> Vec<(String, String)> {
        // In a subshell, bash 5.2 forgets what follows a sourced file whose last line is `a && b`: it gets another one.
        let scripts = self.files.iter().map(|file| (file.name.clone(), file.text() + "\n:\n"));
        scripts.chain([DATA, MORE].map(|(path, text)| (path.to_owned(), text.to_owned()))).collect()
    }

    /// Everything as one text, for people and to tell failures apart.
    pub(super) fn text(&self) -> String {
        let mut text = self.config();
        for file in &self.files {
            let _ = write!(text, "--- {}\n{}", file.name, file.text());
        }
        text
    }

    /// Which of the sampled variables the scripts ask for.
    pub(super) fn variables(&self) -> Vec<&'static str> {
        let text = self.text();
        ["E1", "E2"].into_iter().filter(|name| text.contains(name)).collect()
    }
}
