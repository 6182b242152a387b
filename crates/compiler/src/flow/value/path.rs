//! Where paths lead from the folder that a script stands in.

use compact_str::CompactString;

use super::folder::Folder;
use super::{Piece, Value};

/// Folders below the workspace that are the configuration's repository by convention.
const REPO_NAMES: &[&str] = &["one-pipeline-config-repo"];

impl Folder {
    /// Where a path leads from here.
    pub(crate) fn join(&self, path: &[Piece]) -> Self {
        let mut folder = self.clone();
        let mut is_first = true;
        // A segment can be made of several pieces: `v$X.sh` is unknown as a whole.
        let mut segment = Segment::Empty;
        for piece in path {
            match piece {
                Piece::Text(text) => {
                    for (index, part) in text.split('/').enumerate() {
                        if index > 0 {
                            folder = folder.enter(std::mem::replace(&mut segment, Segment::Empty), is_first);
                            is_first = false;
                        }
                        segment = segment.push_text(part);
                    }
                }
                Piece::Folder(inner) => segment = segment.push_folder(Folder::clone(inner)),
                Piece::Unknown(_) => segment = Segment::Unknown,
            }
        }
        folder.enter(segment, is_first)
    }

    /// What identifies a file that a script writes or reads from here, in whatever stage it does so. `None` where that
    /// is not known, and for devices.
    pub(crate) fn file_below(&self, value: &Value) -> Option<CompactString> {
        let text = value.only()?;
        match text {
            [Piece::Text(path)]
                if path.starts_with("/dev/") || path.starts_with("/proc/") || path.starts_with('~') || path.ends_with('/') =>
            {
                None
            }
            [Piece::Text(path)] if path.starts_with('/') => Some(path.clone()),
            [Piece::Folder(folder), Piece::Text(path)] if **folder == Folder::Workspace => Some(format!("$WORKSPACE{path}").into()),
            _ => match self.join(text) {
                Folder::Repo { path, sure: true } if !path.is_empty() => Some(path),
                _ => None,
            },
        }
    }

    fn enter(self, segment: Segment, is_first: bool) -> Self {
        match segment {
            // `/x`: the path is absolute.
            Segment::Empty if is_first => Self::Outside,
            Segment::Empty => self,
            Segment::Unknown => match self {
                Self::Platform(path) => Self::Platform(path),
                _ => Self::Unknown,
            },
            Segment::Folder(Folder::RepoName { sure }) => match self {
                Self::Workspace => Self::Repo { path: CompactString::default(), sure },
                // `cd "$(load_repo app-repo path)"` is also written where the stage starts.
                Self::Repo { path, .. } if path.is_empty() => Self::Repo { path, sure: false },
                _ => Self::Unknown,
            },
            Segment::Folder(folder) if is_first => folder,
            Segment::Folder(folder @ (Folder::Workspace | Folder::Repo { .. })) => folder,
            Segment::Folder(_) => Self::Unknown,
            Segment::Name(name) => self.enter_name(&name, is_first),
        }
    }

    fn enter_name(self, name: &str, is_first: bool) -> Self {
        match (self, name) {
            (folder, ".") => folder,
            (_, _) if is_first && name.starts_with('~') => Self::Outside,
            (Self::Repo { path, sure }, "..") => match path.rsplit_once('/') {
                Some((parent, _)) => Self::Repo { path: parent.into(), sure },
                None if path.is_empty() => Self::Workspace,
                None => Self::Repo { path: CompactString::default(), sure },
            },
            (Self::Repo { path, sure }, name) if path.is_empty() => Self::Repo { path: name.into(), sure },
            (Self::Repo { path, sure }, name) => Self::Repo { path: format!("{path}/{name}").into(), sure },
            (Self::Workspace, "..") => Self::Outside,
            (Self::Workspace, name) if REPO_NAMES.contains(&name) => Self::Repo { path: CompactString::default(), sure: false },
            // `/workspace/app/one-pipeline-config-repo` is the same place.
            (Self::Workspace, "app") => Self::Workspace,
            (Self::Workspace, _) => Self::Unknown,
            (Self::Platform(path), "..") => Self::Platform(path),
            (Self::Platform(path), name) => Self::Platform(format!("{path}/{name}").into()),
            (Self::Outside, "workspace") => Self::Workspace,
            (Self::Outside, "commons") => Self::Platform(CompactString::default()),
            (folder @ (Self::Outside | Self::Unknown | Self::RepoName { .. }), _) => folder,
        }
    }
}

/// One name between slashes.
enum Segment {
    Empty,
    Name(CompactString),
    Folder(Folder),
    Unknown,
}

impl Segment {
    fn push_text(self, text: &str) -> Self {
        match self {
            segment if text.is_empty() => segment,
            Self::Empty => Self::Name(text.into()),
            Self::Name(mut name) => {
                name.push_str(text);
                Self::Name(name)
            }
            Self::Folder(_) | Self::Unknown => Self::Unknown,
        }
    }

    fn push_folder(self, folder: Folder) -> Self {
        match self {
            Self::Empty => Self::Folder(folder),
            _ => Self::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::folder::Folder;
    use super::super::{Cause, Piece};

    fn text(text: &str) -> Piece {
        Piece::Text(text.into())
    }

    fn repo(path: &str) -> Folder {
        Folder::Repo { path: path.into(), sure: true }
    }

    #[test]
    fn paths_lead_where_stages_find_them() {
        let root = Folder::root();
        let name = |sure| Piece::Folder(Folder::RepoName { sure }.into());
        let workspace = || Piece::Folder(Folder::Workspace.into());
        let cases = [
            (vec![text("scripts/x")], repo("scripts/x")),
            (vec![text("./x")], repo("x")),
            (vec![text("a/../b//c")], repo("b/c")),
            (vec![workspace(), text("/"), name(true), text("/scripts/x")], repo("scripts/x")),
            (vec![workspace(), text("/one-pipeline-config-repo/x")], Folder::Repo { path: "x".into(), sure: false }),
            (vec![text("/workspace/app/one-pipeline-config-repo/x")], Folder::Repo { path: "x".into(), sure: false }),
            (vec![text("../"), name(false)], Folder::Repo { path: "".into(), sure: false }),
            (vec![workspace(), text("/other/x")], Folder::Unknown),
            (
                vec![Piece::Folder(Folder::Platform("".into()).into()), text("/tools/trigger-task")],
                Folder::Platform("/tools/trigger-task".into()),
            ),
            (vec![text("/opt/commons/x.sh")], Folder::Platform("/x.sh".into())),
            (vec![text("/usr/bin/x")], Folder::Outside),
            (vec![text("~/x")], Folder::Outside),
            (vec![text("../../etc/passwd")], Folder::Outside),
            (vec![text("scripts/v"), Piece::Unknown(Cause::Expansion), text(".sh")], Folder::Unknown),
        ];
        for (path, expected) in cases {
            assert_eq!(root.join(&path), expected, "{path:?}");
        }
    }
}
