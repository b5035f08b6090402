//! A server as one would write it for one thread and nothing else: edge-triggered epoll, one
//! `epoll_wait` for many connections, one read and one write a message.

use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;
use std::time::Duration;

use rustix::buffer::spare_capacity;
use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};

const LISTENER: u64 = u64::MAX;
/// How often the loop looks whether it is to end.
const LOOK: Duration = Duration::from_millis(50);

/// What the server answers to whatever one read gives it.
#[derive(Clone, Copy, Debug)]
pub enum Says {
    /// The same.
    Back,
    /// Always this.
    Always(&'static [u8]),
}

/// Serves, on a thread of its own, while `work` runs on this one.
pub fn serve_while<T>(listener: &TcpListener, says: Says, work: impl FnOnce() -> T) -> T {
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| serve(listener, says, &done));
        let output = work();
        // Ordering: Relaxed, as nothing is handed over but the flag itself.
        done.store(true, Relaxed);
        output
    })
}

fn serve(listener: &TcpListener, says: Says, done: &AtomicBool) {
    let epoll = epoll::create(CreateFlags::CLOEXEC).expect("an epoll instance");
    let edge = EventFlags::IN | EventFlags::ET;
    epoll::add(&epoll, listener, EventData::new_u64(LISTENER), edge).expect("can be polled");
    let mut streams: Vec<TcpStream> = Vec::new();
    let mut events = Vec::with_capacity(256);
    let look = LOOK.try_into().expect("a short time");
    while !done.load(Relaxed) {
        events.clear();
        match epoll::wait(&epoll, spare_capacity(&mut events), Some(&look)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => panic!("epoll_wait: {error}"),
        }
        for event in &events {
            if event.data.u64() != LISTENER {
                reply(&streams[event.data.u64() as usize], says);
                continue;
            }
            while let Ok((stream, _)) = listener.accept() {
                stream.set_nodelay(true).expect("TCP has this option");
                stream.set_nonblocking(true).expect("sockets can be non-blocking");
                let key = EventData::new_u64(streams.len() as u64);
                epoll::add(&epoll, &stream, key, edge).expect("a socket can be polled");
                streams.push(stream);
            }
        }
    }
}

fn reply(mut stream: &TcpStream, says: Says) {
    let mut buffer = [0; 1024];
    loop {
        match stream.read(&mut buffer) {
            // The client has gone; its socket is kept until the end.
            Ok(0) => return,
            Ok(read) => {
                let answer = match says {
                    Says::Back => &buffer[..read],
                    Says::Always(answer) => answer,
                };
                if stream.write_all(answer).is_err() || read < buffer.len() {
                    return;
                }
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => return,
            // The client has gone.
            Err(_) => return,
        }
    }
}
