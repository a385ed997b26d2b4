//! Where questions come in: a port of the loopback, or a Unix socket.

use std::io;
use std::path::Path;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;

use crate::engine::settings::MetricsPlace;
use crate::server::listen::{Bound, SocketError, SocketPlace};

/// A connection.
pub trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// See the file's head.
pub enum Place {
    Port(TcpListener),
    /// Its file goes with it.
    Socket(Bound),
}

impl Place {
    /// Listens there. A socket lies there as the engine's own does: in the place of one that was left, for its owner and
    /// the group of its folder.
    ///
    /// # Errors
    /// Why not, and what to do.
    pub fn open(place: &MetricsPlace, data_dir: &Path) -> Result<Self, String> {
        match place {
            MetricsPlace::Port(address) => {
                // not by tokio's own way, which waits
                let opened = std::net::TcpListener::bind(address).and_then(|listener| {
                    listener.set_nonblocking(true)?;
                    TcpListener::from_std(listener)
                });
                opened.map(Self::Port).map_err(|error| match error.kind() {
                    io::ErrorKind::AddrInUse => {
                        "another program listens there: end it, or name another port in [serve] metrics"
                            .to_owned()
                    }
                    _ => format!("listening there: {error}"),
                })
            }
            MetricsPlace::Socket(path) => {
                let listening = SocketPlace::named(path.clone(), data_dir).listen();
                listening.map(Self::Socket).map_err(|error| match error {
                    SocketError::Taken(_) => {
                        "another program listens there: end it, or name another path in [serve] metrics"
                            .to_owned()
                    }
                    SocketError::System { source, .. } if source.kind() == io::ErrorKind::NotFound => {
                        "its folder is not there: make it, for the account that runs noctule".to_owned()
                    }
                    SocketError::System { source, .. } => {
                        format!("{source}: the account that runs noctule must be able to write to its folder")
                    }
                    SocketError::Refused { why, .. } => why,
                    other @ SocketError::Nobody(_) => other.to_string(),
                })
            }
        }
    }

    /// Waits for a connection.
    ///
    /// # Errors
    /// When the system has none to give: too many open files.
    pub async fn accept(&self) -> io::Result<Box<dyn Stream>> {
        Ok(match self {
            Self::Port(listener) => Box::new(listener.accept().await?.0),
            Self::Socket(bound) => Box::new(bound.accept().await?),
        })
    }
}
