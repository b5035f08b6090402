//! Child processes: their output, their end, and that nothing of them stays.
#![cfg(target_os = "linux")]

use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::Stdio;
use std::time::Duration;

use heist::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use heist::process::{Child, Command};
use heist::signal::unix::SignalKind;
use heist_tests::{descriptors, eventually, eventually_blocking, in_own_process, on_two_workers};

fn shell(script: &str) -> Command {
    let mut command = Command::new("sh");
    command.arg("-c").arg(script);
    command
}

/// A child that lives until it is killed.
fn endless() -> Command {
    let mut command = Command::new("sleep");
    command.arg("1000000");
    command
}

/// Whether the process table has an entry of this number, be it a zombie's.
fn is_in_process_table(id: u32) -> bool {
    std::fs::exists(format!("/proc/{id}")).unwrap()
}

#[test]
fn output_and_status_tell_what_the_child_did() {
    on_two_workers(async {
        let output = shell("echo out; echo err >&2; exit 3").output().await.unwrap();
        assert_eq!(output.status.code(), Some(3));
        assert_eq!((&*output.stdout, &*output.stderr), (&b"out\n"[..], &b"err\n"[..]));
        assert!(Command::new("true").status().await.unwrap().success());
        let status = shell("kill -9 $$").status().await.unwrap();
        assert_eq!(status.signal(), Some(9));
        let error = Command::new("/no/such/program").status().await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
        let output = shell("echo $A; pwd").env_clear().env("A", "b").current_dir("/").output();
        assert_eq!(output.await.unwrap().stdout, b"b\n/\n");
    });
}

#[test]
fn much_flows_through_both_pipes() {
    on_two_workers(async {
        const LEN: usize = 4 << 20;
        let mut cat =
            Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut stdin = cat.stdin.take().unwrap();
        let writer = heist::spawn(async move {
            let block = vec![7; 1 << 16];
            for _ in 0..LEN / block.len() {
                stdin.write_all(&block).await.unwrap();
            }
            stdin.close().await.unwrap();
            assert_eq!(stdin.write(b"x").await.unwrap_err().kind(), io::ErrorKind::BrokenPipe);
        });
        let output = cat.wait_with_output().await.unwrap();
        writer.await.unwrap();
        assert!(output.status.success());
        assert!(output.stdout == vec![7; LEN]);
    });
}

#[test]
fn one_child_reads_what_another_writes() {
    on_two_workers(async {
        let mut echo = shell("echo hello").stdout(Stdio::piped()).spawn().unwrap();
        let pipe: Stdio = echo.stdout.take().unwrap().try_into().unwrap();
        let output = Command::new("tr").args(["a-z", "A-Z"]).stdin(pipe).output().await.unwrap();
        assert_eq!(output.stdout, b"HELLO\n");
        assert!(echo.wait().await.unwrap().success());
    });
}

#[test]
fn lines_come_as_they_are_written() {
    on_two_workers(async {
        let mut child = shell("while read line; do echo got $line; done")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        for n in 0..50 {
            stdin.write_all(format!("{n}\n").as_bytes()).await.unwrap();
            let mut line = String::new();
            stdout.read_line(&mut line).await.unwrap();
            assert_eq!(line, format!("got {n}\n"));
        }
        drop(stdin);
        assert!(child.wait().await.unwrap().success());
    });
}

#[test]
fn waiting_is_asked_any_number_of_times_and_can_be_given_up() {
    on_two_workers(async {
        let mut child = endless().spawn().unwrap();
        let id = child.id().unwrap();
        assert_eq!(child.try_wait().unwrap(), None);
        let waited = heist::time::timeout(Duration::from_millis(20), child.wait()).await;
        assert!(waited.is_err());
        child.send_signal(SignalKind::terminate()).unwrap();
        let status = child.wait().await.unwrap();
        assert_eq!(status.signal(), Some(15));
        assert_eq!(child.wait().await.unwrap(), status);
        assert_eq!(child.try_wait().unwrap(), Some(status));
        assert_eq!(child.id(), None);
        assert_eq!(child.start_kill().unwrap_err().kind(), io::ErrorKind::InvalidInput);
        child.kill().await.expect("it has ended, which is what is wanted");
        assert!(!is_in_process_table(id));
    });
}

#[test]
fn a_hundred_children_at_once() {
    on_two_workers(async {
        let children: Vec<_> = (0..100)
            .map(|n| {
                heist::spawn(async move {
                    let status = shell(&format!("read x; exit {n}")).stdin(Stdio::null()).status();
                    assert_eq!(status.await.unwrap().code(), Some(n));
                })
            })
            .collect();
        for child in children {
            child.await.unwrap();
        }
    });
}

#[test]
fn a_task_that_waits_for_a_child_says_so() {
    on_two_workers(async {
        let waiting = heist::spawn(async {
            let mut child = endless().kill_on_drop(true).spawn().unwrap();
            child.wait().await
        });
        let is_said = || {
            let tasks = heist::task::all();
            tasks.iter().any(|t| t.id() == waiting.id() && t.to_string().contains("Child::wait"))
        };
        eventually("the dump says Child::wait", is_said).await;
        waiting.abort();
        assert!(waiting.await.unwrap_err().is_cancelled());
    });
}

#[test]
fn dropped_children_leave_no_zombies() {
    if !in_own_process("dropped_children_leave_no_zombies") {
        return;
    }
    let before = descriptors();
    let threads = heist_tests::threads();
    let mut ids = Vec::new();
    let mut outlives_the_runtime = None;
    on_two_workers(async {
        let mut remember = |child: &Child| ids.push(child.id().unwrap());
        for _ in 0..20 {
            let child = endless().kill_on_drop(true).spawn().unwrap();
            remember(&child);
            drop(child);
            let child = shell("exit 0").spawn().unwrap();
            remember(&child);
            drop(child);
        }
        let child = shell("read x").stdin(Stdio::piped()).spawn().unwrap();
        remember(&child);
        outlives_the_runtime = Some(child);
    });
    let mut child = outlives_the_runtime.unwrap();
    assert_eq!(child.try_wait().unwrap(), None);
    let stdin = child.stdin.take();
    drop(child);
    drop(stdin);
    for id in ids {
        eventually_blocking("no zombie", || !is_in_process_table(id));
    }
    eventually_blocking("the thread has ended", || heist_tests::threads() == threads);
    eventually_blocking("descriptors are closed", || descriptors() == before);
}

#[test]
fn a_child_that_is_not_killed_goes_on() {
    on_two_workers(async {
        let mut command = shell("read x; echo done");
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (mut stdin, mut stdout) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        drop(child);
        stdin.write_all(b"go on\n").await.unwrap();
        let mut text = String::new();
        stdout.read_to_string(&mut text).await.unwrap();
        assert_eq!(text, "done\n");
    });
}

#[test]
fn a_child_cannot_be_started_outside_a_runtime() {
    let message = heist_tests::panic_message(|| drop(Command::new("true").spawn()));
    assert!(message.contains("no Heist runtime"), "{message}");
}
