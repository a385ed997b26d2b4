//! A simulated device's SSH server.

use std::sync::Arc;
use std::time::Duration;

use russh::keys::ssh_key::private::Ed25519Keypair;
use russh::keys::{Algorithm, PrivateKey};
use russh::server::{self, Auth, Handler, Msg, Session};
use russh::{Channel, ChannelId, Preferred, cipher, kex, mac};
use tokio::net::TcpStream;

use super::conversation::converse;
use super::fleet::Simulated;

/// What all servers of a fleet share: one host key, one list of algorithms.
pub fn config(legacy: bool) -> Arc<server::Config> {
    let seed: [u8; 32] = rand::random();
    let host_key = PrivateKey::from(Ed25519Keypair::from_seed(&seed));
    let preferred = if legacy {
        Preferred {
            kex: vec![kex::DH_G14_SHA1].into(),
            key: vec![Algorithm::Ed25519].into(),
            cipher: vec![cipher::AES_128_CBC].into(),
            mac: vec![mac::HMAC_SHA1].into(),
            ..Preferred::default()
        }
    } else {
        Preferred::default()
    };
    Arc::new(server::Config {
        keys: vec![host_key],
        preferred,
        auth_rejection_time: Duration::from_millis(50),
        auth_rejection_time_initial: Some(Duration::ZERO),
        inactivity_timeout: None,
        nodelay: true,
        window_size: 64 << 10,
        channel_buffer_size: 16,
        event_buffer_size: 8,
        ..server::Config::default()
    })
}

/// Serves one connection.
pub async fn serve(socket: TcpStream, config: Arc<server::Config>, device: Arc<Simulated>) {
    let server = Server { device, channel: None };
    if let Ok(session) = server::run_stream(config, socket, server).await {
        let _ = session.await;
    }
}

struct Server {
    device: Arc<Simulated>,
    channel: Option<Channel<Msg>>,
}

impl Handler for Server {
    type Error = russh::Error;

    async fn auth_none(&mut self, _user: &str) -> Result<Auth, Self::Error> {
        Ok(if self.device.asks_in_stream() { Auth::Accept } else { Auth::reject() })
    }

    async fn auth_password(&mut self, user: &str, password: &str) -> Result<Auth, Self::Error> {
        Ok(if self.device.lets_in(user, password) { Auth::Accept } else { Auth::reject() })
    }

    async fn channel_open_session(
        &mut self,
        channel: Channel<Msg>,
        reply: server::ChannelOpenHandle,
        _session: &mut Session,
    ) -> Result<(), Self::Error> {
        self.channel = Some(channel);
        reply.accept().await;
        Ok(())
    }

    async fn pty_request(
        &mut self,
        channel: ChannelId,
        _term: &str,
        _columns: u32,
        _rows: u32,
        _width: u32,
        _height: u32,
        _modes: &[(russh::Pty, u32)],
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        session.channel_success(channel)
    }

    async fn shell_request(&mut self, channel: ChannelId, session: &mut Session) -> Result<(), Self::Error> {
        session.channel_success(channel)?;
        if let Some(channel) = self.channel.take() {
            let device = Arc::clone(&self.device);
            tokio::spawn(async move {
                converse(channel.into_stream(), device.script(), device.spec.delay, device.spec.fault).await;
            });
        }
        Ok(())
    }
}
