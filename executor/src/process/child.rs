//! [`Child`].

use std::future::{Future, poll_fn};
use std::io;
use std::os::fd::OwnedFd;
use std::panic::Location;
use std::process::{ExitStatus, Output};
use std::task::{Context, Poll, ready};

use futures_lite::AsyncReadExt;
use futures_lite::future::try_zip;
use heist_io::{Async, Interest};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

use super::orphans;
use super::pipe::{ChildStderr, ChildStdin, ChildStdout, Pipe};
use crate::blocking::Site;
use crate::leaf::{self, Made, Operation};
use crate::signal::unix::SignalKind;

static WAIT: Operation = Operation::new("Child::wait");

/// A process that this one has started; see [`Command::spawn`](super::Command::spawn).
///
/// Dropping it neither kills the process, unless
/// [`kill_on_drop`](super::Command::kill_on_drop) was set, nor leaves a zombie; see the
/// [module](super).
///
/// # Examples
/// ```
/// # heist::runtime::Runtime::new().unwrap().block_on(async {
/// use heist::io::{AsyncReadExt, AsyncWriteExt};
/// use heist::process::Command;
/// use std::process::Stdio;
///
/// let mut cat = Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
/// let mut stdin = cat.stdin.take().unwrap();
/// stdin.write_all(b"meow").await.unwrap();
/// drop(stdin);
/// let mut echo = String::new();
/// cat.stdout.as_mut().unwrap().read_to_string(&mut echo).await.unwrap();
/// assert_eq!(echo, "meow");
/// assert!(cat.wait().await.unwrap().success());
/// # });
/// ```
#[derive(Debug)]
pub struct Child {
    fate: Fate,
    kill_on_drop: bool,
    /// The writing end of its standard input, if that is a pipe.
    pub stdin: Option<ChildStdin>,
    /// The reading end of its standard output, if that is a pipe.
    pub stdout: Option<ChildStdout>,
    /// The reading end of its standard error, if that is a pipe.
    pub stderr: Option<ChildStderr>,
}

#[derive(Debug)]
enum Fate {
    /// Not known to have ended. As nobody else asks how it ended, its number is its own.
    Running(Running),
    Ended(ExitStatus),
}

#[derive(Debug)]
struct Running {
    child: std::process::Child,
    /// Readable once the process has ended.
    pidfd: Async<OwnedFd>,
}

impl Child {
    /// Takes over a process that was just started; if that fails the process is killed.
    pub(super) fn adopt(
        mut child: std::process::Child,
        kill_on_drop: bool,
        at: &'static Location<'static>,
    ) -> io::Result<Child> {
        // Nothing is ever read from it, so that it may block does not matter.
        let pidfd = pidfd_open(Pid::from_child(&child), PidfdFlags::empty());
        let pidfd = match pidfd.map_err(io::Error::from).and_then(Async::new_nonblocking) {
            Ok(pidfd) => pidfd,
            Err(error) => {
                // It has just been started, so it is there, and a killed process ends soon.
                let _ = child.kill();
                let _ = child.wait();
                return Err(error);
            }
        };
        let (stdin, stdout, stderr) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let fate = Fate::Running(Running { child, pidfd });
        let mut child = Child { fate, kill_on_drop: true, stdin: None, stdout: None, stderr: None };
        let pipe = |fd: OwnedFd| Pipe::new(fd, at);
        child.stdin = stdin.map(OwnedFd::from).map(pipe).transpose()?.map(ChildStdin::new);
        child.stdout = stdout.map(OwnedFd::from).map(pipe).transpose()?.map(ChildStdout::new);
        child.stderr = stderr.map(OwnedFd::from).map(pipe).transpose()?.map(ChildStderr::new);
        child.kill_on_drop = kill_on_drop;
        Ok(child)
    }

    /// Its number, as long as it is not known to have ended; then the number may be another's.
    pub fn id(&self) -> Option<u32> {
        match &self.fate {
            Fate::Running(running) => Some(running.child.id()),
            Fate::Ended(_) => None,
        }
    }

    /// Waits until it has ended. Its standard input is closed first, if that is still here, so
    /// that a child that reads to the end does not wait for us. Says the same each time it is asked.
    ///
    /// # Errors
    /// Those of the system, as when the process ignores `SIGCHLD` and so cannot know.
    ///
    /// # Cancel safety
    /// Cancel safe, though standard input is closed.
    #[track_caller]
    pub fn wait(&mut self) -> impl Future<Output = io::Result<ExitStatus>> + Send + '_ {
        let made = Made::here(&WAIT);
        async move {
            let site = (&WAIT, made.begin());
            drop(self.stdin.take());
            poll_fn(|cx| self.poll_end(cx, site)).await
        }
    }

    fn poll_end(&mut self, cx: &mut Context<'_>, site: Site) -> Poll<io::Result<ExitStatus>> {
        ready!(leaf::proceed(cx));
        loop {
            let Running { child, pidfd } = match &mut self.fate {
                Fate::Running(running) => running,
                Fate::Ended(status) => return Poll::Ready(Ok(*status)),
            };
            let would_block = || io::Error::from(io::ErrorKind::WouldBlock);
            let try_wait = |_: &OwnedFd| child.try_wait()?.ok_or_else(would_block);
            match pidfd.try_io(Interest::READABLE, try_wait) {
                Ok(status) => self.fate = Fate::Ended(status),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    let readable = pidfd.poll_readable(cx);
                    if readable.is_pending() {
                        leaf::restore();
                        leaf::waiting(site.0, site.1);
                    }
                    ready!(readable)?;
                }
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }

    /// How it ended, if it has.
    ///
    /// # Errors
    /// Those of the system.
    pub fn try_wait(&mut self) -> io::Result<Option<ExitStatus>> {
        match &mut self.fate {
            Fate::Running(running) => {
                let status = running.child.try_wait()?;
                if let Some(status) = status {
                    self.fate = Fate::Ended(status);
                }
                Ok(status)
            }
            Fate::Ended(status) => Ok(Some(*status)),
        }
    }

    /// Collects what it writes to the pipes that are still here, and waits until it has ended.
    ///
    /// # Errors
    /// Those of the system.
    ///
    /// # Cancel safety
    /// Not cancel safe: what has been read is lost, and the child is dropped.
    #[track_caller]
    pub fn wait_with_output(mut self) -> impl Future<Output = io::Result<Output>> + Send + 'static {
        let made = Made::here(&WAIT);
        async move {
            let site = (&WAIT, made.begin());
            drop(self.stdin.take());
            let (mut stdout, mut stderr) = (self.stdout.take(), self.stderr.take());
            let read_stdout = async {
                let mut read = Vec::new();
                if let Some(stdout) = &mut stdout {
                    stdout.read_to_end(&mut read).await?;
                }
                Ok(read)
            };
            let read_stderr = async {
                let mut read = Vec::new();
                if let Some(stderr) = &mut stderr {
                    stderr.read_to_end(&mut read).await?;
                }
                Ok(read)
            };
            let end = poll_fn(|cx| self.poll_end(cx, site));
            let (status, (stdout, stderr)) =
                try_zip(end, try_zip(read_stdout, read_stderr)).await?;
            io::Result::Ok(Output { status, stdout, stderr })
        }
    }

    /// Kills it (`SIGKILL`) and waits until it has ended.
    ///
    /// # Errors
    /// Those of the system. That it has ended already is none.
    ///
    /// # Cancel safety
    /// Cancel safe: it is killed at the first poll.
    #[track_caller]
    pub fn kill(&mut self) -> impl Future<Output = io::Result<()>> + Send + '_ {
        let made = Made::here(&WAIT);
        async move {
            let site = (&WAIT, made.begin());
            if let Fate::Running(_) = self.fate {
                self.start_kill()?;
            }
            poll_fn(|cx| self.poll_end(cx, site)).await.map(drop)
        }
    }

    /// Kills it (`SIGKILL`) without waiting.
    ///
    /// # Errors
    /// `InvalidInput` if it is known to have ended.
    pub fn start_kill(&mut self) -> io::Result<()> {
        self.send_signal(SignalKind::from_raw(Signal::KILL.as_raw()))
    }

    /// Sends it a signal. tokio has no such method.
    ///
    /// # Errors
    /// `InvalidInput` if it is known to have ended, or there is no such signal.
    ///
    /// # Examples
    /// ```
    /// # heist::runtime::Runtime::new().unwrap().block_on(async {
    /// use std::os::unix::process::ExitStatusExt;
    /// use heist::signal::unix::SignalKind;
    ///
    /// let mut sleep = heist::process::Command::new("sleep").arg("1000").spawn().unwrap();
    /// sleep.send_signal(SignalKind::terminate()).unwrap();
    /// assert_eq!(sleep.wait().await.unwrap().signal(), Some(15));
    /// # });
    /// ```
    pub fn send_signal(&mut self, signal: SignalKind) -> io::Result<()> {
        let invalid = |message| io::Error::new(io::ErrorKind::InvalidInput, message);
        let Fate::Running(running) = &self.fate else {
            return Err(invalid("the process has ended"));
        };
        let signal = Signal::from_named_raw(signal.as_raw_value())
            .ok_or_else(|| invalid("there is no such signal"))?;
        match pidfd_send_signal(running.pidfd.get_ref(), signal) {
            // It has ended, but nobody has asked yet: as if the signal had come a moment too late.
            Err(rustix::io::Errno::SRCH) => Ok(()),
            result => Ok(result?),
        }
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        if self.kill_on_drop {
            // That it has ended is what is wanted.
            let _ = self.start_kill();
        }
        // If asking fails, nobody can ever ask.
        if let Ok(Some(_)) | Err(_) = self.try_wait() {
            return;
        }
        if let Fate::Running(running) =
            std::mem::replace(&mut self.fate, Fate::Ended(ExitStatus::default()))
        {
            orphans::adopt(running.child, running.pidfd.into_inner());
        }
    }
}
