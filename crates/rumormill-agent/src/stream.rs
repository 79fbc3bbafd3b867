//! The reliable path: one TCP connection for each frame, which is a big-endian `u32` length and that
//! many bytes.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::inbox::Input;

/// The longest frame, in bytes.
pub(crate) const MAX_FRAME: u32 = 64 << 20;
/// The most inbound connections at once; others wait in the operating system's queue.
const MAX_INBOUND: usize = 64;
/// The most outbound connections at once; others wait.
pub(crate) const MAX_OUTBOUND: usize = 64;

const CONNECT: Duration = Duration::from_secs(3);
const IDLE: Duration = Duration::from_secs(10);
/// The longest time of a whole frame, which bounds a connection that sends a byte now and then.
const WHOLE_FRAME: Duration = Duration::from_secs(60);
/// The pause after an error of `accept`, which mostly means too many open files.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Accepts connections and hands their frames to the driver, without end.
pub(crate) async fn accept(listener: TcpListener, driver: mpsc::Sender<Input>) {
    let permits = Arc::new(Semaphore::new(MAX_INBOUND));
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        let Ok(permit) = permits.clone().acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, from)) => {
                let driver = driver.clone();
                connections.spawn(async move {
                    let frame = timeout(WHOLE_FRAME, receive(stream)).await;
                    drop(permit);
                    let input = match frame.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
                    {
                        Ok(bytes) => Input::Frame { from, bytes },
                        Err(error) => {
                            tracing::debug!(%from, %error, "an inbound stream brought no frame");
                            Input::BadStream
                        }
                    };
                    let _ = driver.send(input).await;
                });
            }
            Err(error) => {
                tracing::warn!(%error, "can't accept a connection");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// Reads one frame. Allocates memory as bytes arrive, whatever length was announced.
async fn receive(mut stream: impl AsyncRead + Unpin) -> io::Result<Vec<u8>> {
    let idle = |_| io::Error::from(io::ErrorKind::TimedOut);
    let length = timeout(IDLE, stream.read_u32()).await.map_err(idle)??;
    if length > MAX_FRAME {
        let message = format!("a frame of {length} bytes, the limit is {MAX_FRAME}");
        return Err(io::Error::new(io::ErrorKind::InvalidData, message));
    }
    let mut frame = stream.take(u64::from(length));
    let mut bytes = Vec::new();
    while frame.limit() > 0 {
        if timeout(IDLE, frame.read_buf(&mut bytes)).await.map_err(idle)?? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    Ok(bytes)
}

/// Sends one frame to `to`. An error is in words.
pub(crate) async fn send(to: SocketAddr, bytes: &[u8]) -> Result<(), String> {
    let length = match u32::try_from(bytes.len()) {
        Ok(length) if length <= MAX_FRAME => length,
        _ => return Err(format!("the frame has {} bytes, the limit is {MAX_FRAME}", bytes.len())),
    };
    let connect = timeout(CONNECT, TcpStream::connect(to)).await;
    let mut stream = connect
        .map_err(|_| format!("no connection within {} s", CONNECT.as_secs()))?
        .map_err(|e| in_words(&e))?;
    let write = async {
        stream.write_all(&length.to_be_bytes()).await?;
        stream.write_all(bytes).await?;
        stream.shutdown().await
    };
    timeout(WHOLE_FRAME, write)
        .await
        .map_err(|_| format!("not accepted within {} s", WHOLE_FRAME.as_secs()))?
        .map_err(|e| in_words(&e))
}

/// Returns the error in words, without the operating system's number.
fn in_words(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => "connection refused".to_owned(),
        io::ErrorKind::ConnectionReset => "connection reset".to_owned(),
        io::ErrorKind::HostUnreachable => "host unreachable".to_owned(),
        io::ErrorKind::NetworkUnreachable => "network unreachable".to_owned(),
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_frame_arrives_whole_and_whatever_else_is_refused() {
        let frame: &[u8] = b"\0\0\0\x05hello and more";
        assert_eq!(receive(frame).await.unwrap(), b"hello");
        assert_eq!(receive(&b"\0\0\0\0"[..]).await.unwrap(), b"");
        for (bad, kind) in [
            (&b"\0\0\0\x05hell"[..], io::ErrorKind::UnexpectedEof),
            (&b"\0\0"[..], io::ErrorKind::UnexpectedEof),
            (&b"GET / HTTP/1.1\r\n"[..], io::ErrorKind::InvalidData),
        ] {
            assert_eq!(receive(bad).await.unwrap_err().kind(), kind);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_connection_is_given_up() {
        let (_kept, silent) = tokio::io::duplex(8);
        assert_eq!(receive(silent).await.unwrap_err().kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test]
    async fn a_refused_connection_is_reported_in_words() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        drop(listener);
        assert_eq!(send(addr, b"x").await.unwrap_err(), "connection refused");
    }
}
