//! A protocol of one's own, the round-based kind: five agents average their inputs round by round.
//!
//! `cargo run -p rumormill-agent --example round_based`

use std::time::Duration;

use rumormill_agent::{Agent, proto::Notice};
use rumormill_examples::round_based::RoundAverage;
use rumormill_proto::Rounds;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut agents: Vec<Agent> = Vec::new();
    for i in 0..5 {
        let input = f64::from(i) * 10.0;
        let protocol = Rounds::new(RoundAverage::new(input, Duration::from_millis(50), 40));
        let agent = Agent::builder(&format!("n{i}"))
            .bind("127.0.0.1:0".parse()?)
            .join(agents.first().map(|first| first.udp_addr().to_string()))
            .aggregates(false)
            .events(false)
            .kv(false)
            .protocol(Box::new(protocol));
        agents.push(agent.start().await?);
        println!("n{i} has {input}");
    }
    let mut events = agents[4].subscribe();
    // The first round may begin while agents still come in; those only relay until the next one.
    let mut rounds = 0;
    while rounds < 3 {
        if let Notice::Protocol { payload, .. } = events.next().await.ok_or("stopped")?? {
            println!("n4 says: {}", String::from_utf8_lossy(&payload));
            rounds += 1;
        }
    }
    for agent in agents {
        agent.leave().await;
    }
    Ok(())
}
