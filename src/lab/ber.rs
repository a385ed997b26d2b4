//! As much of the basic encoding rules (X.690) as an SNMP agent needs.

use crate::device::snmp::{Oid, Value};

pub(super) const INTEGER: u8 = 0x02;
pub(super) const OCTETS: u8 = 0x04;
pub(super) const NULL: u8 = 0x05;
pub(super) const OBJECT: u8 = 0x06;
pub(super) const SEQUENCE: u8 = 0x30;
const TIME_TICKS: u8 = 0x43;

/// One element: its tag, and its content with the length before it.
pub(super) fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len();
    let mut bytes = vec![tag];
    match u8::try_from(length) {
        Ok(short) if short < 128 => bytes.push(short),
        _ => {
            let long: Vec<u8> = length.to_be_bytes().into_iter().skip_while(|byte| *byte == 0).collect();
            bytes.push(0x80 | u8::try_from(long.len()).unwrap_or(0));
            bytes.extend(long);
        }
    }
    bytes.extend(content);
    bytes
}

/// A number in as few bytes as it needs.
pub(super) fn number(tag: u8, value: i64) -> Vec<u8> {
    let bytes = value.to_be_bytes();
    let mut from = 0;
    while from < 7 {
        let sign_goes_on = match bytes[from] {
            0x00 => bytes[from + 1] < 0x80,
            0xff => bytes[from + 1] >= 0x80,
            _ => false,
        };
        if !sign_goes_on {
            break;
        }
        from += 1;
    }
    element(tag, &bytes[from..])
}

/// An object identifier.
pub(super) fn object(oid: &Oid) -> Vec<u8> {
    let mut content = Vec::new();
    let numbers = oid.numbers();
    let (first, rest) = match numbers {
        [first, second, rest @ ..] => (first.saturating_mul(40).saturating_add(*second), rest),
        _ => (0, &[][..]),
    };
    for number in std::iter::once(&first).chain(rest) {
        let mut groups = vec![(*number & 0x7f) as u8];
        let mut left = *number >> 7;
        while left > 0 {
            groups.push(0x80 | (left & 0x7f) as u8);
            left >>= 7;
        }
        content.extend(groups.into_iter().rev());
    }
    element(OBJECT, &content)
}

/// A value.
pub(super) fn value(value: &Value) -> Vec<u8> {
    match value {
        Value::Integer(integer) => number(INTEGER, *integer),
        Value::Unsigned(ticks) => number(TIME_TICKS, i64::try_from(*ticks).unwrap_or(0)),
        Value::Bytes(bytes) => element(OCTETS, bytes),
        Value::Oid(oid) => object(oid),
    }
}

/// Takes elements off the front of some bytes.
pub(super) struct Reader<'a>(pub &'a [u8]);

impl<'a> Reader<'a> {
    /// The next element; `None` at the end, or where the bytes are none.
    pub fn next(&mut self) -> Option<(u8, &'a [u8])> {
        let (&[tag, first], mut rest) = self.0.split_first_chunk::<2>()?;
        let mut length = usize::from(first);
        if first & 0x80 != 0 {
            let (long, after) = rest.split_at_checked(usize::from(first & 0x7f).min(4))?;
            length = long.iter().fold(0, |sum, byte| (sum << 8) | usize::from(*byte));
            rest = after;
        }
        let (content, after) = rest.split_at_checked(length)?;
        self.0 = after;
        Some((tag, content))
    }

    /// The next element, where it has this tag.
    pub fn expect(&mut self, tag: u8) -> Option<&'a [u8]> {
        self.next().filter(|(found, _)| *found == tag).map(|(_, content)| content)
    }

    /// The next element as a number.
    pub fn integer(&mut self) -> Option<i64> {
        let content = self.expect(INTEGER)?;
        let negative = content.first()? & 0x80 != 0;
        let start = if negative { -1 } else { 0 };
        Some(content.iter().take(8).fold(start, |sum, byte| (sum << 8) | i64::from(*byte)))
    }
}

/// The object identifier of an element's content.
pub(super) fn object_of(content: &[u8]) -> Oid {
    let mut numbers: Vec<u32> = Vec::new();
    let mut number: u32 = 0;
    for byte in content {
        number = number.wrapping_shl(7) | u32::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            if numbers.is_empty() {
                let first = (number / 40).min(2);
                numbers.extend([first, number - first * 40]);
            } else {
                numbers.push(number);
            }
            number = 0;
        }
    }
    Oid::new(&numbers)
}
