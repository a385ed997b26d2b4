//! A shell on a device: its bytes, its window, and the connections that it runs through.

use std::io::{self, Cursor};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use russh::client::{Handle, Msg};
use russh::{Channel, ChannelMsg, ChannelReadHalf, ChannelWriteHalf};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::handler::Keys;
use crate::device::transport::{ResizeFuture, TerminalWire, Window};

/// How long the telling of a window may hold up what else is said.
const TELLING: Duration = Duration::from_secs(1);

/// A shell. The connections end with it.
pub struct Shell {
    heard: ChannelReadHalf,
    /// What has come, read so far.
    left: Cursor<Bytes>,
    out: Pin<Box<dyn AsyncWrite + Send>>,
    channel: ChannelWriteHalf<Msg>,
    _path: Vec<Handle<Keys>>,
}

impl Shell {
    /// Over a channel on which a shell was asked for; `path` is what the channel runs through.
    pub fn new(channel: Channel<Msg>, path: Vec<Handle<Keys>>) -> Self {
        let (heard, channel) = channel.split();
        let out = Box::pin(channel.make_writer());
        Self { heard, left: Cursor::default(), out, channel, _path: path }
    }
}

impl TerminalWire for Shell {
    fn resize(&mut self, window: Window) -> ResizeFuture<'_> {
        Box::pin(async move {
            let (columns, rows) = (u32::from(window.columns), u32::from(window.rows));
            let telling = self.channel.window_change(columns, rows, 0, 0);
            // a connection that is gone shows itself at the next read
            let _ = tokio::time::timeout(TELLING, telling).await;
        })
    }
}

impl AsyncRead for Shell {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        while this.left.position() >= this.left.get_ref().len() as u64 {
            match ready!(pin!(this.heard.wait()).poll(cx)) {
                // what a device says as an error is for the person too
                Some(ChannelMsg::Data { data } | ChannelMsg::ExtendedData { data, .. }) => {
                    this.left = Cursor::new(data);
                }
                Some(ChannelMsg::Eof | ChannelMsg::Close) | None => return Poll::Ready(Ok(())),
                Some(_) => {}
            }
        }
        Pin::new(&mut this.left).poll_read(cx, into)
    }
}

impl AsyncWrite for Shell {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.out.as_mut().poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.out.as_mut().poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.out.as_mut().poll_shutdown(cx)
    }
}
