//! A protocol of frames, in the way of tokio's own tutorial: a connection that reads into a growing
//! buffer, looks for a whole frame in it, and writes through a buffer.

use heist as rt;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use rt::io::{self, AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufStream, BufWriter};
use rt::net::{TcpListener, TcpStream};

const FRAME_MAX: usize = 1 << 20;

/// A connection on which each message has its length before it.
struct Connection {
    stream: BufWriter<TcpStream>,
    buffer: BytesMut,
}

impl Connection {
    fn new(stream: TcpStream) -> Connection {
        Connection { stream: BufWriter::new(stream), buffer: BytesMut::with_capacity(4 << 10) }
    }

    /// The next frame, or `None` if the peer has ended between two.
    async fn read_frame(&mut self) -> io::Result<Option<Bytes>> {
        loop {
            if let Some(frame) = self.parse_frame()? {
                return Ok(Some(frame));
            }
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                return if self.buffer.is_empty() {
                    Ok(None)
                } else {
                    Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the end of half a frame"))
                };
            }
        }
    }

    fn parse_frame(&mut self) -> io::Result<Option<Bytes>> {
        let Some(head) = self.buffer.first_chunk() else { return Ok(None) };
        let len = u32::from_be_bytes(*head) as usize;
        if len > FRAME_MAX {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "too long a frame"));
        }
        if self.buffer.len() < 4 + len {
            self.buffer.reserve(4 + len - self.buffer.len());
            return Ok(None);
        }
        self.buffer.advance(4);
        Ok(Some(self.buffer.split_to(len).freeze()))
    }

    async fn write_frame(&mut self, frame: &[u8]) -> io::Result<()> {
        self.stream.write_u32(frame.len() as u32).await?;
        let mut rest = frame;
        self.stream.write_all_buf(&mut rest).await?;
        assert!(rest.is_empty());
        self.stream.flush().await
    }
}

async fn pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let (client, accepted) = rt::join!(TcpStream::connect(addr), listener.accept());
    (client.unwrap(), accepted.unwrap().0)
}

#[rt::test(flavor = "multi_thread", worker_threads = 2)]
async fn frames_arrive_whole_however_they_are_cut() {
    let (client, server) = pair().await;
    let server = rt::spawn(async move {
        let mut connection = Connection::new(server);
        let mut count = 0;
        while let Some(frame) = connection.read_frame().await? {
            count += 1;
            connection.write_frame(&frame).await?;
        }
        io::Result::Ok(count)
    });
    let mut connection = Connection::new(client);
    for len in [0, 1, 5, 4095, 4096, 70_000, 300_000] {
        let frame: Vec<u8> = (0..len).map(|n: u32| n as u8).collect();
        connection.write_frame(&frame).await.unwrap();
        assert_eq!(connection.read_frame().await.unwrap().unwrap(), frame);
    }
    drop(connection);
    assert_eq!(server.await.unwrap().unwrap(), 7);
}

#[rt::test]
async fn half_a_frame_and_a_frame_too_long_are_errors() {
    let (mut client, server) = pair().await;
    client.write_all(&[0, 0, 0, 9, 1, 2]).await.unwrap();
    drop(client);
    let error = Connection::new(server).read_frame().await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);

    let (mut client, server) = pair().await;
    client.write_all(&[255; 4]).await.unwrap();
    let error = Connection::new(server).read_frame().await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::InvalidData);
}

#[rt::test]
async fn buffers_of_the_crate_bytes_move_on() {
    let (near, far) = io::duplex(4);
    let (mut near, mut far) = (BufStream::new(near), BufStream::with_capacity(8, 8, far));
    let writing = rt::spawn(async move {
        let mut pieces = Bytes::from_static(b"one\ntwo\n").chain(&b"three"[..]);
        let n: usize = near.write_buf(&mut pieces).await.unwrap();
        assert!(n > 0 && pieces.remaining() == 13 - n);
        near.write_all_buf(&mut pieces).await.unwrap();
        assert_eq!(near.write_buf(&mut pieces).await.unwrap(), 0);
        near.shutdown().await.unwrap();
    });
    let mut line = String::new();
    far.read_line(&mut line).await.unwrap();
    assert_eq!(line, "one\n");
    let mut limited = Vec::new().limit(2);
    assert_eq!(far.read_buf(&mut limited).await.unwrap(), 2);
    assert_eq!(far.read_buf(&mut limited).await.unwrap(), 0, "there is no more room");
    assert_eq!(limited.into_inner(), b"tw");
    let mut rest = BytesMut::new();
    while far.read_buf(&mut rest).await.unwrap() > 0 {}
    assert_eq!(rest, "o\nthree");
    writing.await.unwrap();
}
