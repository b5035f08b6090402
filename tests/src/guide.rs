//! The guide's programs, which `cargo test -p heist-tests --doc` compiles and runs.

macro_rules! pages {
    ($($name:ident: $path:literal,)*) => { $(
        #[doc = include_str!($path)]
        mod $name {}
    )* };
}

pages! {
    readme: "../../README.md",
    hello: "../../docs/guide/1-hello.md",
    tasks: "../../docs/guide/2-tasks.md",
    joining_and_cancelling: "../../docs/guide/3-joining-and-cancelling.md",
    time: "../../docs/guide/4-time.md",
    sharing_state: "../../docs/guide/5-sharing-state.md",
    channels: "../../docs/guide/6-channels.md",
    sockets_and_streams: "../../docs/guide/7-sockets-and-streams.md",
    files_processes_blocking: "../../docs/guide/8-files-processes-blocking.md",
    testing_and_looking_inside: "../../docs/guide/9-testing-and-looking-inside.md",
    servers_and_shutdown: "../../docs/guide/10-servers-and-shutdown.md",
    when_not_async: "../../docs/guide/when-not-async.md",
}
