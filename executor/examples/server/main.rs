//! A real HTTP server on Heist: HTTP/1 and HTTP/2, with limits, metrics and a graceful end.
//!
//! ```text
//! cargo run --release --example server                      # on 127.0.0.1:3000
//! cargo run --release --example server -- --addr 127.0.0.1:0
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

use connection::Server;

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
    let addr = address(std::env::args().skip(1))?;
    let runtime = Builder::new_multi_thread().build()?;
    runtime.block_on(serve(addr))?;
    let report = runtime.shutdown(ShutdownPolicy::drain(DRAIN));
    println!("{report}");
    Ok(())
}

/// The address to listen on, from the command line.
fn address(mut args: impl Iterator<Item = String>) -> Result<SocketAddr, Box<dyn Error>> {
    let mut addr = "127.0.0.1:3000".to_owned();
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--addr" => addr = args.next().ok_or("`--addr` needs an address")?,
            other => return Err(format!("no such argument: `{other}`; there is `--addr`").into()),
        }
    }
    addr.parse().map_err(|_| format!("`{addr}` is no address: expected one as 127.0.0.1:80").into())
}

/// Accepts connections until the server is told to end.
async fn serve(addr: SocketAddr) -> std::io::Result<()> {
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
    let server = Arc::new(Server::new(ended));
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
