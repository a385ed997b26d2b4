//! What the kernel lets through to a raw socket: echo replies with our identifier, and errors about requests with it.
//! Without it every raw socket is handed every ICMP message of the host.

use socket2::SockFilter;

// classic BPF, <linux/bpf_common.h>
const LOAD_BYTE: u16 = 0x30;
const LOAD_BYTE_AT_X: u16 = 0x50;
const LOAD_HALF: u16 = 0x28;
const LOAD_HALF_AT_X: u16 = 0x48;
const X_IS_HEADER_LENGTH: u16 = 0xb1;
const X_IS_A: u16 = 0x07;
const AND: u16 = 0x54;
const SHIFT_LEFT: u16 = 0x64;
const ADD_X: u16 = 0x0c;
const JUMP_IF_EQUAL: u16 = 0x15;
const RETURN: u16 = 0x06;

const fn plain(code: u16, k: u32) -> SockFilter {
    SockFilter::new(code, 0, 0, k)
}

/// Goes `yes` or `no` instructions further on.
const fn equal(k: u32, yes: u8, no: u8) -> SockFilter {
    SockFilter::new(JUMP_IF_EQUAL, yes, no, k)
}

const PASS: SockFilter = plain(RETURN, u32::MAX);
const DROP: SockFilter = plain(RETURN, 0);

/// For a raw IPv4 socket, which sees the IP header first.
pub fn v4(identifier: u16) -> [SockFilter; 20] {
    let identifier = u32::from(identifier);
    [
        plain(X_IS_HEADER_LENGTH, 0),
        plain(LOAD_BYTE_AT_X, 0), // the ICMP type
        equal(0, 0, 2),
        plain(LOAD_HALF_AT_X, 4),
        equal(identifier, 13, 14),
        equal(3, 1, 0),
        equal(11, 0, 12),
        plain(LOAD_BYTE_AT_X, 8 + 9), // the quoted packet's protocol
        equal(1, 0, 10),
        plain(LOAD_BYTE_AT_X, 8), // the quoted packet's header length
        plain(AND, 0x0f),
        plain(SHIFT_LEFT, 2),
        plain(ADD_X, 0),
        plain(X_IS_A, 0),
        plain(LOAD_BYTE_AT_X, 8), // the quoted ICMP type
        equal(8, 0, 3),
        plain(LOAD_HALF_AT_X, 8 + 4),
        equal(identifier, 0, 1),
        PASS,
        DROP,
    ]
}

/// For a raw IPv6 socket, which sees the ICMPv6 header first.
pub fn v6(identifier: u16) -> [SockFilter; 14] {
    let identifier = u32::from(identifier);
    [
        plain(LOAD_BYTE, 0), // the ICMPv6 type
        equal(129, 0, 2),
        plain(LOAD_HALF, 4),
        equal(identifier, 8, 9),
        equal(1, 1, 0),
        equal(3, 0, 7),
        plain(LOAD_BYTE, 8 + 6), // the quoted packet's next header
        equal(58, 0, 5),
        plain(LOAD_BYTE, 8 + 40), // the quoted ICMPv6 type
        equal(128, 0, 3),
        plain(LOAD_HALF, 8 + 40 + 4),
        equal(identifier, 0, 1),
        PASS,
        DROP,
    ]
}
