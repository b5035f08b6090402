//! What types can be made from and into, and operators and traits that are used like methods.

use std::ffi::c_int;
use std::io::SeekFrom;
use std::os::fd::{AsRawFd, FromRawFd, IntoRawFd, OwnedFd, RawFd};
use std::os::unix::net as unix;
use std::sync::Arc;

use heist as rt;
use rt::io::{AsyncReadExt, AsyncSeekExt, AsyncWriteExt, Ready};
use rt::signal::unix::SignalKind;
use rt::{fs, io, net, runtime, sync, task};

#[rt::test]
async fn sockets_of_the_standard_library_are_taken_over() -> std::io::Result<()> {
    let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    let client = std::net::TcpStream::connect(listener.local_addr()?)?;
    let udp = std::net::UdpSocket::bind("127.0.0.1:0")?;
    let (near, far) = unix::UnixStream::pair()?;
    let (from, to) = unix::UnixDatagram::pair()?;
    let path = std::env::temp_dir().join(format!("heist-conversions-{}", std::process::id()));
    let local = unix::UnixListener::bind(&path)?;
    std::fs::remove_file(&path)?;
    // tokio asks for this.
    listener.set_nonblocking(true)?;
    client.set_nonblocking(true)?;
    udp.set_nonblocking(true)?;
    near.set_nonblocking(true)?;
    far.set_nonblocking(true)?;
    from.set_nonblocking(true)?;
    to.set_nonblocking(true)?;
    local.set_nonblocking(true)?;

    let listener: net::TcpListener = listener.try_into()?;
    let client: net::TcpStream = client.try_into()?;
    let (server, peer) = listener.accept().await?;
    assert_eq!(peer, client.local_addr()?);
    let (reader, writer) = server.into_split();
    let (whole, same): (&net::TcpStream, &net::TcpStream) = (reader.as_ref(), writer.as_ref());
    assert_eq!((whole.peer_addr()?, same.peer_addr()?), (peer, peer));
    let udp: net::UdpSocket = udp.try_into()?;
    udp.send_to(b"x", udp.local_addr()?).await?;
    let (mut near, far): (net::UnixStream, net::UnixStream) = (near.try_into()?, far.try_into()?);
    let (_reader, mut writer) = far.into_split();
    writer.write_all(b"x").await?;
    assert_eq!(near.read(&mut [0; 2]).await?, 1);
    let (from, to): (net::UnixDatagram, net::UnixDatagram) = (from.try_into()?, to.try_into()?);
    from.send(b"x").await?;
    assert_eq!(to.recv(&mut [0; 2]).await?, 1);
    let local: net::UnixListener = local.try_into()?;
    assert_eq!(local.local_addr()?.as_pathname(), Some(path.as_path()));

    let bare: RawFd = net::UnixSocket::new_stream()?.into_raw_fd();
    // SAFETY: nobody else has the descriptor.
    let socket = unsafe { net::UnixSocket::from_raw_fd(bare) };
    assert_eq!(socket.as_raw_fd(), bare);
    Ok(())
}

#[rt::test]
async fn a_buffered_stream_is_made_of_its_buffers_and_sought_in() -> std::io::Result<()> {
    let path = std::env::temp_dir().join(format!("heist-buffers-{}", std::process::id()));
    let mut options = std::fs::File::options();
    let file = options.read(true).write(true).create(true).truncate(true).open(&path)?;
    std::fs::remove_file(&path)?;
    let file: fs::File = OwnedFd::from(file).into();
    let mut stream: io::BufStream<fs::File> = io::BufReader::new(io::BufWriter::new(file)).into();
    stream.write_all(b"one two").await?;
    assert_eq!(stream.seek(SeekFrom::Start(4)).await?, 4);
    let mut text = String::new();
    stream.read_to_string(&mut text).await?;
    assert_eq!(text, "two");
    assert_eq!(stream.seek(SeekFrom::Current(-7)).await?, 0);
    assert_eq!(stream.read_u8().await?, b'o');
    Ok(())
}

#[rt::test]
async fn values_convert_and_print() {
    assert_eq!(SignalKind::from(SignalKind::terminate().as_raw_value()), SignalKind::terminate());
    let number: c_int = SignalKind::interrupt().into();
    assert_eq!(number, SignalKind::interrupt().as_raw_value());
    assert_eq!((Ready::READABLE | Ready::WRITABLE) - Ready::WRITABLE, Ready::READABLE);

    let mut set = task::JoinSet::new();
    set.extend((1..=3).map(|n| async move { n }));
    assert_eq!(set.join_all().await.into_iter().sum::<i32>(), 6);

    let lock = Arc::new(sync::RwLock::new(7));
    assert_eq!(lock.clone().read_owned().await.to_string(), "7");
    assert_eq!(lock.clone().write_owned().await.to_string(), "7");
    let part = sync::OwnedRwLockWriteGuard::map(lock.write_owned().await, |value| value);
    assert_eq!(part.to_string(), "7");

    let outside = std::thread::spawn(|| runtime::Handle::try_current().unwrap_err());
    let error: runtime::TryCurrentError = outside.join().unwrap();
    assert!(error.is_missing_context() && !error.is_thread_local_destroyed());
}
