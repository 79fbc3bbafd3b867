//! Resolves `host:port` to socket addresses.

use std::future::Future;
use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::net::lookup_host;
use tokio::time::timeout;

use crate::error::AddressError;

/// The longest time of a lookup.
const LOOKUP: Duration = Duration::from_secs(10);

type Lookup = Pin<Box<dyn Future<Output = Result<Vec<SocketAddr>, String>> + Send>>;

/// A function that resolves a `host:port`.
pub(crate) type Resolver = Arc<dyn Fn(String) -> Lookup + Send + Sync>;

/// Makes a resolver from an async function.
pub(crate) fn resolver<F>(f: impl Fn(String) -> F + Send + Sync + 'static) -> Resolver
where
    F: Future<Output = Result<Vec<SocketAddr>, String>> + Send + 'static,
{
    Arc::new(move |address| Box::pin(f(address)))
}

/// Returns the operating system's resolver: hosts file, DNS and whatever else is configured.
pub(crate) fn system() -> Resolver {
    resolver(|address| async move {
        lookup_host(address).await.map(Iterator::collect).map_err(|error| error.to_string())
    })
}

/// Checks that a text has the form `host:port`; whether the host exists shows later.
///
/// # Errors
/// Fails if it does not.
pub fn check_address(text: &str) -> Result<(), AddressError> {
    Address::parse(text).map(drop)
}

/// A well-formed `host:port`.
#[derive(Clone, Debug, PartialEq, Eq)]
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

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Looks the address up, for at most [`LOOKUP`]. Keeps the addresses of the same family as `me`,
    /// the only ones that an agent there can reach.
    pub(crate) async fn resolve(
        &self,
        resolver: &Resolver,
        me: SocketAddr,
    ) -> Result<Vec<SocketAddr>, AddressError> {
        let failed = |reason| AddressError::Unresolved { address: self.0.clone(), reason };
        let found = self.look_up(resolver).await.map_err(failed)?;
        let same_family = |addr: &SocketAddr| addr.is_ipv4() == me.is_ipv4();
        let mut usable: Vec<_> = found.iter().copied().filter(same_family).collect();
        usable.sort_unstable();
        usable.dedup();
        if !usable.is_empty() {
            return Ok(usable);
        }
        let family = if me.is_ipv4() { "IPv4" } else { "IPv6" };
        Err(failed(match found.as_slice() {
            [] => "the name has no address".to_owned(),
            found => format!("this agent uses {family}, but the name resolves to {found:?}"),
        }))
    }

    async fn look_up(&self, resolver: &Resolver) -> Result<Vec<SocketAddr>, String> {
        if let Ok(literal) = self.0.parse() {
            return Ok(vec![literal]);
        }
        // A user's resolver may panic, even before its first await.
        let lookup = async { resolver(self.0.clone()).await };
        match timeout(LOOKUP, AssertUnwindSafe(lookup).catch_unwind()).await {
            Ok(Ok(found)) => found,
            Ok(Err(_)) => Err("the resolver panicked".to_owned()),
            Err(_) => Err(format!("no answer to the lookup within {} s", LOOKUP.as_secs())),
        }
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
                .into_iter()
                .chain(["::1", "[::1:1", "host:x", ":7946"])
        {
            assert_eq!(Address::parse(bad).unwrap_err(), AddressError::Form(bad.into()));
        }
    }

    #[tokio::test]
    async fn an_address_of_another_family_is_refused_with_the_reason() {
        let me = "127.0.0.1:1".parse().unwrap();
        let resolve = async |text| Address::parse(text).unwrap().resolve(&system(), me).await;
        assert_eq!(resolve("127.0.0.1:7").await.unwrap(), ["127.0.0.1:7".parse().unwrap()]);
        let error = resolve("[::1]:7").await.unwrap_err();
        assert!(error.to_string().contains("uses IPv4"), "{error}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_resolver_that_hangs_panics_or_finds_nothing_is_a_lookup_that_failed() {
        let me = "127.0.0.1:1".parse().unwrap();
        let fate = resolver(|address| async move {
            match address.as_str() {
                "hangs:1" => std::future::pending().await,
                "panics:1" => panic!("on purpose"),
                "both:1" => Ok(["[::1]:1", "127.0.0.9:1"].map(|a| a.parse().unwrap()).to_vec()),
                _ => Ok(Vec::new()),
            }
        });
        for (name, says) in [
            ("hangs:1", "no answer to the lookup within 10 s"),
            ("panics:1", "the resolver panicked"),
            ("empty:1", "the name has no address"),
        ] {
            let error = Address::parse(name).unwrap().resolve(&fate, me).await.unwrap_err();
            assert!(error.to_string().contains(says), "{error}");
        }
        let both = Address::parse("both:1").unwrap().resolve(&fate, me).await.unwrap();
        assert_eq!(both, ["127.0.0.9:1".parse().unwrap()], "those of its own family");
    }
}
