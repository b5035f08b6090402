//! What the public types are, as programs come to rely on: `Send`, `Sync`, `Unpin`, unwind safe,
//! `Debug`, `Clone`, errors, descriptors.

use std::fmt::{Debug, Display};
use std::hash::Hash;
use std::os::fd::{AsFd, AsRawFd};
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::rc::Rc;

use heist as rt;
use rt::{fs, io, net, process, runtime, sync, task, time};

trait Shared: Send + Sync {}
impl<T: Send + Sync> Shared for T {}

trait Unwinds: UnwindSafe + RefUnwindSafe {}
impl<T: UnwindSafe + RefUnwindSafe> Unwinds for T {}

trait Fault: std::error::Error + Send + Sync + 'static {}
impl<T: std::error::Error + Send + Sync + 'static> Fault for T {}

trait Value: Ord + Hash + Copy + Display {}
impl<T: Ord + Hash + Copy + Display> Value for T {}

trait Descriptor: AsFd + AsRawFd {}
impl<T: AsFd + AsRawFd> Descriptor for T {}

macro_rules! all {
    ($of:ident: $($type:ty),* $(,)?) => {{
        fn check<T: $of>() {}
        $(check::<$type>();)*
    }};
}

#[test]
fn of_the_runtime() {
    use runtime::*;
    all!(Shared: Runtime, Handle, RuntimeMetrics, Builder);
    all!(Unpin: Runtime, Handle, LocalRuntime, Builder, EnterGuard<'static>);
    all!(Unwinds: Runtime, Handle);
    all!(Clone: Handle, RuntimeMetrics);
    all!(Debug: Runtime, Handle, LocalRuntime, Builder, EnterGuard<'static>);
    all!(Debug: RuntimeMetrics, RuntimeFlavor);
    all!(Fault: TryCurrentError);
}

#[test]
fn of_tasks() {
    use task::*;
    all!(Shared: JoinHandle<u8>, AbortHandle, JoinError, JoinSet<u8>, Id, LocalKey<u8>);
    all!(Unpin: JoinHandle<u8>, AbortHandle, JoinSet<u8>, LocalSet);
    all!(Unwinds: JoinHandle<u8>, AbortHandle, Id);
    all!(Clone: AbortHandle, Id);
    all!(Default: JoinSet<Rc<u8>>, LocalSet);
    all!(Debug: JoinHandle<Rc<u8>>, AbortHandle, JoinSet<Rc<u8>>, LocalSet, LocalKey<Rc<u8>>);
    all!(Debug: JoinError, Id);
    all!(Fault: JoinError);
    all!(Value: Id);
}

#[test]
fn of_time() {
    use time::*;
    all!(Shared: Sleep, Interval, Timeout<u8>, Instant);
    all!(Unpin: Interval, Instant);
    all!(Unwinds: Instant);
    all!(Debug: Sleep, Interval, Timeout<u8>, Instant, MissedTickBehavior);
    all!(Fault: error::Elapsed);
}

#[test]
fn of_locks() {
    use sync::*;
    all!(Shared: Mutex<u8>, MutexGuard<'static, u8>, OwnedMutexGuard<u8>);
    all!(Shared: MappedMutexGuard<'static, u8>, RwLockMappedWriteGuard<'static, u8>);
    all!(Shared: RwLock<u8>, RwLockReadGuard<'static, u8>, RwLockWriteGuard<'static, u8>);
    all!(Shared: OwnedRwLockReadGuard<u8>, OwnedRwLockWriteGuard<u8>);
    all!(Shared: Semaphore, SemaphorePermit<'static>, OwnedSemaphorePermit);
    all!(Shared: Notify, Barrier, OnceCell<u8>, SetOnce<u8>);
    all!(Unpin: Mutex<u8>, RwLock<u8>, Semaphore, Notify, Barrier, OnceCell<u8>);
    all!(Unwinds: Notify);
    all!(Default: Mutex<u8>, RwLock<u8>, Notify, OnceCell<u8>);
    all!(Debug: Mutex<u8>, MutexGuard<'static, u8>, RwLock<u8>, Semaphore, Notify, OnceCell<u8>);
    all!(Debug: Barrier, BarrierWaitResult);
    all!(Fault: TryLockError, AcquireError, TryAcquireError, SetError<u8>);
    let _: (Mutex<u8>, RwLock<u8>, OnceCell<u8>) = (1.into(), 1.into(), 1.into());
}

#[test]
fn of_channels() {
    use sync::mpsc::{self, OwnedPermit, Permit, UnboundedReceiver, UnboundedSender};
    use sync::{broadcast, oneshot, watch};
    all!(Shared: oneshot::Sender<u8>, oneshot::Receiver<u8>);
    all!(Shared: mpsc::Sender<u8>, mpsc::Receiver<u8>, Permit<'static, u8>, OwnedPermit<u8>);
    all!(Shared: UnboundedSender<u8>, UnboundedReceiver<u8>, mpsc::WeakSender<u8>);
    all!(Shared: broadcast::Sender<u8>, broadcast::Receiver<u8>);
    all!(Shared: watch::Sender<u8>, watch::Receiver<u8>);
    all!(Unpin: oneshot::Sender<u8>, oneshot::Receiver<u8>, mpsc::Sender<u8>, mpsc::Receiver<u8>);
    all!(Unpin: UnboundedSender<u8>, UnboundedReceiver<u8>);
    all!(Unpin: watch::Sender<u8>, watch::Receiver<u8>);
    all!(Clone: mpsc::Sender<Rc<u8>>, UnboundedSender<Rc<u8>>);
    all!(Clone: mpsc::WeakSender<Rc<u8>>, mpsc::WeakUnboundedSender<Rc<u8>>);
    all!(Clone: broadcast::Sender<Rc<u8>>, watch::Sender<Rc<u8>>, watch::Receiver<Rc<u8>>);
    all!(Debug: oneshot::Sender<u8>, oneshot::Receiver<u8>);
    all!(Debug: mpsc::Sender<Rc<u8>>, mpsc::Receiver<Rc<u8>>);
    all!(Debug: broadcast::Sender<Rc<u8>>, broadcast::Receiver<Rc<u8>>);
    all!(Debug: watch::Sender<u8>, watch::Receiver<u8>);
    all!(Fault: oneshot::error::RecvError, oneshot::error::TryRecvError);
    all!(Fault: mpsc::error::SendError<u8>, mpsc::error::TrySendError<u8>);
    all!(Fault: mpsc::error::TryRecvError);
    all!(Fault: broadcast::error::RecvError, broadcast::error::SendError<u8>);
    all!(Fault: watch::error::RecvError, watch::error::SendError<u8>);
    all!(Copy: mpsc::error::SendError<u8>, mpsc::error::TryRecvError);
}

#[test]
fn of_streams() {
    use net::{TcpListener, TcpSocket, TcpStream, UdpSocket, UnixDatagram};
    use net::{UnixListener, UnixStream, tcp, unix};
    use process::{Child, ChildStdin, ChildStdout, Command};
    all!(Shared: TcpStream, TcpListener, TcpSocket, UdpSocket, UnixStream, UnixListener);
    all!(Shared: tcp::OwnedReadHalf, tcp::OwnedWriteHalf, tcp::ReadHalf<'static>);
    all!(Shared: unix::OwnedReadHalf, io::DuplexStream, io::Stdin, io::Stdout, fs::File);
    all!(Shared: io::BufReader<TcpStream>, Command, Child, ChildStdin);
    all!(Unpin: TcpStream, TcpListener, UdpSocket, UnixStream, io::DuplexStream, fs::File);
    all!(Unwinds: TcpStream, TcpListener, TcpSocket, UdpSocket);
    all!(Unwinds: UnixStream, UnixListener, UnixDatagram);
    all!(Debug: TcpStream, TcpListener, TcpSocket, UdpSocket, UnixStream, UnixDatagram);
    all!(Debug: io::DuplexStream, io::Stdin, io::Stdout, io::Stderr, io::Interest, io::Ready);
    all!(Debug: fs::File, fs::OpenOptions, Command, Child, io::BufWriter<TcpStream>);
    all!(Descriptor: TcpStream, TcpListener, TcpSocket, UdpSocket);
    all!(Descriptor: UnixStream, UnixListener, UnixDatagram);
    all!(Descriptor: fs::File, io::Stdin, io::Stdout, io::Stderr, ChildStdin, ChildStdout);
}
