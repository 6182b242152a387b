//! Keys as file names: any bytes, reversible, and never a way out of the folder.

use std::path::{Path, PathBuf};

use super::error::StoreError;

/// A file name may have 255 bytes; a longer key goes on in a folder of its own.
const LONGEST: usize = 200;

/// How the name of such a folder ends; no encoded byte looks like it.
const GOES_ON: &str = "%+";

/// Whether a byte may stand for itself; any other one takes three.
fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.')
}

/// The path of a key, relative to the folder of its kind.
pub(super) fn path_of(key: &[u8]) -> PathBuf {
    let mut path = PathBuf::new();
    let mut part = String::new();
    for byte in key {
        if part.len() >= LONGEST {
            path.push(std::mem::take(&mut part) + GOES_ON);
        }
        // No name is `.`, `..` or hidden.
        if is_plain(*byte) && (*byte != b'.' || !part.is_empty()) {
            part.push(char::from(*byte));
        } else {
            part.push_str(&format!("%{byte:02X}"));
        }
    }
    path.push(part);
    path
}

/// The path of an entry, relative to the store.
pub(super) fn path_of_entry(kind: &str, keys: &[&[u8]]) -> PathBuf {
    keys.iter().fold(PathBuf::from(kind), |path, key| path.join(path_of(key)))
}

/// All keys under a folder, sorted.
pub(super) fn keys_in(folder: &Path) -> std::io::Result<Vec<Vec<u8>>> {
    let mut keys = Vec::new();
    collect(folder, &mut Vec::new(), &mut keys)?;
    keys.sort();
    Ok(keys)
}

fn collect(folder: &Path, start: &mut Vec<u8>, keys: &mut Vec<Vec<u8>>) -> std::io::Result<()> {
    let entries = match std::fs::read_dir(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let name = entry?.file_name().into_encoded_bytes();
        let length = start.len();
        if let Some(part) = name.strip_suffix(GOES_ON.as_bytes()) {
            start.extend(decoded(part));
            let name = String::from_utf8_lossy(&name).into_owned();
            collect(&folder.join(name), start, keys)?;
        } else {
            start.extend(decoded(&name));
            keys.push(start.clone());
        }
        start.truncate(length);
    }
    Ok(())
}

fn decoded(name: &[u8]) -> Vec<u8> {
    percent_encoding::percent_decode(name).collect()
}

/// What the keys of an entry may take together, without what parts them: a path has at most 4,096 bytes, and the store
/// has a path itself.
const LONGEST_KEYS: usize = 3500;

/// The key of an entry.
pub(super) fn key(key: &[u8]) -> Result<&[u8], StoreError> {
    fit(&[key]).map_err(StoreError::Usage)?;
    Ok(key)
}

/// Whether a file can be named by these keys; if not, says why.
pub(super) fn fit(keys: &[&[u8]]) -> Result<(), String> {
    if keys.iter().any(|key| key.is_empty()) {
        return Err("the key is empty".to_owned());
    }
    let bytes = || keys.iter().copied().flatten();
    if bytes().map(|byte| if is_plain(*byte) { 1 } else { 3 }).sum::<usize>() <= LONGEST_KEYS {
        return Ok(());
    }
    let what = match keys {
        [_] => "a key",
        _ => "an entry with names",
    };
    Err(format!(
        "{what} of {} bytes is too long; {LONGEST_KEYS} letters, digits, `-`, `_` and `.` fit, and every byte of another character counts as 3",
        bytes().count()
    ))
}

/// A key as it is shown in a message.
pub(super) fn shown(key: &[u8]) -> String {
    String::from_utf8_lossy(key).escape_debug().collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // a test that panics has failed, as it should
mod tests {
    use super::*;

    #[test]
    fn a_key_is_a_name_and_never_a_way_out() {
        let cases: [(&[u8], &str); 8] = [
            (b"app-url", "app-url"),
            (b"a.b_C-1", "a.b_C-1"),
            (b"..", "%2E."),
            (b".hidden", "%2Ehidden"),
            (b"../../etc/passwd", "%2E.%2F..%2Fetc%2Fpasswd"),
            (b"100%", "100%25"),
            (b"a b\n", "a%20b%0A"),
            (b"\xff\xfc", "%FF%FC"),
        ];
        for (key, expected) in cases {
            assert_eq!(path_of(key), Path::new(expected), "{key:?}");
        }
    }

    #[test]
    fn every_key_is_found_again() {
        let folder = tempfile::tempdir().unwrap();
        let mut keys: Vec<Vec<u8>> =
            vec![b"a".to_vec(), b"a/b".to_vec(), vec![b'x'; 200], vec![b'x'; 201], vec![b'/'; 500], vec![0xfe; 3], b"a%+".to_vec()];
        for key in &keys {
            let path = folder.path().join(path_of(key));
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
        }
        keys.sort();
        assert_eq!(keys_in(folder.path()).unwrap(), keys);
    }
}
