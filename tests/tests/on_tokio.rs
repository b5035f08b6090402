//! The programs of `moving.rs` on tokio itself: that they are tokio's idiom, and not merely ours, is no
//! claim. They say `use heist as rt`; here that name is tokio's, and nothing else differs. What tokio calls
//! deprecated, it still has.

#![allow(unused_mut, unused_imports, deprecated)]

extern crate tokio as heist;

#[path = "moving/chat.rs"]
mod chat;
#[path = "moving/crawler.rs"]
mod crawler;
#[path = "moving/frames.rs"]
mod frames;
#[path = "moving/kv.rs"]
mod kv;
#[path = "moving/surface.rs"]
mod surface;
#[path = "moving/surface_io.rs"]
mod surface_io;
#[path = "moving/traits.rs"]
mod traits;
#[path = "moving/tutorial.rs"]
mod tutorial;
