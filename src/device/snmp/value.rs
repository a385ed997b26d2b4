//! What an agent says of one object.

use super::Oid;
use crate::model::clean_line;

/// The longest text that is taken from a value, in characters.
const LONGEST: usize = 1024;

/// A value. Its bytes are the agent's own: [`Value::text`] makes them safe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// INTEGER.
    Integer(i64),
    /// Counters, gauges and time ticks.
    Unsigned(u64),
    /// OCTET STRING, Opaque, and what is not known.
    Bytes(Vec<u8>),
    /// OBJECT IDENTIFIER.
    Oid(Oid),
}

impl Value {
    /// As one clean line: line ends and blanks become one blank, other control characters visible ones. `None` where
    /// nothing is left, or the bytes are no text.
    pub fn text(&self) -> Option<String> {
        let text = match self {
            Self::Integer(number) => number.to_string(),
            Self::Unsigned(number) => number.to_string(),
            Self::Oid(oid) => oid.to_string(),
            Self::Bytes(bytes) => decoded(bytes)?,
        };
        let line: Vec<&str> =
            text.split(|c: char| c.is_whitespace() || c == '\0').filter(|word| !word.is_empty()).collect();
        let line: String = line.join(" ").chars().take(LONGEST).collect();
        (!line.is_empty()).then(|| clean_line(&line).into_owned())
    }

    /// The number, where it is one.
    pub fn number(&self) -> Option<u64> {
        match self {
            Self::Integer(number) => u64::try_from(*number).ok(),
            Self::Unsigned(number) => Some(*number),
            Self::Bytes(_) | Self::Oid(_) => None,
        }
    }

    /// The identifier, where it is one.
    pub fn oid(&self) -> Option<&Oid> {
        match self {
            Self::Oid(oid) => Some(oid),
            _ => None,
        }
    }

    /// `00:11:22:33:44:55`, where it is six bytes that could be a device's own address: not zero, not a group's.
    pub fn mac(&self) -> Option<String> {
        let Self::Bytes(bytes) = self else { return None };
        let [first, ..] = bytes.as_slice() else { return None };
        let good = bytes.len() == 6 && bytes.iter().any(|byte| *byte != 0) && first & 1 == 0;
        good.then(|| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(":"))
    }

    /// How much of the limit it uses up.
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Integer(_) | Self::Unsigned(_) => 8,
            Self::Bytes(bytes) => bytes.len(),
            Self::Oid(oid) => oid.numbers().len() * 4,
        }
    }
}

/// UTF-8, else the Latin letters of Windows; agents do not say which they mean. Bytes that are mostly control
/// characters are no text.
fn decoded(bytes: &[u8]) -> Option<String> {
    let end = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    let bytes = &bytes[..end.min(LONGEST * 4)];
    let controls = bytes.iter().filter(|byte| **byte < 0x20 && !byte.is_ascii_whitespace()).count();
    if controls * 4 > bytes.len() {
        return None;
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => Some(text.to_owned()),
        // cut inside a character by the limit above, or by the agent
        Err(error) if error.error_len().is_none() => {
            Some(String::from_utf8_lossy(&bytes[..error.valid_up_to()]).into_owned())
        }
        Err(_) => Some(encoding_rs::WINDOWS_1252.decode_without_bom_handling(bytes).0.into_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(bytes: &[u8]) -> Option<String> {
        Value::Bytes(bytes.to_vec()).text()
    }

    #[test]
    fn texts_are_one_clean_bounded_line() {
        assert_eq!(text(b"Cisco IOS\r\n  Version 15\0\0").unwrap(), "Cisco IOS Version 15");
        assert_eq!(text(b"a\x1b]0;b\x07c").unwrap(), "a␛]0;b␇c");
        assert_eq!(text("Größe\u{202e}".as_bytes()).unwrap(), "Größe�");
        assert_eq!(text(b"Stra\xdfe").unwrap(), "Straße");
        assert_eq!(text(b" \r\n\0"), None);
        assert_eq!(text(&[1, 2, 3, 4, 5, 6]), None);
        assert_eq!(text(&[b'x'; 100_000]).unwrap().len(), LONGEST);
    }

    #[test]
    fn an_address_is_six_bytes_that_mean_one_device() {
        let mac = |bytes: &[u8]| Value::Bytes(bytes.to_vec()).mac();
        assert_eq!(mac(&[0, 0x1b, 0x21, 1, 2, 3]).unwrap(), "00:1b:21:01:02:03");
        assert_eq!(mac(&[0; 6]), None);
        assert_eq!(mac(&[0xff; 6]), None);
        assert_eq!(mac(b"12345"), None);
    }
}
