//! What git is told when it asks for a password: the secure property `git-token`, for the hosts that may have it, over https
//! alone. It is in no file of the workspace and in no argument.

use std::fs;

use super::pod::Pod;
use crate::failure::{Failure, FailureKind};

/// The name by which git calls this program.
pub const ASKPASS: &str = "git-askpass";

/// The variable that names the hosts, with blanks between them.
pub(super) const HOSTS: &str = "SIDESTAGE_GIT_HOSTS";

/// The answer to a question of git, such as `Password for 'https://x-access-token@git.example.com': `.
///
/// # Errors
/// Where the host may not have the token, or there is none.
pub fn answer(question: &str, hosts: &str, pod: &Pod) -> Result<String, Failure> {
    let refused = |reason: String| Failure::new(FailureKind::Rights, reason);
    let host = host_of(question).ok_or_else(|| refused("a password is given over https alone".to_owned()))?;
    if !hosts.split_whitespace().any(|known| known.eq_ignore_ascii_case(host)) {
        return Err(refused(format!("git-token is not given to {host}"))
            .help("Name it in `git-hosts` of .sidestage.yaml, and build the manifests again."));
    }
    if question.starts_with("Username") {
        return Ok("x-access-token".to_owned());
    }
    let token = fs::read_to_string(pod.secrets.join("git-token"));
    token.map(|token| token.trim_end_matches('\n').to_owned()).map_err(|_| {
        refused(format!("{host} asks for a password, and there is no secure property git-token"))
            .help("Add the key git-token to the secret of the secure properties.")
    })
}

/// The host of a question. A quote in the address is not git's own: older versions show the user's name as it is.
fn host_of(question: &str) -> Option<&str> {
    let (_, rest) = question.split_once(" for 'https://")?;
    let address = rest.trim_end().strip_suffix("':").filter(|address| !address.contains('\''))?;
    let host = address.rsplit_once('@').map_or(address, |(_, host)| host);
    let is_host = !host.is_empty() && host.chars().all(|c| c.is_ascii_alphanumeric() || ".-:[]".contains(c));
    is_host.then_some(host)
}

/// The host of a repository, as git names it in its question; nothing where it is not reached over https.
pub(super) fn https_host(url: &str) -> Option<&str> {
    let place = url.strip_prefix("https://")?.split('/').next()?;
    let host = place.rsplit_once('@').map_or(place, |(_, host)| host);
    Some(host).filter(|host| !host.is_empty())
}

#[cfg(test)]
mod tests {
    use super::{host_of, https_host};

    #[test]
    fn the_host_of_a_question() {
        for (question, expected) in [
            ("Username for 'https://git.example.com': ", Some("git.example.com")),
            ("Password for 'https://x-access-token@git.example.com:8443': ", Some("git.example.com:8443")),
            ("Password for 'https://a@evil.example.com@git.example.com': ", Some("git.example.com")),
            ("Password for 'http://git.example.com': ", None),
            ("Enter passphrase for key '/root/.ssh/id': ", None),
            ("Password for 'https://': ", None),
            ("Password for 'https://git.example.com'@evil.example.com': ", None),
            ("Password for 'https://evil.example.com/git.example.com': ", None),
        ] {
            assert_eq!(host_of(question), expected, "{question}");
        }
    }

    #[test]
    fn the_host_of_a_repository() {
        for (url, expected) in [
            ("https://git.example.com/a/b.git", Some("git.example.com")),
            ("https://me:secret@git.example.com:8443/a", Some("git.example.com:8443")),
            ("http://git.example.com/a", None),
            ("git@git.example.com:a/b", None),
            ("/srv/git/a", None),
        ] {
            assert_eq!(https_host(url), expected, "{url}");
        }
    }
}
