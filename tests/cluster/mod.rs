//! A throw-away PostgreSQL of the machine's own programs: a cluster in a temporary folder, reached by a socket in it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, clippy::print_stderr)] // a test fails by panicking
#![allow(dead_code, unreachable_pub)] // each test uses its part of this

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// Set to 1, a machine without PostgreSQL fails the tests that need one.
pub const REQUIRE: &str = "TASUKI_REQUIRE_POSTGRES";
/// `nobody`: PostgreSQL does not run as root.
const NOBODY: &str = "65534";

/// A running server; stopped and removed when dropped.
pub struct Cluster {
    programs: PathBuf,
    folder: tempfile::TempDir,
    port: String,
    options: Vec<String>,
    server: Option<Child>,
}

/// Where the programs of PostgreSQL are: the newest that Debian keeps, else those of the search path.
fn programs() -> Option<PathBuf> {
    let debian = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut folders: Vec<_> = debian.map(|version| version.path().join("bin")).collect();
    folders.sort_by_key(|folder| {
        let version = folder.parent().and_then(Path::file_name).and_then(|name| name.to_str());
        std::cmp::Reverse(version.and_then(|version| version.parse::<u32>().ok()))
    });
    folders.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()));
    folders.into_iter().find(|folder| ["initdb", "postgres", "psql"].iter().all(|name| folder.join(name).is_file()))
}

impl Cluster {
    /// Starts one with settings of its own (`name=value`); `None`, said aloud, on a machine without PostgreSQL.
    pub fn start(settings: &[&str]) -> Option<Cluster> {
        Cluster::start_on(5432, settings, &[])
    }

    /// The same on a port, with files that lie beside its data: a setting names one as `../name`.
    pub fn start_on(port: u16, settings: &[&str], files: &[(&str, &str)]) -> Option<Cluster> {
        let Some(programs) = programs() else {
            assert!(std::env::var(REQUIRE).as_deref() != Ok("1"), "PostgreSQL not found");
            println!("PostgreSQL not found: its tests were not run");
            return None;
        };
        let folder = tempfile::Builder::new().prefix("tasuki-pg").tempdir_in("/tmp").unwrap();
        for (name, text) in files {
            std::fs::write(folder.path().join(name), text).unwrap();
            std::fs::set_permissions(folder.path().join(name), std::fs::Permissions::from_mode(0o600)).unwrap();
        }
        if is_root() {
            let nobody = NOBODY.parse().ok();
            for path in files.iter().map(|(name, _)| folder.path().join(name)).chain([folder.path().to_owned()]) {
                std::os::unix::fs::chown(path, nobody, nobody).unwrap();
            }
        }
        let mut options = vec!["listen_addresses=".to_owned(), "fsync=on".to_owned(), "shared_buffers=32MB".to_owned()];
        options.extend(settings.iter().map(|setting| (*setting).to_owned()));
        let mut cluster = Cluster { programs, folder, port: port.to_string(), options, server: None };
        let made = cluster
            .program("initdb")
            .args(["-U", "tasuki", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync", "-D"])
            .arg(cluster.data())
            .output()
            .unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        cluster.start_again();
        Some(cluster)
    }

    /// Starts the server that was stopped.
    pub fn start_again(&mut self) {
        let log = std::fs::File::options().create(true).append(true).open(self.folder.path().join("log")).unwrap();
        let mut server = self.program("postgres");
        server.current_dir(self.data());
        server.arg("-D").arg(self.data()).args(["-p", &self.port, "-k"]).arg(self.folder.path());
        for option in &self.options {
            server.args(["-c", option]);
        }
        self.server = Some(server.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn().unwrap());
        for _ in 0..600 {
            if self.psql("postgres", "SELECT 1").status.success() {
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("{}", std::fs::read_to_string(self.folder.path().join("log")).unwrap());
    }

    /// Stops the server without letting it write anything: what it does when it is started again is recover.
    pub fn stop_at_once(&mut self) {
        if let Some(mut server) = self.server.take() {
            let _ = Command::new("kill").args(["-QUIT", &server.id().to_string()]).status();
            let _ = server.wait();
        }
    }

    /// The process id of the server.
    pub fn id(&self) -> u32 {
        self.server.as_ref().map_or(0, Child::id)
    }

    /// The folder of its socket.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The address of its one database.
    pub fn url(&self) -> String {
        format!("host={} user=tasuki dbname=postgres", self.folder.path().display())
    }

    /// Runs statements as the administrator and gives what they answer.
    pub fn sql(&self, text: &str) -> String {
        let output = self.psql("postgres", text);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// Bytes on the disk.
    pub fn disk_bytes(&self) -> u64 {
        let output = Command::new("du").arg("-sb").arg(self.data()).output().unwrap();
        String::from_utf8_lossy(&output.stdout).split_whitespace().next().unwrap().parse().unwrap()
    }

    fn psql(&self, database: &str, text: &str) -> std::process::Output {
        let mut psql = Command::new(self.programs.join("psql"));
        psql.args(["-X", "-q", "-A", "-t", "-U", "tasuki", "-d", database, "-p", &self.port, "-c", text, "-h"]);
        psql.arg(self.folder.path()).output().unwrap()
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// One of its programs, as somebody it runs as; ended with the thread that started it.
    fn program(&self, name: &str) -> Command {
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "QUIT"]).current_dir(self.folder.path());
        if is_root() {
            command.args(["--reuid", NOBODY, "--regid", NOBODY, "--clear-groups"]);
        }
        command.arg("--").arg(self.programs.join(name));
        command
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.stop_at_once();
    }
}

fn is_root() -> bool {
    let output = Command::new("id").arg("-u").output();
    output.is_ok_and(|output| output.stdout == b"0\n")
}
