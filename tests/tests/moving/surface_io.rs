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
