//! What a module names of its crate, and whether it may.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::{Delimiter, TokenTree};

use super::modules::{squeezed, tokens};

/// The name of a module from its crate's root, or of something in it.
pub(super) type Name = Vec<String>;

/// What each module of a crate names. Tests are left out: they may use everything.
pub(super) type Imports = BTreeMap<Name, BTreeSet<Name>>;

/// What a module names from the root of its crate, by `crate`, `self` or `super`.
pub(super) fn imports(module: &[String], text: &str) -> BTreeSet<Name> {
    let mut found = BTreeSet::new();
    walk(&tokens(text), module, &mut found);
    found
}

/// Modules that name one below them in the order.
pub(super) fn against_the_order(order: &[String], imports: &Imports) -> Vec<String> {
    let place = |name: &Name| order.iter().position(|module| name.first() == Some(module));
    let mut faults = Vec::new();
    for (module, named) in imports {
        let Some(own) = place(module) else { continue };
        for name in named.iter().filter(|name| place(name).is_some_and(|other| other > own)) {
            faults.push(format!("{} imports {}, which is below it", module.join("::"), name.join("::")));
        }
    }
    faults
}

/// Folders that import each other, directly or through others. A folder and what is in it may.
pub(super) fn circles(folders: &BTreeSet<Name>, imports: &Imports) -> Vec<String> {
    let mut edges: BTreeMap<Name, BTreeSet<Name>> = BTreeMap::new();
    for (module, named) in imports {
        for (from, to) in named.iter().filter_map(|name| parted(module, name)) {
            if folders.contains(&from) && folders.contains(&to) {
                edges.entry(from).or_default().insert(to);
            }
        }
    }
    let circle = |folder: &&Name| reached(folder, &edges).contains(*folder);
    edges.keys().filter(circle).map(|folder| format!("{} imports itself through other folders", folder.join("/"))).collect()
}

/// The two names up to where they part; none if one holds the other.
fn parted(from: &[String], to: &[String]) -> Option<(Name, Name)> {
    let common = from.iter().zip(to).take_while(|(from, to)| from == to).count();
    let is_nested = common == from.len() || common == to.len();
    (!is_nested).then(|| (from[..=common].to_vec(), to[..=common].to_vec()))
}

fn reached(start: &Name, edges: &BTreeMap<Name, BTreeSet<Name>>) -> BTreeSet<Name> {
    let mut reached = BTreeSet::new();
    let mut open = vec![start];
    while let Some(next) = open.pop().and_then(|folder| edges.get(folder)) {
        open.extend(next.iter().filter(|folder| reached.insert((*folder).clone())));
    }
    reached
}

fn walk(tokens: &[TokenTree], module: &[String], found: &mut BTreeSet<Name>) {
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        let rest = &tokens[at..];
        at += match (rest, token) {
            _ if is_test(rest) => item(rest),
            ([TokenTree::Ident(keyword), TokenTree::Ident(name), TokenTree::Group(body), ..], _) if *keyword == "mod" => {
                let inner: Name = module.iter().cloned().chain([name.to_string()]).collect();
                walk(&body.stream().into_iter().collect::<Vec<_>>(), &inner, found);
                3
            }
            (_, TokenTree::Group(group)) => {
                walk(&group.stream().into_iter().collect::<Vec<_>>(), module, found);
                1
            }
            _ => match base(rest, module) {
                Some((base, length)) => {
                    paths(&rest[length..], base, found);
                    length
                }
                None => 1,
            },
        };
    }
}

/// Whether `#[cfg(test)]` stands here.
fn is_test(tokens: &[TokenTree]) -> bool {
    match tokens {
        [TokenTree::Punct(hash), TokenTree::Group(attribute), ..] => hash.as_char() == '#' && squeezed(&attribute.stream()) == "cfg(test)",
        _ => false,
    }
}

/// How many tokens an item has: to its `;` or, where it is no import, to its body.
fn item(tokens: &[TokenTree]) -> usize {
    let is_body = |token: &TokenTree| matches!(token, TokenTree::Group(body) if body.delimiter() == Delimiter::Brace);
    let is_use = |token: &TokenTree| matches!(token, TokenTree::Ident(word) if *word == "use");
    let is_import = tokens.iter().take_while(|token| !is_end(token) && !is_body(token)).any(is_use);
    let last = tokens.iter().position(|token| is_end(token) || is_body(token) && !is_import);
    last.map_or(tokens.len(), |last| last + 1)
}

fn is_end(token: &TokenTree) -> bool {
    matches!(token, TokenTree::Punct(end) if end.as_char() == ';')
}

/// The module that `crate::`, `self::` and `super::` stand for, and how many tokens they are.
fn base(tokens: &[TokenTree], module: &[String]) -> Option<(Name, usize)> {
    let step = |at: usize| match &tokens[at..] {
        [TokenTree::Ident(word), TokenTree::Punct(first), TokenTree::Punct(second), ..] => {
            (first.as_char() == ':' && second.as_char() == ':').then(|| word.to_string())
        }
        _ => None,
    };
    let mut base = match step(0)?.as_str() {
        "crate" => Name::new(),
        "self" => module.to_vec(),
        "super" => module[..module.len().saturating_sub(1)].to_vec(),
        _ => return None,
    };
    let mut length = 3;
    while step(length).as_deref() == Some("super") {
        base.pop();
        length += 3;
    }
    Some((base, length))
}

/// All paths of the rest of a path, which may branch in braces.
fn paths(tokens: &[TokenTree], mut path: Name, found: &mut BTreeSet<Name>) {
    match tokens {
        [TokenTree::Group(group), ..] if group.delimiter() == Delimiter::Brace => {
            let inner: Vec<TokenTree> = group.stream().into_iter().collect();
            let is_comma = |token: &TokenTree| matches!(token, TokenTree::Punct(comma) if comma.as_char() == ',');
            inner.split(is_comma).filter(|branch| !branch.is_empty()).for_each(|branch| paths(branch, path.clone(), found));
        }
        [TokenTree::Ident(word), rest @ ..] => {
            if *word != "self" {
                path.push(word.to_string());
            }
            match rest {
                [TokenTree::Punct(first), TokenTree::Punct(second), rest @ ..] if first.as_char() == ':' && second.as_char() == ':' => {
                    paths(rest, path, found);
                }
                _ => drop(found.insert(path)),
            }
        }
        _ => drop(found.insert(path)),
    }
}
