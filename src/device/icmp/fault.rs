//! Why a probe did not get there, as far as somebody says so.

use std::fmt;

/// A reason, from a router's ICMP error or from this host's own kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fault {
    /// Nobody said anything within the time.
    Silence,
    /// No route to the network.
    NoNetwork,
    /// The last router does not find the host.
    NoHost,
    /// A filter forbids it.
    Prohibited,
    /// It went in a circle: the time to live ran out.
    Loop,
    /// The host is there and takes no such packets.
    Unwanted,
    /// This host has no route there, or its interface is down: we are cut off, at least from there.
    NoRouteHere,
    /// This host has no IPv6.
    NoFamily,
    /// This host's own filter or rights forbid it: a firewall rule, a broadcast address.
    ForbiddenHere,
    /// The kernel had no room for it.
    NoRoom,
    /// Something else that the kernel or a router said.
    Other,
}

impl Fault {
    /// The reason of an ICMP error, v4 (RFC 792, RFC 1812); `None` for a message that is no such error.
    pub fn of_v4(kind: u8, code: u8) -> Option<Self> {
        match (kind, code) {
            (3, 0 | 5 | 6 | 11) => Some(Self::NoNetwork),
            (3, 1 | 7 | 8 | 12) => Some(Self::NoHost),
            (3, 9 | 10 | 13) => Some(Self::Prohibited),
            (3, 2 | 3) => Some(Self::Unwanted),
            (3, _) => Some(Self::Other),
            (11, _) => Some(Self::Loop),
            _ => None,
        }
    }

    /// The reason of an ICMPv6 error (RFC 4443); `None` for a message that is no such error.
    pub fn of_v6(kind: u8, code: u8) -> Option<Self> {
        match (kind, code) {
            (1, 0) => Some(Self::NoNetwork),
            (1, 1 | 5 | 6) => Some(Self::Prohibited),
            (1, 3) => Some(Self::NoHost),
            (1, 4) => Some(Self::Unwanted),
            (1, _) => Some(Self::Other),
            (3, _) => Some(Self::Loop),
            _ => None,
        }
    }

    /// The reason why the kernel of this host did not send.
    pub fn of_error(error: &std::io::Error) -> Self {
        use std::io::ErrorKind;
        match error.kind() {
            ErrorKind::NetworkUnreachable | ErrorKind::HostUnreachable | ErrorKind::NetworkDown => {
                Self::NoRouteHere
            }
            ErrorKind::AddrNotAvailable => Self::NoRouteHere,
            ErrorKind::PermissionDenied => Self::ForbiddenHere,
            ErrorKind::WouldBlock | ErrorKind::OutOfMemory => Self::NoRoom,
            ErrorKind::TimedOut => Self::Silence,
            _ if error.raw_os_error() == Some(NO_BUFFERS) => Self::NoRoom,
            _ => Self::Other,
        }
    }

    /// Whether it is this host that cannot send: no sign that the device has a fault.
    pub fn is_ours(self) -> bool {
        matches!(self, Self::NoRouteHere | Self::NoFamily | Self::ForbiddenHere | Self::NoRoom)
    }

    /// In a few words.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Silence => "no answer",
            Self::NoNetwork => "network unreachable",
            Self::NoHost => "host unreachable",
            Self::Prohibited => "administratively prohibited",
            Self::Loop => "time to live exceeded",
            Self::Unwanted => "protocol or port unreachable",
            Self::NoRouteHere => "no route from this host",
            Self::NoFamily => "this host has no IPv6",
            Self::ForbiddenHere => "forbidden on this host",
            Self::NoRoom => "no room in this host's send buffer",
            Self::Other => "not delivered",
        }
    }
}

/// `ENOBUFS`, which the standard library has no word for.
const NO_BUFFERS: i32 = rustix::io::Errno::NOBUFS.raw_os_error();

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
