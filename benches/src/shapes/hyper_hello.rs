//! What does a request cost an HTTP server that does nothing else?
//!
//! hyper's HTTP/1 server with one service for all, 50 connections kept alive, in a closed loop; each
//! runtime's streams reach hyper through its own adapter. The limit is an epoll loop that answers
//! with a fixed string without looking at the request.

use std::convert::Infallible;
use std::net::TcpListener;
use std::process::Command;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};

use super::{Figure, Question, echo};
use crate::cell::{Answer, Case, Cell};
use crate::child::Reaped;
use crate::load::{self, LATENCY, Order, Protocol};
use crate::meter::Meter;
use crate::options::Effort;
use crate::peers::{Contestant, Runtime};
use crate::probes::{self, epoll_server};

const CONNECTIONS: usize = 50;
const BODY: &[u8] = b"Hello, World!";
const CANNED: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 13\r\n\
    date: Sun, 06 Nov 1994 08:49:37 GMT\r\n\r\nHello, World!";

/// See the module.
#[derive(Debug)]
pub struct HyperHello;

impl Question for HyperHello {
    const NAME: &'static str = "hyper_hello";
    const ASKS: &'static str = "hyper's HTTP/1 server saying hello to 50 connections";

    fn figures(_case: &Case) -> Vec<Figure> {
        vec![
            Figure::cpu("CPU ns a request").goal(0.92),
            Figure::wall("ns a request").goal(1.0 / 1.10),
            Figure::quantile("p50 us", LATENCY, 0.50),
            Figure::quantile("p99 us", LATENCY, 0.99),
        ]
    }

    fn time(_case: &Case, effort: Effort) -> std::time::Duration {
        effort.cell() * 2
    }

    fn limits(_case: &Case) -> Vec<Contestant> {
        vec![probes::limit("epoll loop, canned", |cell| {
            let listener = echo::bind();
            let says = epoll_server::Says::Always(CANNED);
            let order = order(&listener, cell);
            epoll_server::serve_while(&listener, says, || attack(cell, &order))
        })]
    }

    fn answer<R: Runtime>(cell: &Cell) -> Answer {
        let listener = echo::bind();
        let order = order(&listener, cell);
        let runtime = R::start(cell.workers);
        R::detach(runtime.spawn_outside(serve::<R>(listener)));
        let answer = attack(cell, &order);
        runtime.stop();
        answer
    }
}

async fn serve<R: Runtime>(listener: TcpListener) {
    let listener = R::listen(listener).expect("a listener can be registered");
    loop {
        let stream = R::accept(&listener).await.expect("a connection");
        R::detach(R::spawn(async move {
            let connection =
                http1::Builder::new().serve_connection(R::hyper_stream(stream), service_fn(hello));
            // An error says that the client has gone.
            let _ = connection.await;
        }));
    }
}

async fn hello(_request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    Ok(Response::new(Full::new(Bytes::from_static(BODY))))
}

fn order(listener: &TcpListener, cell: &Cell) -> Order {
    Order {
        server: listener.local_addr().expect("a bound socket has an address"),
        connections: CONNECTIONS,
        protocol: Protocol::Hello,
        time: cell.time,
        rate: None,
    }
}

fn attack(cell: &Cell, order: &Order) -> Answer {
    if cell.wrk { wrk(order) } else { load::measure(order) }
}

/// `wrk` takes whole seconds, and tells how many requests it made; its latencies are left to it.
fn wrk(order: &Order) -> Answer {
    let meter = Meter::start();
    let mut command = Command::new("wrk");
    let seconds = order.time.as_secs_f64().ceil();
    command.args(["-t1", &format!("-c{CONNECTIONS}"), &format!("-d{seconds}s")]);
    let mut wrk = Reaped::spawn(command.arg(format!("http://{}/", order.server)));
    let text = std::io::read_to_string(wrk.output()).expect("wrk writes text");
    let requests = text.lines().find_map(|line| {
        line.trim().split_once(" requests in ").and_then(|(count, _)| count.parse().ok())
    });
    meter.stop(requests.unwrap_or_else(|| panic!("wrk does not say how many requests: {text}")))
}
