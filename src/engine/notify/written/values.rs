//! Single values of `notify.toml`: addresses, servers, mailboxes, secrets.

use std::path::{Path, PathBuf};

use toml::Spanned;

use crate::engine::notify::settings::{Password, Url};
use crate::engine::settings::Hidden;
use crate::model::{Address, Secret};

use super::Mistake;

/// What must stand in a target.
pub fn needed<'a, T>(
    written: &'a Option<Spanned<T>>,
    at: usize,
    what: &str,
) -> Result<&'a Spanned<T>, Mistake> {
    written.as_ref().ok_or_else(|| lacks(at, what))
}

/// What is said of a target in which something is missing.
pub fn lacks(at: usize, what: &str) -> Mistake {
    (at, format!("this target lacks {what}"))
}

/// Reads a value; a mistake in it is where it stands.
pub fn read_at<W, T>(written: &Spanned<W>, read: impl Fn(&W) -> Result<T, String>) -> Result<T, Mistake> {
    read(written.get_ref()).map_err(|message| (written.span().start, message))
}

/// A secret that stands here or in a file; not both.
pub fn password(
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
pub fn read_url(text: &str) -> Result<Url, String> {
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
pub fn read_server(text: &str, usual: u16) -> Result<(String, u16), String> {
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
pub fn mailbox(text: &str) -> Result<String, String> {
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
pub fn is_local(host: &str) -> bool {
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

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
