//! What does a message cost a TCP server, and how long does it wait for its answer?
//!
//! 64 bytes to and fro over 50 and 1 000 connections, the clients in a process of their own. Closed
//! loop: CPU time of the server a message, and rate. Open loop, at a quarter of what a hand-written epoll
//! loop can serve, the same for all: latencies. The limit is that loop, on one thread.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};

use super::{Figure, Question};
use crate::cell::{Answer, Case, Cell};
use crate::load::{self, LATENCY, Order, Protocol};
use crate::options::Effort;
use crate::peers::{Contestant, Runtime};
use crate::probes::{
    self,
    epoll_server::{self, Says},
};

/// See the module.
#[derive(Debug)]
pub struct Echo;

const CLOSED: &str = "closed";
const OPEN: &str = "open";
const LOOP: &str = "epoll loop";

impl Question for Echo {
    const NAME: &'static str = "echo";
    const ASKS: &'static str =
        "a TCP echo server with 50 and 1 000 connections, closed and open loop";

    fn cases(_effort: Effort) -> Vec<Case> {
        let both = |variant| [Case::sized(variant, 50), Case::sized(variant, 1000)];
        [both(CLOSED), both(OPEN)].concat()
    }

    fn figures(case: &Case) -> Vec<Figure> {
        let p50 = Figure::quantile("p50 us", LATENCY, 0.50);
        let p99 = Figure::quantile("p99 us", LATENCY, 0.99);
        if is_open(case) {
            return vec![Figure::cpu("CPU ns a message"), p50, p99];
        }
        let p99 = if case.size == 1000 { p99.goal(0.75) } else { p99 };
        vec![
            Figure::cpu("CPU ns a message").goal(0.92),
            Figure::wall("ns a message").goal(1.0 / 1.10),
            p50,
            p99,
        ]
    }

    fn time(_case: &Case, effort: Effort) -> std::time::Duration {
        effort.cell() * 2
    }

    fn limits(_case: &Case) -> Vec<Contestant> {
        vec![probes::limit(LOOP, |cell| {
            let (listener, order) = server(cell);
            epoll_server::serve_while(&listener, Says::Back, || load::measure(&order))
        })]
    }

    fn answer<R: Runtime>(cell: &Cell) -> Answer {
        let (listener, order) = server(cell);
        let runtime = R::start(cell.workers);
        let serving = runtime.spawn_outside(serve::<R>(listener));
        let answer = load::measure(&order);
        R::detach(serving);
        runtime.stop();
        answer
    }
}

/// Whether a case is an open loop.
pub fn is_open(case: &Case) -> bool {
    case.variant == OPEN
}

/// The cell that finds out how much a hand-written loop can serve.
pub fn calibration(workers: usize) -> Cell {
    Cell {
        shape: Echo::NAME.to_owned(),
        contestant: LOOP.to_owned(),
        case: Case::sized(CLOSED, 50),
        workers,
        time: Effort::Normal.cell(),
        rate: 0.0,
        wrk: false,
    }
}

fn server(cell: &Cell) -> (TcpListener, Order) {
    let listener = bind();
    let order = Order {
        server: listener.local_addr().expect("a bound socket has an address"),
        connections: cell.size(),
        protocol: Protocol::Echo,
        time: cell.time,
        rate: is_open(&cell.case).then_some(cell.rate),
    };
    (listener, order)
}

/// A listener on loopback, non-blocking, that can hold all connections of a case before they are
/// accepted: the 128 of std would cost a second of waiting whenever they overflow.
pub fn bind() -> TcpListener {
    const BACKLOG: i32 = 4096;
    let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let listener = TcpListener::bind(any).expect("loopback has a free port");
    rustix::net::listen(&listener, BACKLOG).expect("the backlog of a listener can be raised");
    listener.set_nonblocking(true).expect("sockets can be non-blocking");
    listener
}

/// Accepts connections, and sends back what they say, a task each.
pub async fn serve<R: Runtime>(listener: TcpListener) {
    let listener = R::listen(listener).expect("a listener can be registered");
    loop {
        let stream = R::accept(&listener).await.expect("a connection");
        R::detach(R::spawn(reply::<R>(stream)));
    }
}

async fn reply<R: Runtime>(mut stream: R::Stream) {
    let mut buffer = [0; 1024];
    // Errors and the end of the stream end the task.
    while let Ok(read @ 1..) = R::read(&mut stream, &mut buffer).await {
        if R::write_all(&mut stream, &buffer[..read]).await.is_err() {
            return;
        }
    }
}
