//! Telnet (RFC 854).

pub mod codec;

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use codec::Codec;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::{ResizeFuture, TerminalWire, Window};

/// Answers to options that wait to be sent; a peer that makes more of them than it reads is cut off.
const MOST_REPLIES: usize = 64 << 10;

/// A TCP connection with the Telnet layer taken off.
pub struct TelnetStream {
    socket: TcpStream,
    codec: Codec,
    data: VecDeque<u8>,
    out: VecDeque<u8>,
}

impl TelnetStream {
    /// Over a fresh connection. Says nothing first: the port may not speak Telnet at all.
    pub fn new(socket: TcpStream, window: Window) -> Self {
        Self {
            socket,
            codec: Codec::new(window.columns, window.rows),
            data: VecDeque::new(),
            out: VecDeque::new(),
        }
    }

    fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.out.is_empty() {
            let (front, _) = self.out.as_slices();
            let sent = ready!(Pin::new(&mut self.socket).poll_write(cx, front))?;
            if sent == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.out.drain(..sent);
        }
        Poll::Ready(Ok(()))
    }
}

impl TerminalWire for TelnetStream {
    fn resize(&mut self, window: Window) -> ResizeFuture<'_> {
        let told = self.codec.resize(window.columns, window.rows);
        self.out.extend(told);
        Box::pin(async {
            // what the kernel does not take now goes with the next read or write
            let _ = std::future::poll_fn(|cx| Poll::Ready(self.poll_send(cx))).await;
        })
    }
}

impl AsyncRead for TelnetStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        while this.data.is_empty() {
            // A failure to answer shows itself at the next read.
            let _ = this.poll_send(cx)?;
            let mut bytes = [0; 4096];
            let mut chunk = ReadBuf::new(&mut bytes);
            ready!(Pin::new(&mut this.socket).poll_read(cx, &mut chunk))?;
            if chunk.filled().is_empty() {
                return Poll::Ready(Ok(()));
            }
            let decoded = this.codec.feed(chunk.filled());
            this.data.extend(decoded.data);
            this.out.extend(decoded.reply);
            if this.out.len() > MOST_REPLIES {
                return Poll::Ready(Err(io::Error::other("the peer negotiates without end")));
            }
        }
        let _ = this.poll_send(cx)?;
        let (front, _) = this.data.as_slices();
        let count = front.len().min(into.remaining());
        into.put_slice(&front[..count]);
        this.data.drain(..count);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for TelnetStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        ready!(self.poll_send(cx))?;
        let escaped = self.codec.escape(bytes);
        self.out.extend(escaped);
        // What the kernel does not take now is taken by the flush.
        let _ = self.poll_send(cx)?;
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_send(cx))?;
        Pin::new(&mut self.socket).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_send(cx))?;
        Pin::new(&mut self.socket).poll_shutdown(cx)
    }
}
