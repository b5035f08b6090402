//! What does a task that blocks its worker do to the others?
//!
//! One task blocks its thread for 50 ms in every 100 ms, as a program does by mistake. Meanwhile a
//! 1 ms ticker ticks, and a client outside sends 1 000 messages a second to an echo server over one
//! connection, in an open loop. Another worker is idle, so neither need ever be late. The limit is a
//! thread for each of the two, with nobody in their way: how late they are is the machine's doing.

use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use super::ticker_cpu::{tick, tick_by};
use super::{Figure, Question, echo};
use crate::cell::{Answer, Case, Cell};
use crate::load::{self, LATENCY, Order, Protocol};
use crate::options::Effort;
use crate::peers::{Contestant, Runtime};
use crate::probes::{
    self,
    epoll_server::{self, Says},
};

const BLOCKED: Duration = Duration::from_millis(50);
const FREE: Duration = Duration::from_millis(50);
const MESSAGES_A_SECOND: f64 = 1_000.0;
const TICKER: &str = "ticker";

/// See the module.
#[derive(Debug)]
pub struct Stall;

impl Question for Stall {
    const NAME: &'static str = "stall";
    const ASKS: &'static str =
        "a worker blocked for 50 ms in every 100: lateness of ticker and echo";
    const SLOW: bool = true;

    fn figures(_case: &Case) -> Vec<Figure> {
        vec![
            Figure::quantile("ticker p99 us", TICKER, 0.99),
            Figure::quantile("ticker max us", TICKER, 1.0),
            Figure::quantile("echo p99 us", LATENCY, 0.99),
            Figure::quantile("echo max us", LATENCY, 1.0),
        ]
    }

    fn time(_case: &Case, effort: Effort) -> Duration {
        Duration::from_secs(effort.pick(3, 5, 10))
    }

    fn limits(_case: &Case) -> Vec<Contestant> {
        vec![probes::limit("threads apart", apart)]
    }

    fn answer<R: Runtime>(cell: &Cell) -> Answer {
        let runtime = R::start(cell.workers.max(2));
        let (listener, order) = server(cell);
        R::detach(runtime.spawn_outside(echo::serve::<R>(listener)));
        let done = Arc::new(AtomicBool::new(false));
        let blocker = runtime.spawn_outside({
            let done = done.clone();
            async move {
                // Ordering: Relaxed, the flag hands nothing over.
                while !done.load(Relaxed) {
                    thread::sleep(BLOCKED);
                    R::sleep(FREE).await;
                }
            }
        });
        let ticker = runtime.spawn_outside(tick::<R>(cell.time));
        let answer = load::measure(&order);
        let late = smol::future::block_on(ticker);
        done.store(true, Relaxed);
        smol::future::block_on(blocker);
        runtime.stop();
        Answer { operations: 0, ..answer.with_latency(TICKER, late) }
    }
}

fn server(cell: &Cell) -> (TcpListener, Order) {
    let listener = echo::bind();
    let order = Order {
        server: listener.local_addr().expect("a bound socket has an address"),
        connections: 1,
        protocol: Protocol::Echo,
        time: cell.time,
        rate: Some(MESSAGES_A_SECOND),
    };
    (listener, order)
}

fn apart(cell: &Cell) -> Answer {
    let (listener, order) = server(cell);
    let sleep =
        async |until: Instant| thread::sleep(until.saturating_duration_since(Instant::now()));
    let time = cell.time;
    let ticker = thread::spawn(move || smol::future::block_on(tick_by(time, sleep)));
    let answer = epoll_server::serve_while(&listener, Says::Back, || load::measure(&order));
    let late = ticker.join().expect("the ticker does not panic");
    Answer { operations: 0, ..answer.with_latency(TICKER, late) }
}
