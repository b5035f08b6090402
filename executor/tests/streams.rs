//! The traits of other libraries on the streams in memory: HTTP without a socket.

use std::convert::Infallible;
use std::pin::Pin;

use http_body_util::Full;
use hyper::Response;
use hyper::body::Bytes;
use hyper::server::conn::http1;
use hyper::service::service_fn;

use heist::io::{AsyncReadExt, AsyncWriteExt, duplex};

/// More than fits through the stream, or through one read of hyper's, at once.
const LEN: usize = 100_000;

#[heist::test(timeout = "60s")]
async fn hyper_serves_a_stream_in_memory() {
    let (mut client, server) = duplex(1000);
    let hello = service_fn(|_| async {
        Ok::<_, Infallible>(Response::new(Full::new(Bytes::from(vec![b'x'; LEN]))))
    });
    let serving = heist::spawn(http1::Builder::new().serve_connection(server, hello));
    client.write_all(b"GET / HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    client.read_to_end(&mut answer).await.unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 200 OK\r\n"));
    assert!(answer.ends_with(&[b'x'; LEN]));
    serving.await.unwrap().unwrap();
}

#[heist::test(timeout = "60s")]
async fn tokios_traits_read_and_write() {
    use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
    let (mut a, mut b) = duplex(10);
    let written = std::future::poll_fn(|cx| AsyncWrite::poll_write(Pin::new(&mut a), cx, b"tokio"));
    assert_eq!(written.await.unwrap(), 5);
    let mut memory = [0; 8];
    let mut buffer = ReadBuf::new(&mut memory);
    std::future::poll_fn(|cx| AsyncRead::poll_read(Pin::new(&mut b), cx, &mut buffer))
        .await
        .unwrap();
    assert_eq!(buffer.filled(), b"tokio");
    std::future::poll_fn(|cx| AsyncWrite::poll_shutdown(Pin::new(&mut a), cx)).await.unwrap();
    let mut rest = Vec::new();
    b.read_to_end(&mut rest).await.unwrap();
    assert!(rest.is_empty());
}
