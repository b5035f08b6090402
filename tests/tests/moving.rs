//! Moving over from tokio by changing the name of the crate.
//!
//! Three programs as they are written for tokio, those that introductions show, and calls of most of
//! what tokio offers, with tokio's types. Each file names its runtime once, `use heist as rt`; that it
//! compiles and passes with tokio in that place, `on_tokio.rs` checks. What would not compile here is a
//! gap in the API. Two lints are off, since the methods of Heist's sockets take `&self` and need no
//! trait in scope: a `mut` or a `use` that tokio asks for may be needless.

#![allow(unused_mut, unused_imports)]

#[path = "moving/chat.rs"]
mod chat;
#[path = "moving/conversions.rs"]
mod conversions;
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
