//! The two sockets of an agent: UDP and TCP on one port.

use std::io;
use std::net::SocketAddr;

use tokio::net::{TcpListener, UdpSocket};

use crate::error::StartError;

/// A port that is free for TCP may be taken for UDP. This many are tried if any port will do.
const TRIES: usize = 32;

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
