//! The task that owns the node. Its inputs are sockets, requests and the clock; its outputs are
//! packets and notices.

use std::sync::Arc;
use std::time::Duration;

use rand::RngExt;
use rumormill_proto::{EventId, Notice, Plane, Rng, Transmit};
use tokio::net::UdpSocket;
use tokio::sync::{Semaphore, broadcast, mpsc};
use tokio::task::JoinSet;
use tokio::time::{self, sleep_until, timeout};

use crate::core::{Command, Core, Readiness};
use crate::error::{AddressError, StopReason};
use crate::inbox::Input;
use crate::query;
use crate::resolve::Resolver;
use crate::stream;

/// The largest datagram that UDP allows, in bytes.
const MAX_DATAGRAM: usize = 65_536;
/// The most datagrams received in one go, before timers and requests have their turn.
const BATCH: usize = 256;
/// The number of errors in a row, without a datagram between them, after which the agent gives the
/// UDP socket up. A single one is ordinary: some systems report here that a peer's port is closed.
const MAX_ERRORS: u32 = 1000;
/// How long a leaving node waits until its last messages on the reliable path are delivered.
const GOODBYE: Duration = Duration::from_secs(2);

/// The owner of the node.
pub(crate) struct Driver {
    pub(crate) core: Core,
    pub(crate) udp: UdpSocket,
    pub(crate) resolver: Resolver,
    pub(crate) rng: Rng,
    pub(crate) commands: mpsc::Receiver<Command>,
    pub(crate) inputs: mpsc::Receiver<Input>,
    /// For the helper tasks.
    pub(crate) to_inputs: mpsc::Sender<Input>,
    pub(crate) lookups: JoinSet<()>,
    pub(crate) outbound: JoinSet<()>,
    pub(crate) outbound_permits: Arc<Semaphore>,
    pub(crate) notices: broadcast::Sender<Notice>,
    pub(crate) receive_errors_in_a_row: u32,
    /// The last warning about the names to join.
    pub(crate) warned: Option<String>,
}

impl Driver {
    /// Runs until the agent stops.
    pub(crate) async fn run(mut self) -> StopReason {
        let mut buffer = vec![0; MAX_DATAGRAM];
        let timer = sleep_until(time::Instant::now());
        tokio::pin!(timer);
        let mut armed = None;
        loop {
            if let Some(reason) = self.flush() {
                // Another cluster, or another part of this one, may have admitted the node.
                self.leave().await;
                return reason;
            }
            self.look_up();
            let timeouts = [self.core.node.poll_timeout(), self.core.seeds.poll_timeout()];
            let next = timeouts.into_iter().flatten().min();
            // A timer that has fired is set again, even if its timeout is not due yet.
            if let Some(at) = next
                && (next != armed || timer.is_elapsed())
            {
                // A timer that is reset to a later time still wakes the thread at the former one.
                timer.set(sleep_until(self.core.clock.at(at)));
                armed = next;
            }
            tokio::select! {
                ready = self.udp.readable() => {
                    let received = match ready {
                        Ok(()) => self.receive(&mut buffer),
                        Err(error) => self.failed(&error),
                    };
                    if let Err(reason) = received {
                        return reason;
                    }
                }
                Some(input) = self.inputs.recv() => self.input(input),
                command = self.commands.recv() => match command {
                    Some(Command::Call(call)) => call(&mut self.core),
                    Some(Command::Leave) => {
                        self.leave().await;
                        return StopReason::Left;
                    }
                    Some(Command::Kill) => return StopReason::Killed,
                    None => return StopReason::Dropped,
                },
                () = &mut timer, if next.is_some() => {}
            }
            let now = self.core.now();
            if self.core.node.poll_timeout().is_some_and(|at| at <= now) {
                self.core.node.handle_timeout(now);
            }
        }
    }

    /// Receives the datagrams that have arrived.
    fn receive(&mut self, buffer: &mut [u8]) -> Result<(), StopReason> {
        for _ in 0..BATCH {
            match self.udp.try_recv_from(buffer) {
                Ok((length, from)) => {
                    self.receive_errors_in_a_row = 0;
                    let now = self.core.now();
                    self.core.node.handle_datagram(now, from, &buffer[..length]);
                }
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => break,
                Err(error) => self.failed(&error)?,
            }
        }
        Ok(())
    }

    fn failed(&mut self, error: &std::io::Error) -> Result<(), StopReason> {
        tracing::debug!(%error, "receiving a datagram failed");
        self.core.sockets.receive_errors += 1;
        self.receive_errors_in_a_row += 1;
        if self.receive_errors_in_a_row < MAX_ERRORS {
            return Ok(());
        }
        Err(StopReason::Socket(error.to_string()))
    }

    fn input(&mut self, input: Input) {
        let now = self.core.now();
        match input {
            Input::Frame { from, bytes } => {
                self.core.sockets.stream_messages_received += 1;
                self.core.sockets.stream_bytes_received += bytes.len() as u64;
                self.core.node.handle_stream(now, from, &bytes);
            }
            Input::BadStream => self.core.sockets.streams_refused += 1,
            Input::Undelivered { to, reason } => {
                self.core.sockets.streams_failed += 1;
                tracing::debug!(%to, reason, "a message was not delivered");
                self.core.node.handle_unreachable(now, to, &reason);
            }
            Input::LookedUp { address, result } => {
                let failure = result.as_ref().err().cloned();
                let attempts = self.core.looked_up(&address, result);
                if let Some(reason) = failure {
                    let address = address.as_str().to_owned();
                    self.publish(Notice::LookupFailed { address, attempts, reason });
                }
                self.warn_if_alone();
            }
            Input::Answer { query, payload } => self.answer(query, &payload),
        }
    }

    /// Looks up the names to join that are due.
    fn look_up(&mut self) {
        while self.lookups.try_join_next().is_some() {}
        let now = self.core.now();
        for address in self.core.seeds.due(now) {
            let (resolver, driver) = (self.resolver.clone(), self.to_inputs.clone());
            let me = self.udp.local_addr().unwrap_or(self.core.node.identity().addr);
            self.lookups.spawn(async move {
                let result = address.resolve(&resolver, me).await.map_err(AddressError::reason);
                let _ = driver.send(Input::LookedUp { address, result }).await;
            });
        }
    }

    /// Logs a warning if the agent has names to join but is in no cluster, unless the last warning
    /// said the same.
    fn warn_if_alone(&mut self) {
        let me = self.core.node.identity().addr;
        let text = match self.core.readiness() {
            Readiness::Ready(text) => text,
            Readiness::Waiting(text) if self.core.seeds.all_failed(me) => Some(text),
            Readiness::Waiting(_) => return,
        };
        if text != self.warned {
            if let Some(text) = &text {
                let agent = &self.core.node.identity().name;
                tracing::warn!(%agent, "{text}; the agent keeps looking them up");
            }
            self.warned = text;
        }
    }

    /// Updates the names to join by a notice of the node. Returns the notice if it is worth reporting.
    fn note(&mut self, notice: Notice) -> Option<Notice> {
        match &notice {
            Notice::MemberUp { .. } => self.core.joined = true,
            Notice::MemberDown { .. } => {
                let now = self.core.now();
                self.core.seeds.quicken(now);
                if self.core.is_alone() {
                    self.core.seeds.alone();
                }
            }
            Notice::Joined { via, .. } => {
                self.core.joined = true;
                // A name that always resolves to the same load balancer is contacted again and again.
                return self.core.seeds.reached(*via).then_some(notice);
            }
            Notice::OwnAddress { addr } => {
                let now = self.core.now();
                self.core.seeds.is_own(now, *addr);
            }
            Notice::JoinFailed { addr, reason, .. } => {
                let new = self.core.seeds.failed(*addr, reason);
                // An agent with other members contacts an address once at each lookup, and reports
                // each failure once.
                if !self.core.is_alone() {
                    self.core.node.stop_joining(*addr);
                    return new.then_some(notice);
                }
            }
            _ => {}
        }
        Some(notice)
    }

    /// Sends the messages and reports the notices that the node has queued. Returns why the agent must
    /// stop, if it must.
    fn flush(&mut self) -> Option<StopReason> {
        while let Some(transmit) = self.core.node.poll_transmit() {
            match transmit.plane {
                Plane::Datagram => self.send_datagram(&transmit),
                Plane::Stream => self.send_frame(transmit),
            }
        }
        self.core.store_changes();
        let (mut stop, mut alone, mut changed) = (None, false, false);
        while let Some(notice) = self.core.node.poll_notice() {
            let Some(notice) = self.note(notice).and_then(|notice| self.concerns_all(notice))
            else {
                continue;
            };
            match &notice {
                Notice::MemberDown { .. } => (alone, changed) = (self.core.is_alone(), true),
                Notice::MemberUp { .. } => changed = true,
                Notice::Renewed { member } => {
                    if let Some(store) = &mut self.core.store {
                        store.incarnation(member.incarnation);
                    }
                }
                Notice::NameTaken { name, by } => {
                    stop = Some(StopReason::NameTaken { name: name.to_string(), by: *by });
                }
                _ => {}
            }
            self.publish(notice);
        }
        if alone {
            self.warn_if_alone();
        }
        if changed && let Some(store) = &mut self.core.store {
            store.others(self.core.node.roster().len() - 1);
        }
        self.core.expect_others();
        while self.outbound.try_join_next().is_some() {}
        stop
    }

    /// Hands an answer to its asker and a query to its handler. Returns the notice for all subscribers.
    fn concerns_all(&mut self, notice: Notice) -> Option<Notice> {
        match &notice {
            Notice::Answer { query, from, payload } => {
                self.core.askers.answered(*query, from.clone(), payload.clone());
            }
            Notice::QueryFinished { query, answered, expected } => {
                self.core.askers.finished(*query, *answered, *expected);
            }
            Notice::Query { question, timeout } => {
                let (question, driver) = (question.clone(), self.to_inputs.clone());
                self.core.handlers.answer(question.id, question, *timeout, driver);
            }
            _ => {}
        }
        notice.kind().is_some().then_some(notice)
    }

    /// Sends this node's answer to a query, or an error if the answer is too long.
    fn answer(&mut self, query: EventId, payload: &[u8]) {
        let now = self.core.now();
        if let Err(error) = self.core.node.queries_mut().answer(now, query, payload) {
            let payload = query::encode(&Err(error.to_string()));
            if let Err(error) = self.core.node.queries_mut().answer(now, query, &payload) {
                tracing::debug!(%query, %error, "an answer was refused");
            }
        }
    }

    fn send_datagram(&mut self, transmit: &Transmit) {
        if self.core.loss > 0.0 && self.rng.random_bool(self.core.loss) {
            self.core.sockets.datagrams_lost_on_purpose += 1;
            return;
        }
        // The protocols tolerate loss, so a full queue is no reason to wait.
        if let Err(error) = self.udp.try_send_to(&transmit.bytes, transmit.to) {
            self.core.sockets.datagrams_unsent += 1;
            tracing::debug!(to = %transmit.to, %error, "a datagram was not sent");
        }
    }

    fn send_frame(&mut self, transmit: Transmit) {
        let permits = self.outbound_permits.clone();
        let driver = self.to_inputs.clone();
        self.outbound.spawn(async move {
            let Ok(_permit) = permits.acquire_owned().await else { return };
            if let Err(reason) = stream::send(transmit.to, &transmit.bytes).await {
                let _ = driver.send(Input::Undelivered { to: transmit.to, reason }).await;
            }
        });
    }

    /// Leaves the cluster, and waits a little until the last messages on the reliable path are
    /// delivered.
    async fn leave(&mut self) {
        // Their answers could no longer be sent.
        self.core.handlers.cancel();
        let now = self.core.now();
        self.core.node.leave(now);
        self.flush();
        // It is no member any more, and may start alone again.
        if let Some(store) = &mut self.core.store {
            store.others(0);
        }
        // The helpers may wait for room in their channel, which is no longer read.
        self.inputs.close();
        let all_sent = async { while self.outbound.join_next().await.is_some() {} };
        if timeout(GOODBYE, all_sent).await.is_err() {
            tracing::debug!("some members were not notified in time");
        }
    }

    fn publish(&self, notice: Notice) {
        let agent = &self.core.node.identity().name;
        match &notice {
            Notice::MemberUp { member } => {
                tracing::info!(%agent, member = %member.name, addr = %member.addr, "member up");
            }
            Notice::MemberDown { member } => {
                tracing::info!(%agent, member = %member.name, addr = %member.addr, "member down");
            }
            Notice::Joined { via, members } => tracing::info!(%agent, %via, members, "joined"),
            Notice::JoinFailed { addr, attempts, reason } => {
                tracing::warn!(%agent, %addr, attempts, reason, "can't join yet, retrying");
            }
            Notice::LookupFailed { address, attempts, reason } => {
                tracing::warn!(%agent, address, attempts, reason, "can't join yet, retrying");
            }
            Notice::NameTaken { name, by } => tracing::error!(%agent, %name, %by, "name taken"),
            Notice::NameConflict { name, addrs } => {
                tracing::warn!(%agent, %name, ?addrs, "two live members have the same name");
            }
            Notice::Renewed { member } => {
                tracing::warn!(%agent, incarnation = member.incarnation, "declared dead by others, back as a new incarnation");
            }
            Notice::NarrowPath { member, limit_bytes } => {
                tracing::warn!(
                    %agent, member = %member.name, addr = %member.addr, limit_bytes,
                    "large datagrams to a member are lost, using the reliable path for them"
                );
            }
            Notice::KvDiffers { member, elapsed } => {
                let text = "a member's keys have differed from this agent's for a long time; see the \
                            counters kv.refused and kv.comparisons in `info`";
                tracing::warn!(%agent, %member, seconds = elapsed.as_secs_f64(), "{text}");
            }
            Notice::ClockSkew { member, ahead_millis } => {
                let text = "a member's clock is too far from this agent's; correct one of them";
                tracing::warn!(%agent, %member, ahead_millis, "{text}");
            }
            Notice::ClockCorrected { correction_millis: 0 } => {
                tracing::info!(%agent, "this machine's clock agrees with the members' again");
            }
            Notice::ClockCorrected { correction_millis } => {
                let text = "this machine's clock is wrong; the agent uses the members' clocks";
                tracing::warn!(%agent, correction_millis, "{text}");
            }
            Notice::Dropped { from, reason } => {
                tracing::warn!(%agent, %from, %reason, "dropped a foreign packet");
            }
            // The core logs all notices at the level debug.
            _ => {}
        }
        // There may be no subscriber.
        let _ = self.notices.send(notice);
    }
}
