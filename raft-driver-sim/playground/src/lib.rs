//! The plain C functions between the playground's page and [`Play`]: text in, text out.
//!
//! The page asks for room for a text ([`input`]), writes it there and calls one of the others. They return the length of
//! their answer, which begins at [`output`]. No pointer is read or written here: the page does that, in memory that it
//! was told of. To export a function under a plain name is "unsafe" because another could have the same name: there is no other.

use std::sync::{Mutex, MutexGuard, PoisonError};

use raft_driver_sim::play::Play;

struct Page {
    play: Option<Play>,
    input: Vec<u8>,
    output: String,
}

static PAGE: Mutex<Page> = Mutex::new(Page {
    play: None,
    input: Vec::new(),
    output: String::new(),
});

/// WebAssembly has one thread here, so nobody else holds it.
fn page() -> MutexGuard<'static, Page> {
    PAGE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn answer(make: impl FnOnce(&mut Page) -> String) -> usize {
    let mut page = page();
    page.output = make(&mut page);
    page.output.len()
}

/// Makes room for a text of so many bytes, and says where.
#[unsafe(no_mangle)]
pub extern "C" fn input(length: usize) -> usize {
    let mut page = page();
    page.input = vec![0; length];
    page.input.as_ptr() as usize
}

/// Where the latest answer begins.
#[unsafe(no_mangle)]
pub extern "C" fn output() -> usize {
    page().output.as_ptr() as usize
}

/// Obeys the line in the input; the answer is empty, or says what is wrong with it.
#[unsafe(no_mangle)]
pub extern "C" fn obey() -> usize {
    answer(|page| {
        let line = String::from_utf8_lossy(&page.input).into_owned();
        let obeyed = match (&mut page.play, line.strip_prefix("start ")) {
            (Some(play), _) => play.obey(&line).map_err(|error| error.to_string()),
            (None, Some(start)) => {
                let (name, seed) = start.split_once(' ').unwrap_or((start, "1"));
                Play::new(name, seed.parse().unwrap_or(1))
                    .map(|play| page.play = Some(play))
                    .map_err(|error| error.to_string())
            }
            (None, None) => Err("nothing was started yet".to_owned()),
        };
        obeyed.err().unwrap_or_default()
    })
}

/// What there is to see, as JSON.
#[unsafe(no_mangle)]
pub extern "C" fn look() -> usize {
    answer(|page| page.play.as_ref().map(Play::look).unwrap_or_default())
}

/// All that happened, as the timeline's script reads it.
#[unsafe(no_mangle)]
pub extern "C" fn timeline() -> usize {
    answer(|page| page.play.as_ref().map(Play::timeline).unwrap_or_default())
}

/// The scenarios that there are, as JSON.
#[unsafe(no_mangle)]
pub extern "C" fn scenarios() -> usize {
    answer(|_| Play::scenarios())
}
