//! The static program in images that have nothing: a root with one shell, and without the libraries that programs usually need.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use super::server::{Server, TOKEN};
use crate::harness::cluster::{Cluster, NAMESPACE};
use crate::harness::repository::project;

/// `./test.sh` builds it.
fn program() -> PathBuf {
    let program = project().join("target/static/x86_64-unknown-linux-gnu/static/sidestage");
    assert!(program.is_file(), "{} is not there: `./test.sh` builds it", program.display());
    program
}

/// An image: a folder that becomes the root.
struct Image {
    root: tempfile::TempDir,
}

impl Image {
    /// With the applets of busybox as its only programs.
    fn of_busybox() -> Self {
        let image = Self { root: tempfile::tempdir().unwrap() };
        let busybox = found("busybox");
        assert!(!libraries(&busybox).iter().any(|library| library.contains("libc.so")), "busybox-static has no libraries");
        image.put(&busybox, "bin/busybox");
        for applet in ["sh", "cat", "env", "mkdir", "ls"] {
            std::os::unix::fs::symlink("busybox", image.root.path().join("bin").join(applet)).unwrap();
        }
        image
    }

    /// With bash and what that needs, and nothing else: no `env`, no `cat`.
    fn of_bash() -> Self {
        let image = Self { root: tempfile::tempdir().unwrap() };
        let bash = found("bash");
        for library in libraries(&bash) {
            image.put(Path::new(&library), library.trim_start_matches('/'));
        }
        image.put(&bash, "bin/bash");
        image
    }

    fn put(&self, from: &Path, to: &str) {
        let to = self.root.path().join(to);
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::copy(from.canonicalize().unwrap(), &to).unwrap();
        fs::set_permissions(&to, fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// Runs a program of the image with this environment alone. Every container has these devices, and `/proc`.
    fn run(&self, words: &[&str], environment: &[(&str, String)]) -> Output {
        const ENTER: &str = "for device in null random urandom; do mount --bind \"/dev/$device\" \"$1/dev/$device\" || exit; done\n\
                             mount --rbind /proc \"$1/proc\" && exec chroot \"$@\"";
        let devices = self.root.path().join("dev");
        fs::create_dir_all(&devices).unwrap();
        fs::create_dir_all(self.root.path().join("proc")).unwrap();
        for device in ["null", "random", "urandom"] {
            fs::write(devices.join(device), "").unwrap();
        }
        let mut command = Command::new("unshare");
        command.args(["--map-root-user", "--mount", "sh", "-c", ENTER, "sh"]).arg(self.root.path()).args(words);
        command.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").envs(environment.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null()).output().expect("unshare of util-linux")
    }
}

fn found(program: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap();
    let places = std::env::split_paths(&path).map(|folder| folder.join(program));
    places.into_iter().find(|path| path.is_file()).unwrap_or_else(|| panic!("{program} is not there: `./test.sh` installs it"))
}

/// The loader and the libraries of a program.
fn libraries(program: &Path) -> Vec<String> {
    let output = Command::new("ldd").arg(program).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.split_whitespace().filter(|word| word.starts_with('/')).map(|word| word.trim_end_matches(':').to_owned()).collect()
}

/// A workspace in the image that `start` has begun, as the first step of a run does in an image of its own.
fn begun(image: &Image, server: &Server) {
    let workspace = image.root.path().join("workspace/app");
    fs::create_dir_all(&workspace).unwrap();
    let mut command = Command::new(program());
    command.args(["tekton", "start", "ci", "--", &server.url(), "main", "app", "opt-in=1"]);
    command.env("WORKSPACE", &workspace).env("CONFIG_DIR", image.root.path().join("config"));
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && !said.contains("no static program"), "{said}");
    // In the image the workspace has another path.
    let bin = workspace.join(".sidestage/one-pipeline/bin");
    for entry in fs::read_dir(&bin).unwrap().map(Result::unwrap).filter(|entry| entry.file_type().unwrap().is_symlink()) {
        fs::remove_file(entry.path()).unwrap();
        std::os::unix::fs::symlink("sidestage", entry.path()).unwrap();
    }
}

fn environment(cluster: &Cluster) -> Vec<(&'static str, String)> {
    let api = cluster.api_address();
    vec![
        ("WORKSPACE", "/workspace/app".to_owned()),
        ("CONFIG_DIR", "/config".to_owned()),
        ("PIPELINE_RUN_ID", "web-ci-1".to_owned()),
        ("PIPELINE_ID", "web-ci".to_owned()),
        ("SIDESTAGE_NAMESPACE", NAMESPACE.to_owned()),
        ("SIDESTAGE_ASYNC_STAGES", "zap".to_owned()),
        // The name has to be found without a resolver.
        ("SIDESTAGE_LISTENER", "http://el-web-async:8080".to_owned()),
        ("EL_WEB_ASYNC_SERVICE_HOST", "127.0.0.1".to_owned()),
        ("EL_WEB_ASYNC_SERVICE_PORT", cluster.listener().rsplit_once(':').unwrap().1.to_owned()),
        ("SIDESTAGE_TOKEN_FILE", "/sidestage/token/token".to_owned()),
        ("SIDESTAGE_KUBE", "/sidestage/kube".to_owned()),
        ("KUBERNETES_SERVICE_HOST", api.ip().to_string()),
        ("KUBERNETES_SERVICE_PORT", api.port().to_string()),
    ]
}

fn runs_in(image: &Image, shell: &str) {
    let script = format!(
        "#!{shell}\nset -e\nset_env app-url \"https://web.example.com\"\nexport_env app-url\n. \"$ONE_PIPELINE_PATH/tools/trigger-task\"\n\
         . \"$ONE_PIPELINE_PATH/tools/retry\"\nretry 2 0 trigger-task zap\necho \"$(get_env app-url) of $(load_repo app-repo branch)\"\n"
    );
    let indented: String = script.lines().map(|line| format!("    {line}\n")).collect();
    let config = format!(
        "version: '1'\ndeploy:\n  image: example/base:1\n  script: |\n{indented}zap:\n  image: example/zap:1\n  script: |\n    #!{shell}\n    get_env app-url\n"
    );
    let server = Server::empty();
    server.commit(&[(".pipeline-config.yaml", &config)]);
    begun(image, &server);
    let cluster = Cluster::start(&[("zap", "web-async-zap")], TOKEN);
    for (path, bytes) in [
        ("sidestage/token/token", TOKEN.as_bytes().to_vec()),
        ("sidestage/kube/token", fs::read(cluster.kube_folder().join("token")).unwrap()),
        ("sidestage/kube/ca.crt", fs::read(cluster.kube_folder().join("ca.crt")).unwrap()),
    ] {
        let path = image.root.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    let words = ["/workspace/app/.sidestage/one-pipeline/bin/sidestage", "tekton", "enter", "deploy"];
    let output = image.run(&words, &environment(&cluster));
    let (said, told) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && said.ends_with("https://web.example.com of main\n"), "{said}{told}");
    let runs = cluster.runs();
    assert!(runs.len() == 1 && said.contains(&format!("started: stage zap, run {}\n", runs[0].name)), "{said}{told}");
}

#[test]
fn a_stage_runs_and_triggers_in_an_image_with_nothing_but_busybox() {
    runs_in(&Image::of_busybox(), "/bin/sh");
}

#[test]
fn a_stage_runs_and_triggers_in_an_image_with_nothing_but_bash() {
    runs_in(&Image::of_bash(), "/bin/bash");
}

#[test]
fn an_image_without_the_interpreter_of_a_script_is_said() {
    let image = Image::of_busybox();
    let server = Server::small("v1");
    begun(&image, &server);
    let cluster = Cluster::start(&[], TOKEN);
    let words = ["/workspace/app/.sidestage/one-pipeline/bin/sidestage", "tekton", "enter", "deploy"];
    let output = image.run(&words, &environment(&cluster));
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(127), "{told}");
    assert!(told.contains("bash"), "{told}");
}
