//! `[serve]`: whom the engine believes about who uses it, and where it shows its metrics.

use std::fmt;
use std::net::SocketAddr;
use std::path::{Component, PathBuf};

use serde::Deserialize;
use toml::Spanned;

use super::keys::{Key, Value, quoted, text};
use super::{Mistake, or_usual};

/// Where metrics are served. This host alone reaches it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MetricsPlace {
    /// A port of the loopback.
    Port(SocketAddr),
    /// A Unix socket, by its whole path.
    Socket(PathBuf),
}

impl fmt::Display for MetricsPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Port(address) => write!(f, "{address}"),
            Self::Socket(path) => write!(f, "{}", path.display()),
        }
    }
}

pub(super) const KEYS: &[Key] = &[
    Key::new(
        "trusted",
        "accounts that may say which person uses them (--as NAME): those whose keys stand for people",
        |s| {
            let accounts: Vec<String> = s.trusted.iter().map(|account| quoted(account)).collect();
            Value::Plain(format!("[{}]", accounts.join(", ")))
        },
    ),
    Key::new(
        "metrics",
        "where `noctule serve` has metrics for Prometheus: a port of 127.0.0.1 or [::1], or a Unix socket by its whole path; \
         nowhere where it is not set",
        |s| match &s.metrics {
            Some(place) => text(&place.to_string()),
            None => Value::Unset("\"127.0.0.1:9470\""),
        },
    ),
];

/// The table as it is written.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub(super) struct ServeTable {
    pub trusted: Vec<String>,
    metrics: Option<Spanned<String>>,
}

impl ServeTable {
    pub(super) fn metrics(&mut self) -> Result<Option<MetricsPlace>, Mistake> {
        or_usual(self.metrics.take(), None, |text| place(&text).map(Some))
    }
}

fn place(text: &str) -> Result<MetricsPlace, String> {
    const RIGHT: &str = "write \"127.0.0.1:9470\", \"[::1]:9470\", or a Unix socket by its whole path, \
                         \"/run/noctule-metrics/metrics.sock\"";
    if text.starts_with('/') {
        let path = PathBuf::from(text);
        let is_plain =
            path.components().all(|part| matches!(part, Component::RootDir | Component::Normal(_)));
        let names_a_file = is_plain && path.file_name().is_some() && !text.ends_with('/');
        return match names_a_file && !text.contains('\0') {
            true => Ok(MetricsPlace::Socket(path)),
            false => Err(format!("{text:?} is no whole path of a socket: {RIGHT}")),
        };
    }
    match text.parse::<SocketAddr>() {
        Ok(address) if !address.ip().is_loopback() => Err(format!(
            "{text:?} can be reached from other hosts, and whoever reaches metrics reads them: {RIGHT}; a collector on \
             this host, or a web server with a login before it, hands them on"
        )),
        Ok(address) if address.port() == 0 => {
            Err(format!("{text:?} is another port at each start, which nobody would know: {RIGHT}"))
        }
        Ok(address) => Ok(MetricsPlace::Port(address)),
        Err(_) => Err(format!("{text:?} is no address with its port: {RIGHT}")),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::Settings;
    use super::*;

    fn read(value: &str) -> Result<Option<MetricsPlace>, super::super::SettingsError> {
        let text = format!("[serve]\nmetrics = {}\n", quoted(value));
        Settings::parse(&text, "config.toml", Path::new("/")).map(|settings| settings.metrics)
    }

    #[test]
    fn this_host_alone_is_a_place_for_metrics() {
        for port in ["127.0.0.1:9470", "[::1]:9470", "127.8.9.10:1"] {
            assert_eq!(read(port).unwrap(), Some(MetricsPlace::Port(port.parse().unwrap())));
            assert_eq!(read(port).unwrap().unwrap().to_string(), port);
        }
        let socket = "/run/noctule-metrics/metrics.sock";
        assert_eq!(read(socket).unwrap(), Some(MetricsPlace::Socket(socket.into())));
        assert_eq!(Settings::default().metrics, None);
    }

    #[test]
    fn any_other_is_refused_with_why_and_what_to_do() {
        for (value, why) in [
            ("0.0.0.0:9470", "reached from other hosts"),
            ("[::]:9470", "reached from other hosts"),
            ("192.0.2.7:9470", "reached from other hosts"),
            ("[::ffff:127.0.0.1]:9470", "reached from other hosts"),
            ("127.0.0.1:0", "another port at each start"),
            ("127.0.0.1", "no address with its port"),
            ("localhost:9470", "no address with its port"),
            (":9470", "no address with its port"),
            ("metrics.sock", "no address with its port"),
            ("@metrics", "no address with its port"),
            ("", "no address with its port"),
            ("/", "no whole path"),
            ("/run/noctule/", "no whole path"),
            ("/run/../etc/x", "no whole path"),
            ("/run/\0x", "no whole path"),
        ] {
            let error = read(value).unwrap_err();
            assert!(error.message.contains(why), "{value}: {error}");
            assert!(error.message.contains("write \"127.0.0.1:9470\"") && error.line == Some(2), "{error}");
        }
    }
}
