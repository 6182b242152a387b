//! What the objects are called: all names begin with the one that the user gives.

use sha2::{Digest, Sha256};

use crate::platform::tekton::MAX_NAME;

/// The names of all objects of a set.
#[derive(Debug)]
pub(super) struct Names<'a> {
    /// How they begin.
    pub(super) prefix: &'a str,
}

impl Names<'_> {
    /// The pipeline of a kind.
    pub(super) fn pipeline(&self, kind: &str) -> String {
        format!("{}-{kind}", self.prefix)
    }

    /// The pipeline that runs an async stage; a name that would be too long is cut, and ends in a part of its hash.
    pub(super) fn async_pipeline(&self, stage: &str) -> String {
        let name = format!("{}-async-{stage}", self.prefix);
        if name.len() <= MAX_NAME {
            return name;
        }
        let hash = hex(&Sha256::digest(&name));
        let head = name.get(..MAX_NAME - 9).unwrap_or(&name).trim_end_matches('-');
        format!("{head}-{}", &hash[..8])
    }

    /// Account, role and binding of parents.
    pub(super) fn run(&self) -> String {
        format!("{}-run", self.prefix)
    }

    /// The listener with its binding and template; account and binding of async runs.
    pub(super) fn asynchronous(&self) -> String {
        format!("{}-async", self.prefix)
    }

    /// Account, roles and bindings of the listener.
    pub(super) fn listener(&self) -> String {
        format!("{}-listener", self.prefix)
    }

    /// The role of the listener in the whole cluster, and its binding: other sets may have the same names in other namespaces.
    pub(super) fn of_cluster(&self, namespace: &str) -> String {
        format!("{namespace}-{}", self.listener())
    }

    /// The config map of the pipeline's properties, which is the user's.
    pub(super) fn properties(&self) -> String {
        format!("{}-properties", self.prefix)
    }

    /// The secret of the secure ones, which is the user's.
    pub(super) fn secure_properties(&self) -> String {
        format!("{}-secure-properties", self.prefix)
    }

    /// The secret of the token, which is the user's.
    pub(super) fn token(&self) -> String {
        format!("{}-async-token", self.prefix)
    }

    /// Where the listener answers in the cluster: Tekton names its service so.
    pub(super) fn listener_address(&self) -> String {
        format!("http://el-{}:8080", self.asynchronous())
    }
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::Names;

    #[test]
    fn a_name_that_is_too_long_is_cut_and_stays_its_own() {
        let names = Names { prefix: "web" };
        assert_eq!(names.async_pipeline("owasp-zap"), "web-async-owasp-zap");
        assert_eq!(names.async_pipeline(&"a".repeat(53)), format!("web-async-{}", "a".repeat(53)), "63 characters");
        let (left, right) = (names.async_pipeline(&"a".repeat(62)), names.async_pipeline(&"a".repeat(63)));
        assert!(left.len() == 63 && right.len() == 63 && left != right, "{left} {right}");
        let cut = names.async_pipeline(&format!("{}-{}", "a".repeat(43), "b".repeat(19)));
        assert!(!cut.contains("--"), "{cut}");
    }
}
