//! The border between the page and this module: blocks of bytes in the module's memory.
//!
//! The page asks for a block with [`reserve`], writes a question into it, and calls [`ask`], which
//! takes the block and returns the address of the answer's; [`length`] has its length. The answer
//! stays until the next question. Nothing here is called by other Rust code.
//!
//! Some questions come with bytes beside them: the page asks for their block with [`attach`] before
//! it asks. Some answers do: [`bytes`] and [`bytes_length`] say where they are.
#![allow(unsafe_code, reason = "memory that is shared with JavaScript is handed over by address")]

use std::cell::RefCell;

use crate::blocks;

thread_local! {
    /// The question's block, and the last answer.
    static BLOCKS: RefCell<(Vec<u8>, Vec<u8>)> = const { RefCell::new((Vec::new(), Vec::new())) };
}

/// Returns the address of a block of `length` bytes for the next question.
#[unsafe(no_mangle)]
pub extern "C" fn reserve(length: usize) -> *mut u8 {
    BLOCKS.with_borrow_mut(|(question, _)| {
        question.clear();
        question.resize(length, 0);
        question.as_mut_ptr()
    })
}

/// Answers the question in the block; returns the address of the answer.
#[unsafe(no_mangle)]
pub extern "C" fn ask() -> *const u8 {
    BLOCKS.with_borrow_mut(|(question, answer)| {
        blocks::clear();
        *answer = crate::answer(question);
        drop(blocks::take());
        answer.as_ptr()
    })
}

/// Returns the length of the last answer, in bytes.
#[unsafe(no_mangle)]
pub extern "C" fn length() -> usize {
    BLOCKS.with_borrow(|(_, answer)| answer.len())
}

/// Returns the address of a block of `length` bytes that go with the next question.
#[unsafe(no_mangle)]
pub extern "C" fn attach(length: usize) -> *mut u8 {
    blocks::reserve(length)
}

/// Returns the address of the bytes that go with the last answer.
#[unsafe(no_mangle)]
pub extern "C" fn bytes() -> *const u8 {
    blocks::with_answer().0
}

/// Returns the number of bytes that go with the last answer; 0 if there are none.
#[unsafe(no_mangle)]
pub extern "C" fn bytes_length() -> usize {
    blocks::with_answer().1
}
