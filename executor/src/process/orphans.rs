//! Children that were dropped before they had ended: a thread waits for them, so that none stays a zombie.
//!
//! There is one thread for the process, not for a runtime, as a child may outlive every runtime. It
//! starts with the first orphan and ends with the last; it sleeps on the orphans' pidfds and on a
//! descriptor of its own, on which it is told of new ones.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::process::Child;

use parking_lot::Mutex;
use rustix::event::{EventfdFlags, PollFd, PollFlags, eventfd, poll};

struct Orphan {
    child: Child,
    /// Readable once the child has ended.
    pidfd: OwnedFd,
}

/// What the thread is told.
struct Orphanage {
    /// Not yet taken in by the thread.
    arrived: Vec<Orphan>,
    /// Rouses the thread; `None` while there is no thread.
    bell: Option<OwnedFd>,
}

static ORPHANAGE: Mutex<Orphanage> = Mutex::new(Orphanage { arrived: Vec::new(), bell: None });

/// Waits for a child in the background.
pub(super) fn adopt(child: Child, pidfd: OwnedFd) {
    let mut orphanage = ORPHANAGE.lock();
    orphanage.arrived.push(Orphan { child, pidfd });
    // Without a descriptor or a thread for it, the child stays here until the next one comes.
    let _ = match &orphanage.bell {
        Some(bell) => ring(bell),
        None => open(&mut orphanage),
    };
}

fn ring(bell: &OwnedFd) -> io::Result<()> {
    rustix::io::write(bell, &1u64.to_ne_bytes())?;
    Ok(())
}

fn open(orphanage: &mut Orphanage) -> io::Result<()> {
    let bell = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
    let heard = bell.try_clone()?;
    std::thread::Builder::new().name("heist-orphans".to_owned()).spawn(move || wait(&heard))?;
    orphanage.bell = Some(bell);
    Ok(())
}

/// The life of the thread.
fn wait(bell: &OwnedFd) {
    let mut orphans = Vec::new();
    loop {
        {
            let mut orphanage = ORPHANAGE.lock();
            orphans.append(&mut orphanage.arrived);
            // Asking is what frees the place in the process table.
            orphans.retain_mut(|orphan| matches!(orphan.child.try_wait(), Ok(None)));
            if orphans.is_empty() {
                orphanage.bell = None;
                return;
            }
        }
        let mut fds: Vec<_> = orphans
            .iter()
            .map(|orphan| orphan.pidfd.as_fd())
            .chain([bell.as_fd()])
            .map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN))
            .collect();
        // Without a deadline it can only fail for a moment; then they are asked once more.
        let _ = poll(&mut fds, None);
        let _ = rustix::io::read(bell, &mut [0; 8]);
    }
}
