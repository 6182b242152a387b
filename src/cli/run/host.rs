//! What scripts take for granted of the platform, and this machine does not have.

use sidestage_compiler::source::Sources;

/// The folders that the platform mounts.
const MOUNTED: [&str; 2] = ["/workspace", "/config"];

/// Where scripts name folders that only the platform has: `file:line` and the folder, the first of each file.
pub(super) fn absolute_paths(sources: &Sources) -> Vec<(String, &'static str)> {
    let mut found = Vec::new();
    for source in sources.iter() {
        let first = source.text().lines().enumerate().find_map(|(index, line)| named_in(line).map(|folder| (index + 1, folder)));
        found.extend(first.map(|(line, folder)| (format!("{}:{line}", source.path()), folder)));
    }
    found
}

fn named_in(line: &str) -> Option<&'static str> {
    if line.trim_start().starts_with('#') {
        return None;
    }
    MOUNTED.into_iter().find(|folder| {
        line.match_indices(folder).any(|(at, _)| {
            let before = line[..at].chars().next_back();
            let after = line[at + folder.len()..].chars().next();
            // `$X/workspace` and `./config` are other folders.
            let begins = before.is_none_or(|c| c.is_whitespace() || "\"'=(:;|&<>`".contains(c));
            let ends = after.is_none_or(|c| !c.is_alphanumeric() && !"-_.".contains(c));
            begins && ends
        })
    })
}

#[cfg(test)]
mod tests {
    use super::named_in;

    #[test]
    fn only_the_folders_of_the_platform_are_meant() {
        for (line, expected) in [
            ("cd /workspace/app", Some("/workspace")),
            ("cat \"/config/api-key\"", Some("/config")),
            ("X=/workspace", Some("/workspace")),
            ("cd \"$WORKSPACE/workspace\"", None),
            ("cat ./config/x", None),
            ("cat $HOME/config", None),
            ("# cd /workspace", None),
            ("cd /workspace-2", None),
            ("curl https://x/config", None),
        ] {
            assert_eq!(named_in(line), expected, "{line}");
        }
    }
}
