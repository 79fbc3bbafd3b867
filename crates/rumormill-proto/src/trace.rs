//! What the core reports to the library `tracing`, behind the feature of that name. All of it is at
//! the level debug.
//!
//! Each call of a driver is a span, so that a drop or a declared death can be followed to the packet
//! or the timer that led to it.

#![cfg_attr(not(feature = "tracing"), expect(unused_variables, reason = "nothing is reported"))]

use core::net::SocketAddr;

use crate::clock::Stamp;
use crate::codec::WireError;
use crate::core::Core;
use crate::notice::Notice;

/// An entered span; it ends when this is dropped.
pub(crate) struct Span(
    #[cfg(feature = "tracing")]
    #[expect(dead_code, reason = "held until dropped")]
    tracing::span::EnteredSpan,
);

/// Enters the span of a packet.
pub(crate) fn packet(core: &Core, path: &str, from: SocketAddr, bytes: &[u8]) -> Span {
    Span(
        #[cfg(feature = "tracing")]
        tracing::debug_span!("packet", node = %core.roster.me().name, path, %from, bytes = bytes.len())
            .entered(),
    )
}

/// Enters the span of a timer.
pub(crate) fn timer(core: &Core) -> Span {
    Span(
        #[cfg(feature = "tracing")]
        tracing::debug_span!("timer", node = %core.roster.me().name).entered(),
    )
}

/// Reports a dropped packet.
pub(crate) fn dropped(core: &Core, from: SocketAddr, reason: WireError) {
    #[cfg(feature = "tracing")]
    tracing::debug!(node = %core.roster.me().name, %from, %reason, "packet dropped");
}

/// Reports a refused stamp.
pub(crate) fn stamp_refused(core: &Core, stamp: Stamp) {
    #[cfg(feature = "tracing")]
    tracing::debug!(node = %core.roster.me().name, %stamp, "stamp refused");
}

/// Reports a notice.
pub(crate) fn notice(core: &Core, notice: &Notice) {
    #[cfg(feature = "tracing")]
    tracing::debug!(node = %core.roster.me().name, ?notice);
}
