//! The authority that clients of the API trust, and the certificate that it has given the API.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, LazyLock};

use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// One for all clusters of this process.
pub(super) static AUTHORITY: LazyLock<Authority> = LazyLock::new(Authority::new);

pub(super) struct Authority {
    /// PEM
    pub(super) certificate: String,
    /// The API's side of TLS.
    pub(super) server: Arc<ServerConfig>,
}

/// Everything is said here, so that the machine's own configuration of openssl is not read.
const CONFIGURATION: &str = "
[req]
distinguished_name = name
[name]
[ca]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign
subjectKeyIdentifier = hash
[server]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
subjectAltName = IP:127.0.0.1
authorityKeyIdentifier = keyid
";

const NEW_KEY: &str = "-config openssl.cnf -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes";

impl Authority {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let folder = folder.path();
        fs::write(folder.join("openssl.cnf"), CONFIGURATION).expect("a configuration");
        openssl(folder, &format!("req -x509 {NEW_KEY} -extensions ca -subj /CN=kubernetes -days 7 -keyout ca.key -out ca.crt"));
        openssl(folder, &format!("req -new {NEW_KEY} -subj /CN=kube-apiserver -keyout server.key -out server.csr"));
        openssl(
            folder,
            "x509 -req -in server.csr -CA ca.crt -CAkey ca.key -set_serial 2 -days 7 -extfile openssl.cnf -extensions server -out server.crt",
        );
        Self { certificate: fs::read_to_string(folder.join("ca.crt")).expect("a certificate"), server: Arc::new(server(folder)) }
    }
}

fn server(folder: &Path) -> ServerConfig {
    let chain = CertificateDer::pem_file_iter(folder.join("server.crt")).expect("a file").collect::<Result<_, _>>().expect("certificates");
    let key = PrivateKeyDer::from_pem_file(folder.join("server.key")).expect("a key");
    // Another crate may have brought a second provider: none is the default then.
    ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions of TLS")
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .expect("a certificate with its key")
}

fn openssl(folder: &Path, arguments: &str) {
    let output = Command::new("openssl").args(arguments.split(' ')).current_dir(folder).output().expect("openssl is installed");
    assert!(output.status.success(), "openssl {arguments}\n{}", String::from_utf8_lossy(&output.stderr));
}
