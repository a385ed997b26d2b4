//! Words behind which secrets usually stand, whatever made the line. They find what no driver's patterns speak of: answers to
//! commands that no backup gives, commands in short, tools of a shell.

use std::ops::Range;
use std::sync::LazyLock;

use regex::{Regex, RegexSet};

/// What stands between the word and its secret.
const BETWEEN: &str = r#"["']?(?:\s*[=:]\s*|\s+)(?:(?:level \d+|\d{1,2}|0x|cipher|simple|irreversible-cipher|plain(?:-?text)?|clear(?:-?text)?|ascii(?:-text)?|hex(?:adecimal)?|encrypted|unencrypted|hash(?:ed)?|hash-algorithm|md5|sha\d*|hmac-\S+|aes\S*|des|3des|text|string|bcrypt|scrypt|argon2|ENC|read|write|ro|rw|name|is|was)\s+)*"#;
/// The secret: quoted, or up to the next blank.
const SECRET: &str = r#"("(?:[^"\\]|\\.)*(?:"|$)|'[^']*(?:'|$)|\S+)"#;

/// Words in lines that a device shows.
const SHOWN: [&str; 8] = [
    r"(?i)[\w-]*(?:passw(?:or)?d|pass-?phrase|passcode|secret|psk|shared-key|key-string|(?:auth|priv|authentication|privacy|encryption|md5|private|api|access)-(?:key|pass|pwd)|(?:api|auth|access)[-_ ]?token)(?:-value|-key|-hash|-string|-text)?{between}{secret}",
    r#"(?i)(?:^|[\s"{(])(?:snmp-?)?community(?:[ -](?:name|string|index|read|write))*{between}{secret}"#,
    r"(?i)\b(?:radius|tacacs)[\w-]*\b.*?\bkey{between}{secret}",
    r"(?i)\bkey\s+(?:(?:\d|cipher|simple|ascii-text|hex|encrypted|unencrypted)\s+)+{secret}",
    r"(?i)\b(?:auth|authentication|authentication-mode|priv|privacy|privacy-mode|priv-protocol|auth-protocol)\s+(?:md5|sha\S*|des\S*|3des|aes\S*)\s+(?:(?:128|192|256|cipher|simple|encrypted|localized)\s+)*{secret}",
    r"(?i)\bmessage-digest-key\s+\d+\s+md5\s+(?:\d\s+)?{secret}",
    // the forms of crypt(3), Junos and Cisco
    r#"(\$(?:\d{1,2}|2[abxy]|y|argon2\w*|sha\d+|pbkdf2[\w-]*)\$[^\s"';,]+)"#,
    r"\bENC\s+(\S+)",
];
/// The same of tools and addresses, which a person types and logs show.
const TOOLS: [&str; 7] = [
    r"\w://[^\s/:@]*:(\S+)@",
    r"(?i)\bauthorization:\s*(?:bearer|basic|digest)\s+(\S+)",
    r"\bsnmp[a-z]+\s(?:.*\s)?-c\s*(\S+)",
    r"\bsnmp[a-z]+\s(?:.*\s)?-A\s*(\S+)",
    r"\bsnmp[a-z]+\s(?:.*\s)?-X\s*(\S+)",
    r"\bsshpass\s+-p\s*(\S+)",
    r"\b(?:curl|wget)\s(?:.*\s)?(?:-u|--user)[ =]?[^\s:]*:(\S+)",
];
/// Words of typed commands, as far as a device needs them.
const TYPED: [&str; 2] = [
    r"(?i)(?:^|\s)(?:pass?(?:w(?:o(?:rd?)?)?)?|sec(?:r(?:et?)?)?|comm?(?:u\w*)?){between}{secret}",
    r"(?i)(?:^|\s)(?:key-s\w*|pre-s\w*|shared-k\w*|auth-p\w*|priv-p\w*|authentication-k\w*){between}{secret}",
];
/// What follows those words in sentences and in help texts, and is no secret.
const NEVER: &[&str] = &[
    "a",
    "accepted",
    "additive",
    "aging",
    "and",
    "authentication",
    "be",
    "both",
    "changed",
    "configured",
    "database",
    "delete",
    "disabled",
    "enabled",
    "encryption",
    "expired",
    "extended",
    "failed",
    "for",
    "has",
    "have",
    "history",
    "in",
    "incorrect",
    "internal",
    "invalid",
    "length",
    "line",
    "mismatch",
    "must",
    "needed",
    "no",
    "none",
    "not",
    "of",
    "on",
    "or",
    "policy",
    "recovery",
    "rejected",
    "required",
    "set",
    "standard",
    "strength",
    "the",
    "to",
    "word",
];

static SHOWN_LINES: LazyLock<Words> = LazyLock::new(|| Words::new(SHOWN.iter().chain(&TOOLS)));
static TYPED_LINES: LazyLock<Words> = LazyLock::new(|| Words::new(TYPED.iter()));
static KEY_BEGINS: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new("-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY-----").ok());
static KEY_ENDS: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new("-----END (?:[A-Z0-9]+ )*PRIVATE KEY-----").ok());

/// Patterns whose groups are secrets.
struct Words {
    set: Option<RegexSet>,
    each: Vec<Regex>,
}

impl Words {
    fn new<'p>(patterns: impl Iterator<Item = &'p &'p str>) -> Self {
        let patterns: Vec<String> = patterns
            .map(|pattern| pattern.replace("{between}", BETWEEN).replace("{secret}", SECRET))
            .collect();
        let each = patterns.iter().filter_map(|pattern| Regex::new(pattern).ok()).collect();
        Self { set: RegexSet::new(&patterns).ok(), each }
    }

    fn find(&self, line: &str) -> Vec<Range<usize>> {
        let Some(set) = &self.set else { return Vec::new() };
        // most lines hold none, and to say so is much cheaper than to say which
        if !set.is_match(line) {
            return Vec::new();
        }
        let each = self.each.iter().flat_map(|pattern| pattern.captures_iter(line));
        let groups = each.filter_map(|found| found.get(1));
        groups.filter(|found| may_be_secret(found.as_str())).map(|found| found.range()).collect()
    }
}

/// Secrets in a line that a device shows.
pub fn shown(line: &str) -> Vec<Range<usize>> {
    SHOWN_LINES.find(line)
}

/// Secrets in a command that a person types, maybe in short.
pub fn typed(command: &str) -> Vec<Range<usize>> {
    TYPED_LINES.find(command)
}

/// Where a block ends that begins with this line; `None` where none does.
pub fn block(line: &str) -> Option<Regex> {
    KEY_BEGINS.as_ref().filter(|begins| begins.is_match(line)).and(KEY_ENDS.clone())
}

fn may_be_secret(text: &str) -> bool {
    let word = text.trim_matches(|c: char| c.is_ascii_punctuation()).to_ascii_lowercase();
    // `65000:100` is a community of BGP
    let is_pair = word.split_once(':').is_some_and(|(left, right)| {
        [left, right].iter().all(|side| !side.is_empty() && side.bytes().all(|byte| byte.is_ascii_digit()))
    });
    // `?` asks for help, `{` opens a block
    let is_mark = word.is_empty() && text.len() < 4;
    !is_mark && !is_pair && !NEVER.contains(&word.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_compiles_and_has_its_group() {
        for words in [&*SHOWN_LINES, &*TYPED_LINES] {
            assert!(words.set.as_ref().unwrap().len() == words.each.len());
            assert!(words.each.iter().all(|pattern| pattern.captures_len() == 2));
        }
        assert!(KEY_BEGINS.is_some() && KEY_ENDS.is_some() && NEVER.is_sorted());
    }

    #[test]
    fn what_no_driver_speaks_of_is_found() {
        for line in [
            "Community name: hunter2",
            "    \"password\": \"hunter2\",",
            "snmpwalk -v2c -c hunter2 192.0.2.1",
            "snmp-server user ann net v3 auth sha hunter2 priv aes 128 hunter2",
            "curl -u ann:hunter2 http://192.0.2.1/",
            "Authorization: Bearer hunter2",
            "tacacs-server host 192.0.2.1 key hunter2",
            "add name=x wpa2-pre-shared-key=\"hunter2\"",
            "ann:$6$hunter2$hunter2:19000:0",
            "PSK = 'hunter2 with blanks'",
            "password \"hunter2 without end",
        ] {
            let found = shown(line);
            let mut left = line.to_owned();
            found.iter().rev().for_each(|range| left.replace_range(range.clone(), ""));
            assert!(!left.contains("hunter2"), "{line:?}: {found:?}");
        }
    }
}
