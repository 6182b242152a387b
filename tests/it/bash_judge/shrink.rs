//! Makes a failing repository small: leaves out what is not needed for the same kind of disagreement.

use super::tree::{Node, Piece, Repository};

/// The smallest repository on the way that still fails.
pub(super) fn shrink(mut repository: Repository, fails: &dyn Fn(&Repository) -> bool) -> Repository {
    loop {
        let mut is_smaller = false;
        for bodies in 0..3 {
            let mut index = 0;
            while index < scripts(&mut repository, bodies).len() {
                let mut smaller = repository.clone();
                match bodies {
                    0 => drop(smaller.stages.remove(index)),
                    1 => drop(smaller.targets.remove(index)),
                    _ => drop(smaller.files.remove(index)),
                }
                if fails(&smaller) {
                    (repository, is_smaller) = (smaller, true);
                } else {
                    index += 1;
                }
            }
        }
        // Each change has a number in the order of the tree; after one that is kept, the next one has its number.
        let mut number = 0;
        loop {
            let mut smaller = repository.clone();
            let mut left = number;
            let has_changed = (0..3).any(|bodies| scripts(&mut smaller, bodies).into_iter().any(|body| change(body, &mut left)));
            if !has_changed {
                break;
            }
            if fails(&smaller) {
                (repository, is_smaller) = (smaller, true);
            } else {
                number += 1;
            }
        }
        if !is_smaller {
            return repository;
        }
    }
}

fn scripts(repository: &mut Repository, bodies: usize) -> Vec<&mut Vec<Node>> {
    let scripts = match bodies {
        0 => &mut repository.stages,
        1 => &mut repository.targets,
        _ => &mut repository.files,
    };
    scripts.iter_mut().map(|script| &mut script.body).collect()
}

/// Makes the change of this number; what is left of the number where there are fewer.
fn change(body: &mut Vec<Node>, left: &mut usize) -> bool {
    let mut is_next = || {
        let is_it = *left == 0;
        *left = left.wrapping_sub(1);
        is_it
    };
    for index in 0..body.len() {
        if is_next() {
            body.remove(index);
            return true;
        }
        if let Some(simple) = body[index].simple.clone()
            && is_next()
        {
            body[index] = Node::line(simple);
            return true;
        }
        // A statement's bodies instead of the statement.
        let bodies = body[index].pieces.iter().filter(|piece| !matches!(piece, Piece::Text(_))).count();
        for at in 0..bodies {
            if is_next() {
                let pieces = std::mem::take(&mut body[index].pieces).into_iter();
                let mut inner = pieces.filter_map(|piece| match piece {
                    Piece::Text(_) => None,
                    Piece::Body(inner) | Piece::Quoted(inner) => Some(inner),
                });
                let inner = inner.nth(at).unwrap_or_default();
                body.splice(index..=index, inner);
                return true;
            }
        }
    }
    body.iter_mut().flat_map(|node| &mut node.pieces).any(|piece| match piece {
        Piece::Text(_) => false,
        Piece::Body(inner) | Piece::Quoted(inner) => change(inner, left),
    })
}
