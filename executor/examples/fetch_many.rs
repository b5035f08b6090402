//! Twenty pages of 200 ms each are fetched, five at a time. Takes 0.8 s, and then another while for
//! two pages that fail at first.
//!
//! What one does with aiohttp, a semaphore and `wait_for`. Each page has three attempts with a time
//! limit, and the pauses between them grow.

mod gallery;
#[path = "gallery/http.rs"]
mod http;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use gallery::{Stopwatch, seconds};
use heist::sync::Semaphore;
use heist::time::{sleep, timeout};
use http::{Failure, get, serve};
use hyper::{Response, StatusCode};

const ATTEMPTS: u32 = 3;

#[heist::main]
async fn main() -> Result<(), Failure> {
    let _stopwatch = Stopwatch::start();
    let failures = Arc::new(AtomicU32::new(0));
    let addr = serve(move |path| answer(path, failures.clone())).await?;
    let client = Arc::new(Client { addr, places: Semaphore::new(5) });
    let stopwatch = Stopwatch::for_("twenty pages");
    client.clone().fetch_all((1..=20).map(|n| format!("/{n}"))).await;
    drop(stopwatch);
    client.fetch_all(["/busy", "/hangs", "/none"].map(str::to_owned)).await;
    Ok(())
}

struct Client {
    addr: SocketAddr,
    /// As many permits as there may be requests at a time.
    places: Semaphore,
}

impl Client {
    async fn fetch_all(self: Arc<Client>, paths: impl IntoIterator<Item = String>) {
        let pages = heist::gather(paths.into_iter().map(|path| self.clone().fetch(path)));
        for (path, page) in pages.await {
            match page {
                Ok((page, attempt)) => println!("{path}: {page} (attempt {attempt})"),
                Err(error) => println!("{path}: {error}"),
            }
        }
    }

    /// The page, or the last of the failures.
    async fn fetch(self: Arc<Client>, path: String) -> (String, Result<(String, u32), Failure>) {
        let _place = self.places.acquire().await.expect("nobody closes the semaphore");
        let mut attempt = 1;
        loop {
            match timeout(seconds(2), self.attempt(&path)).await.unwrap_or_else(|e| Err(e.into())) {
                Ok(page) => return (path, Ok((page, attempt))),
                Err(error) if attempt == ATTEMPTS => return (path, Err(error)),
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

/// The server's side: two of its pages fail the first time.
async fn answer(path: String, failures: Arc<AtomicU32>) -> Response<String> {
    let mut response = Response::new(format!("page {}", path.trim_start_matches('/')));
    match path.as_str() {
        "/none" => *response.status_mut() = StatusCode::NOT_FOUND,
        // Each of the two takes one bit.
        "/busy" if failures.fetch_or(1, Ordering::Relaxed) & 1 == 0 => {
            *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
        }
        "/hangs" if failures.fetch_or(2, Ordering::Relaxed) & 2 == 0 => {
            sleep(seconds(3600)).await;
        }
        _ => sleep(seconds(0.2)).await,
    }
    response
}
