//! The server's pages.

use std::convert::Infallible;
use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited, StreamBody};
use hyper::body::{Body as _, Bytes, Frame, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};

use crate::connection::is_client_gone;

pub(crate) type Body = UnsyncBoxBody<Bytes, Infallible>;

const BODY_BYTES_MAX: usize = 1024 * 1024;

const INDEX: &str = "Hello from Heist.

GET  /         this page
POST /echo     JSON in, the same JSON out
GET  /slow     an answer after a second
GET  /stream   ten lines, a tenth of a second apart
GET  /metrics  what the runtime has counted, for Prometheus
GET  /tasks    what every task is doing
";

/// Answers one request.
pub(crate) async fn answer(request: Request<Incoming>) -> Response<Body> {
    metrics().requests.fetch_add(1, Ordering::Relaxed);
    match (request.method(), request.uri().path()) {
        (&Method::GET, "/") => text(StatusCode::OK, INDEX),
        (&Method::GET, "/hello") => text(StatusCode::OK, "Hello, World!\n"),
        (&Method::POST, "/echo") => echo(request).await,
        (&Method::GET, "/slow") => {
            heist::time::sleep(Duration::from_secs(1)).await;
            text(StatusCode::OK, "That took a second.\n")
        }
        (&Method::GET, "/stream") => stream(),
        (&Method::GET, "/metrics") => text(StatusCode::OK, prometheus()),
        (&Method::GET, "/tasks") => text(StatusCode::OK, tasks()),
        (_, "/" | "/hello" | "/echo" | "/slow" | "/stream" | "/metrics" | "/tasks") => {
            text(StatusCode::METHOD_NOT_ALLOWED, "This page takes another method.\n")
        }
        _ => text(StatusCode::NOT_FOUND, "There is no such page; try /.\n"),
    }
}

/// The answer to a request that took too long.
pub(crate) fn timed_out() -> Response<Body> {
    text(StatusCode::REQUEST_TIMEOUT, "The request took too long.\n")
}

fn with_type(
    status: StatusCode,
    content_type: &'static str,
    body: impl Into<Bytes>,
) -> Response<Body> {
    let mut response = Response::new(Full::new(body.into()).boxed_unsync());
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

fn text(status: StatusCode, body: impl Into<Bytes>) -> Response<Body> {
    with_type(status, "text/plain; charset=utf-8", body)
}

/// Gives back the JSON that it is given.
async fn echo(request: Request<Incoming>) -> Response<Body> {
    let too_large = || text(StatusCode::PAYLOAD_TOO_LARGE, "The body may have 1 MiB.\n");
    // A client that says so beforehand is spared the sending.
    if request.body().size_hint().lower() > BODY_BYTES_MAX as u64 {
        return too_large();
    }
    let body = match Limited::new(request.into_body(), BODY_BYTES_MAX).collect().await {
        Ok(body) => body.to_bytes(),
        Err(error) if error.is::<LengthLimitError>() => return too_large(),
        Err(error) => return text(StatusCode::BAD_REQUEST, format!("{error}\n")),
    };
    match serde_json::from_slice::<serde_json::Value>(&body) {
        Ok(value) => with_type(StatusCode::OK, "application/json", format!("{value}\n")),
        Err(error) => text(StatusCode::BAD_REQUEST, format!("This is not JSON: {error}\n")),
    }
}

/// Lines that are sent as they come about.
fn stream() -> Response<Body> {
    let (lines, body) = async_channel::bounded::<Result<Frame<Bytes>, Infallible>>(1);
    heist::task::Builder::new().name("stream").spawn(async move {
        for n in 1..=10 {
            // The channel is closed when the client goes away.
            if lines.send(Ok(Frame::data(format!("line {n}\n").into()))).await.is_err() {
                return;
            }
            heist::time::sleep(Duration::from_millis(100)).await;
        }
    });
    let mut response = Response::new(StreamBody::new(body).boxed_unsync());
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    response
}

/// What every task is doing, a line each, below the task that has spawned it.
fn tasks() -> String {
    heist::task::tree().to_string()
}

/// What the server counts.
pub(crate) struct Metrics {
    pub(crate) requests: AtomicU64,
    pub(crate) connections: Gauge,
    failures: AtomicU64,
}

/// How many there have been, and how many there are.
pub(crate) struct Gauge {
    begun: AtomicU64,
    ended: AtomicU64,
}

impl Gauge {
    pub(crate) fn begin(&self) {
        self.begun.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn end(&self) {
        self.ended.fetch_add(1, Ordering::Relaxed);
    }
}

impl Metrics {
    /// Counts a connection that ended badly, unless the client just went away.
    pub(crate) fn connection_failed(&self, error: &(dyn std::error::Error + 'static)) {
        if !is_client_gone(error) {
            self.failures.fetch_add(1, Ordering::Relaxed);
        }
    }
}

pub(crate) fn metrics() -> &'static Metrics {
    static METRICS: Metrics = Metrics {
        requests: AtomicU64::new(0),
        connections: Gauge { begun: AtomicU64::new(0), ended: AtomicU64::new(0) },
        failures: AtomicU64::new(0),
    };
    &METRICS
}

/// The counters in the text format of Prometheus.
fn prometheus() -> String {
    let ours = metrics();
    let runtime = heist::runtime::Handle::current().metrics();
    let begun = ours.connections.begun.load(Ordering::Relaxed);
    let ended = ours.connections.ended.load(Ordering::Relaxed);
    let figures = [
        ("http_requests_total", "counter", ours.requests.load(Ordering::Relaxed)),
        ("http_connections_total", "counter", begun),
        ("http_connections", "gauge", begun.saturating_sub(ended)),
        ("http_connection_failures_total", "counter", ours.failures.load(Ordering::Relaxed)),
        ("heist_workers", "gauge", runtime.num_workers() as u64),
        ("heist_tasks", "gauge", runtime.num_alive_tasks() as u64),
        ("heist_polls_total", "counter", runtime.poll_count()),
        ("heist_parks_total", "counter", runtime.park_count()),
        ("heist_steals_total", "counter", runtime.steal_count()),
        ("heist_stolen_tasks_total", "counter", runtime.stolen_task_count()),
        ("heist_reactor_turns_total", "counter", runtime.reactor_turn_count()),
        ("heist_injector_depth", "gauge", runtime.global_queue_depth() as u64),
        ("heist_io_sources", "gauge", runtime.num_io_sources() as u64),
        ("heist_timers", "gauge", runtime.num_timers() as u64),
        ("heist_blocking_threads", "gauge", runtime.num_blocking_threads() as u64),
        ("heist_blocking_queue_depth", "gauge", runtime.blocking_queue_depth() as u64),
    ];
    let mut page = String::new();
    for (name, kind, value) in figures {
        writeln!(page, "# TYPE {name} {kind}\n{name} {value}").expect("a string takes everything");
    }
    page
}
