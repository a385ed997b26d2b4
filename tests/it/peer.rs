//! Peers of a session that do as a test says with each typed line, over Telnet or a real SSH server, and that hang or
//! cut the connection at the step that a test names.

use std::net::SocketAddr;
use std::sync::Arc;

use noctule::device::transport::TelnetCodec;
use russh::keys::PrivateKey;
use russh::keys::ssh_key::private::Ed25519Keypair;
use russh::server::{self, Auth, Handler, Msg, Response, Session};
use russh::{Channel, ChannelId, MethodKind, MethodSet};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

use crate::device_fixture::here;

/// How a peer ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// It says nothing any more, and the connection stays.
    Hang,
    /// It closes in order.
    Fin,
    /// The connection is reset.
    Rst,
}

impl End {
    pub const ALL: [Self; 3] = [Self::Hang, Self::Fin, Self::Rst];
}

/// What a peer does next.
pub enum Act {
    Say(Vec<u8>),
    End(End),
}

/// What a peer does at the beginning (`None`) and with each typed line or pager's key.
pub type Brain = Box<dyn FnMut(Option<&str>) -> Act + Send>;

/// What an SSH server ends at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// After so many bytes.
    Bytes(usize),
    /// At the question which ways there are to log in.
    Ways,
    PublicKey,
    Password,
    /// Before it asks its questions.
    Questions,
    /// Behind the answers to them.
    Answers,
    /// At the session channel.
    Channel,
    /// Neither terminal nor shell is answered, and no shell speaks.
    Terminal,
    Shell,
    /// Never by itself: as the brain says.
    Never,
}

/// Speaks Telnet: `greeting` goes ahead of what the brain says.
pub async fn telnet(greeting: Vec<u8>, brain: Brain) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        socket.set_nodelay(true).unwrap();
        socket.write_all(&greeting).await.unwrap();
        let end = converse(&mut socket, true, brain).await;
        leave(socket, end).await;
    });
    address
}

/// Speaks SSH, and lets in whoever comes by the one way `way`.
pub async fn ssh(stop: Stop, end: End, way: MethodKind, brain: Brain) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = here(listener.local_addr().unwrap().port());
    tokio::spawn(async move {
        let (socket, _) = listener.accept().await.unwrap();
        socket.set_nodelay(true).unwrap();
        serve(socket, stop, end, way, brain).await;
    });
    address
}

/// Runs the server behind a pipe, so that the socket can be ended at any moment.
async fn serve(mut socket: TcpStream, stop: Stop, end: End, way: MethodKind, brain: Brain) {
    let (mut near, far) = tokio::io::duplex(1 << 16);
    let (ended, mut reached) = mpsc::unbounded_channel();
    let config = Arc::new(server::Config {
        keys: vec![PrivateKey::from(Ed25519Keypair::from_seed(&[7; 32]))],
        methods: MethodSet::from(&[way][..]),
        inactivity_timeout: None,
        ..server::Config::default()
    });
    let handler = Server { stop, end, ended, brain: Some(brain), channel: None };
    tokio::spawn(async move {
        if let Ok(session) = server::run_stream(config, far, handler).await {
            let _ = session.await;
        }
    });
    let mut room = if let Stop::Bytes(most) = stop { most } else { usize::MAX };
    let (mut up, mut down) = ([0; 4096], [0; 4096]);
    let how = loop {
        tokio::select! {
            how = reached.recv() => break how.unwrap_or(End::Hang),
            read = socket.read(&mut up) => match read {
                Ok(count @ 1..) if near.write_all(&up[..count]).await.is_ok() => {}
                _ => return,
            },
            read = near.read(&mut down) => {
                let Ok(count @ 1..) = read else { break End::Fin };
                if socket.write_all(&down[..count.min(room)]).await.is_err() {
                    return;
                }
                if count >= room {
                    break end;
                }
                room -= count;
            }
        }
    };
    leave(socket, how).await;
}

/// Ends a connection.
async fn leave(mut socket: TcpStream, end: End) {
    match end {
        End::Hang => std::future::pending().await,
        End::Rst => socket.set_zero_linger().unwrap(),
        End::Fin => {
            let _ = socket.shutdown().await;
            // What comes must be read: closing over unread bytes would reset the connection.
            let _ = tokio::io::copy(&mut socket, &mut tokio::io::sink()).await;
        }
    }
}

/// Does as the brain says, up to the end that it names; in order where the client leaves.
async fn converse(io: &mut (impl AsyncRead + AsyncWrite + Unpin), telnet: bool, mut brain: Brain) -> End {
    let mut codec = telnet.then(|| TelnetCodec::new(80, 24));
    let mut typed: Vec<u8> = Vec::new();
    let mut act = brain(None);
    loop {
        match act {
            Act::End(end) => return end,
            Act::Say(bytes) => {
                if io.write_all(&bytes).await.is_err() || io.flush().await.is_err() {
                    return End::Fin;
                }
            }
        }
        let line = loop {
            if let Some(line) = take_line(&mut typed) {
                break line;
            }
            let mut bytes = [0; 512];
            let Ok(count @ 1..) = io.read(&mut bytes).await else { return End::Fin };
            match &mut codec {
                Some(codec) => typed.extend(codec.feed(&bytes[..count]).data),
                None => typed.extend(&bytes[..count]),
            }
        };
        act = brain(Some(&line));
    }
}

/// A line without its end, or the pager's key.
fn take_line(typed: &mut Vec<u8>) -> Option<String> {
    while matches!(typed.first(), Some(b'\n' | 0)) {
        typed.remove(0);
    }
    if typed.first() == Some(&b' ') {
        typed.remove(0);
        return Some(" ".into());
    }
    let end = typed.iter().position(|&byte| byte == b'\r')?;
    let line = typed.drain(..=end).take(end).collect();
    Some(String::from_utf8(line).unwrap())
}

struct Server {
    stop: Stop,
    end: End,
    ended: mpsc::UnboundedSender<End>,
    brain: Option<Brain>,
    channel: Option<Channel<Msg>>,
}

impl Server {
    /// Ends the connection where this is the step for it, and never returns then.
    async fn at(&mut self, step: Stop) {
        if self.stop == step {
            let _ = self.ended.send(self.end);
            std::future::pending::<()>().await;
        }
    }
}

impl Handler for Server {
    type Error = russh::Error;

    async fn auth_none(&mut self, _user: &str) -> Result<Auth, Self::Error> {
        self.at(Stop::Ways).await;
        Ok(Auth::reject())
    }

    async fn auth_password(&mut self, _user: &str, _password: &str) -> Result<Auth, Self::Error> {
        self.at(Stop::Password).await;
        Ok(Auth::Accept)
    }

    async fn auth_publickey(
        &mut self,
        _user: &str,
        _key: server::VerifiedPublicKey<'_>,
    ) -> Result<Auth, Self::Error> {
        self.at(Stop::PublicKey).await;
        Ok(Auth::Accept)
    }

    async fn auth_keyboard_interactive<'a>(
        &'a mut self,
        _user: &str,
        _submethods: &str,
        response: Option<Response<'a>>,
    ) -> Result<Auth, Self::Error> {
        if response.is_some() {
            self.at(Stop::Answers).await;
            return Ok(Auth::Accept);
        }
        self.at(Stop::Questions).await;
        Ok(Auth::Partial {
            name: "".into(),
            instructions: "".into(),
            prompts: vec![("Password: ".into(), false)].into(),
        })
    }

    async fn channel_open_session(
        &mut self,
        channel: Channel<Msg>,
        reply: server::ChannelOpenHandle,
        _session: &mut Session,
    ) -> Result<(), Self::Error> {
        self.at(Stop::Channel).await;
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
        self.at(Stop::Terminal).await;
        session.channel_success(channel)
    }

    async fn shell_request(&mut self, channel: ChannelId, session: &mut Session) -> Result<(), Self::Error> {
        self.at(Stop::Shell).await;
        session.channel_success(channel)?;
        if let (Some(channel), Some(brain)) = (self.channel.take(), self.brain.take()) {
            let ended = self.ended.clone();
            tokio::spawn(async move {
                let end = converse(&mut channel.into_stream(), false, brain).await;
                let _ = ended.send(end);
            });
        }
        Ok(())
    }
}
