//! With the feature `tracing`, what the runtime says is an event for whoever listens, and else a line
//! on standard error.

use std::fmt::{self, Debug};
use std::process::Command;
use std::sync::{Arc, Mutex};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

type Heard = Arc<Mutex<Vec<String>>>;

/// Listens to what is as grave as this, or graver.
struct Listener(Level, Heard);

impl Subscriber for Listener {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() <= self.0
    }

    fn event(&self, event: &Event<'_>) {
        struct Message(String);
        impl Visit for Message {
            fn record_debug(&mut self, _: &Field, value: &dyn Debug) {
                fmt::write(&mut self.0, format_args!("{value:?}")).unwrap();
            }
        }
        let (level, target) = (event.metadata().level(), event.metadata().target());
        let mut message = Message(format!("{level} {target}: "));
        event.record(&mut message);
        self.1.lock().unwrap().push(message.0);
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

/// Runs a task that fails and that nobody joins, and makes a mistake of which debug mode warns.
fn go_wrong(what: &'static str) {
    let mut builder = heist::runtime::Builder::new_current_thread();
    let runtime = builder.debug(true).build().unwrap();
    runtime.block_on(async {
        drop(heist::spawn(async move { panic!("{what}") }));
        heist::task::yield_now().await;
        drop(heist::sync::Semaphore::new(1).acquire());
    });
}

/// Runs a test of this file in a process of its own, and returns its standard error. `None` in
/// that process: the listener is the whole process's.
#[track_caller]
fn errors_of(test: &str) -> Option<String> {
    const CHILD: &str = "HEIST_TEST_REPORTS";
    if std::env::var(CHILD).is_ok_and(|child| child == test) {
        return None;
    }
    let output = Command::new(std::env::current_exe().unwrap())
        .args([test, "--exact", "--test-threads=1", "--nocapture"])
        .env(CHILD, test)
        .output()
        .unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{errors}");
    Some(errors)
}

/// Lets a listener hear what goes on from now on.
fn listen(level: Level) -> Heard {
    let heard = Heard::default();
    tracing::subscriber::set_global_default(Listener(level, heard.clone())).unwrap();
    heard
}

#[test]
fn a_report_is_an_event_if_somebody_listens_and_else_a_line() {
    const TEST: &str = "a_report_is_an_event_if_somebody_listens_and_else_a_line";
    if let Some(errors) = errors_of(TEST) {
        // On a busy machine there may be reports of slow polls as well.
        let reports: Vec<_> = errors.lines().filter(|line| line.starts_with("heist: ")).collect();
        let failures: Vec<_> = reports.iter().filter(|line| line.contains("joined it")).collect();
        let [failure] = failures[..] else { panic!("{errors}") };
        assert!(failure.ends_with("nobody joined it: unheard"), "{errors}");
        let warnings = reports.iter().filter(|line| line.contains("`Semaphore::acquire`"));
        assert_eq!(warnings.count(), 2, "{errors}");
        return;
    }
    go_wrong("unheard");
    let heard = listen(Level::ERROR);
    go_wrong("heard");
    let heard = heard.lock().unwrap();
    let [event] = &heard[..] else { panic!("{heard:?}") };
    assert!(event.starts_with("ERROR heist: task "), "{event}");
    assert!(event.ends_with("nobody joined it: heard"), "{event}");
}

#[test]
fn what_debug_mode_says_is_a_warning_for_whoever_listens_to_warnings() {
    const TEST: &str = "what_debug_mode_says_is_a_warning_for_whoever_listens_to_warnings";
    if let Some(errors) = errors_of(TEST) {
        // Whoever listens has it, so it is no line.
        assert!(!errors.contains("heist: "), "{errors}");
        return;
    }
    let heard = listen(Level::WARN);
    go_wrong("heard");
    let heard = heard.lock().unwrap();
    let of = |word: &str| heard.iter().filter(|event| event.contains(word)).collect::<Vec<_>>();
    let [failure] = of("nobody joined it: heard")[..] else { panic!("{heard:?}") };
    assert!(failure.starts_with("ERROR heist: task "), "{failure}");
    let [warning] = of("`Semaphore::acquire`")[..] else { panic!("{heard:?}") };
    assert!(warning.starts_with("WARN heist: "), "{warning}");
    assert!(warning.contains("executor/tests/reports.rs:"), "{warning}");
}
