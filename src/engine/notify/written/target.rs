//! Targets as they are written: which fields belong to which kind, and what must stand there.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use hyper::header::{HeaderName, HeaderValue};
use serde::Deserialize;
use toml::Spanned;

use crate::engine::notify::settings::{Password, Smtp, Target, Telegram, Tls, Way, Webhook};
use crate::engine::settings::{Hidden, duration};

use super::values::{is_local, is_token, lacks, mailbox, needed, password, read_at, read_server, read_url};
use super::{MOST, Mistake};

/// Headers that are noctule's own.
const OWN_HEADERS: [&str; 6] =
    ["host", "content-length", "content-type", "transfer-encoding", "connection", "user-agent"];

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Webhook,
    Telegram,
    Smtp,
    Command,
}

/// A `[[target]]`, with the fields of every kind.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TargetTable {
    name: Spanned<String>,
    kind: Kind,
    timeout: Option<Spanned<String>>,
    ca: Option<Spanned<PathBuf>>,
    url: Option<Spanned<Hidden>>,
    headers: Option<Spanned<BTreeMap<String, Hidden>>>,
    base: Option<Spanned<Hidden>>,
    token: Option<Spanned<Hidden>>,
    token_file: Option<Spanned<PathBuf>>,
    chat: Option<Spanned<String>>,
    server: Option<Spanned<String>>,
    tls: Option<Spanned<Tls>>,
    from: Option<Spanned<String>>,
    to: Option<Spanned<Vec<String>>>,
    username: Option<Spanned<String>>,
    password: Option<Spanned<Hidden>>,
    password_file: Option<Spanned<PathBuf>>,
    run: Option<Spanned<Vec<String>>>,
}

impl TargetTable {
    /// Checks it; `at` is where it begins, `known` are the targets before it.
    pub fn into_target(self, at: usize, folder: &Path, known: &[Arc<Target>]) -> Result<Target, Mistake> {
        let name_at = self.name.span().start;
        let name = self.name.get_ref().clone();
        let is_good = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        if name.is_empty() || name.len() > 64 || !name.chars().all(is_good) {
            let message = "a target's name is made of at most 64 letters, digits, -, _ and .";
            return Err((name_at, message.to_owned()));
        }
        if known.iter().any(|target| target.name == name) {
            return Err((name_at, format!("there are two targets {name}")));
        }
        self.refuse_strangers()?;
        let timeout = match &self.timeout {
            None => Duration::from_secs(15),
            Some(text) => match read_at(text, |text| duration(text.clone()))? {
                length if (1..=300).contains(&length.as_secs()) => length,
                _ => return Err((text.span().start, "out of range: 1s to 5m".to_owned())),
            },
        };
        let way = match self.kind {
            Kind::Webhook => Way::Webhook(self.webhook(at, folder)?),
            Kind::Telegram => Way::Telegram(self.telegram(at, folder)?),
            Kind::Smtp => Way::Smtp(self.smtp(at, folder)?),
            Kind::Command => Way::Command(self.command(at)?),
        };
        Ok(Target { name, timeout, way })
    }

    /// What another kind of target has is no part of this one.
    fn refuse_strangers(&self) -> Result<(), Mistake> {
        fn at<T>(value: &Option<Spanned<T>>) -> Option<usize> {
            value.as_ref().map(|value| value.span().start)
        }
        use Kind::{Command, Smtp, Telegram, Webhook};
        let fields: [(&str, Option<usize>, &[Kind]); 15] = [
            ("ca", at(&self.ca), &[Webhook, Telegram, Smtp]),
            ("url", at(&self.url), &[Webhook]),
            ("headers", at(&self.headers), &[Webhook]),
            ("base", at(&self.base), &[Telegram]),
            ("token", at(&self.token), &[Telegram]),
            ("token_file", at(&self.token_file), &[Telegram]),
            ("chat", at(&self.chat), &[Telegram]),
            ("server", at(&self.server), &[Smtp]),
            ("tls", at(&self.tls), &[Smtp]),
            ("from", at(&self.from), &[Smtp]),
            ("to", at(&self.to), &[Smtp]),
            ("username", at(&self.username), &[Smtp]),
            ("password", at(&self.password), &[Smtp]),
            ("password_file", at(&self.password_file), &[Smtp]),
            ("run", at(&self.run), &[Command]),
        ];
        for (name, at, kinds) in fields {
            if let Some(at) = at.filter(|_| !kinds.contains(&self.kind)) {
                return Err((at, format!("`{name}` does not belong to a target of this kind")));
            }
        }
        Ok(())
    }

    fn webhook(&self, at: usize, folder: &Path) -> Result<Webhook, Mistake> {
        let written = needed(&self.url, at, "url = \"https://…\"")?;
        let url = read_at(written, |url| read_url(url.0.expose()))?;
        let mut headers = Vec::new();
        if let Some(written) = &self.headers {
            for (name, value) in written.get_ref() {
                let wrong = |why: &str| (written.span().start, format!("the header {name:?} {why}"));
                let good = HeaderName::from_bytes(name.as_bytes()).map_err(|_| wrong("has no good name"))?;
                if OWN_HEADERS.contains(&good.as_str()) {
                    return Err(wrong("is written by noctule itself"));
                }
                if HeaderValue::from_str(value.0.expose()).is_err() {
                    return Err(wrong("has a value with characters that no header may have"));
                }
                headers.push((good.as_str().to_owned(), value.0.clone()));
            }
        }
        Ok(Webhook { url, headers, ca: self.ca(folder) })
    }

    fn telegram(&self, at: usize, folder: &Path) -> Result<Telegram, Mistake> {
        let base = match &self.base {
            None => read_url("https://api.telegram.org").map_err(|message| (at, message))?,
            Some(written) => {
                let base = read_at(written, |base| read_url(base.0.expose()))?;
                if !base.tls && !is_local(&base.host) {
                    let message = "a token does not go through a network in the clear: https";
                    return Err((written.span().start, message.to_owned()));
                }
                base
            }
        };
        let what = "token_file = \"…\", or token = \"…\"";
        let token = password(&self.token, &self.token_file, folder)?.ok_or_else(|| lacks(at, what))?;
        if let (Password::Clear(token), Some(written)) = (&token, &self.token)
            && !is_token(token.expose())
        {
            return Err((written.span().start, "a bot's token looks like 123456:ABC-def".to_owned()));
        }
        let chat = needed(&self.chat, at, "chat = \"-100…\"")?;
        let is_good = |c: char| c.is_ascii_alphanumeric() || "-_@".contains(c);
        if chat.get_ref().is_empty() || chat.get_ref().len() > 64 || !chat.get_ref().chars().all(is_good) {
            return Err((chat.span().start, "a chat is a number, or the @name of a channel".to_owned()));
        }
        Ok(Telegram { base, token, chat: chat.get_ref().clone(), ca: self.ca(folder) })
    }

    fn smtp(&self, at: usize, folder: &Path) -> Result<Smtp, Mistake> {
        let tls = self.tls.as_ref().map_or(Tls::Starttls, |tls| *tls.get_ref());
        let written = needed(&self.server, at, "server = \"mail.example.net\"")?;
        let usual = match tls {
            Tls::Implicit => 465,
            Tls::Starttls => 587,
            Tls::None => 25,
        };
        let (server, port) = read_at(written, |server| read_server(server, usual))?;
        let from = needed(&self.from, at, "from = \"noctule@example.net\"")?;
        let from = read_at(from, |address| mailbox(address))?;
        let written = needed(&self.to, at, "to = [\"noc@example.net\"]")?;
        let to = read_at(written, |all| {
            all.iter().map(|address| mailbox(address)).collect::<Result<Vec<_>, _>>()
        })?;
        if to.is_empty() || to.len() > MOST {
            return Err((written.span().start, format!("1 to {MOST} recipients belong here")));
        }
        let password = password(&self.password, &self.password_file, folder)?;
        let login = match (&self.username, password) {
            (None, None) => None,
            (Some(name), Some(password)) => {
                if name.get_ref().is_empty() || name.get_ref().chars().any(char::is_control) {
                    return Err((name.span().start, "this is no user name".to_owned()));
                }
                if tls == Tls::None && !is_local(&server) {
                    let message = "a password does not go through a network in the clear: tls = \"starttls\"";
                    return Err((name.span().start, message.to_owned()));
                }
                Some((name.get_ref().clone(), password))
            }
            (Some(name), None) => {
                return Err(lacks(name.span().start, "password_file = \"…\", or password = \"…\""));
            }
            (None, Some(_)) => return Err(lacks(at, "username = \"…\"")),
        };
        Ok(Smtp { server, port, tls, from, to, login, ca: self.ca(folder) })
    }

    fn command(&self, at: usize) -> Result<Vec<String>, Mistake> {
        let written = needed(&self.run, at, "run = [\"/usr/local/bin/page\", \"noc\"]")?;
        let argv = written.get_ref();
        let wrong = |message: &str| Err((written.span().start, message.to_owned()));
        match argv.first() {
            Some(program) if program.starts_with('/') => {}
            _ => return wrong("a program is named by its whole path: run = [\"/usr/local/bin/page\"]"),
        }
        if argv.len() > MOST || argv.iter().any(|word| word.contains('\0')) {
            return wrong("at most 100 words without NUL belong here");
        }
        Ok(argv.clone())
    }

    fn ca(&self, folder: &Path) -> Option<PathBuf> {
        self.ca.as_ref().map(|path| folder.join(path.get_ref()))
    }
}
