//! Descriptors, sockets, files, processes, signals, and the traits of other crates.

use heist::fs::{self, File, OpenOptions};
use heist::io::{
    self, Async, AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, BufWriter, Interest,
    Ready,
};
use heist::net::{
    self, TcpListener, TcpSocket, TcpStream, ToSocketAddrs, UdpSocket, UnixDatagram, UnixListener,
    UnixStream,
};
use heist::process::Command;
use heist::signal::{self, unix::SignalKind};

async fn pair() -> io::Result<(TcpStream, TcpStream)> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let (near, far) =
        heist::try_join!(TcpStream::connect(listener.local_addr()?), listener.accept())?;
    Ok((near, far.0))
}

#[heist::test]
async fn any_descriptor() -> io::Result<()> {
    let (near, far) = std::os::unix::net::UnixStream::pair()?;
    near.set_nonblocking(true)?;
    let near: Async<std::os::unix::net::UnixStream> = Async::new(near)?;
    near.writable().await?;
    drop(near.readable());
    near.get_ref().local_addr()?;
    drop(far);
    let back: std::os::unix::net::UnixStream = near.into_inner();
    drop(back);
    Ok(())
}

#[heist::test]
async fn streams() -> io::Result<()> {
    let (near, far) = pair().await?;
    near.set_nodelay(true)?;
    near.write_all(b"hello\nthere\n").await?;
    near.shutdown().await?;
    let ready: Ready = far.ready(Interest::READABLE | Interest::WRITABLE).await?;
    assert!(ready.is_readable());
    far.readable().await?;
    let mut five = [0; 5];
    assert_eq!(far.peek(&mut five).await?, 5);
    assert_eq!(far.try_read(&mut five)?, 5);
    let mut lines = BufReader::new(far).lines();
    assert_eq!(lines.next_line().await?.as_deref(), Some(""));
    assert_eq!(lines.next_line().await?.as_deref(), Some("there"));
    assert_eq!(lines.next_line().await?, None);
    let far = TcpStream::from_std(lines.into_inner().into_inner().into_std()?)?;
    let (read, write) = far.into_split();
    drop((read, write));
    Ok(())
}

#[heist::test]
async fn halves_and_copies() -> io::Result<()> {
    let (mut near, far) = pair().await?;
    let echo = heist::spawn(async move {
        let (mut read, mut write) = io::split(far);
        io::copy(&mut read, &mut write).await
    });
    let (mut read, mut write) = near.split();
    write.write_all(b"abc").await?;
    let mut back = [0; 3];
    read.read_exact(&mut back).await?;
    near.shutdown().await?;
    assert_eq!(echo.await.unwrap()?, 3);
    let (mut a, mut b) = io::duplex(64);
    let (mut c, mut d) = io::duplex(64);
    a.write_all(b"through").await?;
    drop(a);
    heist::spawn(async move { io::copy_bidirectional(&mut b, &mut c).await });
    let mut text = String::new();
    d.shutdown().await?;
    d.read_to_string(&mut text).await?;
    assert_eq!(text, "through");
    let mut out = BufWriter::new(io::stdout());
    out.flush().await?;
    io::stderr().flush().await?;
    assert!(format!("{:?}", io::stdin()).contains("Stdin"));
    Ok(())
}

#[heist::test]
async fn other_sockets() -> io::Result<()> {
    async fn connect(to: impl ToSocketAddrs) -> io::Result<TcpStream> {
        TcpStream::connect(to).await
    }
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind("127.0.0.1:0".parse().unwrap())?;
    let listener = socket.listen(16)?;
    connect(("127.0.0.1", listener.local_addr()?.port())).await?;
    assert!(net::lookup_host("127.0.0.1:80").await?.next().is_some());
    let (a, b) = (UdpSocket::bind("127.0.0.1:0").await?, UdpSocket::bind("127.0.0.1:0").await?);
    a.send_to(b"x", b.local_addr()?).await?;
    assert_eq!(b.recv_from(&mut [0; 8]).await?.0, 1);
    let (a, b) = UnixDatagram::pair()?;
    a.send(b"y").await?;
    assert_eq!(b.recv(&mut [0; 8]).await?, 1);
    let path = std::env::temp_dir().join(format!("heist-surface-{}.socket", std::process::id()));
    let listener = UnixListener::bind(&path)?;
    let (near, far) = heist::join!(UnixStream::connect(&path), listener.accept());
    drop((near?, far?));
    fs::remove_file(path).await
}

#[heist::test]
async fn files_processes_signals() -> io::Result<()> {
    let path = std::env::temp_dir().join(format!("heist-surface-{}.txt", std::process::id()));
    fs::write(&path, "one\n").await?;
    let mut file = OpenOptions::new().append(true).open(&path).await?;
    file.write_all(b"two\n").await?;
    file.flush().await?;
    let mut text = String::new();
    File::open(&path).await?.read_to_string(&mut text).await?;
    assert_eq!(
        (text.as_str(), fs::read_to_string(&path).await?.as_str()),
        ("one\ntwo\n", "one\ntwo\n")
    );
    fs::remove_file(&path).await?;
    let output = Command::new("echo").arg("hello").output().await?;
    assert_eq!(output.stdout, b"hello\n");
    assert!(Command::new("true").status().await?.success());
    let mut child =
        Command::new("cat").kill_on_drop(true).stdin(std::process::Stdio::piped()).spawn()?;
    drop(child.stdin.take());
    assert!(child.wait().await?.success());
    let mut hangup = signal::unix::signal(SignalKind::user_defined1())?;
    heist::select! {
        biased;
        _ = hangup.recv() => {}
        _ = signal::ctrl_c() => {}
        _ = std::future::ready(()) => {}
    }
    Ok(())
}

/// The streams bear the traits of hyper, of tokio and of futures at once.
#[test]
fn traits_of_others() {
    fn all<
        T: futures_lite::AsyncRead
            + futures_lite::AsyncWrite
            + tokio::io::AsyncRead
            + tokio::io::AsyncWrite,
    >() {
    }
    fn hyper<T: hyper::rt::Read + hyper::rt::Write>() {}
    all::<TcpStream>();
    all::<UnixStream>();
    hyper::<TcpStream>();
    hyper::<UnixStream>();
    fn timer(_: impl hyper::rt::Timer) {}
    fn executor(_: impl hyper::rt::Executor<std::future::Ready<()>> + Clone) {}
    timer(heist::hyper::Timer::new());
    executor(heist::hyper::Executor::new());
    timer(heist::hyper::Timer);
    executor(heist::hyper::Executor);
}
