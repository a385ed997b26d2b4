//! ICMP over real sockets on loopback addresses: replies, forged replies, errors. By raw sockets and by ping sockets,
//! whichever the host permits; what it does not permit is said.

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::process::Command;
use std::time::{Duration, Instant};

use noctule::device::icmp::{BUFFER, Fault, Heard, Method, Probe, Prober, open_with};
use socket2::{Domain, Protocol, SockAddr, Socket, Type};

const LIMIT: Duration = Duration::from_secs(10);

/// The probers that this host permits.
fn icmp() -> Vec<Box<dyn Prober>> {
    [Method::Raw, Method::Ping]
        .into_iter()
        .filter_map(|method| open_with(method).map_err(|why| skip(&why)).ok())
        .collect()
}

fn skip(why: &str) {
    let _ = writeln!(std::io::stderr(), "\nSKIPPED: {why}");
}

fn probe(target: u32, number: u64, address: impl Into<IpAddr>) -> Probe {
    Probe { target, number, address: address.into(), port: 9 }
}

/// Waits until so much is heard.
fn hear(prober: &mut dyn Prober, count: usize) -> Vec<Heard> {
    let (mut heard, begun) = (Vec::new(), Instant::now());
    while heard.len() < count && begun.elapsed() < LIMIT {
        prober.receive(&mut heard);
        if heard.len() < count {
            prober.wait(Duration::from_millis(100));
        }
    }
    assert!(heard.len() >= count, "{count} were expected: {heard:?}");
    heard
}

#[test]
fn every_address_answers_with_its_own_mark() {
    for mut prober in icmp() {
        let mut probes: Vec<Probe> =
            (0..300u32).map(|n| probe(n, u64::from(n) + 0x1_0000, Ipv4Addr::from(0x7f0b_0101 + n))).collect();
        let with_v6 = prober.means().v6.is_some();
        probes.extend(with_v6.then(|| probe(300, 7, Ipv6Addr::LOCALHOST)));
        let mut unsent = Vec::new();
        prober.send(&probes, &mut unsent);
        assert_eq!(unsent, []);
        let mut seen = Vec::new();
        for heard in hear(prober.as_mut(), probes.len()) {
            let Heard::Reply { from, mark, rtt } = heard else { panic!("{heard:?}") };
            let asked = &probes[mark.target as usize];
            assert_eq!((from, mark.number), (asked.address, asked.number));
            assert!(rtt > Duration::ZERO && rtt < LIMIT);
            seen.push(mark.target);
        }
        seen.sort_unstable();
        assert!(seen.iter().copied().eq(0..probes.len() as u32), "each once");
        assert!(
            prober.means().buffer.is_some_and(|bytes| bytes >= BUFFER || !prober.means().notices.is_empty())
        );
    }
}

/// With the internet checksum (RFC 1071), for packets of the tests' own.
pub fn sealed(mut icmp: Vec<u8>) -> Vec<u8> {
    (icmp[2], icmp[3]) = (0, 0);
    let mut sum: u32 =
        icmp.chunks(2).map(|two| u32::from(two[0]) << 8 | u32::from(*two.get(1).unwrap_or(&0))).sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    let sum = !(sum as u16);
    (icmp[2], icmp[3]) = ((sum >> 8) as u8, sum as u8);
    icmp
}

/// A wire tap and a forger: a raw socket of the test's own.
struct Tap(Socket);

impl Tap {
    fn open() -> Option<Self> {
        let socket = Socket::new(Domain::IPV4, Type::RAW, Some(Protocol::ICMPV4));
        match socket {
            Ok(socket) => {
                socket.set_read_timeout(Some(LIMIT)).unwrap();
                Some(Self(socket))
            }
            Err(error) => {
                skip(&format!("forging needs a raw socket: {error}"));
                None
            }
        }
    }

    /// The echo request that goes to `to`, IP header and all.
    fn request(&self, to: Ipv4Addr) -> Vec<u8> {
        let mut room = [0; 512];
        loop {
            let length = (&self.0).read(&mut room).expect("the request passes by");
            let bytes = &room[..length];
            if bytes[20] == 8 && bytes[16..20] == to.octets() {
                return bytes.to_vec();
            }
        }
    }

    fn send_from(from: Ipv4Addr, icmp: Vec<u8>) {
        let socket = Socket::new(Domain::IPV4, Type::RAW, Some(Protocol::ICMPV4)).unwrap();
        socket.bind(&SockAddr::from(SocketAddr::new(from.into(), 0))).unwrap();
        let to = SockAddr::from(SocketAddr::new(Ipv4Addr::LOCALHOST.into(), 0));
        socket.send_to(&sealed(icmp), &to).unwrap();
    }
}

/// An address of this test run alone: the tap sees what other tests send.
fn own_address(test: u8) -> Ipv4Addr {
    let process = std::process::id().to_be_bytes();
    Ipv4Addr::new(127, 100 + test, process[2], process[3].clamp(1, 254))
}

#[test]
fn what_is_forged_has_no_mark_and_a_copy_keeps_its_senders_address() {
    let Some(tap) = Tap::open() else { return };
    for (mut prober, to) in icmp().into_iter().zip([own_address(0), own_address(1)]) {
        let mut unsent = Vec::new();
        prober.send(&[probe(3, 5, to)], &mut unsent);
        let request = tap.request(to);
        let genuine = hear(prober.as_mut(), 1);
        assert!(matches!(genuine[..], [Heard::Reply { from, .. }] if from == to), "{genuine:?}");

        let mut answer = request[20..].to_vec();
        answer[0] = 0;
        Tap::send_from(Ipv4Addr::new(127, 0, 0, 77), answer.clone());
        let copied = hear(prober.as_mut(), 1);
        let Heard::Reply { from, mark, .. } = copied[0] else { panic!("{copied:?}") };
        assert_eq!((from, mark.target, mark.number), (Ipv4Addr::new(127, 0, 0, 77).into(), 3, 5));

        answer[23] ^= 1;
        Tap::send_from(to, answer.clone());
        let forged = hear(prober.as_mut(), 1);
        assert!(matches!(forged[..], [Heard::Forged { from }] if from == to), "{forged:?}");

        Tap::send_from(to, answer[..12].to_vec());
        let short = hear(prober.as_mut(), 1);
        assert!(matches!(short[..], [Heard::Forged { .. }]), "{short:?}");
    }
}

#[test]
fn icmp_errors_name_the_probe_and_the_reason() {
    let Some(tap) = Tap::open() else { return };
    let router = Ipv4Addr::new(127, 0, 0, 254);
    for (mut prober, to) in icmp().into_iter().zip([own_address(2), own_address(3)]) {
        let mut unsent = Vec::new();
        prober.send(&[probe(3, 0x1_0005, to)], &mut unsent);
        let request = tap.request(to);
        hear(prober.as_mut(), 1);

        for (kind, code, wanted) in [
            (3, 1, Fault::NoHost),
            (3, 13, Fault::Prohibited),
            (11, 0, Fault::Loop),
            (3, 0, Fault::NoNetwork),
        ] {
            let error = [vec![kind, code, 0, 0, 0, 0, 0, 0], request.clone()].concat();
            Tap::send_from(router, error);
            let heard = hear(prober.as_mut(), 1);
            let Heard::Refused { from, to: whither, mark, sequence, fault } = heard[0] else {
                panic!("{heard:?}")
            };
            assert_eq!((from, whither, sequence, fault), (router.into(), to.into(), 5, wanted));
            assert_eq!(mark.map(|mark| (mark.target, mark.number)), Some((3, 0x1_0005)));
        }

        let short = [vec![3, 1, 0, 0, 0, 0, 0, 0], request[..28].to_vec()].concat();
        Tap::send_from(router, short);
        let heard = hear(prober.as_mut(), 1);
        assert!(matches!(heard[..], [Heard::Refused { mark: None, sequence: 5, .. }]), "{heard:?}");

        // an earlier error must not be taken for one of the next probe's
        prober.send(&[probe(4, 6, to)], &mut unsent);
        assert_eq!(unsent, []);
        let heard = hear(prober.as_mut(), 1);
        assert!(matches!(heard[..], [Heard::Reply { mark, .. }] if mark.target == 4), "{heard:?}");
    }
}

#[test]
fn what_cannot_be_sent_is_told_with_its_place() {
    for mut prober in icmp() {
        let probes = [
            probe(0, 1, Ipv4Addr::LOCALHOST),
            probe(1, 1, Ipv4Addr::new(127, 255, 255, 255)),
            probe(2, 1, Ipv4Addr::new(127, 0, 0, 2)),
        ];
        let mut unsent = Vec::new();
        prober.send(&probes, &mut unsent);
        assert_eq!(unsent.len(), 1, "{unsent:?}");
        assert_eq!((unsent[0].place, unsent[0].fault), (1, Fault::ForbiddenHere), "a broadcast address");
        assert_eq!(hear(prober.as_mut(), 2).len(), 2);
    }
}

/// A network namespace of its own permits what the host may not: the same tests again, in there.
#[test]
fn again_in_a_namespace_with_ping_sockets() {
    if open_with(Method::Ping).is_ok() {
        return;
    }
    let script = "ip link set lo up && echo 0 2147483647 > /proc/sys/net/ipv4/ping_group_range && exec \"$0\" pulse_icmp::";
    let program = std::env::current_exe().unwrap();
    match Command::new("unshare").args(["-n", "sh", "-ec", script]).arg(program).output() {
        Ok(output) if output.status.success() => {}
        Ok(output) => {
            let told = String::from_utf8_lossy(&output.stdout);
            assert!(!told.contains("test result: FAILED"), "{told}");
            skip(&format!("ping sockets: {}", String::from_utf8_lossy(&output.stderr)));
        }
        Err(error) => skip(&format!("ping sockets: unshare: {error}")),
    }
}

#[test]
fn by_tcp_who_accepts_and_who_refuses_are_both_up() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let open = listener.local_addr().unwrap().port();
    let gone = TcpListener::bind("127.0.0.1:0").unwrap();
    let closed = gone.local_addr().unwrap().port();
    drop(gone);
    let mut prober = open_with(Method::Tcp).unwrap();
    assert!(prober.means().notices[0].contains("TCP"), "it is said");
    let probes = [open, closed].map(|port| Probe { port, ..probe(u32::from(port), 1, Ipv4Addr::LOCALHOST) });
    let mut unsent = Vec::new();
    prober.send(&probes, &mut unsent);
    assert_eq!(unsent, []);
    let heard = hear(prober.as_mut(), 2);
    assert!(heard.iter().all(|heard| matches!(heard, Heard::Reply { .. })), "{heard:?}");
}
