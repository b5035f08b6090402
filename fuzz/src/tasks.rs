//! The life of tasks: what is spawned, woken, aborted, joined and dropped, in an order that the bytes say,
//! on one thread. Compared with what the documentation promises of each.

use std::cell::RefCell;
use std::future::Future;
use std::panic::resume_unwind;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use heist::runtime::{Builder, Runtime};
use heist::task::{self, AbortHandle, JoinHandle};

/// What a puppet does when it is polled next.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum Next {
    #[default]
    Wait,
    WakeItself,
    AbortItself,
    Return,
    Panic,
}

/// The strings of a puppet.
#[derive(Default)]
struct Strings {
    next: Mutex<Next>,
    wakers: Mutex<Vec<Waker>>,
    own: Mutex<Option<AbortHandle>>,
    polls: AtomicUsize,
    dropped: AtomicUsize,
    outputs_dropped: AtomicUsize,
}

/// The future of a task, held by its strings.
struct Puppet(Arc<Strings>);

/// What it returns; counts its drop.
struct Output(Arc<Strings>);

impl Drop for Output {
    fn drop(&mut self) {
        self.0.outputs_dropped.fetch_add(1, Ordering::Relaxed);
    }
}

impl Drop for Puppet {
    fn drop(&mut self) {
        self.0.dropped.fetch_add(1, Ordering::Relaxed);
    }
}

impl Future for Puppet {
    type Output = Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Output> {
        let strings = &self.0;
        assert_eq!(strings.dropped.load(Ordering::Relaxed), 0, "polled after its end");
        strings.polls.fetch_add(1, Ordering::Relaxed);
        let next = std::mem::take(&mut *strings.next.lock().unwrap());
        match next {
            Next::Wait => {}
            Next::WakeItself => cx.waker().wake_by_ref(),
            Next::AbortItself => {
                if let Some(own) = strings.own.lock().unwrap().take() {
                    own.abort();
                }
            }
            Next::Return => return Poll::Ready(Output(strings.clone())),
            // Unlike `panic!` it says nothing to the hook, which would end the process.
            Next::Panic => resume_unwind(Box::new("as told")),
        }
        strings.wakers.lock().unwrap().push(cx.waker().clone());
        Poll::Pending
    }
}

struct Told {
    strings: Arc<Strings>,
    handle: Option<JoinHandle<Output>>,
    aborts: Vec<AbortHandle>,
    /// What may have become of it by now.
    may_return: bool,
    may_panic: bool,
    may_be_cancelled: bool,
    joined: bool,
    /// How often it was polled when it was last woken, until it is seen to be polled again.
    woken_at: Option<usize>,
}

impl Told {
    fn spawn(eager: bool) -> Told {
        let strings = Arc::<Strings>::default();
        let builder = task::Builder::new();
        let builder = if eager { builder.eager() } else { builder };
        let handle = builder.spawn(Puppet(strings.clone()));
        *strings.own.lock().unwrap() = Some(handle.abort_handle());
        Told {
            woken_at: Some(0).filter(|_| !eager),
            strings,
            handle: Some(handle),
            aborts: Vec::new(),
            may_return: false,
            may_panic: false,
            may_be_cancelled: false,
            joined: false,
        }
    }

    fn polls(&self) -> usize {
        self.strings.polls.load(Ordering::Relaxed)
    }

    fn ended(&self) -> bool {
        self.strings.dropped.load(Ordering::Relaxed) == 1
    }

    /// Whether what it was woken for has not come about.
    fn is_owed(&self) -> bool {
        self.woken_at.is_some_and(|polls| self.polls() == polls) && !self.ended()
    }

    fn tell(&mut self, next: Next) {
        self.may_return |= next == Next::Return;
        self.may_panic |= next == Next::Panic;
        self.may_be_cancelled |= next == Next::AbortItself;
        *self.strings.next.lock().unwrap() = next;
    }

    fn take_waker(&self, which: usize) -> Option<Waker> {
        let mut wakers = self.strings.wakers.lock().unwrap();
        let at = which.checked_rem(wakers.len())?;
        Some(wakers.swap_remove(at))
    }

    fn join(&mut self, waker: &Waker) {
        let Some(handle) = &mut self.handle else { return };
        if self.joined {
            return;
        }
        let finished = handle.is_finished();
        match Pin::new(handle).poll(&mut Context::from_waker(waker)) {
            Poll::Pending => assert!(!finished),
            Poll::Ready(outcome) => {
                assert!(finished && self.ended(), "joined before its end");
                self.joined = true;
                match outcome {
                    Ok(_output) => assert!(self.may_return),
                    Err(error) if error.is_panic() => assert!(self.may_panic),
                    Err(_) => assert!(self.may_be_cancelled),
                }
            }
        }
    }

    fn check(&self) {
        let strings = &self.strings;
        assert!(strings.dropped.load(Ordering::Relaxed) <= 1, "dropped twice");
        assert!(strings.outputs_dropped.load(Ordering::Relaxed) <= 1, "output dropped twice");
        if let Some(handle) = &self.handle {
            assert_eq!(handle.is_finished(), self.ended());
        }
        for abort in &self.aborts {
            assert_eq!(abort.is_finished(), self.ended());
        }
    }
}

/// Lets the tasks run until each that was woken was polled.
async fn settle(tasks: &mut [Told]) {
    for _ in 0..1000 {
        task::yield_now().await;
        if !tasks.iter().any(Told::is_owed) {
            tasks.iter_mut().for_each(|told| told.woken_at = None);
            return;
        }
    }
    panic!("a task was woken and not polled");
}

async fn drive(data: &[u8]) {
    let mut tasks: Vec<Told> = Vec::new();
    let own = std::future::poll_fn(|cx| Poll::Ready(cx.waker().clone())).await;
    for &byte in data {
        let (what, which) = (byte & 15, usize::from(byte >> 4));
        if tasks.is_empty() || what < 2 {
            if tasks.len() < 16 {
                tasks.push(Told::spawn(what == 1));
            }
            continue;
        }
        let at = which % tasks.len();
        let told = &mut tasks[at];
        match what {
            2 => told.tell(Next::Wait),
            3 => told.tell(Next::WakeItself),
            4 => told.tell(Next::AbortItself),
            5 => told.tell(Next::Return),
            6 => told.tell(Next::Panic),
            7 | 8 => {
                let Some(waker) = told.take_waker(which) else { continue };
                let polls = told.polls();
                told.woken_at.get_or_insert(polls);
                if what == 7 {
                    waker.wake();
                } else {
                    waker.wake_by_ref();
                    told.strings.wakers.lock().unwrap().push(waker);
                }
            }
            9 => drop(told.take_waker(which)),
            10 => {
                told.may_be_cancelled |= !told.ended();
                match (&told.handle, told.aborts.last()) {
                    (Some(handle), None) if which % 2 == 0 => handle.cancel("as told"),
                    (Some(handle), _) => handle.abort(),
                    (None, Some(abort)) => abort.abort(),
                    (None, None) => {}
                }
            }
            11 => told.aborts.extend(told.handle.as_ref().map(JoinHandle::abort_handle)),
            12 => drop(told.handle.take()),
            13 => told.join(if which % 2 == 0 { Waker::noop() } else { &own }),
            14 => drop(told.aborts.pop()),
            _ => settle(&mut tasks).await,
        }
        tasks.iter().for_each(Told::check);
    }
    for told in &mut tasks {
        // Its own handle, so that also one without others ends.
        told.may_be_cancelled = true;
        let own = told.strings.own.lock().unwrap().take();
        match (own, &told.handle) {
            (Some(own), _) => own.abort(),
            (None, Some(handle)) => handle.abort(),
            (None, None) => {
                told.tell(Next::Return);
                let wakers = std::mem::take(&mut *told.strings.wakers.lock().unwrap());
                wakers.into_iter().for_each(Waker::wake);
            }
        }
    }
    settle(&mut tasks).await;
    for mut told in tasks {
        told.check();
        // One that has lost every waker and every handle has nobody to end it but its runtime.
        if told.ended() {
            told.join(Waker::noop());
            assert!(told.joined || told.handle.is_none());
            drop(told.handle.take());
            // A waker may outlive its task.
            let wakers = std::mem::take(&mut *told.strings.wakers.lock().unwrap());
            wakers.into_iter().for_each(Waker::wake);
            assert_eq!(told.strings.dropped.load(Ordering::Relaxed), 1);
        } else {
            assert!(told.handle.is_none(), "aborted, and goes on");
        }
    }
}

thread_local! {
    static RUNTIME: RefCell<Option<Runtime>> = const { RefCell::new(None) };
}

/// Goes the steps that the bytes say.
pub(crate) fn go(data: &[u8]) {
    RUNTIME.with_borrow_mut(|runtime| {
        let runtime = runtime.get_or_insert_with(|| {
            let mut builder = Builder::new_current_thread();
            builder.on_unhandled_failure(|_| ()).build().expect("cannot start a runtime")
        });
        runtime.block_on(drive(data));
    });
}
