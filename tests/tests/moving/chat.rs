//! A chat server: a broadcast channel, one task a client, and a select over what the client says and
//! what the others say. It serves TCP as well as streams in memory.

use heist as rt;

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rt::io::{self, AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use rt::net::{TcpListener, TcpStream};
use rt::sync::broadcast::error::RecvError;
use rt::sync::{Mutex, broadcast, oneshot};
use rt::task::JoinHandle;
use rt::time::timeout;

#[derive(Clone, Debug)]
struct Message {
    from: Arc<str>,
    text: String,
}

/// What all sessions have in common.
struct Room {
    messages: broadcast::Sender<Message>,
    names: Mutex<BTreeSet<Arc<str>>>,
}

impl Room {
    /// A room in which a client may be `backlog` messages behind.
    fn new(backlog: usize) -> Arc<Room> {
        let (messages, _) = broadcast::channel(backlog);
        Arc::new(Room { messages, names: Mutex::new(BTreeSet::new()) })
    }

    fn say(&self, from: &Arc<str>, text: impl Into<String>) {
        // An error only says that nobody is there to hear it.
        let _ = self.messages.send(Message { from: from.clone(), text: text.into() });
    }
}

/// Accepts clients until it is told to stop.
async fn serve(
    listener: TcpListener,
    room: Arc<Room>,
    mut stop: oneshot::Receiver<()>,
) -> io::Result<usize> {
    let mut served = 0;
    loop {
        rt::select! {
            accepted = listener.accept() => {
                let (mut stream, _): (TcpStream, SocketAddr) = accepted?;
                stream.set_nodelay(true)?;
                served += 1;
                let room = room.clone();
                rt::spawn(async move {
                    let (reader, writer) = stream.split();
                    if let Err(error) = session(reader, writer, &room).await {
                        eprintln!("a session failed: {error}");
                    }
                });
            }
            _ = &mut stop => return Ok(served),
        }
    }
}

/// One client, from the question for a name to the goodbye.
async fn session<R, W>(reader: R, mut writer: W, room: &Room) -> io::Result<()>
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    let mut lines = BufReader::new(reader).lines();
    writer.write_all(b"name?\n").await?;
    let name: Arc<str> = match lines.next_line().await? {
        Some(name) if !name.is_empty() => name.into(),
        _ => return Err(io::Error::new(io::ErrorKind::InvalidData, "no name")),
    };
    if !room.names.lock().await.insert(name.clone()) {
        writer.write_all(b"taken\n").await?;
        return writer.shutdown().await;
    }
    let mut messages = room.messages.subscribe();
    // Said before the greeting: who comes after that does not hear of it.
    room.say(&name, format!("* {name} came"));
    writer.write_all(format!("hello {name}\n").as_bytes()).await?;

    let result: io::Result<()> = async {
        loop {
            rt::select! {
                line = lines.next_line() => match line?.as_deref() {
                    None | Some("/quit") => break Ok(()),
                    Some("/who") => {
                        let names: Vec<_> = room.names.lock().await.iter().cloned().collect();
                        writer.write_all(format!("here: {}\n", names.join(" ")).as_bytes()).await?;
                    }
                    Some(text) => room.say(&name, format!("{name}: {text}")),
                },
                message = messages.recv() => match message {
                    Ok(message) if message.from == name => {}
                    Ok(message) => {
                        writer.write_all(message.text.as_bytes()).await?;
                        writer.write_all(b"\n").await?;
                    }
                    Err(RecvError::Lagged(missed)) => {
                        writer.write_all(format!("* you missed {missed}\n").as_bytes()).await?;
                    }
                    Err(RecvError::Closed) => break Ok(()),
                },
            }
        }
    }
    .await;
    room.names.lock().await.remove(&name);
    room.say(&name, format!("* {name} left"));
    result
}

/// The other end, for the tests.
struct Client<S> {
    lines: io::Lines<BufReader<io::ReadHalf<S>>>,
    writer: io::WriteHalf<S>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Client<S> {
    async fn join(stream: S, name: &str) -> Client<S> {
        let (reader, writer) = io::split(stream);
        let mut client = Client { lines: BufReader::new(reader).lines(), writer };
        client.hears("name?").await;
        client.says(name).await;
        client
    }

    async fn says(&mut self, text: &str) {
        self.writer.write_all(format!("{text}\n").as_bytes()).await.unwrap();
        self.writer.flush().await.unwrap();
    }

    async fn next(&mut self) -> Option<String> {
        let line = timeout(Duration::from_secs(30), self.lines.next_line());
        line.await.expect("nothing for half a minute").unwrap()
    }

    async fn hears(&mut self, text: &str) {
        assert_eq!(self.next().await.as_deref(), Some(text));
    }
}

async fn start() -> (SocketAddr, oneshot::Sender<()>, JoinHandle<io::Result<usize>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel();
    (addr, stop, rt::spawn(serve(listener, Room::new(64), stopped)))
}

#[rt::test(flavor = "multi_thread", worker_threads = 2)]
async fn everybody_hears_the_others_in_order() {
    let (addr, stop, server) = start().await;
    let mut ada = Client::join(TcpStream::connect(addr).await.unwrap(), "ada").await;
    ada.hears("hello ada").await;
    let mut bob = Client::join(TcpStream::connect(addr).await.unwrap(), "bob").await;
    bob.hears("hello bob").await;
    ada.hears("* bob came").await;

    for n in 0..100 {
        ada.says(&format!("line {n}")).await;
        bob.hears(&format!("ada: line {n}")).await;
    }
    bob.says("/who").await;
    bob.hears("here: ada bob").await;

    let mut impostor = Client::join(TcpStream::connect(addr).await.unwrap(), "ada").await;
    impostor.hears("taken").await;
    assert_eq!(impostor.next().await, None);

    bob.says("/quit").await;
    ada.hears("* bob left").await;
    assert_eq!(bob.next().await, None);
    stop.send(()).unwrap();
    assert_eq!(server.await.unwrap().unwrap(), 3);
}

#[rt::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_vanishes_has_left() {
    let (addr, _stop, server) = start().await;
    let mut ada = Client::join(TcpStream::connect(addr).await.unwrap(), "ada").await;
    ada.hears("hello ada").await;
    let mut bob = Client::join(TcpStream::connect(addr).await.unwrap(), "bob").await;
    bob.hears("hello bob").await;
    ada.hears("* bob came").await;
    drop(bob);
    ada.hears("* bob left").await;
    server.abort();
    assert!(server.await.unwrap_err().is_cancelled());
}

#[rt::test]
async fn who_does_not_listen_is_told_what_was_missed() {
    let room = Room::new(4);
    let (near, far) = io::duplex(64);
    let quiet = rt::spawn({
        let room = room.clone();
        async move {
            let (reader, writer) = io::split(far);
            session(reader, writer, &room).await
        }
    });
    let mut quiet_client = Client::join(near, "quiet").await;
    quiet_client.hears("hello quiet").await;

    // More than the stream in memory and the backlog hold together.
    let talker: Arc<str> = "talker".into();
    for n in 0..100 {
        room.say(&talker, format!("message {n:03}"));
        rt::task::yield_now().await;
    }
    room.say(&talker, "the last");
    let (mut heard, mut missed) = (0, 0);
    loop {
        let line = quiet_client.next().await.unwrap();
        if let Some(number) = line.strip_prefix("* you missed ") {
            missed += number.parse::<u64>().unwrap();
        } else if line == "the last" {
            break;
        } else {
            assert!(line.starts_with("message "), "{line}");
            heard += 1;
        }
    }
    // Its own arrival may be among what it missed.
    assert!((100..=101).contains(&(heard + missed)), "{heard} heard, {missed} missed");
    assert!(missed > 0);
    quiet_client.says("/quit").await;
    quiet.await.unwrap().unwrap();
}
