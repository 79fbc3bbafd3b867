//! Blocks of bytes that go along with a question or an answer, where JSON would be too large or too
//! slow: a recorded run that the reader drops onto the page, the states of many nodes.

use std::cell::RefCell;

thread_local! {
    static BLOCKS: RefCell<Blocks> = const {
        RefCell::new(Blocks { with_question: Vec::new(), with_answer: Vec::new() })
    };
}

struct Blocks {
    with_question: Vec<u8>,
    with_answer: Vec<u8>,
}

/// Makes room for the bytes that go with the next question. Returns their address.
pub(crate) fn reserve(length: usize) -> *mut u8 {
    BLOCKS.with_borrow_mut(|blocks| {
        blocks.with_question.clear();
        blocks.with_question.resize(length, 0);
        blocks.with_question.as_mut_ptr()
    })
}

/// Takes the bytes that came with the question.
pub(crate) fn take() -> Vec<u8> {
    BLOCKS.with_borrow_mut(|blocks| std::mem::take(&mut blocks.with_question))
}

/// Lets bytes go with the answer: `write` gets the block, empty, and appends to it.
pub(crate) fn put(write: impl FnOnce(&mut Vec<u8>)) {
    BLOCKS.with_borrow_mut(|blocks| {
        blocks.with_answer.clear();
        write(&mut blocks.with_answer);
    });
}

/// Lets nothing go with the next answer.
pub(crate) fn clear() {
    BLOCKS.with_borrow_mut(|blocks| blocks.with_answer.clear());
}

/// Returns the address and the length of the bytes that go with the answer.
pub(crate) fn with_answer() -> (*const u8, usize) {
    BLOCKS.with_borrow(|blocks| (blocks.with_answer.as_ptr(), blocks.with_answer.len()))
}
