//! The system calls that drivers live on.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Instant;

use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
use rustix::event::{EventfdFlags, eventfd as new_eventfd};

use super::{repeat, repeat_slow};
use crate::cell::{Answer, Cell};
use crate::load::MESSAGE;

/// Reading the monotonic clock.
pub fn clock(cell: &Cell) -> Answer {
    repeat(cell, || {
        std::hint::black_box(Instant::now());
    })
}

/// Writing to an eventfd that nobody waits for.
pub fn eventfd(cell: &Cell) -> Answer {
    let event = new_eventfd(0, EventfdFlags::NONBLOCK).expect("an eventfd");
    repeat(cell, || {
        rustix::io::write(&event, &1_u64.to_ne_bytes()).expect("the counter has room");
    })
}

/// Asking an epoll instance with one descriptor, on which nothing happens.
pub fn epoll(cell: &Cell) -> Answer {
    let event = new_eventfd(0, EventfdFlags::NONBLOCK).expect("an eventfd");
    let epoll = epoll::create(CreateFlags::CLOEXEC).expect("an epoll instance");
    epoll::add(&epoll, &event, EventData::new_u64(0), EventFlags::IN).expect("can be polled");
    let mut events = [const { std::mem::MaybeUninit::uninit() }; 16];
    let at_once = rustix::time::Timespec { tv_sec: 0, tv_nsec: 0 };
    repeat(cell, || {
        let (happened, _) =
            epoll::wait(&epoll, &mut events, Some(&at_once)).expect("epoll_wait works");
        assert!(happened.is_empty());
    })
}

/// A message written to a TCP connection on loopback and read from its other end, by one thread.
pub fn socket(cell: &Cell) -> Answer {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
    let server = listener.local_addr().expect("a bound socket has an address");
    let mut near = TcpStream::connect(server).expect("the listener listens");
    let (mut far, _) = listener.accept().expect("a connection");
    near.set_nodelay(true).expect("TCP has this option");
    let mut buffer = [0; MESSAGE];
    repeat_slow(cell, || {
        near.write_all(&[1; MESSAGE]).expect("the far end is open");
        far.read_exact(&mut buffer).expect("the near end is open");
    })
}
