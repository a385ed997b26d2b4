//! The normalised view of a configuration: what diffs, search and alerts look at.
//!
//! Noise is dropped, and each secret shows as a keyed fingerprint: the same secret always as the same one, so that a
//! changed password is seen and a text that is merely printed with another salt is silent.

use std::ops::Range;

use super::driver::{CompiledBlock, CompiledDriver, Patterns, Piece};
use crate::model::{MAX_SHOWN, clean_line};

const VOLATILE: &str = "<volatile>";
/// Stands for a secret that is written with another salt at each look: whether it changed cannot be seen.
pub const ROTATING: &str = "<secret>";

/// Makes the normalised view. `fingerprint` names a secret without telling it.
pub fn normalise(driver: &CompiledDriver, exact: &str, fingerprint: &dyn Fn(&str) -> String) -> String {
    let mut normal = String::with_capacity(exact.len());
    let mut open: OpenBlock<'_> = None;
    driver.noteworthy.walk(exact, |piece| match piece {
        Piece::Quiet(lines) if open.is_none() => push_quiet(&mut normal, lines),
        Piece::Quiet(lines) => {
            lines.lines().for_each(|line| take_line(&mut normal, &mut open, driver, line, fingerprint));
        }
        Piece::Line(line) => take_line(&mut normal, &mut open, driver, line, fingerprint),
    });
    // A block without an end is a secret to the end of the text.
    if let Some((block, body)) = open {
        push(&mut normal, &block_name(block, &body, fingerprint));
    }
    normal
}

/// A block of secret lines whose end has not come, and what it holds.
type OpenBlock<'d> = Option<(&'d CompiledBlock, String)>;

fn take_line<'d>(
    normal: &mut String,
    open: &mut OpenBlock<'d>,
    driver: &'d CompiledDriver,
    line: &str,
    fingerprint: &dyn Fn(&str) -> String,
) {
    if let Some((block, body)) = open {
        body.push_str(line);
        body.push('\n');
        if block.to.is_match(line) {
            push(normal, &block_name(block, body, fingerprint));
            *open = None;
        }
        return;
    }
    if driver.drop.is_match(line) {
        return;
    }
    push_line(normal, driver, line, fingerprint);
    let begun = driver.secret_blocks.iter().find(|block| block.from.is_match(line));
    *open = begun.map(|block| (block, String::new()));
}

fn block_name(block: &CompiledBlock, body: &str, fingerprint: &dyn Fn(&str) -> String) -> String {
    if block.rotating { ROTATING.to_owned() } else { format!("<secret:{}>", fingerprint(body)) }
}

fn push_line(normal: &mut String, driver: &CompiledDriver, line: &str, fingerprint: &dyn Fn(&str) -> String) {
    let mut parts: Vec<(Range<usize>, String)> = Vec::new();
    let named = |secret: &str| format!("<secret:{}>", fingerprint(secret));
    groups(&driver.rotating_secrets, line, &mut |_, range| parts.push((range, ROTATING.to_owned())));
    // before those that are named as they are written: the first of two names counts
    let (patterns, forms) = &driver.reversible_secrets;
    groups(patterns, line, &mut |place, range| {
        if let Some(clear) = forms[place].read(&line[range.clone()]) {
            parts.push((range, named(&clear)));
        }
    });
    groups(&driver.secrets, line, &mut |_, range| {
        let name = named(&line[range.clone()]);
        parts.push((range, name));
    });
    if driver.volatile.set.is_match(line) {
        for place in driver.volatile.set.matches(line) {
            let found = driver.volatile.each[place].find_iter(line);
            parts.extend(found.map(|found| (found.range(), VOLATILE.to_owned())));
        }
    }
    if parts.is_empty() {
        return push(normal, line);
    }
    push(normal, &replaced(line, parts));
}

/// Calls `found` with where in a line the driver says that a secret stands. Parts of it may come twice.
pub fn secrets_of(driver: &CompiledDriver, line: &str, found: &mut dyn FnMut(Range<usize>)) {
    let (reversible, _) = &driver.reversible_secrets;
    for patterns in [&driver.rotating_secrets, reversible, &driver.secrets] {
        groups(patterns, line, &mut |_, range| found(range));
    }
}

/// Calls `found` with the place of each pattern that matches, and each of its groups.
fn groups(patterns: &Patterns, line: &str, found: &mut dyn FnMut(usize, Range<usize>)) {
    // most lines hold none, and to say so is much cheaper than to say which
    if !patterns.set.is_match(line) {
        return;
    }
    for place in patterns.set.matches(line) {
        for captures in patterns.each[place].captures_iter(line) {
            for group in captures.iter().skip(1).flatten().filter(|group| !group.is_empty()) {
                found(place, group.range());
            }
        }
    }
}

/// The line with its parts replaced. Where two overlap, both are covered by one name, and that which tells more
/// counts, the first of two fingerprints: a changed password must be seen.
fn replaced(line: &str, mut parts: Vec<(Range<usize>, String)>) -> String {
    parts.sort_by_key(|(range, _)| range.start);
    let mut joined: Vec<(Range<usize>, String)> = Vec::with_capacity(parts.len());
    for (range, name) in parts {
        match joined.last_mut() {
            Some((before, known)) if range.start < before.end => {
                before.end = before.end.max(range.end);
                if telling(&name) > telling(known) {
                    *known = name;
                }
            }
            _ => joined.push((range, name)),
        }
    }
    let mut text = String::with_capacity(line.len());
    let mut at = 0;
    for (range, name) in joined {
        text.push_str(&line[at..range.start]);
        text.push_str(&name);
        at = range.end;
    }
    text.push_str(&line[at..]);
    text
}

/// How much a name tells of what it stands for.
fn telling(name: &str) -> u8 {
    match name {
        VOLATILE => 0,
        ROTATING => 1,
        _ => 2,
    }
}

/// Pushes lines in which nothing is to be replaced.
fn push_quiet(text: &mut String, lines: &str) {
    // without a branch for each byte
    let is_plain =
        lines.bytes().fold(true, |plain, byte| plain & ((b' '..0x7f).contains(&byte) | (byte == b'\n')));
    if !is_plain || !lines.ends_with('\n') {
        return lines.lines().for_each(|line| push(text, line));
    }
    text.push_str(lines);
}

/// Pushes `line` clean, in pieces that [`clean_line`] does not cut: a change far to the right must be seen too.
fn push(text: &mut String, line: &str) {
    if line.bytes().all(|byte| (b' '..0x7f).contains(&byte)) {
        text.push_str(line);
    } else {
        let mut rest = line;
        while !rest.is_empty() {
            let cut = rest.char_indices().nth(MAX_SHOWN).map_or(rest.len(), |(cut, _)| cut);
            text.push_str(&clean_line(&rest[..cut]));
            rest = &rest[cut..];
        }
    }
    text.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::driver::{Driver, Drivers};

    fn name(secret: &str) -> String {
        format!("{:08x}", crc32fast::hash(secret.as_bytes()))
    }

    fn ios(text: &str) -> String {
        normalise(&Drivers::embedded().get(&"cisco_ios".parse().unwrap()).unwrap(), text, &name)
    }

    #[test]
    fn noise_goes_and_secrets_are_named() {
        let one = ios(
            "! Last configuration change at 10:00\nusername ann secret 5 $1$fake$aaaa\nntp clock-period 1\nend\n",
        );
        assert_eq!(one, format!("username ann secret 5 <secret:{}>\nend\n", name("$1$fake$aaaa")));
        assert_ne!(one, ios("username ann secret 5 $1$fake$bbbb\nend\n"));
        assert_eq!(
            ios("snmp-server community fake-one RO\n"),
            format!("snmp-server community <secret:{}> RO\n", name("fake-one"))
        );
    }

    #[test]
    fn each_line_is_clean_and_a_long_one_is_whole() {
        assert_eq!(ios("deny ip any\rpermit\u{202e} ip\n"), "deny ip any␍permit� ip\n");
        let long = format!("é{}z\n", "x".repeat(10_000));
        assert_eq!(ios(&long), long);
    }

    #[test]
    fn where_parts_overlap_the_secret_counts_and_no_end_of_it_is_left() {
        let part = |range: Range<usize>, name: &str| (range, name.to_owned());
        let parts = vec![part(0..6, VOLATILE), part(4..9, "<secret:1>"), part(5..12, VOLATILE)];
        assert_eq!(replaced("key abcdefgh x", parts), "<secret:1> x");
    }

    #[test]
    fn what_fortios_encrypts_anew_at_each_look_is_silent_and_a_changed_login_hash_is_seen() {
        let fortios = |secret: &str, key: &str, hash: &str| {
            let text = format!(
                "config vpn certificate local\n    set private-key \"-----BEGIN ENCRYPTED PRIVATE KEY-----\n{key}\n\
                 -----END ENCRYPTED PRIVATE KEY-----\"\nend\nset psksecret ENC {secret}\nset password ENC SH2{hash}\n"
            );
            normalise(&Drivers::embedded().get(&"fortinet".parse().unwrap()).unwrap(), &text, &name)
        };
        let one = fortios("fake+one", "fakekeyone", "fakehash1");
        assert_eq!(one, fortios("fake+two", "fakekeytwo", "fakehash1"));
        assert_ne!(one, fortios("fake+one", "fakekeyone", "fakehash2"));
        for secret in ["fake+one", "fakekeyone", "fakehash1"] {
            assert!(!one.contains(secret), "{one}");
        }
    }

    #[test]
    fn a_password_that_is_merely_salted_anew_is_silent_and_another_one_is_seen() {
        let normal = |id: &str, text: &str| {
            normalise(&Drivers::embedded().get(&id.parse().unwrap()).unwrap(), text, &name)
        };
        let named = |before: &str, after: &str| format!("{before}<secret:{}>{after}\n", name("fake-Pass1"));
        // salts 3 and 15, as IOS writes the same word
        let (one, two) = ("03025A000342114D5D1A48", "15140A0701671B253B2064");
        let typed = [
            ("cisco_ios", "username ann password 7 ", ""),
            ("cisco_ios", " key 7 ", ""),
            ("cisco_ios", "  key-string 7 ", ""),
            ("cisco_ios", " neighbor 192.0.2.1 password 7 ", ""),
            ("cisco_ios", " ip ospf message-digest-key 1 md5 7 ", ""),
            ("cisco_ios", "ntp authentication-key 1 md5 ", " 7"),
            ("cisco_ios", "tacacs-server host 192.0.2.1 key 7 ", ""),
            ("cisco_xr", " password 7 ", ""),
            ("cisco_xr", "tacacs-server host 192.0.2.1 port 49 key 7 ", ""),
            ("cisco_xr", "  message-digest-key 1 md5 encrypted ", ""),
            ("cisco_xr", "  key-string password ", ""),
            ("arista_eos", "tacacs-server host 192.0.2.1 key 7 ", ""),
        ];
        for (id, before, after) in typed {
            for secret in [one, two] {
                assert_eq!(normal(id, &format!("{before}{secret}{after}\n")), named(before, after), "{id}");
            }
            let other = normal(id, &format!("{before}094F471A1A0A{after}\n"));
            assert!(other != named(before, after) && !other.contains("094F"), "{id}: {other}");
        }
        for secret in ["$9$iqmTzF/tu1jH69CAB1RhSe87VwgoZU", "$9$Qabc36Apu1hSeTzBIRElevWLNwgJGikmf"] {
            for (before, after) in [
                ("            secret \"", "\"; ## SECRET-DATA"),
                ("        authentication-key \"", "\"; ## SECRET-DATA"),
                ("set system radius-server 192.0.2.1 secret \"", "\""),
            ] {
                let line = format!("{before}{secret}{after}\n");
                assert_eq!(normal("juniper_junos", &line), named(before, after));
            }
        }
        // a hash, and what only looks like the form, are named as they are written
        let hash = "username ann secret 5 $1$fake$aaaa\n";
        assert!(normal("cisco_ios", hash).contains(&name("$1$fake$aaaa")));
        assert!(normal("cisco_ios", " key 7 fake00\n").contains(&name("fake00")));
    }

    #[test]
    fn when_a_zte_olt_was_saved_is_noise() {
        let zte = Drivers::embedded().get(&"zte_zxros".parse().unwrap()).unwrap();
        let text = "!<mim>\n!configuration saved at 13:59:40 Thu Oct 16 2025 by write txt\n\
                    !last configuration change at 13:59:33 Thu Oct 16 2025 by service\n!</mim>\nhostname olt-1\n";
        assert_eq!(normalise(&zte, text, &name), "!<mim>\n!</mim>\nhostname olt-1\n");
    }

    #[test]
    fn blocks_rotating_and_volatile_parts() {
        let driver: Driver = toml::from_str(
            "id='x'\nvendor='x'\nname='x'\ntried='never'\n[prompt]\nprivileged='#'\n[[backup.commands]]\nrun='s'\nconfig=true\n\
             [normal]\nvolatile=['uptime \\d+']\nrotating_secrets=['ENC (\\S+)']\nsecrets=['set (\\S+) ENC']\n\
             [[normal.secret_blocks]]\nfrom='BEGIN'\nto='END'\n[[normal.secret_blocks]]\nfrom='SALTED'\nto='DONE'\nrotating=true\n",
        )
        .unwrap();
        let driver = CompiledDriver::new(driver).unwrap();
        let text = "up uptime 5 x\nset key ENC abc\nBEGIN KEY\nfake\nEND KEY\nafter\n";
        let normal = normalise(&driver, text, &name);
        assert_eq!(
            normal,
            format!(
                "up <volatile> x\nset <secret:{}> ENC <secret>\nBEGIN KEY\n<secret:{}>\nafter\n",
                name("key"),
                name("fake\nEND KEY\n")
            )
        );
        assert_eq!(normalise(&driver, "SALTED\nfake-1\nDONE\n", &name), "SALTED\n<secret>\n");
        assert!(!normalise(&driver, "BEGIN\nfake-without-end\n", &name).contains("fake-without-end"));
    }

    /// Every secret in the drivers' own transcripts has `fake` in it: none of them may be left.
    #[test]
    fn no_driver_leaves_a_secret_of_its_transcripts() {
        let drivers = Drivers::embedded();
        let mut left = Vec::new();
        for id in drivers.ids() {
            let driver = drivers.get(id).unwrap();
            for config in drivers.transcripts(id).iter().filter_map(|file| file.config.as_ref()) {
                let normal = normalise(&driver, config, &name);
                let told = normal.lines().filter(|line| line.contains("fake"));
                left.extend(told.map(|line| format!("{id}: {line}")));
            }
        }
        left.dedup();
        assert!(left.is_empty(), "\n{}", left.join("\n"));
    }
}
