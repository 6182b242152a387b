//! Limits and words of Tekton Pipelines and Triggers, and what the target makes of includes.

use super::duration;

/// The longest name of a pipeline, task or step, and of a run.
pub const MAX_NAME: usize = 63;
/// The longest beginning of all names: the listener's name is that with `-async`, and has at most 60 characters.
pub const MAX_PREFIX: usize = 54;
/// An object of more bytes is refused where it is kept: etcd takes 1.5 MB a request, and it grows by defaults and status.
pub const MAX_OBJECT: usize = 1_000_000;
/// A pipeline of more bytes needs `kubectl apply --server-side`.
pub const PIPELINE_OF_CLIENTS: usize = 250_000;
/// The most that one variable of the environment may hold, in base64: with its name and its end it is 128 KiB.
pub const MAX_PAYLOAD_TEXT: usize = 131_053;
/// The most bytes of a payload that certainly fit: base64 makes four characters of three bytes.
pub const MAX_PAYLOAD: usize = MAX_PAYLOAD_TEXT / 4 * 3;

/// The names that the target gives tasks of its own.
pub const OWN_TASKS: [&str; 2] = ["start", "async-runs"];

/// How a cluster pulls an image.
pub const PULL_POLICIES: [&str; 3] = ["Always", "IfNotPresent", "Never"];

/// What `include` brings on a cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Include {
    /// A service of docker beside the steps.
    Docker,
    /// Rights for podman in the step.
    Podman,
}

impl Include {
    /// What a word of `include` means; nothing where Tekton has no place for it.
    pub fn named(word: &str) -> Option<Self> {
        match word {
            "dind" | "docker" | "docker-socket" => Some(Self::Docker),
            "podman" | "rootful-podman" => Some(Self::Podman),
            _ => None,
        }
    }
}

/// What is wrong with a text as the name of an image.
pub fn image_fault(text: &str) -> Option<&'static str> {
    if text.contains("://") {
        return Some("it is an address");
    }
    if text.contains(|c: char| c.is_whitespace() || c == '$') {
        return Some("it has blanks, or a variable that nobody replaces");
    }
    let (name, digest) = text.split_once('@').map_or((text, None), |(name, digest)| (name, Some(digest)));
    let is_whole = |hex: &str| hex.len() == 64 && hex.bytes().all(|byte| byte.is_ascii_hexdigit());
    if digest.and_then(|digest| digest.strip_prefix("sha256:")).is_some_and(|hex| !is_whole(hex)) {
        return Some("its digest has not 64 hexadecimal digits");
    }
    // A colon behind the last slash begins the tag; one before it, a port.
    let last = name.rfind('/').map_or(0, |at| at + 1);
    if name[last..].matches(':').count() > 1 {
        return Some("it has two tags");
    }
    let path = name[last..].find(':').map_or(name, |at| &name[..last + at]);
    let path = path.split_once('/').filter(|(host, _)| host.contains(['.', ':'])).map_or(path, |(_, path)| path);
    path.contains(|c: char| c.is_ascii_uppercase()).then_some("it has capitals")
}

/// What is wrong with a text as a duration of Go, such as `1h30m`, that is to pass; nothing where it is one.
pub fn duration_fault(text: &str) -> Option<&'static str> {
    match duration::parse(text) {
        None => Some("it is no duration of Go: write one such as `90s`, `10m` or `1h30m`"),
        Some(_) if text.starts_with('-') => Some("it is negative, so the time is over before it begins"),
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{MAX_PAYLOAD, duration, duration_fault, image_fault};

    #[test]
    fn durations_are_those_of_go() {
        for good in ["10m", "1h30m", "90s", "1.5h", ".5s", "0", "100ms", "5µs", "+1h"] {
            assert_eq!(duration_fault(good), None, "{good}");
        }
        for bad in ["", "10", "1d", "10 minutes", "-1h", "h", "1h30", "1..5h", "1h-5m", "ten"] {
            assert!(duration_fault(bad).is_some(), "{bad}");
        }
        assert_eq!(duration::parse("1h30m"), Some(duration::HOUR / 2 * 3));
    }

    #[test]
    fn images_have_names() {
        let digest = format!("example/a@sha256:{}", "a".repeat(64));
        for good in ["a", "a:1", "example/a:1.10-Alpine", "git.example.com:5000/a/b:1", &digest, "Host.example.com/a"] {
            assert_eq!(image_fault(good), None, "{good}");
        }
        for bad in ["http://example.com/a", "a b", "a:1 ", "$(params.image)", "example/a:1:2", "Example/a:1", "example/a@sha256:abc"] {
            assert!(image_fault(bad).is_some(), "{bad}");
        }
    }

    #[test]
    fn a_payload_that_fits_fits_in_base64() {
        assert_eq!(MAX_PAYLOAD, 98_289);
    }
}
