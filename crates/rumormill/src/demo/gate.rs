//! Lets a protocol begin at all nodes at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rumormill_proto::{Context, NodeId, Protocol, Spsp};

/// Plain SPSP that begins no exchange while the gate is closed.
///
/// Plain SPSP loses mass that is sent to a node which does not know the sender yet. So that a run
/// without loss loses nothing, the gate opens when all know each other. It closes before the result is
/// read, so that nothing is in flight then.
pub(crate) struct Gated {
    pub(crate) spsp: Spsp,
    pub(crate) open: Arc<AtomicBool>,
}

impl Protocol for Gated {
    fn name(&self) -> &str {
        self.spsp.name()
    }
    fn period(&self) -> Option<Duration> {
        self.spsp.period()
    }
    fn tick(&mut self, cx: &mut Context<'_>) {
        if self.open.load(Ordering::Relaxed) {
            self.spsp.tick(cx);
        }
    }
    fn receive(&mut self, cx: &mut Context<'_>, from: NodeId, message: &[u8]) {
        self.spsp.receive(cx, from, message);
    }
}
