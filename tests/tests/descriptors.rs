//! Descriptors of one's own through `io::unix::AsyncFd`: what its guards clear, and what they must not.

use std::fs::File;
use std::future::{Future, poll_fn};
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, IntoRawFd, RawFd};
use std::os::unix::net::UnixStream;
use std::pin::pin;
use std::task::{Context, Waker, ready};

use heist::io::unix::AsyncFd;
use heist::io::{Interest, Ready};
use heist::runtime::{Runtime, is_rt_shutdown_err};
use heist_tests::on_two_workers;

fn pair() -> (UnixStream, AsyncFd<UnixStream>) {
    let (near, far) = UnixStream::pair().unwrap();
    far.set_nonblocking(true).unwrap();
    (near, AsyncFd::new(far).unwrap())
}

/// Reads as tokio's documentation recommends.
async fn read(fd: &AsyncFd<UnixStream>, buffer: &mut [u8]) -> io::Result<usize> {
    loop {
        let mut guard = fd.readable().await?;
        if let Ok(result) = guard.try_io(|fd| fd.get_ref().read(buffer)) {
            return result;
        }
    }
}

#[test]
fn readiness_comes_by_an_event_and_goes_by_a_guard() {
    on_two_workers(async {
        let (mut near, far) = pair();
        let mut buffer = [0; 4];
        {
            // Nothing has been written: not even the first wait ends, when events of descriptors that
            // were registered later have come already.
            let mut waiting = pin!(far.readable());
            for _ in 0..10 {
                let mut cx = Context::from_waker(Waker::noop());
                assert!(waiting.as_mut().poll(&mut cx).is_pending());
                let (mut near, far) = pair();
                near.write_all(b"x").unwrap();
                assert_eq!(read(&far, &mut buffer).await.unwrap(), 1);
            }
        }
        for round in 0..100_u8 {
            near.write_all(&[round]).unwrap();
            assert_eq!(read(&far, &mut buffer).await.unwrap(), 1);
            assert_eq!(buffer[0], round);
        }
        let guard = far.writable().await.unwrap();
        assert!(guard.ready().is_writable() && !guard.ready().is_readable());
        assert!(guard.get_inner().peer_addr().is_ok() && guard.get_ref().as_raw_fd() >= 0);
        drop(near);
        assert_eq!(read(&far, &mut buffer).await.unwrap(), 0);
        // The event of the end may still be to come.
        let mut guard = far.readable().await.unwrap();
        while !guard.ready().is_read_closed() {
            guard.clear_ready();
            guard = far.readable().await.unwrap();
        }
        guard.clear_ready();
        assert!(far.readable().await.unwrap().ready().is_read_closed(), "the end stays");
    });
}

#[test]
fn a_guard_clears_what_it_has_seen_and_nothing_newer() {
    on_two_workers(async {
        let (mut near, far) = pair();
        let mut buffer = [0; 4];
        for _ in 0..200 {
            near.write_all(b"1").unwrap();
            let mut guard = far.readable().await.unwrap();
            assert_eq!(far.get_ref().read(&mut buffer).unwrap(), 1);
            // The event of this may come before the clearing or after it: it must be kept.
            near.write_all(b"2").unwrap();
            let would_block = || -> io::Result<()> { Err(io::ErrorKind::WouldBlock.into()) };
            guard.try_io(|_| would_block()).unwrap_err();
            assert_eq!(read(&far, &mut buffer).await.unwrap(), 1);
        }
    });
}

#[test]
fn parts_of_readiness_are_cleared_or_kept() {
    on_two_workers(async {
        let (mut near, mut far) = pair();
        near.write_all(b"x").unwrap();
        far.readable().await.unwrap().retain_ready();
        let mut guard = far.ready(Interest::READABLE | Interest::WRITABLE).await.unwrap();
        guard.clear_ready_matching(Ready::WRITABLE);
        assert!(!guard.ready().is_writable());
        guard.retain_ready();
        drop(guard);
        far.readable().await.unwrap().retain_ready();
        let error = far.try_io(Interest::WRITABLE, |_| Ok(())).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::WouldBlock);

        let mut buffer = [0; 4];
        assert_eq!(far.try_io_mut(Interest::READABLE, |it| it.read(&mut buffer)).unwrap(), 1);
        let again = far.try_io_mut(Interest::READABLE, |it| it.read(&mut buffer));
        assert_eq!(again.unwrap_err().kind(), io::ErrorKind::WouldBlock);
        let (written, waited) = heist::join!(
            async { near.write(b"more") },
            far.async_io_mut(Interest::READABLE, |it| it.read(&mut buffer))
        );
        assert_eq!((written.unwrap(), waited.unwrap()), (4, 4));
        let (written, waited) = heist::join!(
            async { near.write(b"end") },
            far.async_io(Interest::READABLE, |mut it| it.read(&mut buffer))
        );
        assert_eq!((written.unwrap(), waited.unwrap()), (3, 3));
    });
}

#[test]
fn futures_written_by_hand_wait_as_well() {
    on_two_workers(async {
        let (mut near, mut far) = pair();
        let writing = heist::task::spawn_blocking(move || {
            near.write_all(b"ping").unwrap();
            near
        });
        let mut buffer = [0; 8];
        let n = poll_fn(|cx| {
            loop {
                let mut guard = ready!(far.poll_read_ready(cx))?;
                if let Ok(result) = guard.try_io(|fd| fd.get_ref().read(&mut buffer)) {
                    return std::task::Poll::Ready(result);
                }
            }
        });
        assert_eq!(n.await.unwrap(), 4);
        let mut near = writing.await.unwrap();
        let n = poll_fn(|cx| {
            loop {
                let mut guard = ready!(far.poll_write_ready_mut(cx))?;
                if let Ok(result) = guard.try_io(|fd| fd.get_mut().write(b"pong")) {
                    return std::task::Poll::Ready(result);
                }
            }
        });
        assert_eq!(n.await.unwrap(), 4);
        assert!(poll_fn(|cx| far.poll_write_ready(cx).map_ok(drop)).await.is_ok());
        near.write_all(b"!").unwrap();
        let guard = poll_fn(|cx| far.poll_read_ready_mut(cx).map_ok(|guard| guard.ready()));
        assert!(guard.await.unwrap().is_readable());
        let mut guard = far.readable_mut().await.unwrap();
        assert_eq!(guard.get_inner_mut().read(&mut buffer).unwrap(), 1);
        guard.clear_ready();
        assert!(far.writable_mut().await.is_ok());
        near.read_exact(&mut buffer[..4]).unwrap();
        assert_eq!(&buffer[..4], b"pong");
    });
}

#[test]
fn what_cannot_be_waited_for_is_given_back() {
    on_two_workers(async {
        let file = File::open("/proc/self/exe").unwrap();
        let raw = file.as_raw_fd();
        let (file, error) = AsyncFd::try_new(file).unwrap_err().into_parts();
        assert_eq!((file.as_raw_fd(), error.kind()), (raw, io::ErrorKind::PermissionDenied));
        // Of a descriptor there is one registration; it is free again once it has been taken out.
        let (mut near, far) = pair();
        // SAFETY: `far` keeps it open.
        let twice = unsafe { AsyncFd::register_with_interest(far.as_raw_fd(), Interest::WRITABLE) };
        let (bare, error): (RawFd, _) = twice.unwrap_err().into_parts();
        assert_eq!((bare, error.kind()), (far.as_raw_fd(), io::ErrorKind::AlreadyExists));
        let far = AsyncFd::new(far.into_inner()).unwrap();
        near.write_all(b"x").unwrap();
        assert_eq!(read(&far, &mut [0; 4]).await.unwrap(), 1);
    });
}

#[test]
fn a_bare_descriptor_that_is_closed_too_early_harms_nobody() {
    on_two_workers(async {
        let (mut near, far) = pair();
        let (_other, bare) = UnixStream::pair().unwrap();
        // SAFETY: it is open, though not as long as is asked for: what comes of that is the question.
        let bare = unsafe { AsyncFd::register(bare.into_raw_fd()) }.unwrap();
        bare.writable().await.unwrap().retain_ready();
        assert!(rustix::fs::fcntl_getfl(&bare).is_ok());
        // SAFETY: the descriptor is this test's own, and nobody uses it any more.
        unsafe { rustix::io::close(*bare.get_ref()) };
        drop(bare);
        near.write_all(b"x").unwrap();
        assert_eq!(read(&far, &mut [0; 4]).await.unwrap(), 1);
    });
}

#[test]
fn the_end_of_a_runtime_has_an_error_of_its_own() {
    let runtime = Runtime::new().unwrap();
    let (near, far) = runtime.block_on(async { pair() });
    drop(runtime);
    let other = Runtime::new().unwrap();
    let error = other.block_on(async { far.readable().await.map(drop).unwrap_err() });
    assert!(is_rt_shutdown_err(&error), "{error}");
    assert!(!is_rt_shutdown_err(&io::Error::other("the runtime has shut down")));
    assert!(!is_rt_shutdown_err(&io::ErrorKind::Other.into()));
    drop(near);
}

/// What says one thing with `AsRawFd` and another with `AsFd`; only the second is a promise.
struct Liar(UnixStream);

impl AsRawFd for Liar {
    fn as_raw_fd(&self) -> RawFd {
        -1
    }
}

impl AsFd for Liar {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

#[test]
fn a_number_is_not_believed_where_there_is_a_promise() {
    on_two_workers(async {
        let (mut near, far) = UnixStream::pair().unwrap();
        let far = AsyncFd::new(Liar(far)).unwrap();
        near.write_all(b"x").unwrap();
        far.readable().await.unwrap().retain_ready();
    });
}
