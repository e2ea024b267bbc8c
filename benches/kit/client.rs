//! An HTTP client that does no more than it must: it shares two cores with what it measures, as pgbench does.

use std::net::SocketAddr;

use anyhow::{Context, bail};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
};

/// A connection that is kept alive.
pub struct Client {
    stream: BufReader<TcpStream>,
    line: String,
    body: Vec<u8>,
}

impl Client {
    pub async fn connect(address: SocketAddr) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream: BufReader::new(stream), line: String::new(), body: Vec::new() })
    }

    /// Sends a whole request and reads the whole answer: its status.
    pub async fn send(&mut self, request: &[u8]) -> anyhow::Result<u16> {
        self.stream.get_mut().write_all(request).await?;
        self.next_line().await?;
        let status: Option<u16> = self.line.split(' ').nth(1).and_then(|text| text.trim().parse().ok());
        let status = status.context("the answer has no status")?;
        let mut length: Option<usize> = None;
        let mut is_chunked = false;
        loop {
            self.next_line().await?;
            let Some((name, value)) = self.line.trim_end().split_once(':') else { break };
            if name.eq_ignore_ascii_case("content-length") {
                length = value.trim().parse().ok();
            }
            is_chunked |= name.eq_ignore_ascii_case("transfer-encoding");
        }
        match length {
            Some(length) => self.skip(length).await?,
            None if is_chunked => self.skip_chunks().await?,
            None => bail!("the answer does not say where it ends"),
        }
        Ok(status)
    }

    async fn next_line(&mut self) -> anyhow::Result<()> {
        self.line.clear();
        if self.stream.read_line(&mut self.line).await? == 0 {
            bail!("the server closed the connection");
        }
        Ok(())
    }

    async fn skip(&mut self, length: usize) -> anyhow::Result<()> {
        self.body.resize(length, 0);
        self.stream.read_exact(&mut self.body).await?;
        Ok(())
    }

    async fn skip_chunks(&mut self) -> anyhow::Result<()> {
        loop {
            self.next_line().await?;
            let length = usize::from_str_radix(self.line.trim_end(), 16).context("a chunk without a length")?;
            // Each chunk, also the last and empty one, ends with a line break.
            self.skip(length + 2).await?;
            if length == 0 {
                return Ok(());
            }
        }
    }
}
