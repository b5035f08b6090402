//! Streams: copying, streams in memory, this process's own streams, and limits.

use std::future::Future;
use std::io;
use std::pin::pin;
use std::process::{Command, Stdio};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use heist::io::{
    AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, BufWriter, Cursor, LimitedError,
    LimitedExt, copy, copy_bidirectional, duplex, join,
};
use heist::net::{TcpListener, TcpStream};
use heist_tests::{eventually, on_two_workers};

fn bytes(len: usize) -> Vec<u8> {
    (0..len).map(|n| (n * 7 + n / 251) as u8).collect()
}

#[test]
fn what_is_copied_is_what_was_there() {
    on_two_workers(async {
        let expected = bytes(3 << 20);
        let (mut a, mut b) = duplex(1000);
        let source = expected.clone();
        let writer = heist::spawn(async move {
            let n = copy(&source[..], &mut a).await.unwrap();
            a.close().await.unwrap();
            n
        });
        let mut copied = Vec::new();
        assert_eq!(copy(&mut b, &mut copied).await.unwrap(), 3 << 20);
        assert_eq!(writer.await.unwrap(), 3 << 20);
        assert!(copied == expected);
        let error = copy(&b"too much"[..], Cursor::new(&mut [0; 3][..])).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::WriteZero);
    });
}

#[test]
fn an_endless_copy_lets_others_run_and_can_be_cancelled() {
    let runtime = heist::runtime::Builder::new_current_thread().build().unwrap();
    heist::__private::block_on_with_timeout(&runtime, 60_000, async {
        let endless = heist::spawn(copy(heist::io::repeat(7), heist::io::sink()));
        heist::spawn(async {}).await.unwrap();
        heist::time::sleep(Duration::from_millis(1)).await;
        endless.abort();
        assert!(endless.await.unwrap_err().is_cancelled());
    });
}

#[test]
fn a_copy_flushes_while_its_reader_has_nothing() {
    on_two_workers(async {
        let (mut near, far) = duplex(100);
        let (middle, mut end) = duplex(100);
        let copying = heist::spawn(copy(far, BufWriter::new(middle)));
        near.write_all(b"question").await.unwrap();
        let mut got = [0; 8];
        end.read_exact(&mut got).await.unwrap();
        assert_eq!(&got, b"question");
        drop(near);
        assert_eq!(copying.await.unwrap().unwrap(), 8);
    });
}

#[test]
fn a_relay_passes_both_directions_and_their_ends() {
    on_two_workers(async {
        const LEN: usize = 2 << 20;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let (client, relayed) = heist::join!(TcpStream::connect(addr), listener.accept());
        let (client, mut relayed) = (client.unwrap(), relayed.unwrap().0);
        let (mut inner, mut server) = duplex(1 << 16);
        let relay = heist::spawn(async move { copy_bidirectional(&mut relayed, &mut inner).await });
        let serving = heist::spawn(async move {
            // The end of the question must arrive although the answer is still to come.
            let mut question = Vec::new();
            server.read_to_end(&mut question).await.unwrap();
            server.write_all(&question).await.unwrap();
            server.write_all(b"!").await.unwrap();
        });
        let expected = bytes(LEN);
        client.write_all(&expected).await.unwrap();
        client.shutdown().await.unwrap();
        let mut answer = Vec::new();
        (&client).read_to_end(&mut answer).await.unwrap();
        assert!(answer[..LEN] == expected && answer[LEN..] == *b"!");
        serving.await.unwrap();
        let (there, back) = relay.await.unwrap().unwrap();
        assert_eq!((there, back), (LEN as u64, LEN as u64 + 1));
    });
}

#[test]
fn a_stream_in_memory_holds_so_much_and_ends_with_its_peer() {
    on_two_workers(async {
        let (mut a, mut b) = duplex(4);
        assert_eq!(a.write(b"123456").await.unwrap(), 4);
        assert!(poll_once(a.write(b"5")).is_none(), "it is full");
        let writer = heist::spawn(async move {
            a.write_all(b"56").await.unwrap();
            a
        });
        let mut got = [0; 6];
        b.read_exact(&mut got).await.unwrap();
        assert_eq!(&got, b"123456");
        let mut a = writer.await.unwrap();
        a.close().await.unwrap();
        assert_eq!(b.read(&mut got).await.unwrap(), 0);
        assert_eq!(a.write(b"x").await.unwrap_err().kind(), io::ErrorKind::BrokenPipe);
        b.write_all(b"open").await.unwrap();
        drop(b);
        assert_eq!(a.read(&mut got).await.unwrap(), 4);
        assert_eq!(a.read(&mut got).await.unwrap(), 0);

        let (mut a, b) = duplex(1);
        a.write_all(b"x").await.unwrap();
        let writer = heist::spawn(async move { a.write(b"y").await });
        drop(b);
        assert_eq!(writer.await.unwrap().unwrap_err().kind(), io::ErrorKind::BrokenPipe);
    });
}

/// Polls a future once and drops it.
fn poll_once<F: Future>(future: F) -> Option<F::Output> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    }
}

#[test]
fn a_task_that_waits_for_a_stream_in_memory_says_so() {
    on_two_workers(async {
        let (mut a, _b) = duplex(1);
        let reader = heist::spawn(async move { a.read(&mut [0]).await });
        let is_said = || {
            let tasks = heist::task::all();
            tasks
                .iter()
                .any(|t| t.id() == reader.id() && t.to_string().contains("DuplexStream::read"))
        };
        eventually("the dump names the stream", is_said).await;
        reader.abort();
    });
}

#[test]
fn limits_hold_and_errors_carry_what_was_read() {
    on_two_workers(async {
        // Through a small buffer, so that what is looked for comes in pieces.
        let mut input = BufReader::with_capacity(3, &b"one\r\ntwo\n\nfar too long\nlast"[..]);
        assert_eq!(input.next_line_limited(5).await.unwrap().as_deref(), Some("one"));
        assert_eq!(input.next_line_limited(5).await.unwrap().as_deref(), Some("two"));
        assert_eq!(input.next_line_limited(5).await.unwrap().as_deref(), Some(""));
        let error = input.next_line_limited(5).await.unwrap_err();
        assert!(matches!(error, LimitedError::Overrun { limit: 5, .. }), "{error:?}");
        assert_eq!(error.read(), b"far t");
        assert_eq!(input.read_until_limited(b'g', 100).await.unwrap(), b"oo long");
        assert_eq!(input.next_line_limited(1).await.unwrap().as_deref(), Some(""));
        assert_eq!(input.next_line_limited(100).await.unwrap().as_deref(), Some("last"));
        assert_eq!(input.next_line_limited(100).await.unwrap(), None);

        let mut input = &b"0123456789"[..];
        assert_eq!(input.read_exactly(4).await.unwrap(), b"0123");
        assert_eq!(input.read_exactly(0).await.unwrap(), b"");
        let error = input.read_exactly(usize::MAX).await.unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("the stream has ended after 6 of {} bytes", usize::MAX)
        );
        assert_eq!(error.into_read(), b"456789");
        let error = (&b"abc"[..]).read_until_limited(b'\n', 9).await.unwrap_err();
        assert_eq!(io::Error::from(error).kind(), io::ErrorKind::UnexpectedEof);
        let error = (&b"\xff\n"[..]).next_line_limited(9).await.unwrap_err();
        assert_eq!(error.read(), b"\xff");
        assert_eq!(io::Error::from(error).kind(), io::ErrorKind::InvalidData);
        let much = bytes(1 << 20);
        assert!((&much[..]).read_exactly(much.len()).await.unwrap() == much);
    });
}

/// What a test writes before and after its own output, as the test harness writes, too.
const MARK: &str = "<<mark>>";

/// Runs a test of this file in a process of its own, with pipes as standard streams.
fn start_own_process(test: &str) -> std::process::Child {
    Command::new(std::env::current_exe().unwrap())
        .args([test, "--exact", "--test-threads=1", "--nocapture"])
        .env("HEIST_TEST_STREAMS", test)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

fn is_own_process(test: &str) -> bool {
    std::env::var("HEIST_TEST_STREAMS").is_ok_and(|name| name == test)
}

#[test]
fn standard_input_and_output_carry_lines() {
    const TEST: &str = "standard_input_and_output_carry_lines";
    if is_own_process(TEST) {
        return on_two_workers(async {
            let (stdin, stdout) = (BufReader::new(heist::io::stdin()), heist::io::stdout());
            let mut streams = join(stdin, stdout);
            streams.write_all(MARK.as_bytes()).await.unwrap();
            let mut line = String::new();
            while streams.read_line(&mut line).await.unwrap() > 0 {
                // Not flushed, and without the end of a line: it is written all the same.
                streams.write_all(line.trim_end().as_bytes()).await.unwrap();
                line.clear();
            }
            streams.write_all(MARK.as_bytes()).await.unwrap();
        });
    }
    use std::io::{Read, Write};
    let mut child = start_own_process(TEST);
    let (mut stdin, mut stdout) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    let mut seen = String::new();
    let mut expect = |text: &str| {
        while !seen.contains(text) {
            let mut buffer = [0; 64];
            let n = stdout.read(&mut buffer).unwrap();
            assert!(n > 0, "no {text:?} in {seen:?}");
            seen.push_str(std::str::from_utf8(&buffer[..n]).unwrap());
        }
    };
    expect(MARK);
    for n in 0..20 {
        stdin.write_all(format!("line{n}\n").as_bytes()).unwrap();
        expect(&format!("line{n}"));
    }
    drop(stdin);
    expect(&format!("line19{MARK}"));
    assert!(child.wait().unwrap().success());
}

#[test]
fn standard_error_is_written_without_a_flush_and_in_order() {
    const TEST: &str = "standard_error_is_written_without_a_flush_and_in_order";
    if is_own_process(TEST) {
        return on_two_workers(async {
            let mut stderr = heist::io::stderr();
            for n in 0..3 {
                stderr.write_all(format!("{MARK}{n}").as_bytes()).await.unwrap();
            }
            // The other side sees them before it lets this process end.
            let mut word = [0; 2];
            heist::io::stdin().read_exact(&mut word).await.unwrap();
            stderr.write_all(&word).await.unwrap();
            stderr.flush().await.unwrap();
        });
    }
    use std::io::{Read, Write};
    let mut child = start_own_process(TEST);
    let (mut stdin, mut stderr) = (child.stdin.take().unwrap(), child.stderr.take().unwrap());
    let expected = format!("{MARK}0{MARK}1{MARK}2");
    let mut seen = Vec::new();
    while !seen.ends_with(expected.as_bytes()) {
        let mut byte = [0];
        assert_eq!(stderr.read(&mut byte).unwrap(), 1, "{:?}", String::from_utf8_lossy(&seen));
        seen.push(byte[0]);
    }
    stdin.write_all(b"go").unwrap();
    let mut rest = String::new();
    stderr.read_to_string(&mut rest).unwrap();
    assert!(rest.starts_with("go"), "{rest}");
    assert!(child.wait().unwrap().success());
}

#[test]
fn streams_without_a_source_are_chained_limited_and_split() {
    on_two_workers(async {
        use heist::io::{empty, repeat, sink};
        let mut text = String::new();
        // The second begins where the first ends, and no read goes across.
        let mut chain = (&b"one"[..]).chain(&b"two"[..]);
        let mut four = [0; 4];
        assert_eq!(chain.read(&mut four).await.unwrap(), 3);
        assert_eq!(chain.read_to_string(&mut text).await.unwrap(), 3);
        assert_eq!((&four[..3], text.as_str()), (&b"one"[..], "two"));
        let (first, second) = chain.into_inner();
        assert!(first.is_empty() && second.is_empty());

        // A limit is an end, which can be moved; what lies behind it stays in the stream.
        let mut sevens = repeat(7).take(3);
        let mut all = Vec::new();
        assert_eq!(sevens.read_to_end(&mut all).await.unwrap(), 3);
        assert_eq!((all.as_slice(), sevens.limit()), (&[7; 3][..], 0));
        sevens.set_limit(2);
        assert_eq!(sevens.read_to_end(&mut all).await.unwrap(), 2);
        let mut limited = (&b"abc"[..]).take(1);
        text.clear();
        limited.read_to_string(&mut text).await.unwrap();
        assert_eq!((text.as_str(), limited.into_inner()), ("a", &b"bc"[..]));

        assert_eq!(empty().read(&mut four).await.unwrap(), 0);
        assert_eq!(empty().fill_buf().await.unwrap(), b"");
        assert_eq!(sink().write(&[0; 1000]).await.unwrap(), 1000);
        sink().shutdown().await.unwrap();

        let mut parts = BufReader::new(&b"a,,b"[..]).split(b',');
        for part in [&b"a"[..], b"", b"b"] {
            assert_eq!(parts.next_segment().await.unwrap().as_deref(), Some(part));
        }
        assert_eq!(parts.next_segment().await.unwrap(), None);
    });
}

#[test]
fn a_read_of_standard_input_does_not_hold_up_the_end() {
    const TEST: &str = "a_read_of_standard_input_does_not_hold_up_the_end";
    if is_own_process(TEST) {
        let runtime = heist_tests::two_workers();
        runtime.block_on(async {
            let mut stdin = heist::io::stdin();
            let mut buffer = [0; 1];
            assert!(poll_once(stdin.read(&mut buffer)).is_none());
        });
        let report = runtime.shutdown(Duration::from_secs(60));
        assert!(report.is_clean(), "{report}");
        return;
    }
    // Its standard input stays open and empty until it has ended.
    let mut child = start_own_process(TEST);
    let stdin = child.stdin.take();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    drop(stdin);
}

#[test]
fn lines_and_parts_survive_being_dropped_half_way() {
    on_two_workers(async {
        let (mut writer, reader) = heist::io::duplex(64);
        let mut lines = BufReader::new(reader).lines();
        writer.write_all(b"half a ").await.unwrap();
        assert!(poll_once(lines.next_line()).is_none());
        writer.write_all(b"line\r\nbad \xff\n\nlast").await.unwrap();
        writer.shutdown().await.unwrap();
        assert_eq!(lines.next_line().await.unwrap().as_deref(), Some("half a line"));
        let error = lines.next_line().await.unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::InvalidData);
        assert_eq!(lines.next_line().await.unwrap().as_deref(), Some(""));
        assert_eq!(lines.next_line().await.unwrap().as_deref(), Some("last"));
        assert_eq!(lines.next_line().await.unwrap(), None);

        let mut parts = heist::io::Cursor::new("a,,b,").split(b',');
        for part in ["a", "", "b"] {
            assert_eq!(parts.next_segment().await.unwrap().as_deref(), Some(part.as_bytes()));
        }
        assert_eq!(parts.next_segment().await.unwrap(), None);

        let mut both = String::new();
        let mut text = &b"one\ntwo\n"[..];
        assert_eq!(text.read_line(&mut both).await.unwrap(), 4);
        assert_eq!(text.read_line(&mut both).await.unwrap(), 4);
        assert_eq!(both, "one\ntwo\n");
    });
}

#[test]
fn numbers_come_out_as_they_went_in() {
    on_two_workers(async {
        // So small that numbers are cut in pieces.
        let (mut writer, mut reader) = heist::io::duplex(3);
        let writing = heist::spawn(async move {
            writer.write_u8(1).await.unwrap();
            writer.write_i16_le(-2).await.unwrap();
            writer.write_u32(0x0102_0304).await.unwrap();
            writer.write_i64(i64::MIN).await.unwrap();
            writer.write_u128_le(u128::MAX - 1).await.unwrap();
            writer.write_f32(1.5).await.unwrap();
            writer.write_f64_le(-0.25).await.unwrap();
            writer.write_u16(7).await.unwrap();
        });
        assert_eq!(reader.read_u8().await.unwrap(), 1);
        assert_eq!(reader.read_i16_le().await.unwrap(), -2);
        assert_eq!(reader.read_u32_le().await.unwrap(), 0x0403_0201);
        assert_eq!(reader.read_i64().await.unwrap(), i64::MIN);
        assert_eq!(reader.read_u128_le().await.unwrap(), u128::MAX - 1);
        assert_eq!(reader.read_f32().await.unwrap(), 1.5);
        assert_eq!(reader.read_f64_le().await.unwrap(), -0.25);
        let error = reader.read_u32().await.unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::UnexpectedEof);
        writing.await.unwrap();
    });
}
