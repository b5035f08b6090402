//! The pool of `db_pool_postgres` against a server of its own, where PostgreSQL is installed.

mod support;

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, geteuid, kill_process};
use support::program;

/// A server with an empty database and a Unix socket, in a directory of its own. Nothing is left of
/// it in the end.
struct Server {
    directory: PathBuf,
    /// `None` until it has been started.
    process: Option<Child>,
}

impl Server {
    /// `None` if it cannot be had here; says why.
    fn start() -> Option<Server> {
        let Some(programs) = programs() else {
            eprintln!("skipped: PostgreSQL is not installed");
            return None;
        };
        // The server refuses to run as root.
        let user = if geteuid().is_root() { Some(unprivileged_user()?) } else { None };
        let name = format!("heist-postgres-{}", std::process::id());
        let mut server = Server { directory: std::env::temp_dir().join(name), process: None };
        fs::create_dir(&server.directory).unwrap();
        fs::set_permissions(&server.directory, fs::Permissions::from_mode(0o700)).unwrap();
        if let Some((user, group)) = user {
            chown(&server.directory, Some(user), Some(group)).unwrap();
        }
        let data = server.directory.join("data");
        let command = |program: &str| {
            let mut command = Command::new(programs.join(program));
            command.current_dir(&server.directory).env("LC_ALL", "C").stdin(Stdio::null());
            if let Some((user, group)) = user {
                command.uid(user).gid(group);
            }
            command
        };
        let made = command("initdb")
            .args(["--username=postgres", "--auth=trust", "--no-sync", "--pgdata"])
            .arg(&data)
            .output()
            .unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let log = fs::File::create(server.directory.join("log")).unwrap();
        let started = command("postgres")
            .args(["-c", "listen_addresses=", "-c", "fsync=off", "-c", "statement_timeout=60s"])
            .arg("-k")
            .arg(&server.directory)
            .arg("-D")
            .arg(&data)
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        server.process = Some(started);
        server.wait_until_ready();
        Some(server)
    }

    fn wait_until_ready(&mut self) {
        let end = Instant::now() + Duration::from_secs(60);
        while !self.log().contains("ready to accept connections")
            || UnixStream::connect(self.directory.join(".s.PGSQL.5432")).is_err()
        {
            let process = self.process.as_mut().expect("it has been started");
            assert_eq!(process.try_wait().unwrap(), None, "{}", self.log());
            assert!(Instant::now() < end, "the server does not come up: {}", self.log());
            sleep(Duration::from_millis(10));
        }
    }

    fn log(&self) -> String {
        fs::read_to_string(self.directory.join("log")).unwrap_or_default()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(process) = &mut self.process {
            // At once, without a farewell: what it has goes anyway.
            let _ = kill_process(Pid::from_child(process), Signal::QUIT);
            let end = Instant::now() + Duration::from_secs(30);
            while matches!(process.try_wait(), Ok(None)) && Instant::now() < end {
                sleep(Duration::from_millis(10));
            }
            let _ = process.kill();
            let _ = process.wait();
        }
        let _ = fs::remove_dir_all(&self.directory);
    }
}

/// The directory with PostgreSQL's programs: of the newest version, if it is not in the `PATH`.
fn programs() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let has_both =
        |directory: &PathBuf| ["initdb", "postgres"].iter().all(|p| directory.join(p).is_file());
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut versions: Vec<_> = versions.map(|version| version.path().join("bin")).collect();
    versions.sort_by_key(|bin| {
        let version = bin.parent().and_then(Path::file_name).and_then(|name| name.to_str());
        std::cmp::Reverse(version.and_then(|name| name.parse::<u32>().ok()))
    });
    std::env::split_paths(&path).chain(versions).find(has_both)
}

/// The user and the group of `nobody`; says so if there is none.
fn unprivileged_user() -> Option<(u32, u32)> {
    let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let nobody = users.lines().find_map(|line| {
        let mut fields = line.strip_prefix("nobody:")?.split(':').skip(1);
        Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
    });
    if nobody.is_none() {
        eprintln!("skipped: PostgreSQL does not run as root, and there is no user `nobody`");
    }
    nobody
}

#[test]
fn twenty_queries_share_five_connections() {
    let Some(server) = Server::start() else { return };
    for workers in ["1", "2"] {
        let output = Command::new(program("db_pool_postgres"))
            .env("PGHOST", &server.directory)
            .env("PGUSER", "postgres")
            .env("HEIST_WORKER_THREADS", workers)
            .output()
            .unwrap();
        let errors = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{errors}\n{}", server.log());
        let lines = (1..=20).map(|number| format!("query {number}"));
        let last = [
            "The query took too long".to_owned(),
            "All 5 connections are free again, and 0 queries still run".to_owned(),
        ];
        let printed = String::from_utf8(output.stdout).unwrap();
        assert!(printed.lines().eq(lines.chain(last)), "{printed}");
        let queries = errors.lines().find_map(|line| line.strip_prefix("twenty queries took "));
        let took: f64 = queries.unwrap().strip_suffix(" s").unwrap().parse().unwrap();
        // Four turns of 0.1 s; one at a time they would take 2 s.
        assert!(took >= 0.4, "{took} s: more than five queries at a time");
    }
    assert!(!server.log().contains("statement timeout"), "no query was left to end by itself");
}
