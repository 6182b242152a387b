//! Passwords in addresses, and paths of the workspace.

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::{Captures, Regex};

static WITH_USER: LazyLock<Regex> = LazyLock::new(|| pattern(r"([A-Za-z][A-Za-z0-9+.-]*://)([^/?#\s]*)@"));

static WITH_PASSWORD: LazyLock<Regex> =
    LazyLock::new(|| pattern(r#"(^|[\s"=]|//)[^\s/:@]+:[^\s/@]+@[A-Za-z0-9][-A-Za-z0-9.]*(:[0-9]+)?(/|\s|$)"#));

fn pattern(text: &str) -> Regex {
    Regex::new(text).unwrap_or_else(|_| unreachable!("the patterns of this file are valid"))
}

/// A text without the users and passwords of its addresses: over http a name alone may be a token, over ssh it is needed.
pub(super) fn shareable(text: &str) -> Cow<'_, str> {
    WITH_USER.replace_all(text, |found: &Captures<'_>| {
        let (scheme, user) = (&found[1], &found[2]);
        let name = user.split(['@', ':']).next().unwrap_or_default();
        if scheme.to_ascii_lowercase().contains("ssh") { format!("{scheme}{name}@") } else { scheme.to_owned() }
    })
}

/// Whether a text holds a password in an address, as far as can be seen.
pub(super) fn has_password(text: &str) -> bool {
    WITH_PASSWORD.is_match(text) && !text.starts_with("mailto:")
}

fn parts(path: &str) -> Vec<&str> {
    path.split('/').filter(|part| !part.is_empty() && *part != ".").collect()
}

/// A path relative to the workspace; one that lies elsewhere as it is.
pub(super) fn in_workspace(path: &str, workspace: &str) -> String {
    let (own, root) = (parts(path), parts(workspace));
    if !path.starts_with('/') {
        own.join("/")
    } else if own.starts_with(&root) {
        own[root.len()..].join("/")
    } else {
        path.to_owned()
    }
}

/// Whether the receiving side takes a path of a repository.
pub(super) fn is_below_workspace(path: &str) -> bool {
    let is_refused = |part: &str| ["..", ".git", ".pipelinectl", ".sidestage"].contains(&part) || part.len() > 255;
    !path.starts_with('/') && !path.starts_with('-') && !path.split('/').any(is_refused)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_and_passwords_stay_behind_but_for_the_name_over_ssh() {
        for (text, expected) in [
            ("https://me:secret@git.example.com/a.git", "https://git.example.com/a.git"),
            ("https://token@git.example.com/a.git", "https://git.example.com/a.git"),
            ("ssh://git:secret@git.example.com/a.git", "ssh://git@git.example.com/a.git"),
            ("ssh://@git.example.com/a.git", "ssh://@git.example.com/a.git"),
            ("git@git.example.com:a.git", "git@git.example.com:a.git"),
            ("https://git.example.com/a@b", "https://git.example.com/a@b"),
            ("from http://a:b@c to http://d@e", "from http://c to http://e"),
        ] {
            assert_eq!(shareable(text), expected);
        }
    }

    #[test]
    fn a_password_in_an_address_is_seen_in_any_form() {
        for (text, expected) in [
            ("https://user:password@host/x", true),
            ("//u:p@h", true),
            ("u:p@h", true),
            ("URL=u:p@h:443/x", true),
            ("https://host:443/x", false),
            ("me@example.com", false),
            ("mailto:a:b@example.com", false),
            ("12:30 @ home", false),
        ] {
            assert_eq!(has_password(text), expected, "{text}");
        }
    }

    #[test]
    fn paths_are_those_of_the_workspace() {
        for (path, expected) in [
            ("app", "app"),
            ("./a//b/.", "a/b"),
            ("/workspace/a/b", "a/b"),
            ("/workspace", ""),
            ("/elsewhere/a", "/elsewhere/a"),
            ("/workspace-2/a", "/workspace-2/a"),
        ] {
            assert_eq!(in_workspace(path, "/workspace/"), expected, "{path}");
        }
    }
}
