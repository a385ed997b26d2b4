//! What sysDescr says in everybody's words: for makers whose own words no rule knows.

use std::sync::LazyLock;

use regex::Regex;

/// The most words behind the maker's name that are looked at for a model.
const WORDS: usize = 4;

/// `version 1.2.3`, `FW: 1.2`, `v1.2.3`; what stands before it says whose version it is.
static VERSION: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let words = r"version|firmware|software|release|ver|fw|sw|rev(?:ision)?";
    Regex::new(&format!(
        r"(?i)(?P<before>\w*)[ ,;(:/_-]*\b(?:(?:{words})(?:[ .:=#]|number|is)*(?:v|r|ver\.?)?|v)(?P<version>\d+(?:\.\d+)+[0-9A-Za-z.()_-]*)"
    ))
    .ok()
});

/// `S/N: ABC123`, `serial number 123456`.
static SERIAL: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"(?i)\b(?:s/?n|serial(?: ?(?:number|num|nr|no))?)\b[ .:=#]*(?P<serial>[0-9a-z]*\d[0-9a-z-]{4,})",
    )
    .ok()
});

/// Speeds, numbers of ports and the like.
static TRAIT: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"(?i)^(?:\d+(?:[-/.]?(?:ports?|g|ge|gbe|gb|gig\w*|x\w*|ch|slots?|u|ru|kva|va|kw|w|v|ghz|mhz|bit|way|in)+)?|10/100\S*|v?\d+(?:\.\d+)+\S*|l[2347][+-]?|layer-?\d|ipv[46]|802\.\S*|h\.26\d|rs-?\d{3}|snmpv\d\S*|(?:rev|ver)\S*)$",
    )
    .ok()
});

/// The model, where sysDescr is nothing else, or names it behind its maker.
pub(super) fn model(descr: &str, vendor: &str) -> Option<String> {
    let words: Vec<&str> = descr.split_whitespace().collect();
    let is_its_maker = |word: &&str| {
        let first = vendor.split(' ').next().unwrap_or(vendor);
        word.trim_end_matches([':', ',']).eq_ignore_ascii_case(first)
    };
    let found = match words.as_slice() {
        [only] => Some(*only).filter(|word| looks_like_one(word)),
        [maker, rest @ ..] if is_its_maker(maker) => {
            let ends =
                rest.iter().position(|word| word.ends_with([',', ';', ':'])).map_or(WORDS, |at| at + 1);
            rest.iter().take(ends.min(WORDS)).copied().map(bare).find(|word| looks_like_one(word))
        }
        _ => None,
    };
    found.map(str::to_owned)
}

/// The version of the software.
pub(super) fn version(descr: &str) -> Option<String> {
    let pattern = VERSION.as_ref()?;
    let anothers = [
        "boot",
        "bootrom",
        "bootloader",
        "rom",
        "hardware",
        "hw",
        "kernel",
        "linux",
        "snmp",
        "mib",
        "board",
        "cpld",
        "pcb",
    ];
    let mut found = pattern.captures_iter(descr).filter(|found| {
        let before = found.name("before").map_or("", |before| before.as_str()).to_ascii_lowercase();
        !anothers.contains(&before.as_str())
    });
    let version = found.next()?.name("version")?.as_str();
    let version = if version.contains('(') { version } else { version.trim_end_matches(')') };
    Some(version.trim_end_matches(['.', '(', '-', '_']).to_owned())
}

/// The serial number.
pub(super) fn serial(descr: &str) -> Option<String> {
    Some(SERIAL.as_ref()?.captures(descr)?.name("serial")?.as_str().to_owned())
}

fn bare(word: &str) -> &str {
    let word = word.trim_end_matches([',', ';', ':', '.', ')']);
    word.split(['(', ',', ';']).next().unwrap_or(word)
}

fn looks_like_one(word: &str) -> bool {
    let has = |kind: fn(char) -> bool| word.chars().any(kind);
    let is_plain = word.chars().all(|c| c.is_ascii_alphanumeric() || "-_/+.".contains(c));
    (3..=32).contains(&word.len())
        && is_plain
        && has(|c| c.is_ascii_digit())
        && has(|c| c.is_ascii_alphabetic())
        && TRAIT.as_ref().is_some_and(|pattern| !pattern.is_match(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_is_taken_only_where_it_can_be_nothing_else() {
        for (descr, vendor, wanted) in [
            ("GS-24T2", "Acme", "GS-24T2"),
            ("ACME X-1200 24-port switch", "Acme", "X-1200"),
            ("Acme 24-port 10/100 switch AB-1", "Acme", "AB-1"),
            ("Acme 10G switch, revision A7", "Acme", ""),
            ("Topsec  NGFW4000-UF(TG-72282) Software Version V3", "Topsec", "NGFW4000-UF"),
            ("192.0.2.1", "Acme", ""),
            ("v1.2.3", "Acme", ""),
            ("rack 3 upstairs", "Acme", ""),
            ("controller", "Acme", ""),
        ] {
            assert_eq!(model(descr, vendor).unwrap_or_default(), wanted, "{descr}");
        }
    }

    #[test]
    fn versions_of_other_things_are_left_out() {
        for (descr, wanted) in [
            ("X1 firmware version 2.14.3-b7, bootrom 1.2", "2.14.3-b7"),
            ("X1 HardWare Version 2.0.2 SoftWare Version 7.0.3.1(B0232.0031)", "7.0.3.1(B0232.0031)"),
            ("BootRom Version 7.1.4", ""),
            ("box v5.27 (SN 11120051132123)", "5.27"),
            ("Linux 2.6.32", ""),
            ("FW: 3.1", "3.1"),
        ] {
            assert_eq!(version(descr).unwrap_or_default(), wanted, "{descr}");
        }
        assert_eq!(serial("Mini Card v5.27 (SN 11120051132123)").as_deref(), Some("11120051132123"));
        assert_eq!(serial("no serial here"), None);
    }
}
