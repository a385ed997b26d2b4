//! The bytes of echo requests, of replies and of errors.
//!
//! A request's payload is a sealed mark, 32 bytes: magic, target, probe number, sending time, tag. The tag is a keyed
//! hash of the others under a key of this run, so that a reply cannot be made up by who has not seen the request.

use std::hash::{BuildHasher, RandomState};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::fault::Fault;
use crate::model::Moment;

/// A request's length, ICMP header and mark.
pub const REQUEST: usize = 8 + MARK;
/// The most that is read of a message: two IPv4 headers with options, two ICMP headers and a mark fit in.
pub const MESSAGE: usize = 256;

const MARK: usize = 32;
const MAGIC: [u8; 4] = *b"nctl";
const ICMP: u8 = 1;
const ICMP_V6: u8 = 58;

/// What a request says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Mark {
    /// The target's number.
    pub target: u32,
    /// The probe's number.
    pub number: u64,
    /// When it was sent.
    pub sent: Moment,
}

/// Makes marks, and tells its own from others'.
pub struct Seal(RandomState);

impl Default for Seal {
    fn default() -> Self {
        Self::new()
    }
}

impl Seal {
    /// A seal with a key of its own, from the operating system's randomness.
    pub fn new() -> Self {
        Self(RandomState::new())
    }

    /// An echo request. Its checksum is set for IPv4; for IPv6 and for ping sockets the kernel sets it.
    pub fn request(&self, v6: bool, identifier: u16, mark: Mark) -> [u8; REQUEST] {
        let mut bytes = [0; REQUEST];
        bytes[0] = if v6 { 128 } else { 8 };
        bytes[4..6].copy_from_slice(&identifier.to_be_bytes());
        bytes[6..8].copy_from_slice(&sequence(mark.number).to_be_bytes());
        bytes[8..12].copy_from_slice(&MAGIC);
        bytes[12..16].copy_from_slice(&mark.target.to_be_bytes());
        bytes[16..24].copy_from_slice(&mark.number.to_be_bytes());
        bytes[24..32].copy_from_slice(&mark.sent.0.to_be_bytes());
        bytes[32..40].copy_from_slice(&self.tag(mark).to_be_bytes());
        if !v6 {
            let sum = checksum(&bytes);
            bytes[2..4].copy_from_slice(&sum.to_be_bytes());
        }
        bytes
    }

    /// The mark in `payload`, where the seal is ours.
    pub fn open(&self, payload: &[u8]) -> Option<Mark> {
        let bytes: &[u8; MARK] = payload.get(..MARK)?.try_into().ok()?;
        if bytes[..4] != MAGIC {
            return None;
        }
        let mark = Mark {
            target: u32::from_be_bytes(part(bytes, 4)),
            number: u64::from_be_bytes(part(bytes, 8)),
            sent: Moment(u64::from_be_bytes(part(bytes, 16))),
        };
        (self.tag(mark) == u64::from_be_bytes(part(bytes, 24))).then_some(mark)
    }

    fn tag(&self, mark: Mark) -> u64 {
        self.0.hash_one(mark)
    }
}

/// ICMP's sequence number of a probe.
pub fn sequence(number: u64) -> u16 {
    (number & 0xffff) as u16
}

/// What an ICMP message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Message<'a> {
    /// An echo reply, with what follows its header.
    Reply(&'a [u8]),
    /// An error about an echo request of ours.
    Error {
        /// Where the request was going.
        to: IpAddr,
        /// The request's ICMP sequence number.
        sequence: u16,
        /// Why it did not get there.
        fault: Fault,
        /// As much of the request's payload as came back.
        payload: &'a [u8],
    },
}

/// Reads what a raw IPv4 socket hands out: an IP header and an ICMP message.
pub fn read_v4(bytes: &[u8]) -> Option<Message<'_>> {
    let icmp = after_v4_header(bytes)?;
    let header: &[u8; 8] = icmp.get(..8)?.try_into().ok()?;
    if header[0] == 0 {
        return Some(Message::Reply(&icmp[8..]));
    }
    let fault = Fault::of_v4(header[0], header[1])?;
    let quoted = &icmp[8..];
    let request = after_v4_header(quoted)?;
    let to = Ipv4Addr::from(part::<4>(quoted.get(..20)?, 16));
    of_request(request, 8, to.into(), fault)
}

/// Reads what a raw IPv6 socket hands out: an ICMPv6 message.
pub fn read_v6(bytes: &[u8]) -> Option<Message<'_>> {
    let header: &[u8; 8] = bytes.get(..8)?.try_into().ok()?;
    if header[0] == 129 {
        return Some(Message::Reply(&bytes[8..]));
    }
    let fault = Fault::of_v6(header[0], header[1])?;
    let quoted = &bytes[8..];
    let ip = quoted.get(..40)?;
    if ip[0] >> 4 != 6 || ip[6] != ICMP_V6 {
        return None;
    }
    of_request(&quoted[40..], 128, Ipv6Addr::from(part::<16>(ip, 24)).into(), fault)
}

/// Reads what a ping socket hands out: an echo reply without an IP header.
pub fn read_ping(bytes: &[u8]) -> Option<Message<'_>> {
    matches!(bytes.first()?, 0 | 129).then_some(())?;
    Some(Message::Reply(bytes.get(8..)?))
}

/// Reads what a ping socket's error queue hands out: the start of the request that was refused.
pub fn read_refused(bytes: &[u8], to: IpAddr, fault: Fault) -> Option<Message<'_>> {
    of_request(bytes, if to.is_ipv6() { 128 } else { 8 }, to, fault)
}

fn of_request(request: &[u8], kind: u8, to: IpAddr, fault: Fault) -> Option<Message<'_>> {
    let header: &[u8; 8] = request.get(..8)?.try_into().ok()?;
    if header[0] != kind {
        return None;
    }
    let sequence = u16::from_be_bytes([header[6], header[7]]);
    Some(Message::Error { to, sequence, fault, payload: &request[8..] })
}

fn after_v4_header(bytes: &[u8]) -> Option<&[u8]> {
    let header = bytes.get(..20)?;
    let length = usize::from(header[0] & 0x0f) * 4;
    (header[0] >> 4 == 4 && length >= 20 && header[9] == ICMP).then(|| bytes.get(length..)).flatten()
}

/// The `N` bytes from `at` on; zeros beyond the end, which the callers have excluded.
fn part<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    let mut part = [0; N];
    if let Some(from) = bytes.get(at..at + N) {
        part.copy_from_slice(from);
    }
    part
}

/// The internet checksum (RFC 1071).
fn checksum(bytes: &[u8]) -> u16 {
    let sum: u32 = bytes
        .chunks(2)
        .map(|pair| u32::from(u16::from_be_bytes([pair[0], *pair.get(1).unwrap_or(&0)])))
        .sum();
    let folded = (sum & 0xffff) + (sum >> 16);
    !(((folded & 0xffff) + (folded >> 16)) as u16)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MARK_OF_7: Mark = Mark { target: 7, number: 0x1_0002_0003, sent: Moment(99) };

    fn v4_header(protocol: u8, to: [u8; 4], words: u8) -> Vec<u8> {
        let mut header = vec![0; usize::from(words) * 4];
        header[0] = 0x40 | words;
        header[9] = protocol;
        header[16..20].copy_from_slice(&to);
        header
    }

    fn reply(seal: &Seal) -> Vec<u8> {
        let mut bytes = seal.request(false, 1, MARK_OF_7).to_vec();
        bytes[0] = 0;
        bytes
    }

    #[test]
    fn a_request_is_well_made_and_its_reply_is_known() {
        let seal = Seal::new();
        let request = seal.request(false, 0xabcd, MARK_OF_7);
        assert_eq!(checksum(&request), 0, "a right checksum makes the sum of all zero");
        assert_eq!(&request[..2], [8, 0]);
        assert_eq!(&request[4..8], [0xab, 0xcd, 0, 3], "the number's low 16 bits");
        let packet = [v4_header(ICMP, [127, 0, 0, 1], 6), reply(&seal)].concat();
        let Some(Message::Reply(payload)) = read_v4(&packet) else { panic!("a reply with IP options") };
        assert_eq!(seal.open(payload), Some(MARK_OF_7));
        assert_eq!(Seal::new().open(payload), None, "another run's");
    }

    #[test]
    fn an_error_names_the_request() {
        let seal = Seal::new();
        let quoted = [v4_header(ICMP, [10, 0, 0, 9], 5), seal.request(false, 1, MARK_OF_7).to_vec()].concat();
        let error = |kind, code, quoted: &[u8]| {
            [v4_header(ICMP, [127, 0, 0, 1], 5), vec![kind, code, 0, 0, 0, 0, 0, 0], quoted.to_vec()].concat()
        };
        let bytes = error(3, 1, &quoted);
        let Some(Message::Error { to, sequence: 3, fault: Fault::NoHost, payload }) = read_v4(&bytes) else {
            panic!("host unreachable")
        };
        assert_eq!((to.to_string(), seal.open(payload)), ("10.0.0.9".into(), Some(MARK_OF_7)));

        let short = error(11, 0, &quoted[..28]);
        let Some(Message::Error { fault: Fault::Loop, payload: [], .. }) = read_v4(&short) else {
            panic!("eight bytes of the request")
        };
        assert_eq!(read_v4(&error(5, 0, &quoted)), None, "a redirect is no error");
        assert_eq!(read_v4(&error(3, 1, &quoted[..20])), None, "nothing of the request");
        let mut udp = quoted.clone();
        udp[9] = 17;
        assert_eq!(read_v4(&error(3, 3, &udp)), None, "about something else");
    }

    #[test]
    fn v6_errors_are_read() {
        let seal = Seal::new();
        let mut bytes = vec![1, 3, 0, 0, 0, 0, 0, 0];
        let mut ip = vec![0; 40];
        (ip[0], ip[6], ip[39]) = (0x60, ICMP_V6, 1);
        bytes.extend(ip);
        bytes.extend(seal.request(true, 1, MARK_OF_7));
        let Some(Message::Error { to, fault: Fault::NoHost, payload, .. }) = read_v6(&bytes) else {
            panic!("address unreachable")
        };
        assert_eq!((to.to_string(), seal.open(payload)), ("::1".into(), Some(MARK_OF_7)));
    }

    proptest! {
        #[test]
        fn no_bytes_break_the_readers(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let seal = Seal::new();
            for message in [read_v4(&bytes), read_v6(&bytes), read_ping(&bytes)].into_iter().flatten() {
                let (Message::Reply(payload) | Message::Error { payload, .. }) = message;
                prop_assert_eq!(seal.open(payload), None);
            }
        }

        #[test]
        fn a_changed_bit_breaks_the_seal(bit in 0usize..256, target: u32, number: u64, sent: u64) {
            let seal = Seal::new();
            let mut bytes = seal.request(true, 1, Mark { target, number, sent: Moment(sent) });
            bytes[8 + bit / 8] ^= 1 << (bit % 8);
            prop_assert_eq!(seal.open(&bytes[8..]), None);
        }
    }
}
