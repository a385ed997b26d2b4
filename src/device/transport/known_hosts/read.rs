//! Reads the lines: marker, hosts, key.

use hmac::{Hmac, KeyInit, Mac};
use russh::keys::ssh_key::known_hosts::HostPatterns;
use sha1::Sha1;

use super::KnownHosts;
use crate::device::transport::ssh::public_key;
use crate::device::transport::ssh_config::matches_list;
use crate::model::clean_line;

/// A line that says something.
#[derive(Debug)]
pub struct Line {
    /// Counting from 1.
    pub number: usize,
    pub marker: Marker,
    pub hosts: Hosts,
    /// As OpenSSH writes it, without its comment.
    pub key: String,
}

#[derive(Clone, Copy, Debug)]
pub enum Marker {
    None,
    Revoked,
}

/// Whom a line is about.
#[derive(Debug)]
pub enum Hosts {
    /// Patterns, as in ssh_config.
    Named(Vec<String>),
    /// One name, as HMAC-SHA1 over it.
    Hashed { salt: Vec<u8>, hash: Vec<u8> },
}

/// A line that noctule cannot use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Counting from 1.
    pub line: usize,
    /// Why, in words.
    pub why: String,
    /// Whether it is well made, and only nothing for noctule: the key of a certificate authority.
    pub well_made: bool,
}

pub fn read(text: &str) -> KnownHosts {
    let mut known = KnownHosts::default();
    for (index, written) in text.lines().enumerate() {
        let number = index + 1;
        let written = written.trim();
        if written.is_empty() || written.starts_with('#') {
            continue;
        }
        match line(number, written) {
            Ok(line) => known.lines.push(line),
            Err((why, well_made)) => known.faults.push(Fault { line: number, why, well_made }),
        }
    }
    known
}

fn line(number: usize, written: &str) -> Result<Line, (String, bool)> {
    let bad = |why: &str| (why.to_owned(), false);
    let mut words = written.split_ascii_whitespace().peekable();
    let marker = match words.next_if(|word| word.starts_with('@')) {
        None => Marker::None,
        Some("@revoked") => Marker::Revoked,
        Some("@cert-authority") => {
            return Err(("noctule takes no host certificates: pin the host's own key".to_owned(), true));
        }
        Some(other) => {
            let shown: String = clean_line(other).chars().take(40).collect();
            return Err((format!("{shown} is no marker: @revoked and @cert-authority are"), false));
        }
    };
    let hosts = words.next().ok_or_else(|| bad("there is no host"))?;
    let hosts = if hosts.starts_with('|') {
        hashed_name(hosts).ok_or_else(|| bad("the hashed name is damaged: |1|SALT|HASH is one"))?
    } else {
        Hosts::Named(hosts.split(',').map(str::to_owned).collect())
    };
    let (Some(algorithm), Some(body)) = (words.next(), words.next()) else {
        return Err(bad("there is no key after the host"));
    };
    let key = public_key(&format!("{algorithm} {body}"))
        .ok_or_else(|| bad("there is no public key that noctule can read"))?;
    Ok(Line { number, marker, hosts, key })
}

fn hashed_name(text: &str) -> Option<Hosts> {
    match text.parse().ok()? {
        HostPatterns::HashedName { salt, hash } => Some(Hosts::Hashed { salt, hash: hash.to_vec() }),
        HostPatterns::Patterns(_) => None,
    }
}

impl Hosts {
    /// Whether they are about this name, `host` or `[host]:port`, in lower case.
    pub fn name(&self, name: &str) -> bool {
        match self {
            Self::Named(patterns) => matches_list(patterns, name),
            Self::Hashed { salt, hash } => Hmac::<Sha1>::new_from_slice(salt)
                .is_ok_and(|mac| mac.chain_update(name.as_bytes()).finalize().into_bytes()[..] == hash[..]),
        }
    }
}
