//! One family's ICMP socket: opened, given room, and read and written in batches.

use std::io::{self, IoSlice, IoSliceMut};
use std::net::{IpAddr, SocketAddr};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::socket::sockopt::{
    Ipv4RecvErr, Ipv6RecvErr, RcvBuf, RcvBufForce, ReceiveTimestampns, SndBuf, SndBufForce,
};
use nix::sys::socket::{
    ControlMessageOwned, MsgFlags, MultiHeaders, SockaddrIn, SockaddrIn6, SockaddrLike, SockaddrStorage,
    getsockopt, recvmmsg, recvmsg, sendmmsg, setsockopt,
};
use socket2::{Domain, Protocol, Socket, Type};

use super::fault::Fault;
use super::packet::{MESSAGE, Message, REQUEST, read_ping, read_refused, read_v4, read_v6};
use super::{BUFFER, Method, filter};

/// The most messages of one system call.
pub const BATCH: usize = 64;
/// The most refusals that are taken from the error queue at a time.
const REFUSALS: usize = 256;

/// An ICMP socket of one family.
pub struct IcmpSocket {
    socket: Socket,
    v6: bool,
    method: Method,
    /// The receive buffer in bytes that the kernel gave.
    pub buffer: usize,
    room: Box<[[u8; MESSAGE]]>,
}

/// A message as it came: who from, how long it has waited in the kernel, which place in [`IcmpSocket::message`].
#[derive(Clone, Copy, Debug)]
pub struct Came {
    /// Who sent it.
    pub from: IpAddr,
    /// How long it lay in the receive buffer; zero where the kernel does not say.
    pub waited: Duration,
    place: usize,
    length: usize,
}

/// A refusal from a ping socket's error queue.
pub struct Refusal {
    /// Who refused.
    pub from: IpAddr,
    bytes: [u8; MESSAGE],
    length: usize,
    to: IpAddr,
    fault: Fault,
}

impl Refusal {
    /// What it says.
    pub fn message(&self) -> Option<Message<'_>> {
        read_refused(self.bytes.get(..self.length)?, self.to, self.fault)
    }
}

impl IcmpSocket {
    /// Opens a raw or a ping socket; `identifier` is what a raw socket's replies carry. A ping socket gets an
    /// identifier from the kernel.
    pub fn open(method: Method, v6: bool, identifier: u16) -> io::Result<Self> {
        let (domain, protocol) =
            if v6 { (Domain::IPV6, Protocol::ICMPV6) } else { (Domain::IPV4, Protocol::ICMPV4) };
        let kind = if method == Method::Raw { Type::RAW } else { Type::DGRAM };
        let socket = Socket::new(domain, kind, Some(protocol))?;
        socket.set_nonblocking(true)?;
        match (method, v6) {
            (Method::Raw, false) => socket.attach_filter(&filter::v4(identifier))?,
            (Method::Raw, true) => socket.attach_filter(&filter::v6(identifier))?,
            // what ICMP says against a probe comes by the error queue
            (_, false) => setsockopt(&socket, Ipv4RecvErr, &true)?,
            (_, true) => setsockopt(&socket, Ipv6RecvErr, &true)?,
        }
        // a raw socket was handed everybody's messages until it had its filter
        let mut other = [std::mem::MaybeUninit::uninit(); 1];
        while socket.recv(&mut other).is_ok() {}
        setsockopt(&socket, ReceiveTimestampns, &true)?;
        let buffer = make_room(&socket)?;
        let room = vec![[0; MESSAGE]; BATCH].into_boxed_slice();
        Ok(Self { socket, v6, method, buffer, room })
    }

    /// How it was opened.
    pub fn method(&self) -> Method {
        self.method
    }

    /// For `poll`.
    pub fn fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }

    /// Sends a batch in one call; how many of it, from the first on, were taken.
    ///
    /// # Errors
    /// What the kernel says against the first.
    pub fn send(&self, requests: &[([u8; REQUEST], IpAddr)]) -> Result<usize, Errno> {
        let addresses: Vec<Option<SockaddrStorage>> =
            requests.iter().map(|(_, to)| Some(SockaddrStorage::from(SocketAddr::new(*to, 0)))).collect();
        let slices: Vec<[IoSlice<'_>; 1]> = requests.iter().map(|(bytes, _)| [IoSlice::new(bytes)]).collect();
        let mut headers = MultiHeaders::<SockaddrStorage>::preallocate(requests.len(), None);
        let flags = MsgFlags::MSG_DONTWAIT;
        let sent =
            sendmmsg(self.socket.as_raw_fd(), &mut headers, slices.iter(), addresses, NO_CONTROL, flags)?;
        Ok(sent.count())
    }

    /// Takes a batch of messages in one call; none when there are none. Their bytes are read by
    /// [`IcmpSocket::message`] until the next call.
    ///
    /// # Errors
    /// What the kernel has to say of an earlier probe.
    pub fn receive(&mut self, came: &mut Vec<Came>) -> Result<usize, Errno> {
        if self.v6 {
            self.receive_as::<SockaddrIn6>(came, |from| IpAddr::V6(from.ip()))
        } else {
            self.receive_as::<SockaddrIn>(came, |from| IpAddr::V4(from.ip()))
        }
    }

    fn receive_as<S: SockaddrLike + Copy>(
        &mut self,
        came: &mut Vec<Came>,
        ip: fn(&S) -> IpAddr,
    ) -> Result<usize, Errno> {
        // made anew for each call: the kernel writes into its lengths
        let control = nix::cmsg_space!(nix::sys::time::TimeSpec);
        let mut headers = MultiHeaders::<S>::preallocate(BATCH, Some(control));
        let mut slices: Vec<[IoSliceMut<'_>; 1]> =
            self.room.iter_mut().map(|room| [IoSliceMut::new(room)]).collect();
        let flags = MsgFlags::MSG_DONTWAIT;
        let fd = self.socket.as_raw_fd();
        let results = match recvmmsg(fd, &mut headers, slices.iter_mut(), flags, None) {
            Ok(results) => results,
            Err(Errno::EAGAIN) => return Ok(0),
            Err(error) => return Err(error),
        };
        let now = rustix::time::clock_gettime(rustix::time::ClockId::Realtime);
        let now = nanoseconds(now.tv_sec, now.tv_nsec);
        let mut count = 0;
        for (place, message) in results.enumerate() {
            count += 1;
            let Some(from) = message.address.as_ref().map(ip) else { continue };
            let stamp = message.cmsgs().ok().and_then(|mut all| {
                all.find_map(|one| match one {
                    ControlMessageOwned::ScmTimestampns(at) => Some(nanoseconds(at.tv_sec(), at.tv_nsec())),
                    _ => None,
                })
            });
            // a clock that was set in between makes this negative, or longer than the whole way: bounded by the caller
            let waited = stamp.map_or(0, |stamp| now.saturating_sub(stamp).max(0));
            let waited = Duration::from_nanos(u64::try_from(waited).unwrap_or(0));
            came.push(Came { from, waited, place, length: message.bytes.min(MESSAGE) });
        }
        Ok(count)
    }

    /// What a message of the last batch is; `None` for what is no answer to an echo request.
    pub fn message(&self, came: Came) -> Option<Message<'_>> {
        let bytes = self.room.get(came.place)?.get(..came.length)?;
        match (self.method, self.v6) {
            (Method::Raw, false) => read_v4(bytes),
            (Method::Raw, true) => read_v6(bytes),
            _ => read_ping(bytes),
        }
    }

    /// Takes what lies in a ping socket's error queue. A raw socket has none: there an error is a message.
    pub fn refusals(&self) -> Vec<Refusal> {
        let mut refusals = Vec::new();
        while self.method == Method::Ping && refusals.len() < REFUSALS {
            let refusal = if self.v6 { self.refusal_v6() } else { self.refusal_v4() };
            match refusal {
                Ok(Some(refusal)) => refusals.push(refusal),
                Ok(None) => {}
                Err(_) => break,
            }
        }
        refusals
    }

    fn refusal_v4(&self) -> Result<Option<Refusal>, Errno> {
        let mut bytes = [0; MESSAGE];
        let mut control = nix::cmsg_space!(SockaddrIn, [u8; 16], nix::sys::time::TimeSpec);
        let mut slices = [IoSliceMut::new(&mut bytes)];
        let flags = MsgFlags::MSG_ERRQUEUE | MsgFlags::MSG_DONTWAIT;
        let message = recvmsg::<SockaddrIn>(self.socket.as_raw_fd(), &mut slices, Some(&mut control), flags)?;
        let (length, to) = (message.bytes, message.address.map(|to| IpAddr::V4(to.ip())));
        let said = message.cmsgs().ok().and_then(|mut all| {
            all.find_map(|one| match one {
                ControlMessageOwned::Ipv4RecvErr(said, from) => Some((said, from)),
                _ => None,
            })
        });
        let Some(((said, from), to)) = said.zip(to) else { return Ok(None) };
        let from = from.map_or(to, |from| IpAddr::V4(SockaddrIn::from(from).ip()));
        let fault = Fault::of_v4(said.ee_type, said.ee_code);
        Ok(fault.map(|fault| Refusal { from, bytes, length, to, fault }))
    }

    fn refusal_v6(&self) -> Result<Option<Refusal>, Errno> {
        let mut bytes = [0; MESSAGE];
        let mut control = nix::cmsg_space!(SockaddrIn6, [u8; 16], nix::sys::time::TimeSpec);
        let mut slices = [IoSliceMut::new(&mut bytes)];
        let flags = MsgFlags::MSG_ERRQUEUE | MsgFlags::MSG_DONTWAIT;
        let message =
            recvmsg::<SockaddrIn6>(self.socket.as_raw_fd(), &mut slices, Some(&mut control), flags)?;
        let (length, to) = (message.bytes, message.address.map(|to| IpAddr::V6(to.ip())));
        let said = message.cmsgs().ok().and_then(|mut all| {
            all.find_map(|one| match one {
                ControlMessageOwned::Ipv6RecvErr(said, from) => Some((said, from)),
                _ => None,
            })
        });
        let Some(((said, from), to)) = said.zip(to) else { return Ok(None) };
        let from = from.map_or(to, |from| IpAddr::V6(SockaddrIn6::from(from).ip()));
        let fault = Fault::of_v6(said.ee_type, said.ee_code);
        Ok(fault.map(|fault| Refusal { from, bytes, length, to, fault }))
    }
}

const NO_CONTROL: [nix::sys::socket::ControlMessage<'static>; 0] = [];

/// Asks for [`BUFFER`] bytes, past the host's limit where we may; says what was given.
fn make_room(socket: &Socket) -> io::Result<usize> {
    if setsockopt(socket, RcvBufForce, &BUFFER).is_err() {
        setsockopt(socket, RcvBuf, &BUFFER)?;
    }
    // a burst that is sent lies there until the wire has taken it
    if setsockopt(socket, SndBufForce, &(BUFFER / 4)).is_err() {
        setsockopt(socket, SndBuf, &(BUFFER / 4))?;
    }
    // the kernel books twice of what it gives
    Ok(getsockopt(socket, RcvBuf)? / 2)
}

fn nanoseconds(seconds: i64, nanoseconds: i64) -> i64 {
    seconds.saturating_mul(1_000_000_000).saturating_add(nanoseconds)
}
