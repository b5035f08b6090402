//! A crawler: pages are fetched by a set of tasks, so many at a time, each with a time-out and a second
//! try; what they find comes back over a channel. The site that it crawls is here too: a small HTTP
//! server on bare sockets.

use heist as rt;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use rt::io::{self, AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use rt::net::{TcpListener, TcpStream};
use rt::sync::mpsc::error::TryRecvError;
use rt::sync::{AcquireError, OwnedSemaphorePermit, Semaphore, mpsc};
use rt::task::{JoinError, JoinSet};
use rt::time::{self, error::Elapsed};

const TRIES: usize = 2;

#[derive(Debug)]
enum FetchError {
    TimedOut(Elapsed),
    Io(io::Error),
    Status(u16),
}

impl From<Elapsed> for FetchError {
    fn from(error: Elapsed) -> FetchError {
        FetchError::TimedOut(error)
    }
}

impl From<io::Error> for FetchError {
    fn from(error: io::Error) -> FetchError {
        FetchError::Io(error)
    }
}

impl fmt::Display for FetchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FetchError::TimedOut(_) => f.write_str("timed out"),
            FetchError::Io(error) => error.fmt(f),
            FetchError::Status(status) => write!(f, "status {status}"),
        }
    }
}

/// Fetches one page as HTTP/1.1 wants it.
async fn fetch(addr: SocketAddr, path: &str) -> Result<String, FetchError> {
    let mut stream = BufReader::new(TcpStream::connect(addr).await?);
    let request = format!("GET {path} HTTP/1.1\r\nhost: {addr}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;

    let mut line = String::new();
    stream.read_line(&mut line).await?;
    let status = line.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
    let mut length = 0;
    loop {
        line.clear();
        stream.read_line(&mut line).await?;
        match line.trim_end().split_once(": ") {
            Some(("content-length", value)) => length = value.parse().unwrap_or(0),
            Some(_) => {}
            None => break,
        }
    }
    let mut body = vec![0; length];
    let n: usize = stream.read_exact(&mut body).await?;
    body.truncate(n);
    match status {
        200 => Ok(String::from_utf8_lossy(&body).into_owned()),
        status => Err(FetchError::Status(status)),
    }
}

/// What a page says about others: `<a href="...">`.
fn links(page: &str) -> impl Iterator<Item = &str> {
    page.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next())
}

type Report = BTreeMap<String, Result<usize, String>>;

/// Fetches everything that can be reached, at most `at_once` pages at a time; tells for each page
/// how many links it has, or what was wrong with it.
async fn crawl(addr: SocketAddr, at_once: usize, limit: Duration) -> Result<Report, JoinError> {
    let places = Arc::new(Semaphore::new(at_once));
    let (found, mut frontier) = mpsc::channel::<String>(8);
    let mut tasks: JoinSet<(String, Result<usize, FetchError>)> = JoinSet::new();
    let mut seen = BTreeSet::from(["/".to_owned()]);
    let mut report = Report::new();

    let visit = |tasks: &mut JoinSet<_>, path: String| {
        let (places, found) = (places.clone(), found.clone());
        tasks.spawn(async move {
            let place: Result<OwnedSemaphorePermit, AcquireError> = places.acquire_owned().await;
            let result = async {
                let mut tries = 0;
                let page = loop {
                    tries += 1;
                    match time::timeout(limit, fetch(addr, &path)).await {
                        Ok(Ok(page)) => break page,
                        Ok(Err(FetchError::Status(404))) => return Err(FetchError::Status(404)),
                        Ok(Err(error)) if tries == TRIES => return Err(error),
                        Err(elapsed) if tries == TRIES => return Err(elapsed.into()),
                        _ => time::sleep(Duration::from_millis(1)).await,
                    }
                };
                let mut count = 0;
                for link in links(&page) {
                    count += 1;
                    found.send(link.to_owned()).await.expect("the crawl goes on");
                }
                Ok(count)
            }
            .await;
            drop(place);
            (path, result)
        });
    };

    visit(&mut tasks, "/".to_owned());
    // What the last task found may still be on its way when it has ended.
    while !tasks.is_empty() || !frontier.is_empty() {
        rt::select! {
            Some(path) = frontier.recv() => {
                if seen.insert(path.clone()) {
                    visit(&mut tasks, path);
                }
            }
            Some(ended) = tasks.join_next() => {
                let (path, result) = ended?;
                report.insert(path, result.map_err(|error| error.to_string()));
            }
        }
    }
    assert_eq!(frontier.try_recv(), Err(TryRecvError::Empty));
    Ok(report)
}

/// The site: numbered pages that link to the next ones, one that is missing, one that fails at the
/// first try, and one that never answers. Counts requests, and how many there are at a time.
struct Site {
    pages: usize,
    requests: AtomicUsize,
    now: AtomicUsize,
    most: AtomicUsize,
    failed: AtomicUsize,
}

impl Site {
    async fn start(pages: usize) -> (Arc<Site>, SocketAddr) {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let addr = listener.local_addr().unwrap();
        let site = Arc::new(Site {
            pages,
            requests: AtomicUsize::new(0),
            now: AtomicUsize::new(0),
            most: AtomicUsize::new(0),
            failed: AtomicUsize::new(0),
        });
        let serving = site.clone();
        rt::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let site = serving.clone();
                rt::spawn(async move { site.answer(&mut stream).await });
            }
        });
        (site, addr)
    }

    async fn answer(&self, stream: &mut TcpStream) -> io::Result<()> {
        let (reader, mut writer) = stream.split();
        let mut lines = BufReader::new(reader).lines();
        let request = lines.next_line().await?.unwrap_or_default();
        while lines.next_line().await?.is_some_and(|header| !header.is_empty()) {}

        self.requests.fetch_add(1, Ordering::Relaxed);
        let now = self.now.fetch_add(1, Ordering::Relaxed) + 1;
        self.most.fetch_max(now, Ordering::Relaxed);
        let path = request.split(' ').nth(1).unwrap_or_default();
        let (status, body) = self.page(path).await;
        self.now.fetch_sub(1, Ordering::Relaxed);
        let head = format!("HTTP/1.1 {status} -\r\ncontent-length: {}\r\n\r\n", body.len());
        writer.write_all(head.as_bytes()).await?;
        writer.write_all(body.as_bytes()).await?;
        writer.shutdown().await
    }

    async fn page(&self, path: &str) -> (u16, String) {
        let number = match path {
            "/" => 0,
            "/flaky" if self.failed.fetch_add(1, Ordering::Relaxed) == 0 => {
                return (500, "not yet".to_owned());
            }
            "/flaky" => return (200, "<a href=\"/\">home</a>".to_owned()),
            "/silent" => {
                // So that it does not count among those that are answered.
                self.now.fetch_sub(1, Ordering::Relaxed);
                return std::future::pending().await;
            }
            _ => match path.strip_prefix("/page/").and_then(|number| number.parse().ok()) {
                Some(number) => number,
                None => return (404, String::new()),
            },
        };
        time::sleep(Duration::from_millis(2)).await;
        let mut body = String::new();
        for next in [2 * number + 1, 2 * number + 2].into_iter().filter(|&next| next < self.pages) {
            body.push_str(&format!("<a href=\"/page/{next}\">{next}</a>"));
        }
        if number == 0 {
            for path in ["/missing", "/flaky", "/silent"] {
                body.push_str(&format!("<a href=\"{path}\">{path}</a>"));
            }
        }
        (200, body)
    }
}

#[rt::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_page_is_fetched_so_many_at_a_time() {
    let (site, addr) = Site::start(60).await;
    let report = crawl(addr, 5, Duration::from_secs(2)).await.unwrap();

    assert_eq!(report.len(), 63, "{report:?}");
    assert_eq!(report["/"], Ok(5));
    assert_eq!(report["/page/1"], Ok(2));
    assert_eq!(report["/page/59"], Ok(0));
    assert_eq!(report["/flaky"], Ok(1));
    assert_eq!(report["/missing"], Err("status 404".to_owned()));
    assert_eq!(report["/silent"], Err("timed out".to_owned()));
    // Each page once, and two of them twice.
    assert_eq!(site.requests.load(Ordering::Relaxed), 65);
    assert!(site.most.load(Ordering::Relaxed) <= 5);
}
