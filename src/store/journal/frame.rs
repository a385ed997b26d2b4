//! One frame: mark, length, checksum, payload.

use super::JournalRecord;

/// What every frame begins with.
pub const MARK: &[u8; 4] = b"nrec";
/// The bytes of a frame before its payload.
pub const HEAD: usize = 12;

/// The longest payload, in bytes. A longer length in a head is damage, not a request for memory.
pub const LONGEST: usize = 64 << 20;

/// Appends the frame of `payload`.
pub fn write(payload: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(MARK);
    out.extend_from_slice(&u32::try_from(payload.len()).unwrap_or(u32::MAX).to_be_bytes());
    out.extend_from_slice(&crc32fast::hash(payload).to_be_bytes());
    out.extend_from_slice(payload);
}

/// What lies at the beginning of some bytes.
pub enum Frame<'a> {
    /// An entry: its payload, what it says, and the bytes of the whole frame.
    Whole(&'a [u8], Box<JournalRecord>, usize),
    /// The beginning of a frame that goes on behind the bytes.
    Cut,
    /// No frame.
    Bad(&'static str),
}

/// The length of the payload that the frame at the beginning of `bytes` states; `None` where none begins there.
pub fn stated_length(bytes: &[u8]) -> Option<usize> {
    let head = bytes.get(..HEAD).filter(|head| head.starts_with(MARK))?;
    Some(u32::from_be_bytes([head[4], head[5], head[6], head[7]]) as usize)
}

/// Reads the frame at the beginning of `bytes`.
pub fn read(bytes: &[u8]) -> Frame<'_> {
    let Some(head) = bytes.get(..HEAD) else {
        return if MARK.starts_with(&bytes[..bytes.len().min(4)]) {
            Frame::Cut
        } else {
            Frame::Bad("no mark")
        };
    };
    if &head[..4] != MARK {
        return Frame::Bad("no mark");
    }
    let number = |at: usize| u32::from_be_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
    let length = number(4) as usize;
    if length > LONGEST {
        return Frame::Bad("an impossible length");
    }
    let Some(payload) = bytes.get(HEAD..HEAD + length) else { return Frame::Cut };
    if crc32fast::hash(payload) != number(8) {
        return Frame::Bad("a wrong checksum");
    }
    match postcard::from_bytes(payload) {
        Ok(record) => Frame::Whole(payload, Box::new(record), HEAD + length),
        Err(_) => Frame::Bad("a payload that is no entry"),
    }
}

/// How far it is to the next whole frame; the length of `bytes` where there is none.
pub fn distance_to_next(bytes: &[u8]) -> usize {
    (1..bytes.len())
        .filter(|&at| bytes[at..].starts_with(MARK))
        .find(|&at| matches!(read(&bytes[at..]), Frame::Whole(..)))
        .unwrap_or(bytes.len())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::Timestamp;
    use crate::store::Change;

    fn record() -> impl Strategy<Value = JournalRecord> {
        let change = (".{0,8}", any::<Vec<u8>>(), any::<Option<Vec<u8>>>())
            .prop_map(|(table, key, value)| Change { table, key, value });
        (any::<(u64, [u8; 32], i64)>(), "\\PC{0,20}", proptest::collection::vec(change, 0..4)).prop_map(
            |((seq, prev, at), text, changes)| JournalRecord {
                seq,
                prev,
                at: Timestamp(at),
                actor: text.clone(),
                why: text.clone(),
                verb: text,
                changes,
            },
        )
    }

    proptest! {
        #[test]
        fn comes_back_whole_and_never_from_less(record in record(), cut in any::<prop::sample::Index>()) {
            let mut bytes = Vec::new();
            write(&postcard::to_stdvec(&record).unwrap(), &mut bytes);
            match read(&bytes) {
                Frame::Whole(_, found, length) => prop_assert_eq!((*found, length), (record, bytes.len())),
                _ => prop_assert!(false, "not read"),
            }
            prop_assert!(matches!(read(&bytes[..cut.index(bytes.len())]), Frame::Cut));
        }

        #[test]
        fn garbage_is_never_an_entry_nor_a_panic(bytes in any::<Vec<u8>>()) {
            prop_assert!(!matches!(read(&bytes), Frame::Whole(..)));
            prop_assert!(distance_to_next(&bytes) <= bytes.len());
        }

        #[test]
        fn a_flipped_bit_is_found(record in record(), place in any::<prop::sample::Index>(), bit in 0..8u8) {
            let mut bytes = Vec::new();
            write(&postcard::to_stdvec(&record).unwrap(), &mut bytes);
            let place = place.index(bytes.len());
            bytes[place] ^= 1 << bit;
            prop_assert!(!matches!(read(&bytes), Frame::Whole(..)));
        }
    }
}
