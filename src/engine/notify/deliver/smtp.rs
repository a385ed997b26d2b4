//! Mail by SMTP (RFC 5321): EHLO, STARTTLS or TLS at once, AUTH PLAIN or LOGIN, one message, every answer bounded.

use std::time::Duration;

use base64ct::{Base64, Encoding};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};

use super::stream::{self, Stream};
use super::{broken, rejected, secret, shown_without, unreachable};
use crate::engine::notify::desk::Failed;
use crate::engine::notify::message::Message;
use crate::engine::notify::settings::{Smtp, Tls};
use crate::model::Secret;

/// The longest line of an answer, in bytes; 512 are allowed.
const MOST_LINE: u64 = 4096;
/// The most lines of one answer.
const MOST_LINES: usize = 100;
/// How many bytes one encoded word holds: with `Subject: ` before it a line of 78.
const LONGEST_WORD: usize = 42;
/// How long a server may take over its farewell, when the mail is its already.
const FAREWELL: Duration = Duration::from_secs(1);

/// Sends the message; what the server said to it, and which recipients it refused.
pub async fn send(smtp: &Smtp, message: &Message) -> Result<String, Failed> {
    let tcp = stream::connect(&smtp.server, smtp.port).await?;
    let name = tcp.local_addr().map_or_else(|_| "[127.0.0.1]".to_owned(), |local| literal(local.ip()));
    let ca = smtp.ca.as_deref();
    let mut session = match smtp.tls {
        Tls::Implicit => Session::over(stream::secure(tcp, &smtp.server, ca).await?, smtp),
        Tls::Starttls | Tls::None => Session::over(Box::new(tcp), smtp),
    };
    session.expect("the greeting", 220).await?;
    let mut offers = session.hello(&name).await?;
    if smtp.tls == Tls::Starttls {
        if !has(&offers, "STARTTLS") {
            return Err(unreachable(
                "the server offers no STARTTLS: tls = \"implicit\", or \"none\" where that is right",
            ));
        }
        session.ask("STARTTLS", "STARTTLS", 220).await?;
        session = Session::over(stream::secure(session.unread()?, &smtp.server, ca).await?, smtp);
        // what was said before TLS counts no more (RFC 3207, 4.2)
        offers = session.hello(&name).await?;
    }
    session.hand_over(smtp, message, &offers).await
}

/// The same over a connection that is there already, in the clear.
pub async fn send_over(stream: Box<dyn Stream>, smtp: &Smtp, message: &Message) -> Result<String, Failed> {
    let mut session = Session::over(stream, smtp);
    session.expect("the greeting", 220).await?;
    let offers = session.hello("localhost").await?;
    session.hand_over(smtp, message, &offers).await
}
/// An address as a host without a name calls itself (RFC 5321, 4.1.3).
fn literal(ip: std::net::IpAddr) -> String {
    if ip.is_ipv6() { format!("[IPv6:{ip}]") } else { format!("[{ip}]") }
}

fn has(offers: &[String], wanted: &str) -> bool {
    offers.iter().any(|offer| offer.split(' ').next().is_some_and(|word| word.eq_ignore_ascii_case(wanted)))
}

/// A conversation with a server.
struct Session {
    stream: BufReader<Box<dyn Stream>>,
    /// What the server is told, or was told before, and might repeat in any answer.
    secrets: Vec<Secret>,
}

/// An answer: its number and the texts of its lines.
struct Answer {
    code: u16,
    lines: Vec<String>,
}

impl Session {
    fn over(stream: Box<dyn Stream>, smtp: &Smtp) -> Self {
        // a password that cannot be read is told of when it is needed
        let login = smtp.login.as_ref().and_then(|(name, password)| Some((name, secret(password).ok()?)));
        let secrets = login.map_or_else(Vec::new, |(name, password)| {
            let (word, plain) = (encoded(password.expose()), plain(name, &password));
            vec![password, Secret::new(word), Secret::new(plain)]
        });
        Self { stream: BufReader::new(stream), secrets }
    }

    /// The connection, to put TLS over. What came before TLS, and was not asked for, was put in by somebody else.
    fn unread(self) -> Result<Box<dyn Stream>, Failed> {
        match self.stream.buffer() {
            [] => Ok(self.stream.into_inner()),
            _ => Err(unreachable("the server, or somebody between, says more than it was asked before TLS")),
        }
    }

    /// Logs in and hands the message over.
    async fn hand_over(
        &mut self,
        smtp: &Smtp,
        message: &Message,
        offers: &[String],
    ) -> Result<String, Failed> {
        self.log_in(smtp, offers).await?;
        let refused = self.envelope(smtp).await?;
        self.ask("DATA", "DATA", 354).await?;
        let said = self.ask("the mail", &mail(smtp, message), 250).await?;
        let _ = tokio::time::timeout(FAREWELL, self.ask("QUIT", "QUIT", 221)).await;
        Ok(if refused.is_empty() { said } else { format!("{said}; refused for {}", refused.join("; ")) })
    }

    async fn hello(&mut self, name: &str) -> Result<Vec<String>, Failed> {
        self.write(format!("EHLO {name}\r\n").as_bytes()).await?;
        let answer = self.read("EHLO").await?;
        self.check("EHLO", &answer, 250)?;
        Ok(answer.lines.into_iter().skip(1).collect())
    }

    async fn log_in(&mut self, smtp: &Smtp, offers: &[String]) -> Result<(), Failed> {
        let Some((name, password)) = &smtp.login else { return Ok(()) };
        let password = secret(password)?;
        let ways = offers.iter().find(|offer| offer.to_ascii_uppercase().starts_with("AUTH "));
        let knows = |way: &str| {
            ways.is_some_and(|ways| ways.split(' ').skip(1).any(|word| word.eq_ignore_ascii_case(way)))
        };
        let step = format!("logging in as {name}");
        if knows("PLAIN") {
            self.ask(&step, &format!("AUTH PLAIN {}", plain(name, &password)), 235).await?;
        } else if knows("LOGIN") {
            self.ask(&step, "AUTH LOGIN", 334).await?;
            self.ask(&step, &encoded(name), 334).await?;
            self.ask(&step, &encoded(password.expose()), 235).await?;
        } else {
            return Err(unreachable("the server takes no password by PLAIN or LOGIN"));
        }
        Ok(())
    }

    /// Says who sends and who receives; the recipients that were refused, and why, where others were not.
    async fn envelope(&mut self, smtp: &Smtp) -> Result<Vec<String>, Failed> {
        self.ask("MAIL", &format!("MAIL FROM:<{}>", smtp.from), 250).await?;
        let mut refused = Vec::new();
        let mut last = None;
        for to in &smtp.to {
            match self.ask(&format!("RCPT {to}"), &format!("RCPT TO:<{to}>"), 250).await {
                Ok(_) => {}
                Err(failed) if failed.unreachable => return Err(failed),
                Err(failed) => {
                    refused.push(failed.message.clone());
                    last = Some(failed);
                }
            }
        }
        match last {
            Some(failed) if refused.len() == smtp.to.len() => Err(failed),
            _ => Ok(refused),
        }
    }

    /// Says a line and hears its answer.
    async fn ask(&mut self, step: &str, line: &str, wanted: u16) -> Result<String, Failed> {
        self.write(format!("{line}\r\n").as_bytes()).await?;
        let answer = self.read(step).await?;
        self.check(step, &answer, wanted)?;
        Ok(format!("{} {}", answer.code, self.shown(&answer.lines.join(" "))))
    }

    async fn expect(&mut self, step: &str, wanted: u16) -> Result<(), Failed> {
        let answer = self.read(step).await?;
        self.check(step, &answer, wanted)
    }

    fn check(&self, step: &str, answer: &Answer, wanted: u16) -> Result<(), Failed> {
        // 251 takes a recipient too
        if answer.code == wanted || (wanted == 250 && answer.code == 251) {
            return Ok(());
        }
        let said = self.shown(&answer.lines.join(" "));
        let message = format!("the mail server answers {} to {step}: {said}", answer.code);
        // a permanent answer about a recipient or a mail is about that alone
        let of_this = answer.code >= 500 && (step.starts_with("RCPT") || step == "the mail");
        Err(if of_this { rejected(message) } else { unreachable(message) })
    }

    /// What the server said, without the secrets that it was told.
    fn shown(&self, said: &str) -> String {
        let secrets: Vec<&str> = self.secrets.iter().map(Secret::expose).collect();
        shown_without(said, &secrets)
    }

    async fn write(&mut self, bytes: &[u8]) -> Result<(), Failed> {
        let stream = self.stream.get_mut();
        stream.write_all(bytes).await.map_err(broken("writing to the mail server"))?;
        stream.flush().await.map_err(broken("writing to the mail server"))
    }

    async fn read(&mut self, step: &str) -> Result<Answer, Failed> {
        let mut lines = Vec::new();
        for _ in 0..MOST_LINES {
            let mut bytes = Vec::new();
            let read = (&mut self.stream).take(MOST_LINE).read_until(b'\n', &mut bytes).await;
            read.map_err(broken(format!("waiting for the mail server's answer to {step}")))?;
            if !bytes.ends_with(b"\n") {
                let why = if bytes.len() as u64 == MOST_LINE { "is too long" } else { "breaks off" };
                return Err(unreachable(format!("the mail server's answer to {step} {why}")));
            }
            let line = String::from_utf8_lossy(&bytes).trim_end().to_owned();
            let code = line.get(..3).and_then(|code| code.parse::<u16>().ok()).filter(|code| *code >= 200);
            let (Some(code), more) = (code, line.as_bytes().get(3)) else {
                return Err(unreachable(format!(
                    "this is no answer of a mail server: {}",
                    self.shown(&line)
                )));
            };
            lines.push(line.get(4..).unwrap_or_default().to_owned());
            match more {
                Some(b'-') => {}
                Some(b' ') | None => return Ok(Answer { code, lines }),
                Some(_) => {
                    return Err(unreachable(format!(
                        "this is no answer of a mail server: {}",
                        self.shown(&line)
                    )));
                }
            }
        }
        Err(unreachable(format!("the mail server's answer to {step} has more than {MOST_LINES} lines")))
    }
}

/// The answer to AUTH PLAIN (RFC 4616).
fn plain(name: &str, password: &Secret) -> String {
    encoded(&format!("\0{name}\0{}", password.expose()))
}

fn encoded(text: &str) -> String {
    Base64::encode_string(text.as_bytes())
}

/// The mail up to its last dot: RFC 5322 and MIME.
fn mail(smtp: &Smtp, message: &Message) -> String {
    let domain = smtp.from.rsplit_once('@').map_or("localhost", |(_, domain)| domain);
    let date = jiff::Timestamp::from_millisecond(message.created.0).unwrap_or_default();
    let date = jiff::fmt::rfc2822::to_string(&date.to_zoned(jiff::tz::TimeZone::UTC)).unwrap_or_default();
    let text = message.lines.join("\r\n");
    let is_plain = text.is_ascii() && message.lines.iter().all(|line| line.len() <= 900);
    let (encoding, body) = match is_plain {
        true => ("7bit", dotted(&text)),
        false => ("base64", wrapped(&Base64::encode_string(text.as_bytes()))),
    };
    let mut mail = String::new();
    for (name, value) in [
        ("Date", date.as_str()),
        ("From", &format!("noctule <{}>", smtp.from)),
        ("To", &smtp.to.join(",\r\n ")),
        ("Subject", &words(&message.subject)),
        // the same at every try: who gets it twice can tell
        ("Message-ID", &format!("<noctule.{}.{}@{domain}>", message.id, message.created.0)),
        ("Auto-Submitted", "auto-generated"),
        ("MIME-Version", "1.0"),
        ("Content-Type", "text/plain; charset=utf-8"),
        ("Content-Transfer-Encoding", encoding),
    ] {
        mail.push_str(&format!("{name}: {value}\r\n"));
    }
    format!("{mail}\r\n{body}\r\n.")
}

/// A line that begins with a dot gets a second one (RFC 5321, 4.5.2).
fn dotted(text: &str) -> String {
    let lines = text
        .split("\r\n")
        .map(|line| if line.starts_with('.') { format!(".{line}") } else { line.to_owned() });
    lines.collect::<Vec<_>>().join("\r\n")
}

fn wrapped(encoded: &str) -> String {
    let mut text = String::with_capacity(encoded.len() + encoded.len() / 38);
    for (at, c) in encoded.chars().enumerate() {
        if at > 0 && at % 76 == 0 {
            text.push_str("\r\n");
        }
        text.push(c);
    }
    text
}

/// A header's text: as it is where it is short and ASCII, else in encoded words of at most 75 characters (RFC 2047).
fn words(text: &str) -> String {
    if text.is_ascii() && text.len() <= 900 && !text.contains("=?") {
        return text.to_owned();
    }
    let mut words = vec![String::new()];
    for c in text.chars() {
        if words.last().is_some_and(|word| word.len() + c.len_utf8() > LONGEST_WORD) {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut() {
            word.push(c);
        }
    }
    let words = words.iter().map(|word| format!("=?UTF-8?B?{}?=", Base64::encode_string(word.as_bytes())));
    words.collect::<Vec<_>>().join("\r\n ")
}
