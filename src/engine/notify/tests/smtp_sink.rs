//! A mail server that takes everything, or misbehaves as it is told.

use std::net::SocketAddr;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use crate::engine::notify::deliver::Stream;

/// How a server is.
#[derive(Clone, Default)]
pub struct Manners {
    /// With it TLS can be had by STARTTLS, or is there at once.
    pub tls: Option<TlsAcceptor>,
    /// TLS begins at once.
    pub implicit: bool,
    /// What EHLO offers beside STARTTLS: `AUTH PLAIN LOGIN`.
    pub offers: Vec<&'static str>,
    /// Answers that are given instead of the usual ones, by the beginning of the line that is answered; `` is the
    /// greeting, `.` the mail.
    pub instead: Vec<(&'static str, Vec<u8>)>,
    /// The line after which it says nothing any more.
    pub hangs_at: Option<&'static str>,
}

/// What came.
#[derive(Debug)]
pub enum Heard {
    /// A line of the conversation.
    Line(String),
    /// A mail, as it came, its dots undone.
    Mail(String),
}

/// See the file's head; dropped, it is gone.
pub struct SmtpSink {
    pub at: SocketAddr,
    heard: mpsc::UnboundedReceiver<Heard>,
    _work: JoinSet<()>,
}

impl SmtpSink {
    pub async fn start(manners: Manners) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = listener.local_addr().unwrap();
        let (tell, heard) = mpsc::unbounded_channel();
        let mut work = JoinSet::new();
        work.spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (tell, manners) = (tell.clone(), manners.clone());
                connections.spawn(async move {
                    let _ = serve(stream, manners, tell).await;
                });
            }
        });
        Self { at, heard, _work: work }
    }

    /// The next mail, and the lines of the conversation before it.
    pub async fn mail(&mut self) -> (String, Vec<String>) {
        let mut lines = Vec::new();
        loop {
            match self.heard.recv().await.unwrap() {
                Heard::Line(line) => lines.push(line),
                Heard::Mail(mail) => return (mail, lines),
            }
        }
    }

    /// What was heard by now.
    pub fn heard(&mut self) -> Vec<Heard> {
        std::iter::from_fn(|| self.heard.try_recv().ok()).collect()
    }
}

async fn serve(
    stream: tokio::net::TcpStream,
    manners: Manners,
    tell: mpsc::UnboundedSender<Heard>,
) -> std::io::Result<()> {
    let mut stream: BufReader<Box<dyn Stream>> = match &manners.tls {
        Some(tls) if manners.implicit => BufReader::new(Box::new(tls.accept(stream).await?)),
        _ => BufReader::new(Box::new(stream)),
    };
    let mut secured = manners.implicit;
    say(&mut stream, &manners, "", b"220 sink.example ESMTP\r\n").await?;
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await? == 0 {
            return Ok(());
        }
        let line = line.trim_end().to_owned();
        let _ = tell.send(Heard::Line(line.clone()));
        let usual: &[u8] = match line.split(' ').next().unwrap_or_default() {
            "EHLO" => {
                let mut offers = vec!["sink.example"];
                offers.extend(manners.tls.iter().filter(|_| !secured).map(|_| "STARTTLS"));
                offers.extend(&manners.offers);
                let last = offers.len() - 1;
                let lines = offers
                    .iter()
                    .enumerate()
                    .map(|(at, offer)| format!("250{}{offer}\r\n", if at == last { ' ' } else { '-' }));
                &lines.collect::<String>().into_bytes()
            }
            "STARTTLS" => b"220 go ahead\r\n",
            "AUTH" if line == "AUTH LOGIN" => b"334 VXNlcm5hbWU6\r\n",
            "AUTH" => b"235 welcome\r\n",
            "DATA" => b"354 go on\r\n",
            "QUIT" => b"221 bye\r\n",
            "MAIL" | "RCPT" => b"250 ok\r\n",
            // AUTH LOGIN's answers: the user's name, then the password
            "bm9jdHVsZQ==" => b"334 UGFzc3dvcmQ6\r\n",
            _ => b"235 welcome\r\n",
        };
        say(&mut stream, &manners, &line, usual).await?;
        match (line.as_str(), &manners.tls) {
            ("STARTTLS", Some(tls)) => {
                let secure = tls.accept(stream.into_inner()).await?;
                stream = BufReader::new(Box::new(secure));
                secured = true;
            }
            ("DATA", _) => {
                let mail = read_mail(&mut stream).await?;
                let _ = tell.send(Heard::Mail(mail));
                say(&mut stream, &manners, ".", b"250 queued as 1\r\n").await?;
            }
            _ => {}
        }
    }
}

async fn say(
    stream: &mut BufReader<Box<dyn Stream>>,
    manners: &Manners,
    to: &str,
    usual: &[u8],
) -> std::io::Result<()> {
    let is = |wanted: &str| if wanted.is_empty() { to.is_empty() } else { to.starts_with(wanted) };
    if manners.hangs_at.is_some_and(is) {
        std::future::pending::<()>().await;
    }
    let answer = manners.instead.iter().find(|(wanted, _)| is(wanted)).map_or(usual, |(_, answer)| answer);
    stream.get_mut().write_all(answer).await?;
    stream.get_mut().flush().await
}

async fn read_mail(stream: &mut BufReader<Box<dyn Stream>>) -> std::io::Result<String> {
    let mut mail = String::new();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await?;
        match line.strip_prefix('.') {
            Some("\r\n") => return Ok(mail),
            Some(rest) => mail.push_str(rest),
            None => mail.push_str(&line),
        }
    }
}
