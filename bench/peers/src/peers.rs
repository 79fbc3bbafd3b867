//! The implementations, each by the name that it has on the command line.

mod chitchat;
mod foca;
mod rumormill;

use clap::ValueEnum;

use crate::measure::{self, Plan, Run};

/// An implementation, with its settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Peer {
    /// foca 2.0: its settings for local networks, custom broadcasts
    Foca,
    /// The same, but what is new goes to three members at once, besides the gossip
    FocaAtOnce,
    /// chitchat 0.13: a key set at the origin, gossip every 200 ms with three nodes
    Chitchat,
    /// rumormill with its defaults
    Rumormill,
    /// rumormill, whose nodes wait for their next round before they pass on what they receive
    RumormillInRounds,
}

impl Peer {
    /// The name on the command line.
    pub(crate) fn name(self) -> String {
        let value = self.to_possible_value();
        value.map(|value| value.get_name().to_owned()).unwrap_or_default()
    }

    /// Measures `nodes` nodes of it in this process.
    pub(crate) async fn measure(self, nodes: usize, plan: &Plan) -> anyhow::Result<Run> {
        let name = self.name();
        match self {
            Self::Foca => measure::run::<foca::Nodes<false>>(&name, nodes, plan).await,
            Self::FocaAtOnce => measure::run::<foca::Nodes<true>>(&name, nodes, plan).await,
            Self::Chitchat => measure::run::<chitchat::Nodes>(&name, nodes, plan).await,
            Self::Rumormill => measure::run::<rumormill::Nodes<false>>(&name, nodes, plan).await,
            Self::RumormillInRounds => {
                measure::run::<rumormill::Nodes<true>>(&name, nodes, plan).await
            }
        }
    }
}
