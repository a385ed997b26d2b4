//! TCP connections, with reasons a person can act on.

use std::io::ErrorKind;
use std::time::Duration;

use tokio::net::TcpStream;

use super::seconds;
use crate::model::{Address, Failure, FailureKind};

/// Connects within `limit`.
pub async fn connect(address: &Address, port: u16, limit: Duration) -> Result<TcpStream, Failure> {
    let host = address.to_string();
    match tokio::time::timeout(limit, TcpStream::connect((host.as_str(), port))).await {
        Ok(Ok(socket)) => {
            // Typed lines are small and wait for an answer each.
            let _ = socket.set_nodelay(true);
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
