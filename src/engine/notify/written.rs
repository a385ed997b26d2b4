//! `notify.toml` as it is written, and what is wrong with it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use hyper::header::{HeaderName, HeaderValue};
use serde::Deserialize;
use toml::Spanned;

use crate::engine::Selection;
use crate::engine::settings::{Hidden, duration, line_of};
use crate::model::{Address, DeviceName, EventKind, Secret, Severity, nearest};

use super::quiet::Quiet;
use super::settings::{NotifySettings, Password, Rule, Smtp, Target, Telegram, Tls, Url, Way, Webhook};

/// The most targets, and the most rules.
const MOST: usize = 100;
/// Headers that are noctule's own.
const OWN_HEADERS: [&str; 6] =
    ["host", "content-length", "content-type", "transfer-encoding", "connection", "user-agent"];

/// A line, counting from 1, and what is wrong there.
type Fault = (Option<usize>, String);
/// Where in the text, and what is wrong there.
type Mistake = (usize, String);

/// Reads the file's text.
pub fn read(text: &str, folder: &Path) -> Result<NotifySettings, Fault> {
    let written: Written = toml::from_str(text)
        .map_err(|error| (error.span().map(|span| line_of(text, span.start)), error.message().to_owned()))?;
    written.into_settings(folder).map_err(|(at, message)| (Some(line_of(text, at)), message))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(default)]
    target: Vec<Spanned<TargetTable>>,
    #[serde(default)]
    rule: Vec<Spanned<RuleTable>>,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Webhook,
    Telegram,
    Smtp,
    Command,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TargetTable {
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

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleTable {
    #[serde(default)]
    on: Vec<EventKind>,
    severity: Option<Severity>,
    group: Option<String>,
    #[serde(default)]
    devices: Vec<Spanned<String>>,
    #[serde(default)]
    filter: String,
    to: Spanned<Vec<String>>,
    quiet: Option<Spanned<String>>,
    quiet_except: Option<Spanned<Severity>>,
    group_for: Option<Spanned<String>>,
    remind: Option<Spanned<String>>,
}

impl Written {
    fn into_settings(self, folder: &Path) -> Result<NotifySettings, Mistake> {
        for (count, what) in [(self.target.len(), "targets"), (self.rule.len(), "rules")] {
            if count > MOST {
                return Err((0, format!("{count} {what}: more than {MOST}")));
            }
        }
        let mut targets: Vec<Arc<Target>> = Vec::new();
        for table in self.target {
            let at = table.span().start;
            let target = table.into_inner().into_target(at, folder, &targets)?;
            targets.push(Arc::new(target));
        }
        let rules = self.rule.into_iter().map(|table| table.into_inner().into_rule(&targets));
        let rules = rules.collect::<Result<Vec<_>, _>>()?;
        Ok(NotifySettings { targets, rules })
    }
}

impl TargetTable {
    fn into_target(self, at: usize, folder: &Path, known: &[Arc<Target>]) -> Result<Target, Mistake> {
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

impl RuleTable {
    fn into_rule(self, targets: &[Arc<Target>]) -> Result<Rule, Mistake> {
        let to_at = self.to.span().start;
        let to = self.to.into_inner();
        if to.is_empty() {
            return Err((to_at, "a rule without a target: to = [\"noc\"]".to_owned()));
        }
        for name in &to {
            if !targets.iter().any(|target| target.name == *name) {
                let names = targets.iter().map(|target| target.name.as_str());
                let hint = nearest(name, names).map(|near| format!("; did you mean {near}?"));
                return Err((to_at, format!("there is no target {name:?}{}", hint.unwrap_or_default())));
            }
        }
        let mut names = Vec::new();
        for name in &self.devices {
            let read = read_at(name, |name| name.parse::<DeviceName>().map_err(|error| error.to_string()))?;
            names.push(read.as_str().to_owned());
        }
        let quiet =
            self.quiet.as_ref().map(|quiet| read_at(quiet, |text| text.parse::<Quiet>())).transpose()?;
        if let (None, Some(except)) = (&quiet, &self.quiet_except) {
            return Err((
                except.span().start,
                "quiet_except without quiet hours: quiet = \"22:00-06:00\"".into(),
            ));
        }
        let within = |written: &Option<Spanned<String>>, least: u64, most: u64, says: &str| {
            let read = |text: &Spanned<String>| match read_at(text, |text| duration(text.clone()))? {
                length if (least..=most).contains(&length.as_secs()) => Ok(length),
                _ => Err((text.span().start, format!("out of range: {says}"))),
            };
            written.as_ref().map(read).transpose()
        };
        Ok(Rule {
            on: self.on,
            severity: self.severity.unwrap_or(Severity::Warning),
            devices: Selection { names, group: self.group, filter: self.filter, ..Selection::default() },
            to,
            quiet,
            quiet_except: self.quiet_except.map(|except| *except.get_ref()),
            group_for: within(&self.group_for, 0, 3600, "0s to 1h")?.unwrap_or(Duration::from_secs(10)),
            remind: within(&self.remind, 60, 7 * 86_400, "1m to 7d")?,
        })
    }
}

fn needed<'a, T>(written: &'a Option<Spanned<T>>, at: usize, what: &str) -> Result<&'a Spanned<T>, Mistake> {
    written.as_ref().ok_or_else(|| lacks(at, what))
}

fn lacks(at: usize, what: &str) -> Mistake {
    (at, format!("this target lacks {what}"))
}

fn read_at<W, T>(written: &Spanned<W>, read: impl Fn(&W) -> Result<T, String>) -> Result<T, Mistake> {
    read(written.get_ref()).map_err(|message| (written.span().start, message))
}

/// A secret that stands here or in a file; not both.
fn password(
    clear: &Option<Spanned<Hidden>>,
    file: &Option<Spanned<PathBuf>>,
    folder: &Path,
) -> Result<Option<Password>, Mistake> {
    match (clear, file) {
        (Some(_), Some(file)) => {
            Err((file.span().start, "it stands in the file and here: one of both".into()))
        }
        (Some(clear), None) if clear.get_ref().0.is_empty() => {
            Err((clear.span().start, "it is empty".to_owned()))
        }
        (Some(clear), None) => Ok(Some(Password::Clear(clear.get_ref().0.clone()))),
        (None, Some(file)) => Ok(Some(Password::File(folder.join(file.get_ref())))),
        (None, None) => Ok(None),
    }
}

/// Whether a text can be a bot's token, and so a part of a path.
pub fn is_token(text: &str) -> bool {
    (8..=256).contains(&text.len()) && text.chars().all(|c| c.is_ascii_alphanumeric() || ":-_".contains(c))
}

/// Reads `https://host[:port][/path][?query]`. The error never repeats it.
fn read_url(text: &str) -> Result<Url, String> {
    let wrong = |why: &str| format!("this address {why}: write https://host/path");
    let uri: hyper::Uri = text.parse().map_err(|_| wrong("cannot be read"))?;
    let tls = match uri.scheme_str() {
        Some("https") => true,
        Some("http") => false,
        _ => return Err(wrong("begins with neither https:// nor http://")),
    };
    let authority = uri.authority().ok_or_else(|| wrong("names no host"))?;
    if authority.as_str().contains('@') {
        return Err(wrong("holds a user name; name one with headers = { Authorization = \"…\" }"));
    }
    let host = authority.host().trim_start_matches('[').trim_end_matches(']');
    host.parse::<Address>().map_err(|_| wrong("names no host"))?;
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let port = authority.port_u16().unwrap_or(if tls { 443 } else { 80 });
    Ok(Url { tls, host: host.to_owned(), port, path: Secret::new(path) })
}

/// Reads `host`, `host:port`, `[::1]:25`.
fn read_server(text: &str, usual: u16) -> Result<(String, u16), String> {
    let wrong = || format!("{text:?} is no server: write mail.example.net, or mail.example.net:587");
    let (host, port) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, "")) => (host, None),
        Some((host, rest)) => (host, Some(rest.strip_prefix(':').ok_or_else(wrong)?)),
        None if text.matches(':').count() == 1 => {
            text.split_once(':').map_or((text, None), |(h, p)| (h, Some(p)))
        }
        None => (text, None),
    };
    host.parse::<Address>().map_err(|_| wrong())?;
    let port = port.map_or(Ok(usual), |port| port.parse().map_err(|_| wrong()))?;
    Ok((host.to_owned(), port))
}

/// A bare address of a mailbox: what can stand between `<` and `>` without quotes (RFC 5321).
fn mailbox(text: &str) -> Result<String, String> {
    let is_good = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~.".contains(c);
    let parts = text.rsplit_once('@').filter(|(local, domain)| {
        !local.is_empty()
            && text.len() <= 254
            && local.chars().all(is_good)
            && domain.parse::<Address>().is_ok()
    });
    match parts {
        Some(_) => Ok(text.to_owned()),
        None => Err(format!("{text:?} is no mail address: write noc@example.net")),
    }
}

/// Whether a host is this one.
fn is_local(host: &str) -> bool {
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<NotifySettings, Fault> {
        read(text, Path::new("/etc/noctule"))
    }

    const HOOK: &str =
        "[[target]]\nname = \"hook\"\nkind = \"webhook\"\nurl = \"https://h.example/s3cr3t\"\n";

    #[test]
    fn reads_every_kind_of_target_and_a_rule() {
        let settings = parse(
            r#"
            [[target]]
            name = "hook"
            kind = "webhook"
            url = "https://[::1]:8443/T0/s3cr3t?x=1"
            headers = { Authorization = "Bearer s3cr3t" }
            ca = "ca.pem"
            timeout = "5s"
            [[target]]
            name = "chat"
            kind = "telegram"
            token = "123456:s3cr3t-token"
            chat = "-100123"
            [[target]]
            name = "mail"
            kind = "smtp"
            server = "mail.example.net"
            from = "noctule@example.net"
            to = ["noc@example.net", "boss+alarm@example.net"]
            username = "noctule"
            password_file = "smtp.password"
            [[target]]
            name = "page"
            kind = "command"
            run = ["/usr/local/bin/page", "--loud"]
            [[rule]]
            on = ["incident-opened", "incident-closed"]
            severity = "error"
            group = "core"
            devices = ["edge-1"]
            filter = "role:access"
            to = ["hook", "mail"]
            quiet = "22:00-06:00"
            quiet_except = "error"
            group_for = "30s"
            remind = "1h"
            "#,
        )
        .unwrap();
        assert_eq!(settings.targets.len(), 4);
        let hook = settings.target("hook").unwrap();
        assert_eq!(hook.place(), "https://[::1]:8443");
        let Way::Webhook(webhook) = &hook.way else { panic!("{hook:?}") };
        assert_eq!(webhook.url.path.expose(), "/T0/s3cr3t?x=1");
        assert_eq!(webhook.ca.as_deref(), Some(Path::new("/etc/noctule/ca.pem")));
        assert_eq!(
            settings.target("mail").unwrap().place(),
            "noc@example.net, boss+alarm@example.net by mail.example.net:587"
        );
        let rule = &settings.rules[0];
        assert_eq!((rule.group_for.as_secs(), rule.remind), (30, Some(Duration::from_secs(3600))));
        // nothing that is printed for a developer's eye holds a secret either
        assert!(!format!("{settings:?}").contains("s3cr3t"), "{settings:?}");
    }

    #[test]
    fn a_mistake_names_its_line_and_tells_no_secret() {
        let smtp =
            "[[target]]\nname = \"m\"\nkind = \"smtp\"\nserver = \"m.example\"\nfrom = \"a@b.example\"\n";
        for (text, line, says) in [
            ("[[target]]\nname = \"a b\"\nkind = \"webhook\"".to_owned(), 2, "letters"),
            ("[[target]]\nname = \"a\"\nkind = \"pager\"".to_owned(), 3, "pager"),
            ("[[target]]\nname = \"a\"\nkind = \"webhook\"".to_owned(), 1, "lacks url"),
            (format!("{HOOK}token = 's3cr3t'"), 5, "does not belong"),
            (format!("{HOOK}urll = 's3cr3t'"), 5, "urll"),
            (HOOK.replace("\"https://h.example/s3cr3t\"", "534"), 4, "in quotes"),
            (HOOK.replace("https:", "gopher:"), 4, "neither"),
            (HOOK.replace("h.example", "ann:s3cr3t@h.example"), 4, "user name"),
            (format!("{HOOK}headers = {{ Host = 's3cr3t' }}"), 5, "itself"),
            (format!("{HOOK}headers = {{ X = \"s3cr3t\\nEvil: 1\" }}"), 5, "no header"),
            (format!("{HOOK}timeout = \"10m\""), 5, "1s to 5m"),
            (format!("{HOOK}{HOOK}"), 6, "two targets"),
            (format!("{HOOK}[[rule]]\nto = [\"hock\"]"), 6, "did you mean hook?"),
            (format!("{HOOK}[[rule]]\nto = []"), 6, "without a target"),
            (format!("{HOOK}[[rule]]\nto = [\"hook\"]\non = [\"incident\"]"), 7, "incident"),
            (format!("{HOOK}[[rule]]\nto = [\"hook\"]\nquiet = \"night\""), 7, "22:00"),
            (format!("{HOOK}[[rule]]\nto = [\"hook\"]\nquiet_except = \"error\""), 7, "without quiet"),
            (format!("{HOOK}[[rule]]\nto = [\"hook\"]\nremind = \"1s\""), 7, "1m to 7d"),
            (format!("{smtp}to = [\"a@b.example\\nBcc: x@y.example\"]"), 6, "no mail address"),
            (format!("{smtp}to = [\"a@b.example\"]\npassword = \"s3cr3t\""), 1, "lacks username"),
            (
                format!(
                    "{smtp}to = [\"a@b.example\"]\ntls = \"none\"\nusername = \"u\"\npassword = \"s3cr3t\""
                ),
                8,
                "in the clear",
            ),
            ("[[target]]\nname = \"c\"\nkind = \"command\"\nrun = [\"page\"]".to_owned(), 4, "whole path"),
            (
                "[[target]]\nname = \"t\"\nkind = \"telegram\"\nchat = \"1\"\ntoken = \"s3cr3t/../x\""
                    .to_owned(),
                5,
                "token",
            ),
        ] {
            let (at, message) = parse(&text).expect_err(&text);
            assert_eq!(at, Some(line), "{text}: {message}");
            assert!(message.contains(says), "{text}: {message}");
            assert!(!message.contains("s3cr3t") && !message.contains("534"), "{message}");
        }
    }

    #[test]
    fn servers_are_read_with_and_without_a_port() {
        for (text, host, port) in [
            ("m.example", "m.example", 25),
            ("m.example:2525", "m.example", 2525),
            ("10.0.0.1:26", "10.0.0.1", 26),
            ("[::1]:2525", "::1", 2525),
            ("[::1]", "::1", 25),
            ("::1", "::1", 25),
        ] {
            assert_eq!(read_server(text, 25), Ok((host.to_owned(), port)), "{text}");
        }
        for wrong in ["", "m.example:", "m.example:x", "[::1", "a b", "[::1]x"] {
            assert!(read_server(wrong, 25).is_err(), "{wrong}");
        }
    }
}
