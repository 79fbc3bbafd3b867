//! A protocol of one's own, the epidemic kind: a message that ten agents pass on until all have it.
//!
//! `cargo run -p rumormill-agent --example epidemic`

use std::time::Duration;

use rumormill_agent::{Agent, proto::Notice};
use rumormill_examples::epidemic::Epidemic;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut agents: Vec<Agent> = Vec::new();
    for i in 0..10 {
        let agent = Agent::builder(&format!("n{i}"))
            .bind("127.0.0.1:0".parse()?)
            .join(agents.first().map(|first| first.udp_addr().to_string()))
            .aggregates(false)
            .events(false)
            .kv(false)
            .protocol(Box::new(Epidemic::new(Duration::from_millis(100))));
        agents.push(agent.start().await?);
    }
    let mut ears: Vec<_> = agents.iter().map(Agent::subscribe).collect();
    for (agent, ear) in agents.iter().zip(&mut ears) {
        while agent.info().await?.members < agents.len() {
            ear.next().await.transpose()?;
        }
    }

    println!("n0 says: hello");
    agents[0].with_protocol(|p: &mut Epidemic, cx| p.publish(cx, b"hello")).await?;
    for (agent, ear) in agents.iter().zip(&mut ears).skip(1) {
        loop {
            // A message may die out before all have it; with ten nodes that is rare.
            match tokio::time::timeout(Duration::from_secs(10), ear.next()).await {
                Ok(Some(Ok(Notice::Protocol { payload, .. }))) => {
                    println!("{} received: {}", agent.name(), String::from_utf8_lossy(&payload));
                    break;
                }
                Ok(Some(_)) => {}
                Ok(None) | Err(_) => {
                    println!("{} did not receive it", agent.name());
                    break;
                }
            }
        }
    }
    for agent in agents {
        agent.leave().await;
    }
    Ok(())
}
