//! What the types that tokio has no like of are: `Send`, `Sync`, `Unpin`, `Debug`, unwind safe.

use std::fmt::{Debug, Display};
use std::panic::UnwindSafe;

use heist::runtime::{ShutdownPolicy, ShutdownReport};
use heist::sync::{Condvar, Event, Lifo, Priority, Queue};
use heist::task::{self, Child, GroupError, TaskGroup, TaskInfo, When};
use heist::time::TimerHandle;

macro_rules! all {
    ($of:ident: $($type:ty),* $(,)?) => {{
        fn check<T: $of>() {}
        $(check::<$type>();)*
    }};
}

#[test]
fn of_public_types() {
    all!(Send: ShutdownPolicy, ShutdownReport, TaskGroup, Child<u8>, TaskInfo, TimerHandle);
    all!(Send: Condvar, Event, Queue<u8>, Queue<u8, Lifo>, Queue<u8, Priority>, GroupError<u8>);
    all!(Sync: ShutdownPolicy, ShutdownReport, TaskGroup, Child<u8>, TaskInfo, TimerHandle);
    all!(Sync: Condvar, Event, Queue<u8>, Queue<u8, Lifo>, Queue<u8, Priority>, GroupError<u8>);
    all!(Unpin: TaskGroup, Child<u8>, TaskInfo, TimerHandle, Condvar, Event, Queue<u8>);
    all!(Unpin: task::Gather<u8>, task::AsCompleted<u8>);
    all!(Clone: ShutdownPolicy, ShutdownReport, TaskGroup, TaskInfo, When);
    all!(Debug: ShutdownPolicy, ShutdownReport, TaskGroup, Child<u8>, TaskInfo, TimerHandle, When);
    all!(Debug: Condvar, Event, Queue<u8>, task::Builder, task::Gather<u8>, task::Wait<u8>);
    all!(Display: ShutdownReport, TaskInfo, GroupError<String>);
    all!(Default: Condvar, Event, task::Builder);
    all!(UnwindSafe: Condvar, Event);
}
