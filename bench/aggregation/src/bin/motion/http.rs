//! A connection to an agent's HTTP API that is kept alive: one request at a time, as cheap as it can
//! be, since what is measured is the agents.

use std::net::SocketAddr;

use anyhow::{Context, ensure};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// An open connection.
pub(crate) struct Connection {
    addr: SocketAddr,
    stream: TcpStream,
    /// Bytes read and not used yet.
    buffer: Vec<u8>,
}

impl Connection {
    pub(crate) async fn open(addr: SocketAddr) -> anyhow::Result<Self> {
        let stream =
            TcpStream::connect(addr).await.with_context(|| format!("connect to {addr}"))?;
        stream.set_nodelay(true)?;
        Ok(Self { addr, stream, buffer: Vec::new() })
    }

    /// Sends a request; returns the body of a 200. An agent closes a connection that was idle for long:
    /// then it is opened again.
    pub(crate) async fn ask(
        &mut self,
        method: &str,
        path: &str,
        body: &str,
    ) -> anyhow::Result<Value> {
        match self.exchange(method, path, body).await {
            Err(error) if error.is::<std::io::Error>() => {
                *self = Self::open(self.addr).await?;
                self.exchange(method, path, body).await
            }
            answer => answer,
        }
    }

    async fn exchange(&mut self, method: &str, path: &str, body: &str) -> anyhow::Result<Value> {
        let length = body.len();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
             content-length: {length}\r\n\r\n{body}"
        );
        self.stream.write_all(request.as_bytes()).await?;
        let head = loop {
            match self.buffer.windows(4).position(|four| four == b"\r\n\r\n") {
                Some(at) => break at + 4,
                None => self.more().await?,
            }
        };
        let text = std::str::from_utf8(&self.buffer[..head])?.to_ascii_lowercase();
        let length = text.lines().find_map(|line| line.strip_prefix("content-length:"));
        let length: usize = length.context("an answer without a length")?.trim().parse()?;
        while self.buffer.len() < head + length {
            self.more().await?;
        }
        let body: Vec<u8> = self.buffer.drain(..head + length).skip(head).collect();
        let status = text.split_whitespace().nth(1).unwrap_or_default();
        let said = String::from_utf8_lossy(&body);
        ensure!(status == "200", "{method} {path}: {status} {said}");
        serde_json::from_slice(&body).with_context(|| format!("{method} {path}"))
    }

    async fn more(&mut self) -> anyhow::Result<()> {
        let read = self.stream.read_buf(&mut self.buffer).await?;
        if read == 0 {
            // As the system says it of a connection that was closed a little earlier.
            return Err(std::io::Error::from(std::io::ErrorKind::ConnectionReset).into());
        }
        Ok(())
    }
}
