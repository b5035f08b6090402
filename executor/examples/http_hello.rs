//! A server that takes a second for each answer gives one in a second, and a hundred in a second.
//!
//! What aiohttp shows first. `gallery/http.rs` has the few lines around hyper; the example `server`
//! is a server for the world.

mod gallery;
#[path = "gallery/http.rs"]
mod http;

use std::net::SocketAddr;

use gallery::{Stopwatch, seconds};
use heist::time::sleep;
use http::{Failure, get, serve};
use hyper::Response;
use hyper::header::CONTENT_TYPE;
use serde_json::{Value, json};

#[heist::main]
async fn main() -> Result<(), Failure> {
    let _stopwatch = Stopwatch::start();
    let addr = serve(|_path| hello()).await?;
    let stopwatch = Stopwatch::for_("one request");
    println!("{}", ask(addr).await?);
    drop(stopwatch);
    let _stopwatch = Stopwatch::for_("a hundred requests");
    let answers = heist::gather((0..100).map(|_| ask(addr))).await;
    // One failure among them is a failure.
    let answers: Vec<String> = answers.into_iter().collect::<Result<_, _>>()?;
    println!("{} answers; all alike: {}", answers.len(), answers.windows(2).all(|w| w[0] == w[1]));
    Ok(())
}

/// What the server does for each request.
async fn hello() -> Response<String> {
    sleep(seconds(1)).await;
    let mut response = Response::new(json!({"message": "Hello, World!"}).to_string());
    response.headers_mut().insert(CONTENT_TYPE, "application/json".parse().expect("it is ASCII"));
    response
}

/// What a client does: it asks, and reads the JSON.
async fn ask(addr: SocketAddr) -> Result<String, Failure> {
    let response = get(addr, "/").await?;
    let json: Value = serde_json::from_str(response.body())?;
    let message = json["message"].as_str().ok_or("there is no message in the answer")?;
    Ok(message.to_owned())
}
