//! Byte streams to a device: SSH and Telnet.

use tokio::io::{AsyncRead, AsyncWrite};

/// A byte stream to a device's command line.
pub trait Wire: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Wire for T {}
