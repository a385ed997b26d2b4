//! TCP connections, with reasons a person can act on.

use std::io::ErrorKind;
use std::time::Duration;

use rustix::net::sockopt;
use tokio::net::TcpStream;

use super::seconds;
use crate::model::{Address, Failure, FailureKind};

/// How long nothing may come of a connection before the kernel asks whether the other side is there.
const SILENT: Duration = Duration::from_secs(60);
/// How long it waits between two questions.
const BETWEEN: Duration = Duration::from_secs(15);
/// How many of them stay without an answer before the connection counts as lost.
const TRIES: u32 = 4;

/// Connects within `limit`.
pub async fn connect(address: &Address, port: u16, limit: Duration) -> Result<TcpStream, Failure> {
    let host = address.to_string();
    match tokio::time::timeout(limit, TcpStream::connect((host.as_str(), port))).await {
        Ok(Ok(socket)) => {
            // Typed lines are small and wait for an answer each.
            let _ = socket.set_nodelay(true);
            // a kernel that cannot do it leaves the session to its time limits
            let _ = watch_over(&socket);
            Ok(socket)
        }
        Ok(Err(error)) => Err(refused(&host, port, &error)),
        Err(_) => {
            let message = format!(
                "{host} did not answer on port {port} within {}; is it up and is the way there free?",
                seconds(limit)
            );
            Err(Failure::new(FailureKind::Unreachable, message))
        }
    }
}

/// Finds out within [`SILENT`] and [`TRIES`] probes more that the other side is gone without a word: a power cut, or a
/// translation of addresses that was forgotten on the way.
fn watch_over(socket: &TcpStream) -> rustix::io::Result<()> {
    sockopt::set_tcp_keepidle(socket, SILENT)?;
    sockopt::set_tcp_keepintvl(socket, BETWEEN)?;
    sockopt::set_tcp_keepcnt(socket, TRIES)?;
    sockopt::set_socket_keepalive(socket, true)
}

fn refused(host: &str, port: u16, error: &std::io::Error) -> Failure {
    match error.kind() {
        ErrorKind::ConnectionRefused => {
            let message = format!("{host} refused port {port}: is the service on, and is the port right?");
            Failure::new(FailureKind::Refused, message)
        }
        // By a device that takes no more sessions, or whose access list does not know us.
        ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted => {
            let message = format!(
                "{host} reset the connection to port {port} as soon as it was there: may this host reach it, and has it a session left?"
            );
            Failure::new(FailureKind::Disconnected, message)
        }
        _ => Failure::new(FailureKind::Unreachable, format!("connecting to {host} port {port}: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_connection_is_watched_over() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let socket = connect(&"127.0.0.1".parse().unwrap(), port, Duration::from_secs(10)).await.unwrap();
        assert!(sockopt::socket_keepalive(&socket).unwrap());
        assert_eq!(sockopt::tcp_keepidle(&socket).unwrap(), SILENT);
        assert_eq!(
            (sockopt::tcp_keepintvl(&socket).unwrap(), sockopt::tcp_keepcnt(&socket).unwrap()),
            (BETWEEN, TRIES)
        );
    }
}
