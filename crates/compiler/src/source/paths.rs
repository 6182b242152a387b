//! How paths of a repository are written for the reader: from a folder that need not be its root.

/// Writes paths of one repository as they are seen from a folder: the working folder, or that of a baseline.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PathsFrom {
    /// The folder's own path in the repository; empty where it is the root, or not inside.
    inside: Vec<String>,
    /// From a folder outside of the repository to the root.
    to_root: Vec<String>,
}

impl PathsFrom {
    /// From a folder of the repository.
    pub fn inside(folder: &str) -> Self {
        Self { inside: parts(folder), to_root: Vec::new() }
    }

    /// From a folder outside: `to_root` leads from it to the repository's root.
    pub fn outside(to_root: &str) -> Self {
        Self { inside: Vec::new(), to_root: parts(to_root) }
    }

    /// A path of the repository as it is written from the folder.
    pub fn show(&self, path: &str) -> String {
        if self.inside.is_empty() && self.to_root.is_empty() {
            return path.to_owned();
        }
        let parts: Vec<&str> = path.split('/').collect();
        // The file's own name is no folder.
        let folders = parts.len() - 1;
        let common = self.inside.iter().zip(&parts[..folders]).take_while(|(folder, part)| folder == *part).count();
        let up = self.inside[common..].iter().map(|_| "..");
        self.to_root.iter().map(String::as_str).chain(up).chain(parts[common..].iter().copied()).collect::<Vec<_>>().join("/")
    }
}

fn parts(path: &str) -> Vec<String> {
    path.split('/').filter(|part| !part.is_empty() && *part != ".").map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::PathsFrom;

    #[test]
    fn paths_are_written_from_the_folder() {
        let cases = [
            (PathsFrom::default(), "a/b", "a/b"),
            (PathsFrom::inside(""), "a/b", "a/b"),
            (PathsFrom::inside("a"), "a/b", "b"),
            (PathsFrom::inside("a"), "c", "../c"),
            (PathsFrom::inside("a/b"), "a/c/d", "../c/d"),
            (PathsFrom::inside("a"), "a", "../a"),
            (PathsFrom::inside("a"), "ab/c", "../ab/c"),
            (PathsFrom::outside("x/y"), "a/b", "x/y/a/b"),
            (PathsFrom::outside("../z"), "a", "../z/a"),
        ];
        for (paths, path, expected) in cases {
            assert_eq!(paths.show(path), expected, "{paths:?} {path}");
        }
    }
}
