//! What inetd does: listens, and starts a program for each connection, the socket as its standard input and output.

use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::process::Stdio;

use tokio::net::{TcpListener, TcpStream};
use tokio::process::Command;
use tokio::task::JoinSet;

/// A service on a loopback address of its own; it and what it started end with this.
pub struct SuperServer {
    pub address: SocketAddr,
    _services: JoinSet<()>,
}

impl SuperServer {
    /// Starts `command` anew for each connection.
    pub async fn start(command: impl Fn() -> Command + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.61.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut services = JoinSet::new();
        services.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((socket, _)) = listener.accept().await {
                while connections.try_join_next().is_some() {}
                connections.spawn(serve(socket, command()));
            }
        });
        Self { address, _services: services }
    }
}

async fn serve(socket: TcpStream, mut command: Command) {
    let socket = socket.into_std().unwrap();
    socket.set_nonblocking(false).unwrap();
    let input: OwnedFd = socket.into();
    let output = input.try_clone().unwrap();
    let mut child =
        command.stdin(Stdio::from(input)).stdout(Stdio::from(output)).kill_on_drop(true).spawn().unwrap();
    // its copy of the socket must go, or the client would never see the end
    drop(command);
    let _ = child.wait().await;
}
