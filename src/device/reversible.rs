//! Secrets that a device writes in a form that anyone can read back, with a salt in front: the same password looks
//! different wherever it is typed again. What they stand for is fingerprinted, not how they look.

use serde::Deserialize;

/// How a secret is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum Form {
    /// Cisco's type 7: two decimal digits say where in a fixed key the first byte lies, hexadecimal bytes follow.
    #[serde(rename = "cisco-7")]
    CiscoType7,
    /// Junos's `$9$`: each byte is written as steps between characters of a fixed alphabet.
    #[serde(rename = "junos-9")]
    Junos9,
}

impl Form {
    /// What `text` stands for; `None` where it is not of this form.
    pub fn read(self, text: &str) -> Option<String> {
        match self {
            Self::CiscoType7 => type_7(text),
            Self::Junos9 => junos_9(text),
        }
    }
}

/// The key of type 7, as it has been public since 1995.
const TYPE_7_KEY: &[u8; 53] = b"dsfd;kfoA,.iyewrkldJKDHSUBsgvca69834ncxv9873254k;fg87";

fn type_7(text: &str) -> Option<String> {
    let (salt, rest) = text.split_at_checked(2)?;
    let salt: usize = salt.bytes().all(|byte| byte.is_ascii_digit()).then(|| salt.parse().ok())??;
    if salt >= TYPE_7_KEY.len() || rest.is_empty() || !rest.len().is_multiple_of(2) || !rest.is_ascii() {
        return None;
    }
    let key = TYPE_7_KEY.iter().cycle().skip(salt);
    let bytes = (0..rest.len()).step_by(2).map(|at| u8::from_str_radix(&rest[at..at + 2], 16).ok());
    let clear: Vec<u8> = bytes.zip(key).map(|(byte, key)| Some(byte? ^ key)).collect::<Option<_>>()?;
    printable(&clear)
}

/// The alphabet of `$9$`, in the four groups that say how many characters of padding follow the first one: 3, 2, 1, 0.
const GROUPS: [&str; 4] = ["QzF3n6/9CAtpu0O", "B1IREhcSyrleKvMW8LXx", "7N-dVbwsY2g4oaJZGUDj", "iHkq.mPf5T"];
/// What the steps of a byte count for, by the byte's place.
const WEIGHTS: [&[usize]; 7] =
    [&[1, 4, 32], &[1, 16, 32], &[1, 8, 32], &[1, 64], &[1, 32], &[1, 4, 16, 128], &[1, 32, 64]];

fn junos_9(text: &str) -> Option<String> {
    let alphabet = GROUPS.concat();
    let place = |c: char| alphabet.find(c);
    let mut chars = text.strip_prefix("$9$")?.chars();
    let salt = chars.next()?;
    let group = GROUPS.iter().position(|group| group.contains(salt))?;
    for _ in group..GROUPS.len() - 1 {
        chars.next()?;
    }
    let mut before = place(salt)?;
    let mut rest = chars.peekable();
    let mut clear = Vec::new();
    while rest.peek().is_some() {
        let mut byte = 0;
        for weight in WEIGHTS[clear.len() % WEIGHTS.len()] {
            let here = place(rest.next()?)?;
            // a step of nothing is never written
            let step = (here + alphabet.len() - before) % alphabet.len();
            byte += step.checked_sub(1)? * weight;
            before = here;
        }
        clear.push(u8::try_from(byte % 256).ok()?);
    }
    printable(&clear)
}

/// Anything else than a password's characters means that it was not of this form.
fn printable(clear: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(clear).ok()?;
    (!text.is_empty() && !text.chars().any(char::is_control)).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As a device writes it, with the salt that it happens to take.
    fn written_7(clear: &str, salt: usize) -> String {
        let key = TYPE_7_KEY.iter().cycle().skip(salt);
        let bytes = clear.bytes().zip(key).map(|(byte, key)| format!("{:02X}", byte ^ key));
        format!("{salt:02}{}", bytes.collect::<String>())
    }

    #[test]
    fn a_password_of_type_7_is_the_same_with_every_salt() {
        // well known: the word that Cisco's own examples use
        assert_eq!(type_7("094F471A1A0A").as_deref(), Some("cisco"));
        for salt in 0..TYPE_7_KEY.len() {
            assert_eq!(type_7(&written_7("fake-Password 1", salt)).as_deref(), Some("fake-Password 1"));
        }
    }

    #[test]
    fn a_password_of_junos_is_the_same_with_every_salt() {
        // the first characters are of the four groups: 0, 1, 2 and 3 characters of padding follow
        for text in [
            "$9$iqmTzF/tu1jH69CAB1RhSe87VwgoZU",
            "$9$dawYoJZjqmT-VDiHk5Tz36AORSrvWX7",
            "$9$BabRhreK87-wO1WLXxbwYgoGHmTz69tu",
            "$9$Qabc36Apu1hSeTzBIRElevWLNwgJGikmf",
        ] {
            assert_eq!(junos_9(text).as_deref(), Some("fake-Pass1"), "{text}");
        }
    }

    #[test]
    fn what_is_not_of_the_form_is_left_alone() {
        for text in
            ["", "0", "7", "cisco", "99AABB", "09ABC", "0909zz", "é9AABB", "09zz", "09 4F47", "1234é678"]
        {
            assert_eq!(type_7(text), None, "{text:?}");
        }
        for text in ["", "$9$", "$9$Q", "$9$Qzz", "$1$abc$def", "$9$!abc", "$9$iii", "$9$é"] {
            assert_eq!(junos_9(text), None, "{text:?}");
        }
    }
}
