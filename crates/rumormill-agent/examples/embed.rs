//! An agent in a program: two of them, here in one process, that agree on their sum.
//!
//! `cargo run -p rumormill-agent --example embed`

use std::time::Duration;

use rumormill_agent::Agent;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let any = "127.0.0.1:0".parse()?;
    let a = Agent::builder("a").bind(any).start().await?;
    let b = Agent::builder("b").bind(any).join([a.udp_addr().to_string()]).start().await?;
    let mut notices = b.subscribe();
    while b.info().await?.members < 2 {
        notices.next().await.transpose()?;
    }
    a.aggregates().set("requests", 5.0).await?;
    b.aggregates().set("requests", 10.0).await?;
    let reading = b.aggregates().wait("requests", Duration::from_secs(30)).await?;
    println!("sum {:?} of {:?} agents", reading.sum.value, reading.count.value);
    b.leave().await;
    a.leave().await;
    Ok(())
}
