//! One thread that reads and writes: what is left of a copy when there is no runtime.

use std::fs::File;
use std::io::{Read, Write};

use super::repeat_slow;
use crate::cell::{Answer, Cell};
use crate::shapes::file_copy::Files;

const BUFFER: usize = 256 << 10;

/// As the shape `file_copy`.
pub fn copy(cell: &Cell) -> Answer {
    let files = Files::new(cell);
    let mut buffer = vec![0; BUFFER];
    let answer = repeat_slow(cell, || {
        let mut from = File::open(files.from()).expect("it is there");
        let mut to = File::create(files.to()).expect("a file can be made");
        loop {
            match from.read(&mut buffer).expect("a file can be read") {
                0 => break,
                read => to.write_all(&buffer[..read]).expect("a file can be written"),
            }
        }
    });
    Answer { operations: answer.operations * files.kib, ..answer }
}
