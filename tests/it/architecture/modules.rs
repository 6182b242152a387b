//! Which files belong to a crate: those that plain `mod` lines reach. rustfmt sees no others.

use std::collections::BTreeMap;
use std::path::Path;

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// Texts by their path in the project.
pub(super) type Files = BTreeMap<String, String>;

/// A file of a crate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Module {
    /// Where it is.
    pub(super) file: String,
    /// Its name from the crate's root.
    pub(super) name: Vec<String>,
    /// Whether it is compiled for tests only.
    pub(super) is_test: bool,
}

/// The files that a root file reaches, itself among them.
pub(super) fn modules(root: &str, files: &Files) -> Vec<Module> {
    let mut found = vec![Module { file: root.to_owned(), name: Vec::new(), is_test: false }];
    let mut next = 0;
    while let Some(module) = found.get(next).cloned() {
        for declared in declared(&files[&module.file]) {
            let candidates = candidates(&module, root, &declared);
            if let Some(file) = candidates.into_iter().find(|file| files.contains_key(file)) {
                let name = module.name.iter().cloned().chain([declared.name]).collect();
                found.push(Module { file, name, is_test: module.is_test || declared.is_test });
            }
        }
        next += 1;
    }
    found
}

/// The names of a root file's modules, in their order.
pub(super) fn order(root: &str) -> Vec<String> {
    declared(root).into_iter().map(|declared| declared.name).collect()
}

/// `mod name;`
struct Declared {
    name: String,
    /// What `#[path = ".."]` says.
    path: Option<String>,
    is_test: bool,
}

fn declared(text: &str) -> Vec<Declared> {
    let tokens = tokens(text);
    let mut declared = Vec::new();
    let mut attributes: Vec<String> = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        match token {
            TokenTree::Group(group) if group.delimiter() == Delimiter::Bracket => attributes.push(squeezed(&group.stream())),
            TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => attributes.clear(),
            TokenTree::Ident(keyword) if *keyword == "mod" => {
                if let [TokenTree::Ident(name), TokenTree::Punct(end), ..] = &tokens[at + 1..]
                    && end.as_char() == ';'
                {
                    let path = attributes.iter().find_map(|attribute| attribute.strip_prefix("path=\"")?.strip_suffix('"'));
                    let is_test = attributes.iter().any(|attribute| attribute == "cfg(test)");
                    declared.push(Declared { name: name.to_string(), path: path.map(str::to_owned), is_test });
                }
            }
            TokenTree::Punct(end) if end.as_char() == ';' => attributes.clear(),
            _ => {}
        }
    }
    declared
}

/// Where the file of a module may be.
fn candidates(module: &Module, root: &str, declared: &Declared) -> Vec<String> {
    let (folder, file) = module.file.rsplit_once('/').unwrap_or(("", &module.file));
    if let Some(path) = &declared.path {
        return vec![joined(folder, path)];
    }
    let folder = match file {
        _ if module.file == root => folder.to_owned(),
        "mod.rs" => folder.to_owned(),
        _ => joined(folder, file.trim_end_matches(".rs")),
    };
    let name = &declared.name;
    vec![joined(&folder, &format!("{name}.rs")), joined(&folder, &format!("{name}/mod.rs"))]
}

fn joined(folder: &str, path: &str) -> String {
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in path.split('/') {
        match part {
            ".." => drop(parts.pop()),
            _ => parts.push(part),
        }
    }
    parts.join("/")
}

/// Whether a file is Rust.
pub(super) fn is_rust(path: &str) -> bool {
    Path::new(path).extension().is_some_and(|extension| extension == "rs")
}

/// The tokens of a file: comments and the insides of strings are none.
pub(super) fn tokens(text: &str) -> Vec<TokenTree> {
    text.parse::<TokenStream>().unwrap_or_else(|error| panic!("{error} in {text}")).into_iter().collect()
}

/// Tokens without the space between them.
pub(super) fn squeezed(tokens: &TokenStream) -> String {
    tokens.to_string().split_whitespace().collect()
}
