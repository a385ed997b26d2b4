//! OpenSSH's known_hosts files: which keys they know of a host, and which they revoke. See sshd(8), "SSH_KNOWN_HOSTS
//! FILE FORMAT".

mod read;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

pub use read::Fault;
use read::{Line, Marker, read};

/// The largest file, in bytes.
pub const LARGEST: usize = 16 << 20;

/// One file, read.
#[derive(Debug, Default)]
pub struct KnownHosts {
    lines: Vec<Line>,
    faults: Vec<Fault>,
}

/// A key of a file, and where it stands there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundKey {
    /// As OpenSSH writes it: `ssh-ed25519 AAAA…`.
    pub key: String,
    /// The file and its line, for people: `/home/ann/.ssh/known_hosts line 7`.
    pub at: String,
}

/// What files say of one host.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// Keys that it has.
    pub keys: Vec<FoundKey>,
    /// Keys that must never be taken for it.
    pub revoked: Vec<FoundKey>,
}

impl KnownHosts {
    /// Reads the text of a file. A line with a mistake is told by [`KnownHosts::faults`] and takes no other with it.
    pub fn parse(text: &str) -> Self {
        read(text)
    }

    /// The lines that say nothing that noctule can use, and why.
    pub fn faults(&self) -> &[Fault] {
        &self.faults
    }

    /// What the file says of the host that it calls `name` (see [`name_of`]); `file` is its own name for people.
    pub fn of(&self, name: &str, file: &str) -> Found {
        let mut found = Found::default();
        for line in self.lines.iter().filter(|line| line.hosts.name(name)) {
            let key = FoundKey { key: line.key.clone(), at: format!("{file} line {}", line.number) };
            match line.marker {
                Marker::None => found.keys.push(key),
                Marker::Revoked => found.revoked.push(key),
            }
        }
        found
    }
}

/// A host as these files name it: the bare name at port 22, else `[name]:port`; in lower case.
pub fn name_of(host: &str, port: u16) -> String {
    let host = host.to_ascii_lowercase();
    if port == 22 { host } else { format!("[{host}]:{port}") }
}

/// Files, read once for as long as they stay as they are.
#[derive(Debug, Default)]
pub struct KnownHostsFiles {
    read: Mutex<HashMap<PathBuf, Seen>>,
}

/// A file as it was when it was read.
#[derive(Debug)]
struct Seen {
    changed: SystemTime,
    size: u64,
    known: Arc<KnownHosts>,
}

impl KnownHostsFiles {
    /// What `files` say of a host. One that is not there, or cannot be read, says nothing, as with OpenSSH.
    pub fn of(&self, files: &[PathBuf], name: &str) -> Found {
        let mut all = Found::default();
        for file in files {
            if let Some(known) = self.file(file) {
                let found = known.of(name, &file.to_string_lossy());
                all.keys.extend(found.keys);
                all.revoked.extend(found.revoked);
            }
        }
        all
    }

    fn file(&self, file: &Path) -> Option<Arc<KnownHosts>> {
        let about =
            std::fs::metadata(file).ok().filter(|about| about.is_file() && about.len() <= LARGEST as u64)?;
        let (changed, size) = (about.modified().ok()?, about.len());
        let lock = || self.read.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(seen) = lock().get(file)
            && (seen.changed, seen.size) == (changed, size)
        {
            return Some(Arc::clone(&seen.known));
        }
        let text = String::from_utf8_lossy(&std::fs::read(file).ok()?).into_owned();
        let known = Arc::new(KnownHosts::parse(&text));
        lock().insert(file.to_owned(), Seen { changed, size, known: Arc::clone(&known) });
        Some(known)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAICfuGH/TR37NHrqy57j9zANVFwKkZJHuVIo1C2PgVZYN";
    const B: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAID4j6BYAOVlKM4lPZWThsTSLvXoAiNQsSstz7q7VnACd";

    /// The keys of a host by name: `a`, `b`, and `!a` where it is revoked.
    fn known(text: &str, host: &str, port: u16) -> String {
        let found = KnownHosts::parse(text).of(&name_of(host, port), "f");
        let name = |key: &FoundKey| if key.key == A { "a" } else { "b" };
        let keys = found.keys.iter().map(|key| name(key).to_owned());
        let revoked = found.revoked.iter().map(|key| format!("!{}", name(key)));
        keys.chain(revoked).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn hosts_are_named_in_every_way_that_openssh_knows() {
        let text = format!(
            "# comment\n\ncore-1,192.0.2.1 {A}\n[core-1]:2222\t{B} a comment\n*.Example.net,!bad.example.net {B}\n\
             [192.0.2.*]:830 {A}\n  core-1   {B}\n2001:db8::1 {A}\n"
        );
        for (host, port, keys) in [
            ("core-1", 22, "a b"),
            ("CORE-1", 22, "a b"),
            ("192.0.2.1", 22, "a"),
            ("core-1", 2222, "b"),
            ("core-1", 23, ""),
            ("x.example.net", 22, "b"),
            ("bad.example.net", 22, ""),
            ("192.0.2.77", 830, "a"),
            ("192.0.2.77", 22, ""),
            ("2001:db8::1", 22, "a"),
        ] {
            assert_eq!(known(&text, host, port), keys, "{host} {port}");
        }
        assert!(KnownHosts::parse(&text).faults().is_empty());
    }

    #[test]
    fn hashed_names_are_found_as_ssh_keygen_hashes_them() {
        // ssh-keygen -H of 10.0.0.1, core-1 and [core-1]:2222
        let text = format!(
            "|1|fMIIdkxjooqB3RKLzXoPKUPFBMA=|UKh7BGj17WDlL6+B7LXrnd+qoF0= {A}\n\
             |1|READXosmE5CaLN+pEZcPBiXLKRQ=|IXW1CshhHXshNgRxx6mBb1pcVwA= {A}\n\
             |1|LKtrd+7A9hPqub9EIm+qDjBrCQ8=|Ty0DrzD29r3UYqMEO685BnwllAY= {B}\n"
        );
        assert_eq!(known(&text, "10.0.0.1", 22), "a");
        assert_eq!(known(&text, "core-1", 22), "a");
        assert_eq!(known(&text, "Core-1", 2222), "b");
        assert_eq!(known(&text, "core-2", 22), "");
    }

    #[test]
    fn what_is_revoked_is_never_a_key_and_what_cannot_be_used_is_told() {
        let text = format!(
            "@revoked * {A}\n@cert-authority *.example.net {B}\n@odd core-1 {A}\ncore-1 ssh-ed25519 AAAAno\ncore-1\n\
             |1|x|y {A}\ncore-1 {B}\ncore-1 1024 35 1234567\n"
        );
        assert_eq!(known(&text, "core-1", 22), "b !a");
        let parsed = KnownHosts::parse(&text);
        let faults: Vec<(usize, &str)> =
            parsed.faults().iter().map(|fault| (fault.line, fault.why.as_str())).collect();
        let expected = [
            (2, "host certificates"),
            (3, "@odd"),
            (4, "no public key"),
            (5, "no key"),
            (6, "hashed name"),
            (8, "no public key"),
        ];
        assert_eq!(faults.len(), expected.len(), "{faults:?}");
        for ((line, why), (expected, part)) in faults.into_iter().zip(expected) {
            assert!(line == expected && why.contains(part), "{line}: {why}");
        }
    }

    #[test]
    fn a_file_is_read_anew_when_it_has_changed() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("known_hosts");
        let files = KnownHostsFiles::default();
        let paths = [file.clone(), folder.path().join("none")];
        assert_eq!(files.of(&paths, "core-1"), Found::default());
        std::fs::write(&file, format!("core-1 {A}\n")).unwrap();
        let found = files.of(&paths, "core-1");
        assert_eq!(found.keys[0].at, format!("{} line 1", file.display()));
        std::fs::write(&file, format!("core-1 {A}\ncore-1 {B}\n")).unwrap();
        assert_eq!(files.of(&paths, "core-1").keys.len(), 2);
    }
}
