//! The wheel beside a list, with steps at random, and with those that fuzzing has found worth keeping.

use proptest::prelude::*;

use super::compared::{self, Compared, Step};

#[path = "../../../fuzz/src/replay.rs"]
mod replay;

/// Distances of every size that a level covers.
fn distance() -> impl Strategy<Value = u64> {
    (0u32..60, any::<u64>()).prop_map(|(bits, noise)| noise & ((1 << bits) - 1))
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => distance().prop_map(Step::Insert),
        1 => any::<usize>().prop_map(Step::Remove),
        1 => (any::<usize>(), distance()).prop_map(|(which, by)| Step::Postpone(which, by)),
        3 => distance().prop_map(Step::Advance),
    ]
}

proptest! {
    #[test]
    fn the_wheel_is_a_sorted_list(steps in prop::collection::vec(step(), 1..200), exact: bool) {
        let mut compared = Compared::new(exact);
        for step in steps {
            compared.apply(step);
        }
        compared.finish();
    }
}

#[test]
fn the_wheel_goes_what_fuzzing_found() {
    replay::replay("wheel", 3_000, compared::go);
}
