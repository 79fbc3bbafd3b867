//! The border, as the page crosses it.

use serde_json::Value;

/// Asks; returns the answer or the error, and the bytes that go with it.
#[allow(unsafe_code, reason = "the border hands over blocks of memory")]
pub(crate) fn ask_bytes(question: &Value, attached: &[u8]) -> (Result<Value, String>, Vec<u8>) {
    use rumormill_wasm::abi;
    let text = question.to_string();
    // SAFETY: each block is as long as was asked for, and stays until the next call.
    let (answer, bytes) = unsafe {
        abi::attach(attached.len()).copy_from(attached.as_ptr(), attached.len());
        abi::reserve(text.len()).copy_from(text.as_ptr(), text.len());
        let answer = abi::ask();
        let answer = std::slice::from_raw_parts(answer, abi::length()).to_vec();
        (answer, std::slice::from_raw_parts(abi::bytes(), abi::bytes_length()).to_vec())
    };
    let mut reply: Value = serde_json::from_slice(&answer).expect("JSON");
    let reply = match reply["error"].take() {
        Value::String(error) => Err(error),
        _ => Ok(reply["answer"].take()),
    };
    (reply, bytes)
}

/// Asks without bytes.
#[allow(dead_code, reason = "not every test needs it")]
pub(crate) fn ask(question: &Value) -> Result<Value, String> {
    ask_bytes(question, &[]).0
}
