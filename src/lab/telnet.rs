//! A simulated device's Telnet: it offers to echo, and takes the Telnet layer off what comes.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use crate::device::transport::TelnetCodec;

/// WILL ECHO, WILL SUPPRESS-GO-AHEAD, DO TERMINAL-TYPE, DO NAWS: what most devices say first.
pub const GREETING: &[u8] = &[255, 251, 1, 255, 251, 3, 255, 253, 24, 255, 253, 31];

/// A connection with the Telnet layer taken off. What the client negotiates is understood and not answered: the
/// greeting has said all.
pub struct DeviceEnd {
    socket: TcpStream,
    codec: TelnetCodec,
}

impl DeviceEnd {
    /// Over a fresh connection that has been greeted.
    pub fn new(socket: TcpStream) -> Self {
        Self { socket, codec: TelnetCodec::new(80, 24) }
    }
}

impl AsyncRead for DeviceEnd {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        loop {
            let mut bytes = [0; 512];
            let most = into.remaining().min(bytes.len());
            let mut chunk = ReadBuf::new(&mut bytes[..most]);
            ready!(Pin::new(&mut this.socket).poll_read(cx, &mut chunk))?;
            let ended = chunk.filled().is_empty();
            let decoded = this.codec.feed(chunk.filled());
            into.put_slice(&decoded.data);
            if ended || !decoded.data.is_empty() {
                return Poll::Ready(Ok(()));
            }
        }
    }
}

impl AsyncWrite for DeviceEnd {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        // 255 is sent as it stands up to here, and doubled in a write of its own.
        match bytes.iter().position(|&byte| byte == 255) {
            Some(0) => {
                let sent = ready!(Pin::new(&mut self.socket).poll_write(cx, &[255, 255]))?;
                Poll::Ready(if sent == 2 { Ok(1) } else { Err(io::ErrorKind::WriteZero.into()) })
            }
            Some(plain) => Pin::new(&mut self.socket).poll_write(cx, &bytes[..plain]),
            None => Pin::new(&mut self.socket).poll_write(cx, bytes),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(cx)
    }
}
