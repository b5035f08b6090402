//! A real HTTP server on Heist: HTTP/1 and HTTP/2, with limits, metrics and a graceful end.
//!
//! ```text
//! cargo run --release --example server                      # on 127.0.0.1:3000
//! cargo run --release --example server -- --addr 127.0.0.1:0 --connections 100 --head-ms 2000
//! # a connection may last so long: --connection-ms 60000
//! ```
//!
//! It ends on Ctrl-C or SIGTERM: no new connections are accepted, requests under way are finished,
//! and what is not finished in time is cut off and named. `routes` has the pages, `connection` what
//! protects the server from its clients.

mod connection;
mod routes;

use std::error::Error;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use heist::net::TcpListener;
use heist::runtime::{Builder, ShutdownPolicy};
use heist::signal::unix::{SignalKind, signal};

use connection::{Limits, Server};

/// How long requests under way may take to finish once the server is told to end.
const DRAIN: Duration = Duration::from_secs(5);

fn main() -> ExitCode {
    match start() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("server: {error}");
            ExitCode::FAILURE
        }
    }
}

fn start() -> Result<(), Box<dyn Error>> {
    let (addr, limits) = arguments(std::env::args().skip(1))?;
    let runtime = Builder::new_multi_thread().build()?;
    runtime.block_on(serve(addr, limits))?;
    let report = runtime.shutdown(ShutdownPolicy::drain(DRAIN));
    println!("{report}");
    Ok(())
}

/// The address to listen on, and the limits that differ from the ordinary ones.
fn arguments(
    mut args: impl Iterator<Item = String>,
) -> Result<(SocketAddr, Limits), Box<dyn Error>> {
    let mut addr = SocketAddr::from(([127, 0, 0, 1], 3000));
    let mut limits = Limits::default();
    while let Some(name) = args.next() {
        let value = args.next().ok_or_else(|| format!("`{name}` needs a value"))?;
        let wrong = |what| format!("`{name}` needs {what}, not `{value}`");
        match name.as_str() {
            "--addr" => {
                addr = value.parse().map_err(|_| wrong("an address as 127.0.0.1:80"))?;
            }
            "--connections" => {
                limits.connections = value.parse().map_err(|_| wrong("a number"))?;
            }
            "--head-ms" => {
                let ms = value.parse().map_err(|_| wrong("a number of milliseconds"))?;
                limits.head_time = Duration::from_millis(ms);
            }
            "--connection-ms" => {
                let ms = value.parse().map_err(|_| wrong("a number of milliseconds"))?;
                limits.connection_time = Duration::from_millis(ms);
            }
            _ => {
                let known = "`--addr`, `--connections`, `--head-ms` and `--connection-ms`";
                return Err(format!("no such argument: `{name}`; there are {known}").into());
            }
        }
    }
    Ok((addr, limits))
}

/// Accepts connections until the server is told to end.
async fn serve(addr: SocketAddr, limits: Limits) -> std::io::Result<()> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let listener = TcpListener::bind(addr).await?;
    let addr = listener.local_addr()?;
    println!("listening on http://{addr}; try");
    println!("  curl http://{addr}/");
    println!("  curl -d '{{\"name\": \"you\"}}' http://{addr}/echo");
    println!("  curl -N http://{addr}/stream");
    // Dropping `ending` tells every connection.
    let (ending, ended) = async_channel::bounded(1);
    let server = Arc::new(Server::new(&limits, ended));
    let accepting = heist::task::Builder::new().name("accept").spawn(server.accept_all(listener));
    let signal = heist::select! {
        _ = interrupt.recv() => "SIGINT",
        _ = terminate.recv() => "SIGTERM",
    };
    println!("{signal}: finishing the requests under way");
    accepting.abort();
    // Only when this is over is the listener closed.
    let _ = accepting.await;
    drop::<async_channel::Sender<()>>(ending);
    Ok(())
}
