//! Twenty pages of 200 ms each are fetched, five at a time. Takes 0.8 s, and then another while for
//! two pages that fail at first.
//!
//! What one does with aiohttp, a semaphore and `wait_for`. Each page has three attempts with a time
//! limit, and the pauses between them grow.

mod gallery;
#[path = "gallery/http.rs"]
mod http;

use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::Arc;

use gallery::{Stopwatch, seconds};
use heist::sync::Semaphore;
use heist::time::{sleep, timeout};
use http::{Failure, get, serve};
use hyper::{Response, StatusCode};
use parking_lot::Mutex;

const ATTEMPTS: u32 = 3;

#[heist::main]
async fn main() -> Result<(), Failure> {
    let _stopwatch = Stopwatch::start();
    let asked = Arc::new(Mutex::new(HashSet::new()));
    let addr = serve(move |path| answer(path, asked.clone())).await?;
    let client = Arc::new(Client { addr, places: Semaphore::new(5) });
    let stopwatch = Stopwatch::for_("twenty pages");
    client.fetch_all((1..=20).map(|n| format!("/{n}")).collect()).await;
    drop(stopwatch);
    client.fetch_all(["/busy", "/hangs", "/none"].map(str::to_owned).into()).await;
    Ok(())
}

struct Client {
    addr: SocketAddr,
    /// As many permits as there may be requests at a time.
    places: Semaphore,
}

impl Client {
    async fn fetch_all(self: &Arc<Client>, paths: Vec<String>) {
        let pages = heist::gather(paths.iter().map(|path| self.clone().fetch(path.clone())));
        for (path, page) in paths.iter().zip(pages.await) {
            match page {
                Ok((page, attempt)) => println!("{path}: {page} (attempt {attempt})"),
                Err(error) => println!("{path}: {error}"),
            }
        }
    }

    /// The page and the number of the attempt, or the last of the failures.
    async fn fetch(self: Arc<Client>, path: String) -> Result<(String, u32), Failure> {
        let _place = self.places.acquire().await?;
        let mut attempt = 1;
        loop {
            let answer = timeout(seconds(2), self.attempt(&path)).await;
            // To be late is one way to fail.
            match answer.unwrap_or_else(|elapsed| Err(elapsed.into())) {
                Ok(page) => return Ok((page, attempt)),
                Err(error) if attempt == ATTEMPTS => return Err(error),
                Err(_) => sleep(seconds(0.1 * f64::from(attempt))).await,
            }
            attempt += 1;
        }
    }

    async fn attempt(&self, path: &str) -> Result<String, Failure> {
        let response = get(self.addr, path).await?;
        match response.status() {
            StatusCode::OK => Ok(response.into_body()),
            status => Err(status.to_string().into()),
        }
    }
}

/// The server's side: two of its pages fail when they are asked for the first time.
async fn answer(path: String, asked: Arc<Mutex<HashSet<String>>>) -> Response<String> {
    let is_first = asked.lock().insert(path.clone());
    let mut response = Response::new(format!("page {}", path.trim_start_matches('/')));
    match path.as_str() {
        "/none" => *response.status_mut() = StatusCode::NOT_FOUND,
        "/busy" if is_first => *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE,
        "/hangs" if is_first => sleep(seconds(3600)).await,
        _ => sleep(seconds(0.2)).await,
    }
    response
}
