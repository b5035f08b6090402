//! A chat server: what one says, all others read.
//!
//! ```text
//! cargo run --example chat                        # three guests meet, talk, and leave
//! cargo run --example chat -- 127.0.0.1:4000      # a server for guests who come with `nc`
//! ```
//!
//! `sync::broadcast` gives each receiver every message. A guest who reads too slowly loses the
//! oldest ones and is told so; nobody waits for him. asyncio leaves that to the program: with a list
//! of writers, one slow reader can fill the memory.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use heist::io::{AsyncBufReadExt, BufReader, Lines};
use heist::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use heist::net::{TcpListener, TcpStream};
use heist::sync::broadcast::{self, Sender, error::RecvError};

#[heist::main]
async fn main() -> io::Result<()> {
    if let Some(addr) = std::env::args().nth(1) {
        let listener = TcpListener::bind(addr).await?;
        println!("Listening on {}", listener.local_addr()?);
        return serve(listener).await;
    }
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let addr = listener.local_addr()?;
    heist::spawn(serve(listener));
    // They come one after the other, and then talk all at once.
    let mut guests = Vec::new();
    for name in ["Anna", "Ben", "Carl"] {
        guests.push(Guest::join(addr, name).await?);
    }
    heist::gather(guests.into_iter().map(Guest::chat)).await.into_iter().collect()
}

/// Who has said it, and what.
type Message = (SocketAddr, Arc<str>);

async fn serve(listener: TcpListener) -> io::Result<()> {
    let (messages, _) = broadcast::channel(100);
    loop {
        let (stream, addr) = listener.accept().await?;
        let messages = messages.clone();
        heist::spawn(async move {
            // An error means that the guest has left without a word.
            let _ = host(stream, addr, messages).await;
        });
    }
}

/// Passes on what a guest says and what the others say, from the first line, the name, to the last.
async fn host(stream: TcpStream, addr: SocketAddr, messages: Sender<Message>) -> io::Result<()> {
    let (mut lines, writer) = split(stream);
    let Some(name) = lines.next_line().await? else { return Ok(()) };
    let mut others = messages.subscribe();
    let say = |what: String| {
        // It reaches `others`, if nobody else.
        let _ = messages.send((addr, what.into()));
    };
    // First: whoever comes after the welcome is told of later.
    say(format!("{name} joins"));
    writer.write_all(format!("Welcome, {name}\n").as_bytes()).await?;
    loop {
        heist::select! {
            line = lines.next_line() => match line? {
                Some(line) => say(format!("{name}: {line}")),
                None => break,
            },
            message = others.recv() => match message {
                Ok((from, _)) if from == addr => {}
                Ok((_, line)) => writer.write_all(format!("{line}\n").as_bytes()).await?,
                Err(RecvError::Lagged(n)) => {
                    writer.write_all(format!("({n} lines lost)\n").as_bytes()).await?;
                }
                Err(RecvError::Closed) => break,
            },
        }
    }
    say(format!("{name} leaves"));
    Ok(())
}

fn split(stream: TcpStream) -> (Lines<BufReader<OwnedReadHalf>>, OwnedWriteHalf) {
    let (reader, writer) = stream.into_split();
    (BufReader::new(reader).lines(), writer)
}

/// The other end of a connection.
struct Guest {
    name: &'static str,
    lines: Lines<BufReader<OwnedReadHalf>>,
    writer: OwnedWriteHalf,
}

impl Guest {
    async fn join(addr: SocketAddr, name: &'static str) -> io::Result<Guest> {
        let (mut lines, writer) = split(TcpStream::connect(addr).await?);
        writer.write_all(format!("{name}\n").as_bytes()).await?;
        lines.next_line().await?;
        Ok(Guest { name, lines, writer })
    }

    /// Greets the others, and stays until both of them have said something.
    async fn chat(mut self) -> io::Result<()> {
        self.writer.write_all(b"Hello, everybody\n").await?;
        let mut heard = 0;
        while heard < 2 {
            let Some(line) = self.lines.next_line().await? else { break };
            println!("{} reads: {line}", self.name);
            heard += usize::from(line.contains(": "));
        }
        Ok(())
    }
}
