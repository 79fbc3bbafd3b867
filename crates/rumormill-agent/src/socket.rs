//! Binds the sockets of an agent: UDP and TCP on one port, and the one for HTTP.

use std::io;
use std::net::SocketAddr;

use tokio::net::{TcpListener, TcpSocket, UdpSocket};

use crate::error::StartError;

/// How many ports to try if any will do: one that is free for TCP may be in use for UDP.
const TRIES: usize = 32;

/// The most connections that wait to be accepted. With the usual 128, many clients that connect at
/// once would be refused, and would wait for a second before they try again.
const BACKLOG: u32 = 1024;

/// Listens for HTTP. Returns the address as well, with its port.
pub(crate) fn listen(addr: SocketAddr) -> Result<(TcpListener, SocketAddr), StartError> {
    let listen = || {
        let socket = if addr.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
        // As `TcpListener::bind` does: on Unix an agent may reuse its port at once after a restart.
        #[cfg(unix)]
        socket.set_reuseaddr(true)?;
        socket.bind(addr)?;
        let listener = socket.listen(BACKLOG)?;
        let addr = listener.local_addr()?;
        Ok((listener, addr))
    };
    listen().map_err(|error| StartError::bind("HTTP", addr, error))
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
