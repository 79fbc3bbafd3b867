//! The flags of the agent for settings of the protocols, laid over those of the file.

use std::time::Duration;

use rumormill_proto::Config;

use crate::term::parse::duration;

/// Settings of the protocols.
#[derive(clap::Args, Debug)]
pub(crate) struct Flags {
    /// The cluster's name; agents of different clusters ignore each other [default: default]
    #[arg(long)]
    cluster: Option<String>,
    /// The gossip period, 10ms to 60s [default: 200ms]
    #[arg(long, value_name = "TIME", value_parser = duration)]
    interval: Option<Duration>,
    /// About how many peers to exchange with, at least 4 [default: 16]
    #[arg(long, value_name = "N")]
    view_size: Option<usize>,
    /// How often to probe one member [default: 1s]
    #[arg(long, value_name = "TIME", value_parser = duration)]
    probe_interval: Option<Duration>,
    /// How long a direct probe may take [default: 150ms, or half of --probe-interval if less]
    #[arg(long, value_name = "TIME", value_parser = duration)]
    probe_timeout: Option<Duration>,
    /// How long a suspected member has to refute before it is declared dead [default: 2s]
    #[arg(long, value_name = "TIME", value_parser = duration)]
    suspicion_timeout: Option<Duration>,
    /// How often to try to reach members that were declared dead [default: 5s]
    #[arg(long, value_name = "TIME", value_parser = duration)]
    reconnect_interval: Option<Duration>,
    /// How often to exchange the whole membership with one member [default: 30s]
    #[arg(long, value_name = "TIME", value_parser = duration)]
    sync_interval: Option<Duration>,
    /// The largest difference allowed between a member's clock and this machine's; writes and events
    /// with later times are refused; 1s to 1 day [default: 5m]
    #[arg(long, value_name = "TIME", value_parser = duration)]
    max_clock_skew: Option<Duration>,
    /// The most exchanges of aggregates to start in a second, 1 to 100000 [default: 100]
    #[arg(long, value_name = "N")]
    max_exchanges: Option<u32>,
    /// The time from the end of an epoch to the start of the next, up to 1h [default: 500ms]
    #[arg(long, value_name = "TIME", value_parser = duration)]
    epoch_pause: Option<Duration>,
    /// The relative width of the bounds at which an aggregate counts as converged, 1e-12 to 0.5
    /// [default: 0.000001]
    #[arg(long, value_name = "X")]
    tolerance: Option<f64>,
}

/// Replaces a setting if its flag is given.
pub(crate) fn set<T: Clone>(setting: &mut T, flag: Option<&T>) {
    if let Some(value) = flag {
        setting.clone_from(value);
    }
}

impl Flags {
    /// Replaces the settings for which a flag is given.
    pub(crate) fn overlay(&self, config: &mut Config) {
        let Config { aggregates, membership, .. } = config;
        set(&mut aggregates.view_size, self.view_size.as_ref());
        set(&mut aggregates.max_exchanges, self.max_exchanges.as_ref());
        set(&mut aggregates.epoch_pause, self.epoch_pause.as_ref());
        set(&mut aggregates.tolerance, self.tolerance.as_ref());
        set(&mut membership.probe_interval, self.probe_interval.as_ref());
        membership.probe_timeout = self.probe_timeout.or(membership.probe_timeout);
        set(&mut membership.suspicion_timeout, self.suspicion_timeout.as_ref());
        set(&mut membership.reconnect_interval, self.reconnect_interval.as_ref());
        set(&mut membership.sync_interval, self.sync_interval.as_ref());
        set(&mut config.cluster, self.cluster.as_ref());
        set(&mut config.interval, self.interval.as_ref());
        set(&mut config.max_clock_skew, self.max_clock_skew.as_ref());
    }
}
