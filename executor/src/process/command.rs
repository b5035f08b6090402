//! [`Command`].

use std::ffi::OsStr;
use std::future::Future;
use std::io;
use std::os::unix::process::CommandExt;
use std::panic::Location;
use std::path::Path;
use std::process::{ExitStatus, Output, Stdio};

use super::Child;

/// Starts processes; the standard library's with futures in place of waiting.
///
/// # Examples
/// ```
/// # heist::runtime::Runtime::new().unwrap().block_on(async {
/// let output = heist::process::Command::new("echo").arg("hello").output().await.unwrap();
/// assert!(output.status.success());
/// assert_eq!(output.stdout, b"hello\n");
/// # });
/// ```
#[derive(Debug)]
pub struct Command {
    std: std::process::Command,
    kill_on_drop: bool,
}

impl Command {
    /// A program, looked for in `PATH` unless its name has a slash, without arguments, with this
    /// process's environment, directory and standard streams.
    pub fn new(program: impl AsRef<OsStr>) -> Command {
        Command::from(std::process::Command::new(program))
    }

    /// The standard library's command under it.
    pub fn as_std(&self) -> &std::process::Command {
        &self.std
    }

    /// The standard library's command under it.
    pub fn as_std_mut(&mut self) -> &mut std::process::Command {
        &mut self.std
    }

    /// The standard library's command under it.
    pub fn into_std(self) -> std::process::Command {
        self.std
    }

    /// Adds an argument.
    pub fn arg(&mut self, arg: impl AsRef<OsStr>) -> &mut Command {
        self.std.arg(arg);
        self
    }

    /// Adds arguments.
    pub fn args<I>(&mut self, args: I) -> &mut Command
    where
        I: IntoIterator<Item: AsRef<OsStr>>,
    {
        self.std.args(args);
        self
    }

    /// What the process is told its own name is, in place of the program's.
    pub fn arg0(&mut self, arg: impl AsRef<OsStr>) -> &mut Command {
        self.std.arg0(arg);
        self
    }

    /// Sets an environment variable.
    pub fn env(&mut self, key: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> &mut Command {
        self.std.env(key, value);
        self
    }

    /// Sets environment variables.
    pub fn envs<I, K, V>(&mut self, variables: I) -> &mut Command
    where
        I: IntoIterator<Item = (K, V)>,
        K: AsRef<OsStr>,
        V: AsRef<OsStr>,
    {
        self.std.envs(variables);
        self
    }

    /// Removes an environment variable.
    pub fn env_remove(&mut self, key: impl AsRef<OsStr>) -> &mut Command {
        self.std.env_remove(key);
        self
    }

    /// Inherits no environment variables.
    pub fn env_clear(&mut self) -> &mut Command {
        self.std.env_clear();
        self
    }

    /// Sets the directory it starts in.
    pub fn current_dir(&mut self, dir: impl AsRef<Path>) -> &mut Command {
        self.std.current_dir(dir);
        self
    }

    /// Sets its standard input.
    pub fn stdin(&mut self, stdin: impl Into<Stdio>) -> &mut Command {
        self.std.stdin(stdin);
        self
    }

    /// Sets its standard output.
    pub fn stdout(&mut self, stdout: impl Into<Stdio>) -> &mut Command {
        self.std.stdout(stdout);
        self
    }

    /// Sets its standard error.
    pub fn stderr(&mut self, stderr: impl Into<Stdio>) -> &mut Command {
        self.std.stderr(stderr);
        self
    }

    /// Whether a [`Child`] that is dropped before it has ended is killed. Default: no.
    pub fn kill_on_drop(&mut self, kill: bool) -> &mut Command {
        self.kill_on_drop = kill;
        self
    }

    /// What [`kill_on_drop`](Command::kill_on_drop) was set to.
    pub fn get_kill_on_drop(&self) -> bool {
        self.kill_on_drop
    }

    /// Sets the user it runs as.
    pub fn uid(&mut self, id: u32) -> &mut Command {
        self.std.uid(id);
        self
    }

    /// Sets the group it runs as.
    pub fn gid(&mut self, id: u32) -> &mut Command {
        self.std.gid(id);
        self
    }

    /// Puts it into a process group; zero makes one of its own.
    pub fn process_group(&mut self, group: i32) -> &mut Command {
        self.std.process_group(group);
        self
    }

    /// Adds a closure that the new process calls just before it becomes the program.
    ///
    /// # Safety
    /// As of [`CommandExt::pre_exec`](std::os::unix::process::CommandExt::pre_exec): between fork
    /// and exec only what is safe in a signal handler may be done, so it may neither allocate nor
    /// lock.
    pub unsafe fn pre_exec<F>(&mut self, f: F) -> &mut Command
    where
        F: FnMut() -> io::Result<()> + Send + Sync + 'static,
    {
        // SAFETY: the promise is the same, and our caller has made it.
        unsafe { self.std.pre_exec(f) };
        self
    }

    /// Starts the process. Streams that were set to [`Stdio::piped`] are in the child's fields.
    ///
    /// # Errors
    /// `NotFound`, `PermissionDenied` and the like; those of the system if it has no descriptor
    /// left for the child or lacks pidfds, and then the child has been killed.
    ///
    /// # Panics
    /// Outside a runtime.
    #[track_caller]
    pub fn spawn(&mut self) -> io::Result<Child> {
        self.spawn_with(std::process::Command::spawn)
    }

    /// As [`spawn`](Command::spawn), with a function that starts the standard library's command.
    ///
    /// # Errors
    /// Those of the function, and as [`spawn`](Command::spawn).
    ///
    /// # Panics
    /// Outside a runtime.
    #[track_caller]
    pub fn spawn_with(
        &mut self,
        with: impl FnOnce(&mut std::process::Command) -> io::Result<std::process::Child>,
    ) -> io::Result<Child> {
        // A panic after the child has been started would be too late.
        if crate::runtime::context::with_current(|_| ()).is_none() {
            panic!("{}", crate::runtime::NO_RUNTIME);
        }
        Child::adopt(with(&mut self.std)?, self.kill_on_drop, Location::caller())
    }

    /// Starts the process and waits until it has ended. It starts at once; if the future is dropped
    /// it goes on, unless [`kill_on_drop`](Command::kill_on_drop) is set.
    ///
    /// # Errors
    /// As [`spawn`](Command::spawn).
    ///
    /// # Panics
    /// Outside a runtime.
    ///
    /// # Cancel safety
    /// Not cancel safe: the process goes on unwatched, or is killed if [`kill_on_drop`](Command::kill_on_drop)
    /// is set.
    #[track_caller]
    pub fn status(&mut self) -> impl Future<Output = io::Result<ExitStatus>> + Send + 'static {
        let child = self.spawn();
        async move {
            let mut child = child?;
            // Nobody reads these pipes: a child that writes to them must not wait for ever.
            drop(child.stdout.take());
            drop(child.stderr.take());
            child.wait().await
        }
    }

    /// Starts the process, collects what it writes to standard output and standard error, and
    /// waits until it has ended; see [`status`](Command::status). Unlike the standard library's, and
    /// like tokio's, its standard input is this process's if it is not set.
    ///
    /// # Errors
    /// As [`spawn`](Command::spawn).
    ///
    /// # Panics
    /// Outside a runtime.
    ///
    /// # Cancel safety
    /// Not cancel safe: the process goes on unwatched, or is killed if [`kill_on_drop`](Command::kill_on_drop)
    /// is set; what it has written so far is lost.
    #[track_caller]
    pub fn output(&mut self) -> impl Future<Output = io::Result<Output>> + Send + 'static {
        self.std.stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = self.spawn();
        async move { child?.wait_with_output().await }
    }
}

impl From<std::process::Command> for Command {
    fn from(std: std::process::Command) -> Command {
        Command { std, kill_on_drop: false }
    }
}
