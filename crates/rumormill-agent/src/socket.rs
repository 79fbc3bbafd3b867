//! The sockets of an agent: UDP and TCP on one port, and that for HTTP.

use std::io;
use std::net::SocketAddr;

use tokio::net::{TcpListener, TcpSocket, UdpSocket};

use crate::error::StartError;

/// A port that is free for TCP may be taken for UDP. This many are tried if any port will do.
const TRIES: usize = 32;

/// Connections that may wait to be accepted. The usual 128 are gone in a moment when many clients
/// come at once, and each then waits for a second before it tries again.
const BACKLOG: u32 = 1024;

/// Listens for HTTP.
pub(crate) fn listen(addr: SocketAddr) -> io::Result<TcpListener> {
    let socket = if addr.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // As `TcpListener::bind` does: on Unix an agent may come back to its port at once.
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    socket.bind(addr)?;
    socket.listen(BACKLOG)
}

/// Binds TCP, then UDP on the same port.
pub(crate) async fn bind(
    addr: SocketAddr,
) -> Result<(TcpListener, UdpSocket, SocketAddr), StartError> {
    let mut tries = if addr.port() == 0 { TRIES } else { 1 };
    loop {
        tries -= 1;
        let tcp = TcpListener::bind(addr).await.map_err(|e| StartError::bind("TCP", addr, e))?;
        let bound = tcp.local_addr().map_err(|e| StartError::bind("TCP", addr, e))?;
        match UdpSocket::bind(bound).await {
            Ok(udp) => return Ok((tcp, udp, bound)),
            Err(e) if tries > 0 && e.kind() == io::ErrorKind::AddrInUse => {}
            Err(e) => return Err(StartError::bind("UDP", bound, e)),
        }
    }
}
