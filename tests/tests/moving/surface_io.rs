//! Signatures of sockets, streams, files and processes; see `surface.rs`.

use heist as rt;

use std::io::{self, SeekFrom};
use std::net::SocketAddr;
use std::process::{ExitStatus, Output, Stdio};

use rt::io::{AsyncBufReadExt, AsyncReadExt, AsyncSeekExt, AsyncWriteExt};

#[rt::test]
async fn sockets() -> io::Result<()> {
    let socket = rt::net::TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind("127.0.0.1:0".parse().unwrap())?;
    let listener: rt::net::TcpListener = socket.listen(16)?;
    let addr: SocketAddr = listener.local_addr()?;
    let (client, accepted) = rt::join!(rt::net::TcpStream::connect(addr), listener.accept());
    let (mut client, (server, peer)) = (client?, accepted?);
    assert_eq!(peer, client.local_addr()?);
    client.set_nodelay(true)?;
    assert!(client.nodelay()? && client.peer_addr()? == addr);
    client.writable().await?;
    assert_eq!(client.try_write(b"hel")?, 3);
    let ready: rt::io::Ready = client.ready(rt::io::Interest::WRITABLE).await?;
    assert!(ready.is_writable());
    client.write_all(b"lo").await?;
    let mut buffer = [0; 5];
    server.readable().await?;
    assert!(server.peek(&mut buffer).await? > 0);
    let (mut reader, mut writer) = server.into_split();
    let n: usize = reader.read_exact(&mut buffer).await?;
    assert_eq!(&buffer[..n], b"hello");
    writer.write_u32(7).await?;
    writer.shutdown().await?;
    assert_eq!(client.read_u32().await?, 7);
    assert_eq!(client.read(&mut buffer).await?, 0);
    let server: rt::net::TcpStream = reader.reunite(writer).unwrap();
    drop(server.into_std()?);
    let _found: SocketAddr = rt::net::lookup_host("127.0.0.1:80").await?.next().unwrap();

    let a = rt::net::UdpSocket::bind("127.0.0.1:0").await?;
    let b = rt::net::UdpSocket::bind(("127.0.0.1", 0)).await?;
    a.connect(b.local_addr()?).await?;
    assert_eq!(a.send(b"one").await?, 3);
    let (n, from): (usize, SocketAddr) = b.recv_from(&mut buffer).await?;
    assert_eq!((n, from), (3, a.local_addr()?));
    assert_eq!(b.send_to(b"two", from).await?, 3);
    assert_eq!(a.recv(&mut buffer).await?, 3);

    let (mut a, mut b) = rt::net::UnixStream::pair()?;
    let (_, mut writer) = a.split();
    writer.write_all(b"text\n").await?;
    writer.shutdown().await?;
    let mut text = String::new();
    b.read_to_string(&mut text).await?;
    assert_eq!(text, "text\n");
    let (a, b) = rt::net::UnixDatagram::pair()?;
    a.send(b"x").await?;
    assert_eq!(b.recv(&mut buffer).await?, 1);
    Ok(())
}

#[rt::test]
async fn files_streams_and_processes() -> io::Result<()> {
    let dir = std::env::temp_dir().join(format!("heist-surface-{}", std::process::id()));
    rt::fs::create_dir_all(&dir).await?;
    let path = dir.join("file");
    let mut file: rt::fs::File = rt::fs::File::create(&path).await?;
    file.write_all(b"one\ntwo\n").await?;
    file.flush().await?;
    file.sync_all().await?;
    let mut file = rt::fs::OpenOptions::new().read(true).write(true).open(&path).await?;
    assert_eq!(file.seek(SeekFrom::Start(4)).await?, 4);
    assert_eq!(file.stream_position().await?, 4);
    file.rewind().await?;
    let mut lines = rt::io::BufReader::new(file).lines();
    let mut count = 0;
    while let Some(line) = lines.next_line().await? {
        assert_eq!(line.len(), 3);
        count += 1;
    }
    assert_eq!((count, rt::fs::metadata(&path).await?.len()), (2, 8));
    assert_eq!(rt::fs::copy(&path, dir.join("copy")).await?, 8);
    assert_eq!(rt::fs::read_to_string(&path).await?, "one\ntwo\n");
    let mut entries = rt::fs::read_dir(&dir).await?;
    while let Some(entry) = entries.next_entry().await? {
        assert!(entry.file_type().await?.is_file());
    }
    rt::fs::remove_dir_all(&dir).await?;
    assert!(!rt::fs::try_exists(&dir).await?);

    let (mut near, mut far) = rt::io::duplex(64);
    near.write_all(b"hello").await?;
    drop(near);
    let mut all = Vec::new();
    assert_eq!(rt::io::copy(&mut far, &mut all).await?, 5);
    let mut limited = (&all[..]).take(2).chain(&b"!"[..]);
    let mut text = String::new();
    assert_eq!(limited.read_to_string(&mut text).await?, 3);
    assert_eq!(text, "he!");
    let mut writer = rt::io::BufWriter::with_capacity(16, Vec::new());
    writer.write_i64_le(-1).await?;
    writer.flush().await?;
    assert_eq!(writer.into_inner(), [255; 8]);
    rt::io::copy(&mut rt::io::empty(), &mut rt::io::sink()).await?;
    let _stdin: rt::io::Stdin = rt::io::stdin();
    rt::io::stdout().write_all(b"").await?;
    rt::io::stderr().write_all(b"").await?;
    assert_eq!(rt::io::repeat(7).take(2).read_u16().await?, 0x0707);
    let mut parts = rt::io::BufReader::new(&b"a,b"[..]).split(b',');
    let part: Option<Vec<u8>> = parts.next_segment().await?;
    assert_eq!(part.as_deref(), Some(&b"a"[..]));
    let (read, write): (rt::io::ReadHalf<_>, rt::io::WriteHalf<_>) = rt::io::split(far);
    let mut joined = rt::io::join(read, write);
    assert_eq!(joined.read(&mut [0; 1]).await?, 0);
    let (mut a, mut b) = (rt::io::duplex(8).0, rt::io::duplex(8).0);
    assert_eq!(rt::io::copy_bidirectional(&mut a, &mut b).await.ok(), Some((0, 0)));

    let output: Output = rt::process::Command::new("echo").arg("x").output().await?;
    assert_eq!(output.stdout, b"x\n");
    let mut child: rt::process::Child = rt::process::Command::new("cat")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .kill_on_drop(true)
        .spawn()?;
    let mut stdin: rt::process::ChildStdin = child.stdin.take().unwrap();
    stdin.write_all(b"x").await?;
    assert!(child.id().is_some() && child.try_wait()?.is_none());
    drop(stdin);
    let status: ExitStatus = child.wait().await?;
    assert!(status.success());
    let _signal: rt::signal::unix::Signal =
        rt::signal::unix::signal(rt::signal::unix::SignalKind::user_defined2())?;
    Ok(())
}

#[rt::test]
async fn descriptors_and_pipes() -> io::Result<()> {
    use rt::io::unix::{AsyncFd, AsyncFdReadyGuard, AsyncFdReadyMutGuard, TryIoError};
    use rt::io::{Interest, Ready};
    use std::io::{Read, Write};
    use std::os::fd::{AsRawFd, OwnedFd, RawFd};

    let (mut near, far) = std::os::unix::net::UnixStream::pair()?;
    far.set_nonblocking(true)?;
    let mut far: AsyncFd<_> = AsyncFd::with_interest(far, Interest::READABLE | Interest::WRITABLE)?;
    near.write_all(b"ping")?;
    let mut buffer = [0; 8];
    let mut guard: AsyncFdReadyGuard<'_, _> = far.readable().await?;
    let read: Result<io::Result<usize>, TryIoError> =
        guard.try_io(|far| far.get_ref().read(&mut buffer));
    assert_eq!(read.unwrap()?, 4);
    guard.clear_ready_matching(Ready::READABLE);
    let mut guard: AsyncFdReadyMutGuard<'_, _> = far.ready_mut(Interest::WRITABLE).await?;
    assert!(guard.ready().is_writable());
    assert_eq!(guard.get_inner_mut().write(b"pong")?, 4);
    guard.retain_ready();
    assert_eq!(far.async_io(Interest::WRITABLE, |mut far| far.write(b"!")).await?, 1);
    assert!(far.try_io(Interest::READABLE, |mut far| far.read(&mut buffer)).is_err());
    near.read_exact(&mut buffer[..5])?;
    let bare: RawFd = far.as_raw_fd();
    let far = far.into_inner();
    assert_eq!(far.as_raw_fd(), bare);
    // SAFETY: `far` keeps the descriptor open.
    let again: AsyncFd<RawFd> = unsafe { AsyncFd::register(bare) }?;
    again.writable().await?.retain_ready();
    let refused = AsyncFd::try_new(std::fs::File::open("/proc/self/exe")?).unwrap_err();
    let (_file, _error): (std::fs::File, io::Error) = refused.into_parts();
    assert_eq!(Interest::READABLE.remove(Interest::READABLE), None);

    let (mut tx, mut rx): (rt::net::unix::pipe::Sender, rt::net::unix::pipe::Receiver) =
        rt::net::unix::pipe::pipe()?;
    tx.write_all(b"text").await?;
    tx.writable().await?;
    rx.readable().await?;
    assert_eq!(rx.read(&mut buffer).await?, 4);
    assert!(rx.try_read(&mut buffer).is_err());
    let tx = rt::net::unix::pipe::Sender::from_owned_fd(tx.into_blocking_fd()?)?;
    let _fd: OwnedFd = tx.into_nonblocking_fd()?;
    let opened =
        rt::net::unix::pipe::OpenOptions::new().unchecked(false).open_receiver("/dev/null");
    assert_eq!(opened.unwrap_err().kind(), io::ErrorKind::InvalidInput);

    let socket: rt::net::UnixSocket = rt::net::UnixSocket::new_datagram()?;
    let datagrams: rt::net::UnixDatagram = socket.datagram()?;
    datagrams.writable().await?;
    let path = std::env::temp_dir().join(format!("heist-surface-{}.socket", std::process::id()));
    let socket = rt::net::UnixSocket::new_stream()?;
    socket.bind(&path)?;
    let listener: rt::net::UnixListener = socket.listen(16)?;
    let connecting = rt::net::UnixSocket::new_stream()?.connect(&path);
    let (client, accepted) = rt::join!(connecting, listener.accept());
    let client: rt::net::UnixStream = client?;
    let (server, _): (rt::net::UnixStream, rt::net::unix::SocketAddr) = accepted?;
    let cred: rt::net::unix::UCred = server.peer_cred()?;
    let _ids: (rt::net::unix::uid_t, rt::net::unix::gid_t) = (cred.uid(), cred.gid());
    let _pid: Option<rt::net::unix::pid_t> = cred.pid();
    std::fs::remove_file(&path)?;
    assert!(client.as_raw_fd() >= 0);
    let sent: usize = client.async_io(Interest::WRITABLE, || client.try_write(b"x")).await?;
    assert_eq!(sent, 1);

    let (mut reader, mut writer): (
        rt::io::ReadHalf<rt::io::SimplexStream>,
        rt::io::WriteHalf<rt::io::SimplexStream>,
    ) = rt::io::simplex(64);
    writer.write_all(b"simple").await?;
    writer.shutdown().await?;
    let mut text = String::new();
    reader.read_to_string(&mut text).await?;
    assert_eq!(text, "simple");
    let mut copied = Vec::new();
    assert_eq!(rt::io::copy_buf(&mut &b"hello"[..], &mut copied).await?, 5);
    let (mut a, mut b) = (rt::io::duplex(8).0, rt::io::duplex(8).0);
    let relayed = rt::io::copy_bidirectional_with_sizes(&mut a, &mut b, 16, 16).await;
    assert_eq!(relayed.ok(), Some((0, 0)));
    let udp = rt::net::UdpSocket::bind("127.0.0.1:0").await?;
    udp.send_to(b"x", udp.local_addr()?).await?;
    let from: SocketAddr = udp.peek_sender().await?;
    assert_eq!(from, udp.local_addr()?);
    Ok(())
}
