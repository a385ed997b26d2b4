//! Answers the echo requests to the addresses of one network, each as it is told. Needs raw sockets and a kernel that
//! keeps silent itself.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::io::{IoSlice, IoSliceMut, Read};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};
use std::os::fd::AsRawFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use nix::libc::{in6_addr, in6_pktinfo};
use nix::sys::socket::{
    ControlMessage, ControlMessageOwned, MsgFlags, SockaddrIn6, recvmsg, sendmsg, setsockopt, sockopt,
};
use socket2::{Domain, Protocol, SockAddr, Socket, Type};

use crate::pulse_icmp::sealed;

/// The longest wait for a request: whoever waits looks whether it is to end.
const TICK: Duration = Duration::from_millis(20);

/// How an address answers.
#[derive(Clone, Copy, Default)]
pub struct Manner {
    /// After so long.
    pub delay: Duration,
    /// And up to so much longer, a little more from request to request.
    pub jitter: Duration,
    /// Each so many-th request is lost; 0 is none of them, 1 is all of them.
    pub loses: u32,
    /// So many more answers.
    pub copies: u32,
    /// Somebody else answers in its stead.
    pub stranger: Option<IpAddr>,
}

/// See the file's head; dropped, nobody answers any more.
pub struct Fleet {
    manners: Arc<Mutex<HashMap<IpAddr, Manner>>>,
    end: Arc<AtomicBool>,
    work: Vec<JoinHandle<()>>,
}

/// 10.70.NET.HOST.
pub fn v4(net: u8, host: u8) -> IpAddr {
    Ipv4Addr::new(10, 70, net, host).into()
}

/// fd70:0:0:NET::HOST.
pub fn v6(net: u8, host: u8) -> IpAddr {
    Ipv6Addr::new(0xfd70, 0, 0, net.into(), 0, 0, 0, host.into()).into()
}

impl Fleet {
    /// Every address of the network answers at once.
    pub fn start(net: u8) -> Self {
        let (manners, end) = (Arc::<Mutex<HashMap<_, _>>>::default(), Arc::<AtomicBool>::default());
        let listeners: [Box<dyn Listener>; 2] = [Box::new(V4::open()), Box::new(V6::open())];
        let work = listeners.into_iter().map(|listener| {
            let answers = Answers {
                net,
                manners: Arc::clone(&manners),
                end: Arc::clone(&end),
                asked: HashMap::new(),
                waiting: BinaryHeap::new(),
            };
            std::thread::spawn(move || answers.run(listener.as_ref()))
        });
        let work = work.collect();
        Self { manners, end, work }
    }

    /// These answer like this from now on.
    pub fn tell(&self, addresses: &[IpAddr], manner: Manner) {
        self.manners.lock().unwrap().extend(addresses.iter().map(|address| (*address, manner)));
    }

    /// These answer no more.
    pub fn silence(&self, addresses: &[IpAddr]) {
        self.tell(addresses, Manner { loses: 1, ..Manner::default() });
    }

    /// These answer at once.
    pub fn mend(&self, addresses: &[IpAddr]) {
        self.tell(addresses, Manner::default());
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        self.end.store(true, Ordering::Relaxed);
        for work in self.work.drain(..) {
            // its panic was printed
            let _ = work.join();
        }
    }
}

/// An echo request, or the answer to one: the ICMP message, where it is from and where to.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Echo {
    from: IpAddr,
    to: IpAddr,
    message: Vec<u8>,
}

/// One family's sockets.
trait Listener: Send {
    fn socket(&self) -> &Socket;
    /// The next request, or none within the socket's time.
    fn hear(&self) -> Option<Echo>;
    fn answer(&self, answer: &Echo);
}

struct Answers {
    net: u8,
    manners: Arc<Mutex<HashMap<IpAddr, Manner>>>,
    end: Arc<AtomicBool>,
    asked: HashMap<IpAddr, u32>,
    /// By when they go.
    waiting: BinaryHeap<Reverse<(Instant, Echo)>>,
}

impl Answers {
    fn run(mut self, listener: &dyn Listener) {
        while !self.end.load(Ordering::Relaxed) {
            let next =
                self.waiting.peek().map(|Reverse((at, _))| at.saturating_duration_since(Instant::now()));
            let wait = next.map_or(TICK, |next| next.clamp(Duration::from_millis(1), TICK));
            listener.socket().set_read_timeout(Some(wait)).unwrap();
            if let Some(request) = listener.hear().filter(|request| self.is_ours(request.to)) {
                self.take(request);
            }
            while self.waiting.peek().is_some_and(|Reverse((at, _))| *at <= Instant::now())
                && let Some(Reverse((_, answer))) = self.waiting.pop()
            {
                listener.answer(&answer);
            }
        }
    }

    fn is_ours(&self, address: IpAddr) -> bool {
        match address {
            IpAddr::V4(address) => address.octets()[..3] == [10, 70, self.net],
            IpAddr::V6(address) => address.segments()[..4] == [0xfd70, 0, 0, self.net.into()],
        }
    }

    fn take(&mut self, request: Echo) {
        let manner = self.manners.lock().unwrap().get(&request.to).copied().unwrap_or_default();
        let asked = self.asked.entry(request.to).or_default();
        *asked += 1;
        if manner.loses > 0 && asked.is_multiple_of(manner.loses) {
            return;
        }
        let at = Instant::now() + manner.delay + manner.jitter * (*asked % 5) / 5;
        for _ in 0..=manner.copies {
            let mut message = request.message.clone();
            message[0] = if request.to.is_ipv6() { 129 } else { 0 };
            let answer = Echo { from: manner.stranger.unwrap_or(request.to), to: request.from, message };
            self.waiting.push(Reverse((at, answer)));
        }
    }
}

/// IPv4: a raw socket hands out each packet with its header, and takes it with one.
struct V4(Socket);

impl V4 {
    fn open() -> Self {
        let socket = Socket::new(Domain::IPV4, Type::RAW, Some(Protocol::ICMPV4)).unwrap();
        socket.set_header_included_v4(true).unwrap();
        socket.set_recv_buffer_size(1 << 20).unwrap();
        Self(socket)
    }
}

impl Listener for V4 {
    fn socket(&self) -> &Socket {
        &self.0
    }

    fn hear(&self) -> Option<Echo> {
        let mut room = [0; 512];
        let length = (&self.0).read(&mut room).ok()?;
        let (header, message) = room[..length].split_at_checked(usize::from(room[0] & 0xf) * 4)?;
        let address = |at: usize| Ipv4Addr::from_octets(header[at..at + 4].try_into().unwrap()).into();
        (message.first() == Some(&8)).then(|| Echo {
            from: address(12),
            to: address(16),
            message: message.to_vec(),
        })
    }

    fn answer(&self, answer: &Echo) {
        let (IpAddr::V4(from), IpAddr::V4(to)) = (answer.from, answer.to) else { return };
        // what is zero the kernel fills in
        let mut packet = vec![0; 20];
        (packet[0], packet[8], packet[9]) = (0x45, 64, 1);
        packet[12..16].copy_from_slice(&from.octets());
        packet[16..20].copy_from_slice(&to.octets());
        packet.extend(sealed(answer.message.clone()));
        self.0.send_to(&packet, &SockAddr::from(SocketAddr::new(to.into(), 0))).unwrap();
    }
}

/// IPv6: a raw socket says beside the message where it went, and is told beside it where it comes from.
struct V6(Socket);

impl V6 {
    fn open() -> Self {
        let socket = Socket::new(Domain::IPV6, Type::RAW, Some(Protocol::ICMPV6)).unwrap();
        setsockopt(&socket, sockopt::Ipv6RecvPacketInfo, &true).unwrap();
        socket.set_recv_buffer_size(1 << 20).unwrap();
        Self(socket)
    }
}

impl Listener for V6 {
    fn socket(&self) -> &Socket {
        &self.0
    }

    fn hear(&self) -> Option<Echo> {
        let mut room = [0; 512];
        let mut beside = nix::cmsg_space!(in6_pktinfo);
        let mut parts = [IoSliceMut::new(&mut room)];
        let came =
            recvmsg::<SockaddrIn6>(self.0.as_raw_fd(), &mut parts, Some(&mut beside), MsgFlags::empty())
                .ok()?;
        let to = came.cmsgs().ok()?.find_map(|beside| match beside {
            ControlMessageOwned::Ipv6PacketInfo(info) => Some(Ipv6Addr::from(info.ipi6_addr.s6_addr)),
            _ => None,
        })?;
        let (from, length) = (came.address?.ip(), came.bytes);
        (room[0] == 128).then(|| Echo { from: from.into(), to: to.into(), message: room[..length].to_vec() })
    }

    fn answer(&self, answer: &Echo) {
        let (IpAddr::V6(from), IpAddr::V6(to)) = (answer.from, answer.to) else { return };
        let source = in6_pktinfo { ipi6_addr: in6_addr { s6_addr: from.octets() }, ipi6_ifindex: 0 };
        let to = SockaddrIn6::from(SocketAddrV6::new(to, 0, 0, 0));
        let parts = [IoSlice::new(&answer.message)];
        let beside = [ControlMessage::Ipv6PacketInfo(&source)];
        sendmsg(self.0.as_raw_fd(), &parts, &beside, MsgFlags::empty(), Some(&to)).unwrap();
    }
}
