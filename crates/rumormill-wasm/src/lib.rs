//! What the page computes with: the exact laws, the round models and the virtual network, compiled
//! to WebAssembly.
//!
//! The page calls [`answer`] with a question as JSON and gets the answer as JSON; [`abi`] carries
//! both over the border. Questions, answers and errors are those of the crates behind, so the page
//! shows the figures that `rumormill predict` and `rumormill simulate` print.
//!
//! ```
//! let answer = rumormill_wasm::answer(br#"{"verb": "predict_spread", "spread": {"nodes": 64}}"#);
//! assert!(String::from_utf8_lossy(&answer).contains(r#""mean":11.158119112619"#));
//! ```

pub mod abi;
mod average;
mod blocks;
mod broadcast;
mod follow;
mod graph;
mod network;
mod question;
mod sandbox;
mod shelf;
mod spread;
mod stop;
mod usual;

pub use question::answer;
