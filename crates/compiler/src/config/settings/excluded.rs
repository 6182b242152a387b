//! Which files `exclude` names, by the rules of `.gitignore`.

use ignore::Error;
use ignore::gitignore::{Gitignore, GitignoreBuilder};

/// The globs of `exclude`.
#[derive(Debug)]
pub struct Excluded(Gitignore);

impl Excluded {
    /// Takes globs in; one that is none names nothing.
    pub fn new(globs: &[String]) -> Self {
        let mut builder = GitignoreBuilder::new("");
        for glob in globs {
            // Bad globs are findings of the settings file.
            let _ = builder.add_line(None, glob);
        }
        Self(builder.build().unwrap_or_else(|_| Gitignore::empty()))
    }

    /// Whether a file is excluded; its path is relative to the settings file.
    pub fn holds(&self, path: &str) -> bool {
        self.0.matched_path_or_any_parents(path.trim_start_matches('/'), false).is_ignore()
    }
}

/// Why a text is no glob.
pub(super) fn fault(glob: &str) -> Option<String> {
    let error = GitignoreBuilder::new("").add_line(None, glob).err()?;
    Some(match error {
        Error::Glob { err, .. } => err,
        other => other.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::Excluded;

    #[test]
    fn globs_mean_what_they_mean_in_gitignore() {
        let excluded = |globs: &[&str], path: &str| {
            let globs: Vec<String> = globs.iter().map(ToString::to_string).collect();
            Excluded::new(&globs).holds(path)
        };
        assert!(excluded(&["vendor/"], "vendor/a/b.yaml"));
        assert!(excluded(&["vendor/"], "app/vendor/b.yaml"), "a name without a slash before it stands anywhere");
        assert!(!excluded(&["/vendor/"], "app/vendor/b.yaml"));
        assert!(excluded(&["*.draft.yaml"], "app/a.draft.yaml"));
        assert!(!excluded(&["*.draft.yaml", "!a.draft.yaml"], "app/a.draft.yaml"));
        assert!(!excluded(&["{a"], "{a"), "no glob");
        assert!(!excluded(&[], "a"));
    }
}
