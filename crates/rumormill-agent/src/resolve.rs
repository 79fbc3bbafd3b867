//! From `host:port` to addresses that can be asked.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::lookup_host;
use tokio::sync::mpsc;
use tokio::time::sleep;

use crate::driver::Input;
use crate::error::AddressError;

const FIRST_RETRY: Duration = Duration::from_secs(1);
const LAST_RETRY: Duration = Duration::from_secs(15);

/// A name can stand for a whole cluster. More members than this are not needed to get in.
const MOST: usize = 8;

/// `host:port`, checked for its form only.
#[derive(Clone, Debug)]
pub(crate) struct Address(String);

impl Address {
    pub(crate) fn parse(text: &str) -> Result<Self, AddressError> {
        let text = text.trim();
        let well_formed = text.rsplit_once(':').is_some_and(|(host, port)| {
            let bare_v6 = host.contains(':') && !(host.starts_with('[') && host.ends_with(']'));
            let blank = host.is_empty() || host.contains(|c: char| c.is_whitespace() || c == '/');
            !bare_v6 && !blank && port.parse::<u16>().is_ok_and(|port| port > 0)
        });
        if well_formed { Ok(Self(text.to_owned())) } else { Err(AddressError::Form(text.into())) }
    }

    /// Looks the name up. An agent at `me` can only talk to addresses of its own family.
    pub(crate) async fn resolve(&self, me: SocketAddr) -> Result<Vec<SocketAddr>, AddressError> {
        let failed =
            |reason: String| Err(AddressError::Unresolved { address: self.0.clone(), reason });
        let found: Vec<_> = match lookup_host(&self.0).await {
            Ok(found) => found.collect(),
            Err(e) => return failed(e.to_string()),
        };
        let mut usable: Vec<_> =
            found.iter().copied().filter(|addr| addr.is_ipv4() == me.is_ipv4()).collect();
        usable.dedup();
        usable.truncate(MOST);
        if usable.is_empty() {
            let family = if me.is_ipv4() { "IPv4" } else { "IPv6" };
            return failed(format!("this agent speaks {family}, but the name means {found:?}"));
        }
        Ok(usable)
    }
}

/// Resolves `address` and tells the driver; after a failure again, less and less often.
pub(crate) async fn resolve_until_found(
    address: Address,
    me: SocketAddr,
    driver: mpsc::Sender<Input>,
) {
    let mut pause = FIRST_RETRY;
    for attempts in 1.. {
        match address.resolve(me).await {
            Ok(found) => {
                let _ = driver.send(Input::Resolved(found)).await;
                return;
            }
            Err(error) => {
                let reason = match error {
                    AddressError::Unresolved { reason, .. } => reason,
                    AddressError::Form(_) => error.to_string(),
                };
                let failed = Input::Unresolved { address: address.0.clone(), attempts, reason };
                if driver.send(failed).await.is_err() {
                    return;
                }
            }
        }
        sleep(pause).await;
        pause = (pause * 2).min(LAST_RETRY);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_host_and_port_make_an_address() {
        for good in ["127.0.0.1:1", "[::1]:7946", "host.example:65535", " host:1 "] {
            assert!(Address::parse(good).is_ok(), "{good}");
        }
        for bad in
            ["", "host", ":1", "host:", "host:0", "host:65536", "::1:7946", "a b:1", "http://h:1"]
        {
            assert_eq!(Address::parse(bad).unwrap_err(), AddressError::Form(bad.into()));
        }
    }

    #[tokio::test]
    async fn an_address_of_another_family_is_refused_with_the_reason() {
        let me = "127.0.0.1:1".parse().unwrap();
        let found = Address::parse("127.0.0.1:7").unwrap().resolve(me).await.unwrap();
        assert_eq!(found, ["127.0.0.1:7".parse().unwrap()]);
        let error = Address::parse("[::1]:7").unwrap().resolve(me).await.unwrap_err();
        assert!(error.to_string().contains("speaks IPv4"), "{error}");
    }
}
