//! Bech32 (BIP 173) without its limit of length: how age writes its keys.

const ALPHABET: &[u8; 32] = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l";
const GENERATOR: [u32; 5] = [0x3b6a_57b2, 0x2650_8e6d, 0x1ea1_19fa, 0x3d42_33dd, 0x2a14_62b3];
/// Characters of the checksum.
const CHECKSUM: usize = 6;

/// The text of `bytes`, in lower case.
pub fn encode(prefix: &str, bytes: &[u8]) -> String {
    let mut groups = regroup(bytes.iter().copied(), 8, 5, true).unwrap_or_default();
    let sum = checksum(prefix, groups.iter().copied().chain([0; CHECKSUM])) ^ 1;
    groups.extend((0..CHECKSUM).map(|place| (sum >> (5 * (CHECKSUM - 1 - place))) as u8 & 31));
    let letters = groups.iter().map(|group| char::from(ALPHABET[usize::from(*group)]));
    format!("{prefix}1{}", letters.collect::<String>())
}

/// The bytes of a text that begins with `prefix` and is in one case throughout; `None` where its checksum is wrong.
pub fn decode(prefix: &str, text: &str) -> Option<Vec<u8>> {
    let is_mixed = text.bytes().any(|byte| byte.is_ascii_lowercase())
        && text.bytes().any(|byte| byte.is_ascii_uppercase());
    let lower = zeroize::Zeroizing::new(text.to_ascii_lowercase());
    let letters = lower.strip_prefix(prefix)?.strip_prefix('1')?;
    let place = |letter| ALPHABET.iter().position(|one| *one == letter).and_then(|at| u8::try_from(at).ok());
    let groups: Vec<u8> = letters.bytes().map(place).collect::<Option<_>>()?;
    let groups = zeroize::Zeroizing::new(groups);
    if is_mixed || groups.len() < CHECKSUM || checksum(prefix, groups.iter().copied()) != 1 {
        return None;
    }
    regroup(groups[..groups.len() - CHECKSUM].iter().copied(), 5, 8, false)
}

fn checksum(prefix: &str, groups: impl Iterator<Item = u8>) -> u32 {
    let high = prefix.bytes().map(|byte| byte >> 5);
    let low = prefix.bytes().map(|byte| byte & 31);
    high.chain([0]).chain(low).chain(groups).fold(1, |sum, group| {
        let top = sum >> 25;
        let sum = ((sum & 0x01ff_ffff) << 5) ^ u32::from(group);
        let takes = GENERATOR.iter().enumerate().filter(|(bit, _)| top >> bit & 1 == 1);
        takes.fold(sum, |sum, (_, generator)| sum ^ generator)
    })
}

/// Groups of `from` bits as groups of `to` bits. What is left over is filled up with zeros, or must be nothing but a few of
/// them.
fn regroup(groups: impl Iterator<Item = u8>, from: u32, to: u32, fill: bool) -> Option<Vec<u8>> {
    let (mut held, mut bits, mut out) = (0_u32, 0, Vec::with_capacity(64));
    for group in groups {
        held = (held << from | u32::from(group)) & 0xffff;
        bits += from;
        while bits >= to {
            bits -= to;
            out.push((held >> bits & ((1 << to) - 1)) as u8);
        }
    }
    let rest = held & ((1 << bits) - 1);
    match (fill, bits) {
        (_, 0) => {}
        (true, _) => out.push((rest << (to - bits)) as u8),
        (false, _) if bits >= from || rest != 0 => return None,
        (false, _) => {}
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_wrote_is_read_and_written_the_same() {
        // of BIP 173, and of age's own documentation
        let texts = [
            "abcdef1qpzry9x8gf2tvdw0s3jn54khce6mua7lmqqqxw",
            "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p",
        ];
        for text in texts {
            let prefix = text.split('1').next().unwrap();
            assert_eq!(encode(prefix, &decode(prefix, text).unwrap()), text);
            assert_eq!(decode(prefix, &text.to_uppercase()), decode(prefix, text));
        }
        assert_eq!(decode("age", texts[1]).unwrap().len(), 32);
    }

    #[test]
    fn one_wrong_letter_is_found() {
        let text = encode("age", &[7; 32]);
        for at in 4..text.len() {
            for letter in ALPHABET {
                let mut other = text.clone().into_bytes();
                if other[at] == *letter {
                    continue;
                }
                other[at] = *letter;
                assert_eq!(decode("age", std::str::from_utf8(&other).unwrap()), None, "at {at}");
            }
            assert_eq!(decode("age", &text[..at]), None);
        }
        assert_eq!(decode("age", &text.replacen('q', "Q", 1).replacen("AGE", "age", 1)), None);
    }
}
