//! Signals of the operating system as events.
//!
//! A handler may do next to nothing, so ours writes one byte to a socket whose other end is on
//! the reactor. Signals of one kind that come faster than they are received become one. A handler of
//! your own does likewise, with [`io::Async`](crate::io::Async) around the other end: to call a waker, to
//! spawn or to send allocates and locks, which may be what the signal has interrupted.
//!
//! # Examples
//! Serving until Ctrl-C:
//! ```
//! # heist::runtime::Runtime::new().unwrap().block_on(async {
//! # async fn serve() { std::future::pending().await }
//! let stop = heist::signal::ctrl_c();
//! # use rustix::process::{Signal, getpid, kill_process};
//! # kill_process(getpid(), Signal::INT).unwrap();
//! heist::select! {
//!     caught = stop => caught.unwrap(),
//!     () = serve() => {}
//! }
//! # });
//! ```

use std::future::{Future, poll_fn};
use std::io;

use unix::{SignalKind, signal};

use crate::leaf::{Made, Operation};

static CTRL_C: Operation = Operation::new("ctrl_c");

/// Waits for Ctrl-C (`SIGINT`).
///
/// From the first call on, the signal no longer ends the process; it does not do so again when the
/// future is dropped either.
///
/// # Errors
/// If the handler cannot be installed.
///
/// # Panics
/// Outside a runtime.
///
/// # Cancel safety
/// Cancel safe.
#[track_caller]
pub fn ctrl_c() -> impl Future<Output = io::Result<()>> + Send {
    let (listener, made) = (signal(SignalKind::interrupt()), Made::here(&CTRL_C));
    async move {
        let at = made.begin();
        let mut listener = listener?;
        poll_fn(|cx| listener.poll_recv_in(cx, &CTRL_C, at)).await;
        Ok(())
    }
}

/// Signals of Unix.
pub mod unix {
    use std::fmt;
    use std::future::{Future, poll_fn};
    use std::io::{self, Read};
    use std::os::fd::AsFd;
    use std::os::unix::net::UnixStream;
    use std::panic::Location;
    use std::task::{Context, Poll, ready};

    use heist_io::{Async, Interest};
    use signal_hook_registry::SigId;

    use crate::leaf::{self, Made, Operation};

    static RECEIVE: Operation = Operation::new("Signal::recv");

    /// A kind of signal.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    pub struct SignalKind(i32);

    macro_rules! kinds {
        ($($(#[$doc:meta])* $name:ident = $signal:ident;)*) => { $(
            $(#[$doc])*
            pub const fn $name() -> SignalKind {
                SignalKind(rustix::process::Signal::$signal.as_raw())
            }
        )* };
    }

    impl SignalKind {
        /// The signal of this number.
        pub const fn from_raw(number: i32) -> SignalKind {
            SignalKind(number)
        }

        /// Its number.
        pub const fn as_raw_value(&self) -> i32 {
            self.0
        }

        kinds! {
            /// `SIGINT`: Ctrl-C.
            interrupt = INT;
            /// `SIGTERM`: the polite request to end.
            terminate = TERM;
            /// `SIGHUP`: the terminal is gone, or the configuration has changed.
            hangup = HUP;
            /// `SIGQUIT`.
            quit = QUIT;
            /// `SIGUSR1`.
            user_defined1 = USR1;
            /// `SIGUSR2`.
            user_defined2 = USR2;
            /// `SIGCHLD`: a child has ended or stopped.
            child = CHILD;
            /// `SIGALRM`.
            alarm = ALARM;
            /// `SIGPIPE`.
            pipe = PIPE;
            /// `SIGIO`.
            io = IO;
            /// `SIGWINCH`: the window has another size.
            window_change = WINCH;
        }
    }

    /// As [`SignalKind::from_raw`].
    impl From<i32> for SignalKind {
        fn from(number: i32) -> SignalKind {
            SignalKind::from_raw(number)
        }
    }

    /// As [`SignalKind::as_raw_value`].
    impl From<SignalKind> for i32 {
        fn from(kind: SignalKind) -> i32 {
            kind.as_raw_value()
        }
    }

    /// Receives signals of one kind; any number may exist.
    pub struct Signal {
        kind: SignalKind,
        id: SigId,
        receiver: Async<UnixStream>,
    }

    /// Listens for signals of a kind, which from now on do not have their default effect.
    ///
    /// # Errors
    /// If the system refuses, or the signal cannot be caught.
    ///
    /// # Panics
    /// Outside a runtime.
    ///
    /// # Examples
    /// ```
    /// # heist::runtime::Runtime::new().unwrap().block_on(async {
    /// use heist::signal::unix::{SignalKind, signal};
    ///
    /// let mut hangups = signal(SignalKind::hangup()).unwrap();
    /// # use rustix::process::{Signal, getpid, kill_process};
    /// # kill_process(getpid(), Signal::HUP).unwrap();
    /// hangups.recv().await;
    /// println!("the configuration is read again");
    /// # });
    /// ```
    #[track_caller]
    pub fn signal(kind: SignalKind) -> io::Result<Signal> {
        if signal_hook_registry::FORBIDDEN.contains(&kind.0) {
            let message = format!("signal {} cannot be caught", kind.0);
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        }
        let (receiver, sender) = UnixStream::pair()?;
        sender.set_nonblocking(true)?;
        let receiver = Async::new(receiver)?;
        let note = move || {
            // A full socket means that the receiver has something to wake up for already.
            let _ = rustix::io::write(sender.as_fd(), &[0]);
        };
        // SAFETY: a write to a non-blocking socket is safe in a signal handler.
        let id = unsafe { signal_hook_registry::register(kind.0, note)? };
        Ok(Signal { kind, id, receiver })
    }

    impl Signal {
        /// Waits for the next signal. Never `None`; the type is tokio's. Once the runtime has shut
        /// down it waits for ever.
        ///
        /// # Cancel safety
        /// Cancel safe: no signal is lost.
        #[track_caller]
        pub fn recv(&mut self) -> impl Future<Output = Option<()>> + Send + '_ {
            let mut made = Made::here(&RECEIVE);
            poll_fn(move |cx| {
                made.set_polled();
                self.poll_recv_in(cx, made.operation, made.at)
            })
        }

        /// As [`poll_recv`](Signal::poll_recv), as the one thing that an operation called at `at` does.
        pub(super) fn poll_recv_in(
            &mut self,
            cx: &mut Context<'_>,
            operation: &'static Operation,
            at: &'static Location<'static>,
        ) -> Poll<Option<()>> {
            ready!(leaf::proceed(cx));
            let polled = self.poll_recv(cx);
            if polled.is_pending() {
                leaf::restore();
                leaf::waiting(operation, at);
            }
            polled
        }

        /// As [`recv`](Signal::recv), for futures written by hand; the last waker wins.
        pub fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Option<()>> {
            let mut bytes = [0; 64];
            loop {
                match self.receiver.try_io(Interest::READABLE, |mut stream| stream.read(&mut bytes))
                {
                    Ok(_) => return Poll::Ready(Some(())),
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                    // The reactor has shut down: nothing will ever come.
                    Err(_) => return Poll::Pending,
                }
                if ready!(self.receiver.poll_readable(cx)).is_err() {
                    return Poll::Pending;
                }
            }
        }
    }

    impl Drop for Signal {
        fn drop(&mut self) {
            signal_hook_registry::unregister(self.id);
        }
    }

    impl fmt::Debug for Signal {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.debug_tuple("Signal").field(&self.kind).finish()
        }
    }
}
