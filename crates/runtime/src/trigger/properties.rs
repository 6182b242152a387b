//! The properties of the pipeline, as they are now: a file each.

use std::fs;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use indexmap::IndexMap;

use super::json::Json;

/// All of them by name, bytes that are no text as base64. Secure ones lie in a folder of their own, and stay here.
pub(super) fn of(folder: &Path) -> Json {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut properties: IndexMap<String, Json> = entries
        .filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            // What a cluster mounts has links beside the files, whose names begin so.
            let path = entry.path();
            let bytes = if name.starts_with("..") || !path.is_file() { None } else { fs::read(path).ok() }?;
            Some((name, value(bytes)))
        })
        .collect();
    properties.sort_keys();
    Json::Object(properties)
}

fn value(bytes: Vec<u8>) -> Json {
    String::from_utf8(bytes).map_or_else(
        |error| Json::Object(IndexMap::from([("base64".to_owned(), Json::String(STANDARD.encode(error.into_bytes())))])),
        Json::String,
    )
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // a test that panics has failed, as it should
mod tests {
    use super::of;
    use crate::trigger::json::written;

    #[test]
    fn files_are_properties_and_folders_are_not() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, bytes: &[u8]| std::fs::write(folder.path().join(name), bytes).unwrap();
        // As a cluster mounts them: links into a folder of data.
        std::fs::create_dir_all(folder.path().join("..2026_01")).unwrap();
        write("..2026_01/region", b"us-south");
        std::os::unix::fs::symlink("..2026_01/region", folder.path().join("region")).unwrap();
        std::fs::create_dir_all(folder.path().join("secure-properties")).unwrap();
        write("secure-properties/ibmcloud-api-key", b"secret");
        write("bytes", &[0xff, 0]);
        write("empty", b"");
        assert_eq!(written(&of(folder.path())), r#"{"bytes":{"base64":"/wA="},"empty":"","region":"us-south"}"#);
    }
}
