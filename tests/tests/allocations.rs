//! What must not allocate: an allocator that counts says whether it does.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use heist::io::{AsyncReadExt, AsyncWriteExt};
use heist::net::{TcpListener, TcpStream, UdpSocket};

struct Counting;

thread_local!(static ALLOCATIONS: Cell<usize> = const { Cell::new(0) });

// SAFETY: passes everything on to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        // SAFETY: passed on from the caller.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: passed on from the caller.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// Runs a body on a runtime that lives on this thread alone, whose allocations are counted.
fn on_this_thread(body: impl Future<Output = ()>) {
    heist::runtime::Builder::new_current_thread().build().unwrap().block_on(body);
}

/// How many allocations a few hundred rounds cost once the first ones have been made.
async fn allocations(mut round: impl AsyncFnMut()) -> usize {
    for _ in 0..10 {
        round().await;
    }
    let before = ALLOCATIONS.get();
    for _ in 0..300 {
        round().await;
    }
    ALLOCATIONS.get() - before
}

#[test]
fn a_datagram_costs_no_allocation() {
    on_this_thread(async {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let addr = socket.local_addr().unwrap();
        let mut buffer = [0; 8];
        let spent = allocations(async || {
            socket.send_to(b"x", addr).await.unwrap();
            socket.recv_from(&mut buffer).await.unwrap();
        });
        assert_eq!(spent.await, 0);
    });
}

#[test]
fn a_small_write_to_a_stream_in_memory_or_a_socket_costs_no_allocation() {
    on_this_thread(async {
        let (mut a, mut b) = heist::io::duplex(64);
        let mut buffer = [0; 8];
        let spent = allocations(async || {
            a.write_all(b"12345678").await.unwrap();
            b.read_exact(&mut buffer).await.unwrap();
        });
        assert_eq!(spent.await, 0);

        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let (client, server) = heist::join!(TcpStream::connect(addr), listener.accept());
        let (client, (server, _)) = (client.unwrap(), server.unwrap());
        let spent = allocations(async || {
            client.write_all(b"12345678").await.unwrap();
            server.read_exact(&mut buffer).await.unwrap();
        });
        assert_eq!(spent.await, 0);
    });
}
