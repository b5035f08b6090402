//! Copying with the reader's own buffer or with buffers of given sizes, and streams of one direction.

use std::future::Future;
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};

use heist::io::{
    AsyncReadExt, AsyncWriteExt, BufReader, BufWriter, Cursor, copy_bidirectional_with_sizes,
    copy_buf, duplex, simplex,
};
use heist_tests::on_two_workers;

fn bytes(len: usize) -> Vec<u8> {
    (0..len).map(|n| (n * 7 + n / 251) as u8).collect()
}

#[test]
fn a_stream_of_one_direction_holds_so_much_and_ends_when_it_is_told() {
    on_two_workers(async {
        let expected = bytes(1 << 20);
        let (mut reader, mut writer) = simplex(1000);
        let source = expected.clone();
        let writing = heist::spawn(async move {
            writer.write_all(&source).await.unwrap();
            writer.shutdown().await.unwrap();
            writer.write_all(b"x").await.unwrap_err().kind()
        });
        let mut got = Vec::new();
        reader.read_to_end(&mut got).await.unwrap();
        assert!(got == expected);
        assert_eq!(writing.await.unwrap(), io::ErrorKind::BrokenPipe);

        let mut stream = heist::io::SimplexStream::new_unsplit(4);
        assert_eq!(stream.write(b"hello").await.unwrap(), 4);
        let mut cx = Context::from_waker(Waker::noop());
        assert!(pin!(stream.write(b"o")).poll(&mut cx).is_pending());
        let mut got = [0; 8];
        assert_eq!(stream.read(&mut got).await.unwrap(), 4);
        assert!(pin!(stream.read(&mut got)).poll(&mut cx).is_pending());
        assert_eq!(&got[..4], b"hell");
    });
}

#[test]
fn a_copy_from_a_buffer_is_whole_flushed_and_limited_by_its_writer() {
    on_two_workers(async {
        let expected = bytes(1 << 20);
        let (mut near, far) = duplex(1000);
        let source = expected.clone();
        let copying = heist::spawn(async move {
            let n = copy_buf(&mut &source[..], &mut near).await.unwrap();
            near.shutdown().await.unwrap();
            n
        });
        let mut copied = BufWriter::with_capacity(1 << 10, Vec::new());
        let mut reader = BufReader::with_capacity(777, far);
        assert_eq!(copy_buf(&mut reader, &mut copied).await.unwrap(), 1 << 20);
        assert!(copied.get_ref() == &expected, "flushed at the end");
        assert_eq!(copying.await.unwrap(), 1 << 20);
        let mut narrow = [0; 3];
        let mut narrow = Cursor::new(&mut narrow[..]);
        let error = copy_buf(&mut &b"too much"[..], &mut narrow).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::WriteZero);

        // While there is nothing to read, what has been written is flushed.
        let (mut near, far) = duplex(100);
        let (middle, mut end) = duplex(100);
        let copying = heist::spawn(async move {
            let mut writer = BufWriter::new(middle);
            copy_buf(&mut BufReader::new(far), &mut writer).await
        });
        near.write_all(b"question").await.unwrap();
        let mut got = [0; 8];
        end.read_exact(&mut got).await.unwrap();
        assert_eq!(&got, b"question");
        drop(near);
        assert_eq!(copying.await.unwrap().unwrap(), 8);
    });
}

#[test]
fn a_copy_takes_large_steps_only_if_reader_and_writer_both_do() {
    /// Fills whatever room it is given, until it has been given so much, and notes the largest.
    struct Plenty(usize, Arc<AtomicUsize>);
    impl heist::io::AsyncRead for Plenty {
        fn poll_read(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
            buffer: &mut [u8],
        ) -> Poll<io::Result<usize>> {
            self.1.fetch_max(buffer.len(), Ordering::Relaxed);
            let n = buffer.len().min(self.0);
            self.0 -= n;
            Poll::Ready(Ok(n))
        }
    }
    /// Takes at most so much at once.
    struct Taker(usize);
    impl heist::io::AsyncWrite for Taker {
        fn poll_write(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
            bytes: &[u8],
        ) -> Poll<io::Result<usize>> {
            Poll::Ready(Ok(bytes.len().min(self.0)))
        }
        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
        fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }
    on_two_workers(async {
        for (takes, largest) in [(usize::MAX, 1 << 20), (100_000, 128 << 10), (1_000, 8 << 10)] {
            let room = Arc::new(AtomicUsize::new(0));
            let from = Plenty(8 << 20, room.clone());
            assert_eq!(heist::io::copy(from, Taker(takes)).await.unwrap(), 8 << 20);
            assert_eq!(room.load(Ordering::Relaxed), largest, "a writer of {takes} bytes");
        }
    });
}

#[test]
fn a_relay_keeps_to_the_buffers_that_it_was_given() {
    /// Notes the largest room that it is read into.
    struct Rooms(heist::io::DuplexStream, usize);
    impl heist::io::AsyncRead for Rooms {
        fn poll_read(
            mut self: Pin<&mut Self>,
            cx: &mut Context<'_>,
            buffer: &mut [u8],
        ) -> Poll<io::Result<usize>> {
            self.1 = self.1.max(buffer.len());
            Pin::new(&mut self.0).poll_read(cx, buffer)
        }
    }
    impl heist::io::AsyncWrite for Rooms {
        fn poll_write(
            mut self: Pin<&mut Self>,
            cx: &mut Context<'_>,
            bytes: &[u8],
        ) -> Poll<io::Result<usize>> {
            Pin::new(&mut self.0).poll_write(cx, bytes)
        }
        fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
            Pin::new(&mut self.0).poll_flush(cx)
        }
        fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
            Pin::new(&mut self.0).poll_close(cx)
        }
    }
    on_two_workers(async {
        let ((mut near, a), (b, mut far)) = (duplex(1 << 16), duplex(1 << 16));
        let relaying = heist::spawn(async move {
            let (mut a, mut b) = (Rooms(a, 0), Rooms(b, 0));
            let copied = copy_bidirectional_with_sizes(&mut a, &mut b, 100, 3).await.unwrap();
            (copied, a.1, b.1)
        });
        let (there, back) = (bytes(100_000), bytes(5000));
        let (question, answer) = (there.clone(), back.clone());
        let serving = heist::spawn(async move {
            let mut got = Vec::new();
            far.read_to_end(&mut got).await.unwrap();
            far.write_all(&answer).await.unwrap();
            got
        });
        near.write_all(&question).await.unwrap();
        near.shutdown().await.unwrap();
        let mut got = Vec::new();
        near.read_to_end(&mut got).await.unwrap();
        assert!(got == back && serving.await.unwrap() == there);
        assert_eq!(relaying.await.unwrap(), ((100_000, 5000), 100, 3));
    });
}
