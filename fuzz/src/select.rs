//! `select!` beside a model of it: branches that become ready after so many polls, with values that the
//! pattern takes or refuses, conditions, an `else`, in the order as written or from a random start.

use std::cell::Cell;
use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

const BRANCHES: usize = 4;

/// What a branch will do.
#[derive(Clone, Copy, Debug)]
struct Plan {
    enabled: bool,
    /// How often it is pending first.
    pending: u32,
    /// Whether its pattern takes what comes.
    fits: bool,
}

impl Plan {
    fn new(byte: u8) -> Plan {
        Plan { enabled: byte & 1 == 0, fits: byte & 2 == 0, pending: u32::from(byte >> 2) % 8 }
    }
}

/// What has become of a branch.
#[derive(Default)]
struct Fate {
    polls: Cell<u32>,
    dropped: Cell<u32>,
}

struct Branch<'a> {
    name: usize,
    plan: Plan,
    fate: &'a Fate,
}

impl Future for Branch<'_> {
    type Output = Option<usize>;

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<usize>> {
        let polls = self.fate.polls.get();
        assert!(polls <= self.plan.pending, "polled after it was ready");
        self.fate.polls.set(polls + 1);
        if polls < self.plan.pending {
            return Poll::Pending;
        }
        Poll::Ready(self.plan.fits.then_some(self.name))
    }
}

impl Drop for Branch<'_> {
    fn drop(&mut self) {
        self.fate.dropped.set(self.fate.dropped.get() + 1);
    }
}

/// In which poll of the whole it ends, and who may win then; nobody: the `else`.
fn model(plans: &[Plan; BRANCHES]) -> (u32, Vec<usize>) {
    let enabled = |plan: &&Plan| plan.enabled;
    let fits = |plan: &&Plan| plan.enabled && plan.fits;
    match plans.iter().filter(fits).map(|plan| plan.pending).min() {
        Some(first) => {
            let wins = |&n: &usize| fits(&&plans[n]) && plans[n].pending == first;
            (first, (0..BRANCHES).filter(wins).collect())
        }
        None => {
            let last = plans.iter().filter(enabled).map(|plan| plan.pending).max();
            (last.unwrap_or(0), Vec::new())
        }
    }
}

async fn run(plans: [Plan; BRANCHES], fates: &[Fate; BRANCHES], biased: bool) -> Option<usize> {
    let [a, b, c, d] =
        std::array::from_fn(|name| Branch { name, plan: plans[name], fate: &fates[name] });
    let on = plans.map(|plan| plan.enabled);
    if biased {
        heist::select! {
            biased;
            Some(name) = a, if on[0] => Some(name),
            Some(name) = b, if on[1] => Some(name),
            Some(name) = c, if on[2] => Some(name),
            Some(name) = d, if on[3] => Some(name),
            else => None,
        }
    } else {
        heist::select! {
            Some(name) = a, if on[0] => Some(name),
            Some(name) = b, if on[1] => Some(name),
            Some(name) = c, if on[2] => Some(name),
            Some(name) = d, if on[3] => Some(name),
            else => None,
        }
    }
}

/// Reads a plan from each byte, and how it is run from the last.
pub(crate) fn go(data: &[u8]) {
    let Some(data) = data.first_chunk::<{ BRANCHES + 1 }>() else { return };
    let plans: [Plan; BRANCHES] = std::array::from_fn(|n| Plan::new(data[n]));
    let (biased, give_up) = (data[BRANCHES] & 1 == 0, u32::from(data[BRANCHES] >> 1) % 12);
    let fates: [Fate; BRANCHES] = Default::default();
    let (last, winners) = model(&plans);
    {
        let mut race = pin!(run(plans, &fates, biased));
        for round in 0..give_up {
            match race.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
                Poll::Pending => {
                    assert!(round < last, "it should have ended");
                    for (plan, fate) in plans.iter().zip(&fates) {
                        let polls = if plan.enabled { plan.pending.min(round) + 1 } else { 0 };
                        assert_eq!(fate.polls.get(), polls, "each is polled once a round");
                    }
                }
                Poll::Ready(winner) => {
                    assert_eq!(round, last, "it has ended too early");
                    match winner {
                        Some(winner) if biased => assert_eq!(winner, winners[0]),
                        Some(winner) => assert!(winners.contains(&winner)),
                        None => assert!(winners.is_empty()),
                    }
                    break;
                }
            }
        }
    }
    assert!(fates.iter().all(|fate| fate.dropped.get() <= 1), "dropped twice");
    let begun = give_up > 0;
    assert!(!begun || fates.iter().all(|fate| fate.dropped.get() == 1), "a branch is left");
}
