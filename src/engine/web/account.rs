//! Which account is behind a connection over the loopback: proc(5), `/proc/net/tcp`.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::net::{Ipv4Addr, SocketAddrV4};

/// The longest table that is read, in bytes: a hundred thousand connections.
const LONGEST: u64 = 16 << 20;
/// `TCP_ESTABLISHED` of the kernel's tcp_states.h. A socket that is closed already has no account.
const ESTABLISHED: &str = "01";

/// The account (uid) that has the socket `theirs` of the connection from there to `ours`; `None` where it is not found.
///
/// # Errors
/// The kernel's table cannot be read.
pub fn behind(theirs: SocketAddrV4, ours: SocketAddrV4) -> io::Result<Option<u32>> {
    let table = BufReader::new(File::open("/proc/self/net/tcp")?.take(LONGEST));
    for line in table.lines() {
        if let Some(uid) = account(&line?, theirs, ours) {
            return Ok(Some(uid));
        }
    }
    Ok(None)
}

/// The account of a line, where it is about this connection.
fn account(line: &str, theirs: SocketAddrV4, ours: SocketAddrV4) -> Option<u32> {
    let mut columns = line.split_ascii_whitespace().skip(1);
    let is_it = address(columns.next()?)? == theirs
        && address(columns.next()?)? == ours
        && columns.next()? == ESTABLISHED;
    // then: queues, timer, retransmits, uid
    columns.nth(3).filter(|_| is_it)?.parse().ok()
}

/// `0100007F:1F90`: the address as this machine stores it, the port as a number.
fn address(text: &str) -> Option<SocketAddrV4> {
    let (address, port) = text.split_once(':')?;
    let address = u32::from_str_radix(address, 16).ok()?;
    Some(SocketAddrV4::new(Ipv4Addr::from(address.to_ne_bytes()), u16::from_str_radix(port, 16).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{SocketAddr, TcpListener, TcpStream};

    #[test]
    fn the_kernel_says_who_connected() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let SocketAddr::V4(ours) = listener.local_addr().unwrap() else { unreachable!() };
        let client = TcpStream::connect(ours).unwrap();
        let SocketAddr::V4(theirs) = client.local_addr().unwrap() else { unreachable!() };
        let me = rustix::process::getuid().as_raw();
        assert_eq!(behind(theirs, ours).unwrap(), Some(me));
        assert_eq!(behind(ours, ours).unwrap(), None);
    }

    #[test]
    fn lines_that_are_none_are_nobodys() {
        let at = SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0x1f90);
        let line = |local: &str, state: &str| {
            format!("  1: {local} 0100007F:1F90 {state} 00000000:00000000 00:00000000 00000000  1000 0 5")
        };
        let here = if cfg!(target_endian = "little") { "0100007F:1F90" } else { "7F000001:1F90" };
        if cfg!(target_endian = "little") {
            assert_eq!(account(&line(here, "01"), at, at), Some(1000));
        }
        for bad in
            [line(here, "06"), line("0100007F", "01"), line("zz:zz", "01"), String::new(), "é: é".into()]
        {
            assert_eq!(account(&bad, at, at), None, "{bad}");
        }
    }
}
