//! Runs one protocol inside a node: its ticks, its alarm, its messages.

use core::any::Any;
use rand::RngExt;

use crate::core::Core;
use crate::identity::{NodeId, tag};
use crate::protocol::{Context, Outbox, Protocol};
use crate::time::{Duration, Instant};

pub(crate) struct Host {
    pub(crate) tag: u32,
    name: String,
    protocol: Box<dyn Protocol>,
    /// When the next tick is due; `None` for a protocol without ticks.
    next_tick: Option<Instant>,
    wake: Option<Instant>,
    /// Messages to send; the node drains them after every call.
    pub(crate) outbox: Outbox,
}

impl Host {
    pub(crate) fn new(protocol: Box<dyn Protocol>, now: Instant, core: &mut Core) -> Self {
        let first = |period: Duration| now + period.mul_f64(core.rng.random_range(0.0..1.0));
        let next_tick = protocol.period().map(first);
        let name = protocol.name().to_owned();
        let mut host =
            Self { tag: tag(&name), name, protocol, next_tick, wake: None, outbox: vec![] };
        host.call(now, core, Protocol::start);
        host
    }

    pub(crate) fn protocol(&self) -> &dyn Protocol {
        &*self.protocol
    }

    /// Returns the protocol, if it is a `P`.
    pub(crate) fn get<P: Protocol>(&self) -> Option<&P> {
        (&*self.protocol as &dyn Any).downcast_ref()
    }

    /// Returns the protocol, if it is a `P`, to change without a context.
    pub(crate) fn get_mut<P: Protocol>(&mut self) -> Option<&mut P> {
        (&mut *self.protocol as &mut dyn Any).downcast_mut()
    }

    /// Calls the protocol with a context.
    pub(crate) fn call<R>(
        &mut self,
        now: Instant,
        core: &mut Core,
        f: impl FnOnce(&mut dyn Protocol, &mut Context<'_>) -> R,
    ) -> R {
        let Self { name, protocol, wake, outbox, .. } = self;
        f(&mut **protocol, &mut Context { now, core, outbox, wake, name })
    }

    /// Calls the protocol with a context, if it is a `P`.
    pub(crate) fn call_as<P: Protocol, R>(
        &mut self,
        now: Instant,
        core: &mut Core,
        f: impl FnOnce(&mut P, &mut Context<'_>) -> R,
    ) -> Option<R> {
        self.call(now, core, |protocol, cx| {
            (protocol as &mut dyn Any).downcast_mut().map(|protocol| f(protocol, cx))
        })
    }

    /// Returns when to call [`Host::handle_timeout`]; `None` while the protocol is at rest.
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        self.wake.into_iter().chain(self.next_tick).min()
    }

    pub(crate) fn handle_timeout(&mut self, now: Instant, core: &mut Core) {
        if self.wake.is_some_and(|wake| wake <= now) {
            self.wake = None;
            self.call(now, core, Protocol::wake);
        }
        if let Some(due) = self.next_tick.filter(|due| *due <= now) {
            // After a pause (a stopped process, a laptop asleep) missed ticks are not repeated.
            let next = |period: Duration| (due + period).max(now + period / 2);
            self.next_tick = self.protocol.period().map(next);
            self.call(now, core, Protocol::tick);
        }
    }

    pub(crate) fn receive(&mut self, now: Instant, core: &mut Core, from: NodeId, body: &[u8]) {
        self.call(now, core, |protocol, cx| protocol.receive(cx, from, body));
    }
}
