//! Connections: accepted, limited, served, and ended in good order.
//!
//! Against clients that are slow or mean there is a limit on everything they can make the server
//! hold: the number of connections, the time for a request's head, its size, the time for the whole
//! request, and the size of its body.

use std::convert::Infallible;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use async_lock::Semaphore;
use heist::hyper::{Executor, Timer};
use heist::net::{TcpListener, TcpStream};
use hyper::Response;
use hyper::service::service_fn;
use hyper_util::server::conn::auto;

use crate::routes;

const CONNECTIONS_MAX: usize = 10_000;
const HEAD_TIME_MAX: Duration = Duration::from_secs(10);
const HEAD_BYTES_MAX: usize = 64 * 1024;
const REQUEST_TIME_MAX: Duration = Duration::from_secs(30);
/// How long a client may take to answer an HTTP/2 ping.
const PING_TIME_MAX: Duration = Duration::from_secs(20);

/// How long to leave the listener alone when there are no descriptors left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// What all connections share.
pub(crate) struct Server {
    places: Arc<Semaphore>,
    builder: auto::Builder<Executor>,
    /// Closed when the server ends.
    ended: async_channel::Receiver<()>,
}

impl Server {
    pub(crate) fn new(ended: async_channel::Receiver<()>) -> Server {
        let mut builder = auto::Builder::new(Executor);
        builder
            .http1()
            .timer(Timer)
            .header_read_timeout(HEAD_TIME_MAX)
            .max_buf_size(HEAD_BYTES_MAX)
            .pipeline_flush(true);
        builder
            .http2()
            .timer(Timer)
            .max_header_list_size(HEAD_BYTES_MAX as u32)
            .max_concurrent_streams(256)
            .keep_alive_interval(PING_TIME_MAX)
            .keep_alive_timeout(PING_TIME_MAX);
        Server { places: Arc::new(Semaphore::new(CONNECTIONS_MAX)), builder, ended }
    }

    /// Accepts connections for as long as it is polled.
    pub(crate) async fn accept_all(self: Arc<Server>, listener: TcpListener) {
        loop {
            let place = self.places.acquire_arc().await;
            match listener.accept().await {
                Ok((stream, _)) => {
                    let server = self.clone();
                    heist::spawn(async move {
                        routes::metrics().connections.begin();
                        if let Err(error) = server.serve(stream).await {
                            routes::metrics().connection_failed(&*error);
                        }
                        routes::metrics().connections.end();
                        drop(place);
                    });
                }
                // Most likely there are no descriptors left. The connection waits in the
                // kernel's queue, and some of those that are open will end.
                Err(error) => {
                    eprintln!("server: accept: {error}");
                    heist::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    /// Serves one connection to its end, or until the server ends and its requests are finished.
    async fn serve(
        &self,
        stream: TcpStream,
    ) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        stream.set_nodelay(true)?;
        let service = service_fn(|request| async {
            let answered = heist::time::timeout(REQUEST_TIME_MAX, routes::answer(request)).await;
            let response = answered.unwrap_or_else(|_| routes::timed_out());
            Ok::<Response<routes::Body>, Infallible>(response)
        });
        let mut connection = pin!(self.builder.serve_connection(stream, service));
        heist::select! {
            served = connection.as_mut() => return served,
            _ = self.ended.recv() => connection.as_mut().graceful_shutdown(),
        }
        connection.await
    }
}

/// Whether a connection's failure is only a client that went away.
pub(crate) fn is_client_gone(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<io::Error>() {
            return matches!(
                error.kind(),
                io::ErrorKind::ConnectionReset
                    | io::ErrorKind::BrokenPipe
                    | io::ErrorKind::NotConnected
                    | io::ErrorKind::UnexpectedEof
            );
        }
        cause = error.source();
    }
    false
}
