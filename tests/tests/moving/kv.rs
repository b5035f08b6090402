//! A key-value server: a map behind a mutex whose entries expire, a task that purges them, a limit on
//! connections, idle time-outs, and an end that waits for whoever is still being served.

use heist as rt;

use std::collections::{BTreeSet, HashMap};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rt::io::{self, AsyncBufReadExt, AsyncWriteExt, BufReader, BufWriter};
use rt::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use rt::net::{TcpListener, TcpStream};
use rt::sync::{Mutex, Notify, Semaphore, mpsc, watch};
use rt::time::{self, Instant};

const CONNECTIONS_MAX: usize = 100;
const IDLE_MAX: Duration = Duration::from_secs(30);

#[derive(Default)]
struct Entries {
    values: HashMap<String, (String, Option<Instant>)>,
    expirations: BTreeSet<(Instant, String)>,
}

impl Entries {
    fn remove(&mut self, key: &str) -> Option<String> {
        let (value, expires) = self.values.remove(key)?;
        if let Some(expires) = expires {
            self.expirations.remove(&(expires, key.to_owned()));
        }
        Some(value)
    }

    /// Removes what has expired, and says when the next entry will.
    fn purge(&mut self, now: Instant) -> Option<Instant> {
        while let Some((expires, key)) = self.expirations.first().cloned() {
            if expires > now {
                return Some(expires);
            }
            self.remove(&key);
        }
        None
    }
}

/// The map. While one of these is alive, a task purges what has expired.
struct Store {
    entries: Mutex<Entries>,
    /// An entry was set that expires before all others.
    sooner: Notify,
}

impl Store {
    fn new() -> Arc<Store> {
        let store = Arc::new(Store { entries: Mutex::default(), sooner: Notify::new() });
        let weak = Arc::downgrade(&store);
        rt::spawn(async move {
            while let Some(store) = weak.upgrade() {
                let next = store.entries.lock().await.purge(Instant::now());
                // A pause as long as an entry lives, or until one that lives shorter is set; and not
                // for ever, so that the task notices the end of the store.
                let next = next.unwrap_or_else(|| Instant::now() + Duration::from_secs(60));
                rt::select! {
                    () = time::sleep_until(next) => {}
                    () = store.sooner.notified() => {}
                }
            }
        });
        store
    }

    async fn set(&self, key: &str, value: &str, ttl: Option<Duration>) {
        let mut entries = self.entries.lock().await;
        entries.remove(key);
        let expires = ttl.map(|ttl| Instant::now() + ttl);
        if let Some(expires) = expires {
            entries.expirations.insert((expires, key.to_owned()));
            if entries.expirations.first().is_some_and(|(first, _)| *first == expires) {
                self.sooner.notify_one();
            }
        }
        entries.values.insert(key.to_owned(), (value.to_owned(), expires));
    }

    async fn get(&self, key: &str) -> Option<String> {
        self.entries.lock().await.values.get(key).map(|(value, _)| value.clone())
    }

    async fn answer(&self, request: &str) -> String {
        match request.split(' ').collect::<Vec<_>>()[..] {
            ["get", key] => self.get(key).await.unwrap_or_else(|| "-".to_owned()),
            ["set", key, value] => {
                self.set(key, value, None).await;
                "ok".to_owned()
            }
            ["set", key, value, ttl] => match ttl.parse() {
                Ok(ttl) => {
                    self.set(key, value, Some(Duration::from_millis(ttl))).await;
                    "ok".to_owned()
                }
                Err(error) => format!("error: {error}"),
            },
            ["del", key] => {
                let removed = self.entries.lock().await.remove(key);
                removed.unwrap_or_else(|| "-".to_owned())
            }
            ["len"] => self.entries.lock().await.values.len().to_string(),
            _ => "error: get, set, del, or len".to_owned(),
        }
    }
}

/// Serves until `stop` says true, and returns when the last connection has ended.
async fn serve(listener: TcpListener, store: Arc<Store>, mut stop: watch::Receiver<bool>) -> u64 {
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let (served, mut reports) = mpsc::channel::<u64>(1);
    let total = rt::spawn(async move {
        let mut total = 0;
        while let Some(requests) = reports.recv().await {
            total += requests;
        }
        total
    });
    loop {
        let place = places.clone().acquire_owned().await.expect("it is never closed");
        let (stream, addr) = rt::select! {
            accepted = listener.accept() => match accepted {
                Ok(connection) => connection,
                Err(_) => continue,
            },
            _ = stop.wait_for(|&stop| stop) => break,
        };
        let (store, stop, served) = (store.clone(), stop.clone(), served.clone());
        rt::spawn(async move {
            let (requests, result) = connection(stream, &store, stop).await;
            if let Err(error) = result {
                eprintln!("{addr}: {error}");
            }
            let _ = served.send(requests).await;
            drop(place);
        });
    }
    // Every connection has a clone of this: the total is complete when the last of them is gone.
    drop(served);
    total.await.unwrap()
}

/// Answers line by line; returns how many requests that were.
async fn connection(
    stream: TcpStream,
    store: &Store,
    mut stop: watch::Receiver<bool>,
) -> (u64, io::Result<()>) {
    let (reader, writer): (OwnedReadHalf, OwnedWriteHalf) = stream.into_split();
    let mut lines = BufReader::new(reader).lines();
    let mut writer = BufWriter::new(writer);
    let mut requests = 0;
    loop {
        let line = rt::select! {
            biased;
            line = time::timeout(IDLE_MAX, lines.next_line()) => line,
            _ = stop.wait_for(|&stop| stop) => break,
        };
        let line: String = match line {
            Ok(Ok(Some(line))) => line,
            Ok(Ok(None)) => break,
            Ok(Err(error)) => return (requests, Err(error)),
            Err(time::error::Elapsed { .. }) => break,
        };
        requests += 1;
        let mut answer = store.answer(&line).await;
        answer.push('\n');
        let written: io::Result<()> = async {
            writer.write_all(answer.as_bytes()).await?;
            writer.flush().await
        }
        .await;
        if written.is_err() {
            return (requests, written);
        }
    }
    (requests, writer.shutdown().await)
}

struct Client(BufReader<TcpStream>);

impl Client {
    async fn connect(addr: SocketAddr) -> Client {
        Client(BufReader::new(TcpStream::connect(addr).await.unwrap()))
    }

    async fn ask(&mut self, request: &str) -> String {
        self.0.get_mut().write_all(format!("{request}\n").as_bytes()).await.unwrap();
        let mut line = String::new();
        self.0.read_line(&mut line).await.unwrap();
        line.trim_end().to_owned()
    }
}

#[rt::test(start_paused = true)]
async fn entries_expire_when_they_should() {
    let store = Store::new();
    store.set("long", "1", Some(Duration::from_secs(60))).await;
    store.set("short", "2", Some(Duration::from_secs(5))).await;
    store.set("always", "3", None).await;
    // Set again without an end.
    store.set("changed", "4", Some(Duration::from_secs(1))).await;
    store.set("changed", "5", None).await;

    time::sleep(Duration::from_millis(4_900)).await;
    assert_eq!(store.get("short").await.as_deref(), Some("2"));
    time::sleep(Duration::from_millis(200)).await;
    assert_eq!(store.get("short").await, None);
    assert_eq!(store.get("long").await.as_deref(), Some("1"));
    time::sleep(Duration::from_secs(55)).await;
    assert_eq!(store.answer("len").await, "2");
    assert_eq!(store.get("changed").await.as_deref(), Some("5"));
}

#[rt::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_clients_are_served_and_the_end_waits_for_them() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let (stop, stopped) = watch::channel(false);
    let server = rt::spawn(serve(listener, Store::new(), stopped));

    let clients: Vec<_> = (0..20)
        .map(|n| {
            rt::spawn(async move {
                let mut client = Client::connect(addr).await;
                for round in 0..20 {
                    assert_eq!(client.ask(&format!("set k{n} {round}")).await, "ok");
                    assert_eq!(client.ask(&format!("get k{n}")).await, round.to_string());
                }
                assert_eq!(client.ask(&format!("del k{n}")).await, "19");
            })
        })
        .collect();
    for client in clients {
        client.await.unwrap();
    }

    let mut idle = Client::connect(addr).await;
    assert_eq!(idle.ask("get k1").await, "-");
    assert_eq!(idle.ask("set soon gone 1").await, "ok");
    while idle.ask("len").await != "0" {
        time::sleep(Duration::from_millis(1)).await;
    }
    assert_eq!(idle.ask("what").await, "error: get, set, del, or len");
    assert!(idle.ask("set key value soon").await.starts_with("error: "));

    // It is connected and says nothing; the end comes all the same, and at once.
    stop.send(true).unwrap();
    let requests = time::timeout(Duration::from_secs(20), server).await.expect("it ends").unwrap();
    assert!(requests > 20 * 41, "{requests}");
    assert_eq!(idle.0.read_line(&mut String::new()).await.unwrap(), 0);
}
