//! A little HTTP for the examples: a server of pages, and a client for one page at a time.
//!
//! hyper speaks the protocol; Heist's streams and timers are what hyper asks for, without adapters.
//! Not part of it: limits and a graceful end, which the example `server` has; and connections that are
//! used again, which a client library has.

use std::convert::Infallible;
use std::error::Error;
use std::net::SocketAddr;

use heist::net::{TcpListener, TcpStream};
use http_body_util::{BodyExt, Empty};
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONNECTION, HOST};
use hyper::service::service_fn;
use hyper::{Request, Response, client, server};

/// Whatever goes wrong between two machines.
pub(crate) type Failure = Box<dyn Error + Send + Sync>;

/// Serves pages at an address of its own on this machine, until the runtime ends.
pub(crate) async fn serve<A, P>(answer: A) -> Result<SocketAddr, Failure>
where
    A: Fn(String) -> P + Clone + Send + Sync + 'static,
    P: Future<Output = Response<String>> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let addr = listener.local_addr()?;
    heist::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let answer = answer.clone();
            // Each connection is a task: one that is slow makes nobody wait.
            heist::spawn(async move {
                let service = service_fn(|request: Request<Incoming>| {
                    let page = answer(request.uri().path().to_owned());
                    async { Ok::<_, Infallible>(page.await) }
                });
                let mut http = server::conn::http1::Builder::new();
                http.timer(heist::hyper::Timer);
                // A client that goes away, as one does that waits no longer, is none of our concern.
                let _ = http.serve_connection(stream, service).await;
            });
        }
    });
    Ok(addr)
}

/// Gets one page. To drop the future is to close the connection.
pub(crate) async fn get(addr: SocketAddr, path: &str) -> Result<Response<String>, Failure> {
    let stream = TcpStream::connect(addr).await?;
    let (mut sender, connection) = client::conn::http1::handshake(stream).await?;
    // Carries the bytes, and ends with the sender.
    heist::spawn(connection);
    let request = Request::get(path)
        .header(HOST, addr.to_string())
        .header(CONNECTION, "close")
        .body(Empty::<Bytes>::new())?;
    let (head, body) = sender.send_request(request).await?.into_parts();
    let body = body.collect().await?.to_bytes();
    Ok(Response::from_parts(head, String::from_utf8(body.into())?))
}
