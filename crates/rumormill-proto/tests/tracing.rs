//! The spans and events that the core reports to `tracing`.

use std::io;
use std::sync::{Arc, Mutex};

use rumormill_proto::{Config, Identity, Instant, Name, Node};
use tracing_subscriber::filter::LevelFilter;

/// Keeps the lines of a log.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("no panic while it is held").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_drop_is_reported_within_the_span_of_its_packet() {
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(LevelFilter::DEBUG)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    tracing::subscriber::with_default(subscriber, || {
        let addr = "127.0.0.1:1".parse().unwrap();
        let me = Identity { name: Name::new("a").unwrap(), addr, incarnation: 1 };
        let mut node = Node::new(Instant::ZERO, me, Config::default(), 1).unwrap();
        node.handle_datagram(Instant::ZERO, "127.0.0.1:2".parse().unwrap(), b"junk");
        node.handle_timeout(Instant::ZERO);
        node.events_mut().publish(Instant::ZERO, &Name::new("x").unwrap(), b"").unwrap();
    });
    let log = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    let dropped = log.lines().find(|line| line.contains("packet dropped")).expect(&log);
    assert!(
        dropped.contains(r#"packet{node=a path="datagram" from=127.0.0.1:2 bytes=4}"#),
        "{log}"
    );
    assert!(dropped.contains("reason=not a rumormill packet"), "{log}");
    assert!(log.contains("notice=Event("), "{log}");
}
