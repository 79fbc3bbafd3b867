//! A cluster on a virtual network that loses nothing.

use rumormill_proto::{Context, Duration, Instant, Node, Protocol};
use rumormill_sim::{NetworkConfig, NodeIndex, NodeSpec, VirtualNetwork};

pub(crate) struct Cluster {
    net: VirtualNetwork,
    nodes: Vec<NodeIndex>,
}

impl Cluster {
    /// Forms a cluster of `n` nodes, each with a protocol.
    pub(crate) fn new<P: Protocol>(n: u16, protocol: impl Fn(u16) -> P + Copy + 'static) -> Self {
        let mut net = VirtualNetwork::new(NetworkConfig::default()).unwrap();
        let node = |i| {
            let spec = NodeSpec::named(&format!("n{i}")).unwrap().bare();
            net.add_node(spec.protocols(move || vec![Box::new(protocol(i))])).unwrap()
        };
        let nodes: Vec<_> = (0..n).map(node).collect();
        assert!(net.form(&nodes, Instant::ZERO + Duration::from_secs(60)));
        Self { net, nodes }
    }

    /// Calls the protocol of node `i`.
    pub(crate) fn with<P: Protocol, R>(
        &mut self,
        i: usize,
        f: impl FnOnce(&mut P, &mut Context<'_>) -> R,
    ) -> R {
        let call = |node: &mut Node, now| node.with_protocol(now, f).unwrap();
        self.net.with_node(self.nodes[i], call).unwrap()
    }

    /// Runs until all protocols satisfy `done`; panics after `at_most`.
    pub(crate) fn run_until<P: Protocol>(&mut self, at_most: Duration, done: impl Fn(&P) -> bool) {
        let all = |net: &VirtualNetwork| net.running().all(|(_, n)| done(n.protocol().unwrap()));
        assert!(self.net.run_until(self.net.now() + at_most, all), "not done after {at_most:?}");
    }
}
