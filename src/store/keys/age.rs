//! Public keys that something can be sealed to, as age does it (age-encryption.org/v1, the recipient X25519): whoever has the
//! other half opens it, with this program or with `age`.
//!
//! Every key slot is one of these. So the store's key can be made anew without anybody's passphrase or offline key: what
//! it is sealed to is public.

use std::fmt;
use std::str::FromStr;

use base64ct::{Base64Unpadded, Encoding};
use chacha20poly1305::aead::{Aead, KeyInit};
use chacha20poly1305::{ChaCha20Poly1305, Nonce};
use curve25519_dalek::MontgomeryPoint;
use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::{Zeroize, Zeroizing};

use super::{KeyBytes, bech32, keyed_hash};
use crate::model::Secret;

const VERSION: &str = "age-encryption.org/v1\n";
const STANZA: &str = "-> X25519 ";
const FOOTER: &str = "---";
/// What the key that wraps the file's key is derived for.
const WRAP: &[u8] = b"age-encryption.org/v1/X25519";
/// Bytes of a file's key.
const FILE_KEY: usize = 16;
/// Bytes of the number that a file's payload begins with.
const SALT: usize = 16;
/// The most that is sealed in one piece, in bytes; age begins another piece then.
const PIECE: usize = 64 << 10;

/// A public key, `age1…`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Recipient([u8; 32]);

impl fmt::Display for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&bech32::encode("age", &self.0))
    }
}

impl fmt::Debug for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl FromStr for Recipient {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            "that is no recipient of age: one reads age1… and 58 letters more, as `age-keygen` prints it (a \
             recipient of a plugin or of ssh is not taken)"
                .to_owned()
        };
        let bytes = bech32::decode("age", text).ok_or_else(wrong)?;
        let key = Self(bytes.try_into().map_err(|_| wrong())?);
        // a point of small order gives everybody the same secret
        key.shared_with(&KeyBytes([1; 32])).map(|_| key).ok_or_else(wrong)
    }
}

impl Recipient {
    /// What the two halves have in common.
    fn shared_with(&self, secret: &KeyBytes) -> Option<Zeroizing<[u8; 32]>> {
        let shared = Zeroizing::new(MontgomeryPoint(self.0).mul_clamped(secret.0).0);
        shared.iter().any(|byte| *byte != 0).then_some(shared)
    }
}

/// The other half of a [`Recipient`].
#[derive(Clone)]
pub struct Identity(KeyBytes);

impl Identity {
    /// A new one.
    pub fn random() -> Self {
        Self(KeyBytes(rand::random()))
    }

    /// That of these bytes.
    pub fn of(bytes: [u8; 32]) -> Self {
        Self(KeyBytes(bytes))
    }

    /// Its public half.
    pub fn recipient(&self) -> Recipient {
        Recipient(MontgomeryPoint::mul_base_clamped(self.0.0).0)
    }

    /// `AGE-SECRET-KEY-1…`.
    pub fn text(&self) -> Secret {
        let mut text = bech32::encode("age-secret-key-", &self.0.0);
        text.make_ascii_uppercase();
        Secret::new(text)
    }

    /// The first line that is an `AGE-SECRET-KEY-1…`; `None` where there is none.
    pub fn parse(text: &str) -> Option<Self> {
        let line = text.lines().map(str::trim).find(|line| !line.is_empty() && !line.starts_with('#'))?;
        let bytes = Zeroizing::new(bech32::decode("age-secret-key-", line)?);
        Some(Self::of(<[u8; 32]>::try_from(bytes.as_slice()).ok()?))
    }
}

/// Seals up to 64 kB to a recipient: a file of age.
pub fn encrypt(to: &Recipient, clear: &[u8]) -> Option<Vec<u8>> {
    let once = Identity::random();
    let file_key = Zeroizing::new(rand::random::<[u8; FILE_KEY]>());
    let wrapped = wrapping(&once.recipient(), to, &*to.shared_with(&once.0)?)
        .encrypt(&Nonce::default(), file_key.as_slice())
        .ok()?;
    let mut file = format!(
        "{VERSION}{STANZA}{}\n{}\n{FOOTER}",
        Base64Unpadded::encode_string(&once.recipient().0),
        Base64Unpadded::encode_string(&wrapped)
    );
    let mac = Base64Unpadded::encode_string(&header_mac(&file_key, &file));
    file += &format!(" {mac}\n");
    let mut file = file.into_bytes();
    let salt: [u8; SALT] = rand::random();
    file.extend(salt);
    file.extend(payload(&file_key, &salt).encrypt(&last_piece(), clear).ok()?);
    (clear.len() <= PIECE).then_some(file)
}

/// Opens what [`encrypt`] has sealed to this one.
pub fn decrypt(with: &Identity, file: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let end = file.windows(4).position(|window| window == b"\n---")? + 4;
    let header = std::str::from_utf8(&file[..end]).ok()?;
    let (once, wrapped) =
        header.strip_prefix(VERSION)?.strip_prefix(STANZA)?.strip_suffix("\n---")?.split_once('\n')?;
    let once = Recipient(Base64Unpadded::decode_vec(once).ok()?.try_into().ok()?);
    let wrapped = Base64Unpadded::decode_vec(wrapped).ok()?;
    let file_key = wrapping(&once, &with.recipient(), &*once.shared_with(&with.0)?)
        .decrypt(&Nonce::default(), wrapped.as_slice());
    let file_key = Zeroizing::new(file_key.ok()?);
    let file_key: &[u8; FILE_KEY] = file_key.as_slice().try_into().ok()?;
    let mac = format!(" {}\n", Base64Unpadded::encode_string(&header_mac(file_key, header)));
    let (salt, sealed) = file[end..].strip_prefix(mac.as_bytes())?.split_first_chunk::<SALT>()?;
    payload(file_key, salt).decrypt(&last_piece(), sealed).ok().map(Zeroizing::new)
}

/// What wraps a file's key.
fn wrapping(once: &Recipient, to: &Recipient, shared: &[u8; 32]) -> ChaCha20Poly1305 {
    cipher(&[once.0, to.0].concat(), shared, WRAP)
}

fn payload(file_key: &[u8; FILE_KEY], salt: &[u8; SALT]) -> ChaCha20Poly1305 {
    cipher(salt, file_key, b"payload")
}

fn header_mac(file_key: &[u8; FILE_KEY], header: &str) -> [u8; 32] {
    let key = Zeroizing::new(derived(&[], file_key, b"header"));
    keyed_hash(&key, header.as_bytes())
}

fn cipher(salt: &[u8], from: &[u8], purpose: &[u8]) -> ChaCha20Poly1305 {
    let mut key = derived(salt, from, purpose);
    let cipher = ChaCha20Poly1305::new(&key.into());
    key.zeroize();
    cipher
}

fn derived(salt: &[u8], from: &[u8], purpose: &[u8]) -> [u8; 32] {
    let mut key = [0; 32];
    // HKDF refuses nothing shorter than 8 kB
    let _ = Hkdf::<Sha256>::new(Some(salt), from).expand(purpose, &mut key);
    key
}

/// The number of the first piece, which is the last one too.
fn last_piece() -> Nonce {
    let mut number = [0; 12];
    number[11] = 1;
    number.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_opens_for_its_recipient_alone_and_only_as_it_was_sealed() {
        let (ann, bob) = (Identity::random(), Identity::random());
        let clear = b"not a real key".to_vec();
        let file = encrypt(&ann.recipient(), &clear).unwrap();
        assert_eq!(*decrypt(&ann, &file).unwrap(), clear);
        assert!(decrypt(&bob, &file).is_none());
        for at in 0..file.len() {
            for bit in 0..8 {
                let mut other = file.clone();
                other[at] ^= 1 << bit;
                assert!(decrypt(&ann, &other).is_none(), "bit {bit} of byte {at}");
            }
            assert!(decrypt(&ann, &file[..at]).is_none(), "cut at {at}");
        }
    }

    #[test]
    fn keys_are_written_as_age_writes_them() {
        let ann = Identity::random();
        let text = ann.recipient().to_string();
        assert!(text.starts_with("age1") && text.len() == 62, "{text}");
        assert_eq!(text.parse::<Recipient>().unwrap(), ann.recipient());
        let secret = ann.text();
        assert!(secret.expose().starts_with("AGE-SECRET-KEY-1"));
        let file = format!("# created\n# public key: {text}\n{}\n", secret.expose());
        assert_eq!(Identity::parse(&file).unwrap().recipient(), ann.recipient());
        for wrong in ["", "age1", "ssh-ed25519 AAAA", &text[1..], secret.expose()] {
            assert!(wrong.parse::<Recipient>().is_err(), "{wrong}");
        }
        // the points of small order: everybody would know the secret
        for small in [[0; 32], {
            let mut one = [0; 32];
            one[0] = 1;
            one
        }] {
            assert!(bech32::encode("age", &small).parse::<Recipient>().is_err());
        }
    }
}
