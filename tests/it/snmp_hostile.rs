//! Agents that answer what no agent should: whatever comes, the reading ends, in time, and invents nothing.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use noctule::device::snmp::{Agent, Client, Credentials, Oid, SnmpLimits, Sockets, Value};
use noctule::model::{FailureKind, Secret};
use tokio::net::UdpSocket;
use tokio::task::JoinSet;

/// An agent that answers each question, which begins with the request's id, as a function says.
struct Liar {
    address: SocketAddr,
    _serving: JoinSet<()>,
}

impl Liar {
    async fn new(answer: impl Fn(&Asked) -> Vec<Vec<u8>> + Send + 'static) -> Self {
        Self::slow(Duration::ZERO, answer).await
    }

    /// One that takes so long for each answer.
    async fn slow(delay: Duration, answer: impl Fn(&Asked) -> Vec<Vec<u8>> + Send + 'static) -> Self {
        let socket = UdpSocket::bind("127.63.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap();
        let mut serving = JoinSet::new();
        serving.spawn(async move {
            let mut bytes = vec![0; 65_536];
            loop {
                let (length, from) = socket.recv_from(&mut bytes).await.unwrap();
                tokio::time::sleep(delay).await;
                for packet in answer(&Asked(bytes[..length].to_vec())) {
                    socket.send_to(&packet, from).await.unwrap();
                }
            }
        });
        Self { address, _serving: serving }
    }

    async fn client(&self, limits: SnmpLimits) -> Client {
        let community = Secret::new("public");
        let credentials = Credentials::Community { is_v1: false, community };
        Arc::new(Sockets::default()).client(self.address, credentials, limits).await.unwrap()
    }
}

/// A question as it came: version 2c, the community `public`.
struct Asked(Vec<u8>);

fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len()).unwrap().to_be_bytes();
    [&[tag, 0x82, length[0], length[1]], content].concat()
}

fn object(numbers: &[u8]) -> Vec<u8> {
    // 1.3 and small numbers: each is one byte
    element(6, &[&[0x2b], &numbers[2..]].concat())
}

fn bound(numbers: &[u8], value: &[u8]) -> Vec<u8> {
    element(0x30, &[object(numbers), value.to_vec()].concat())
}

impl Asked {
    /// The request's id, as it was written.
    fn id(&self) -> Vec<u8> {
        let community = self.0.windows(6).position(|bytes| bytes == b"public").unwrap();
        let rest = &self.0[community + 6..];
        let header = if rest[1] & 0x80 == 0 { 2 } else { 2 + usize::from(rest[1] & 0x7f) };
        let id = &rest[header..];
        id[..2 + usize::from(id[1])].to_vec()
    }

    fn answered(&self, bounds: &[Vec<u8>]) -> Vec<u8> {
        self.answered_as(&self.id(), bounds)
    }

    fn answered_as(&self, id: &[u8], bounds: &[Vec<u8>]) -> Vec<u8> {
        Self::message(id, NO_ERROR, bounds)
    }

    /// What an agent says that has trouble with the first object.
    fn refused(&self, status: u8) -> Vec<u8> {
        Self::message(
            &self.id(),
            status,
            &self.objects().map(|object| bound(object, &NULL)).collect::<Vec<_>>(),
        )
    }

    fn message(id: &[u8], status: u8, bounds: &[Vec<u8>]) -> Vec<u8> {
        let place = u8::from(status != NO_ERROR);
        let body = [id, &[2, 1, status, 2, 1, place], &element(0x30, &bounds.concat())].concat();
        let message = [&[2, 1, 1, 4, 6], &b"public"[..], &element(0xa2, &body)].concat();
        element(0x30, &message)
    }

    fn is_bulk(&self) -> bool {
        self.0[self.0.windows(6).position(|bytes| bytes == b"public").unwrap() + 6] == 0xa5
    }

    /// Which of the objects that the tests ask for are in it.
    fn objects(&self) -> impl Iterator<Item = &'static [u8]> {
        let has = |numbers: &[u8]| {
            let wire = &numbers[2..];
            self.0.windows(wire.len()).any(|bytes| bytes == wire)
        };
        SYSTEM
            .iter()
            .map(|object| &object[..])
            .filter(move |object| has(object))
            .collect::<Vec<_>>()
            .into_iter()
    }
}

const NO_ERROR: u8 = 0;
const TOO_BIG: u8 = 1;
const GENERAL: u8 = 5;
const AUTHORIZATION: u8 = 16;
const NULL: [u8; 2] = [5, 0];
/// sysDescr, sysName and sysLocation.
const SYSTEM: [[u8; 9]; 3] =
    [[1, 3, 6, 1, 2, 1, 1, 1, 0], [1, 3, 6, 1, 2, 1, 1, 5, 0], [1, 3, 6, 1, 2, 1, 1, 6, 0]];
const DESCR: [u8; 9] = [1, 3, 6, 1, 2, 1, 1, 1, 0];
const TABLE: [u8; 6] = [1, 3, 6, 1, 2, 1];

fn descr() -> Oid {
    Oid::new(&DESCR.map(u32::from))
}

fn quick() -> SnmpLimits {
    SnmpLimits {
        timeout: Duration::from_millis(300),
        retries: 0,
        whole: Duration::from_secs(5),
        bytes: 10_000,
    }
}

async fn get_fails(answer: impl Fn(&Asked) -> Vec<Vec<u8>> + Send + 'static) -> (FailureKind, String) {
    let liar = Liar::new(answer).await;
    let failure = liar.client(quick()).await.get(&[descr()]).await.unwrap_err();
    (failure.kind, failure.message)
}

fn text(text: &[u8]) -> Vec<u8> {
    element(4, text)
}

#[tokio::test]
async fn a_good_answer_after_bad_ones_is_taken() {
    let liar = Liar::new(|asked| {
        let good = asked.answered(&[bound(&DESCR, &text(b"good"))]);
        vec![b"no SNMP".to_vec(), good[..good.len() / 2].to_vec(), vec![0x30, 0xff], good]
    })
    .await;
    let values = liar.client(quick()).await.get(&[descr()]).await;
    // a library may take a truncated answer for the answer; it must then say so
    match values {
        Ok(values) => assert_eq!(values, [Some(Value::Bytes(b"good".to_vec()))]),
        Err(failure) => assert_eq!(failure.kind, FailureKind::Rejected, "{failure}"),
    }
}

#[tokio::test]
async fn malformed_and_truncated_answers_are_no_answers() {
    for cut in [1, 2, 5, 12, 20, 30] {
        let (kind, message) = get_fails(move |asked| {
            let good = asked.answered(&[bound(&DESCR, &text(b"good"))]);
            vec![good[..good.len() - cut].to_vec()]
        })
        .await;
        assert!(matches!(kind, FailureKind::Timeout | FailureKind::Rejected), "{cut}: {message}");
        assert!(message.contains("SNMP agent at 127.63.0.1"), "{message}");
    }
    for garbage in [&b""[..], b"\0", b"\x30\x84\xff\xff\xff\xff", &[0x30; 1000], &[0xff; 1000]] {
        let garbage = garbage.to_vec();
        let (kind, _) = get_fails(move |_| vec![garbage.clone()]).await;
        assert!(matches!(kind, FailureKind::Timeout | FailureKind::Rejected));
    }
}

#[tokio::test]
async fn another_requests_id_is_no_answer() {
    let (kind, message) = get_fails(|asked| {
        vec![asked.answered_as(&[2, 4, 0x11, 0x22, 0x33, 0x44], &[bound(&DESCR, &text(b"old"))])]
    })
    .await;
    assert_eq!(kind, FailureKind::Timeout, "{message}");
}

#[tokio::test]
async fn an_answer_from_another_address_is_no_answer() {
    let socket = UdpSocket::bind("127.63.0.2:0").await.unwrap();
    let elsewhere = UdpSocket::bind("127.63.0.3:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    let mut serving = JoinSet::new();
    serving.spawn(async move {
        let mut bytes = vec![0; 65_536];
        loop {
            let (length, from) = socket.recv_from(&mut bytes).await.unwrap();
            let answer = Asked(bytes[..length].to_vec()).answered(&[bound(&DESCR, &text(b"forged"))]);
            elsewhere.send_to(&answer, from).await.unwrap();
        }
    });
    let liar = Liar { address, _serving: serving };
    let failure = liar.client(quick()).await.get(&[descr()]).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Timeout, "{failure}");
}

#[tokio::test]
async fn objects_that_nobody_asked_for_are_not_taken_for_the_answer() {
    let liar = Liar::new(|asked| {
        let name = [1, 3, 6, 1, 2, 1, 1, 5, 0];
        vec![asked.answered(&[bound(&name, &text(b"other"))])]
    })
    .await;
    let client = liar.client(quick()).await;
    match client.get(&[descr()]).await {
        Ok(values) => assert_eq!(values, [None]),
        Err(failure) => assert_eq!(failure.kind, FailureKind::Rejected, "{failure}"),
    }
}

#[tokio::test]
async fn an_oversized_answer_is_refused_and_a_long_text_is_cut() {
    let (kind, message) =
        get_fails(|asked| vec![asked.answered(&[bound(&DESCR, &text(&[b'x'; 20_000]))])]).await;
    assert_eq!(kind, FailureKind::TooLarge, "{message}");
    assert_eq!(Value::Bytes(vec![b'x'; 20_000]).text().unwrap().len(), 1024);
}

#[tokio::test]
async fn a_table_that_does_not_increase_ends() {
    let liar = Liar::new(|asked| {
        let row = |last: u8| bound(&[1, 3, 6, 1, 2, 1, 9, last], &[2, 1, 7]);
        vec![asked.answered(&[row(5), row(6), row(5)])]
    })
    .await;
    let root = Oid::new(&TABLE.map(u32::from)).with(&[9]);
    let failure = liar.client(quick()).await.walk(&root, 1000).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Rejected);
    assert!(failure.message.contains("does not increase"), "{failure}");
}

#[tokio::test]
async fn a_table_without_an_end_is_left_after_so_many_rows_or_bytes() {
    use std::sync::atomic::{AtomicU8, Ordering};
    let endless = |long: usize| {
        let place = AtomicU8::new(0);
        move |asked: &Asked| {
            let one = place.fetch_add(1, Ordering::SeqCst);
            let rows: Vec<Vec<u8>> = (0..20_u8)
                .map(|row| bound(&[1, 3, 6, 1, 2, 1, 9, one.min(127), row + 1], &text(&vec![b'x'; long])))
                .collect();
            vec![asked.answered(&rows)]
        }
    };
    let root = Oid::new(&TABLE.map(u32::from)).with(&[9]);
    let liar = Liar::new(endless(1)).await;
    let rows = liar.client(quick()).await.walk(&root, 250).await.unwrap();
    assert_eq!(rows.len(), 250);
    let liar = Liar::new(endless(400)).await;
    let failure = liar.client(quick()).await.walk(&root, 10_000).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::TooLarge);
}

#[tokio::test]
async fn an_agent_that_drips_is_left_when_its_time_is_up() {
    use std::sync::atomic::{AtomicU8, Ordering};
    let place = AtomicU8::new(0);
    let liar = Liar::slow(Duration::from_millis(60), move |asked| {
        let one = place.fetch_add(1, Ordering::SeqCst).min(127);
        vec![asked.answered(&[bound(&[1, 3, 6, 1, 2, 1, 9, one], &[2, 1, 7])])]
    })
    .await;
    let root = Oid::new(&TABLE.map(u32::from)).with(&[9]);
    let limits = SnmpLimits { whole: Duration::from_millis(400), ..quick() };
    let failure = liar.client(limits).await.walk(&root, 10_000).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Timeout);
    assert!(failure.message.contains("altogether"), "{failure}");
}

fn system() -> [Oid; 3] {
    SYSTEM.map(|object| Oid::new(&object.map(u32::from)))
}

fn says(what: &str) -> Option<Value> {
    Some(Value::Bytes(what.as_bytes().to_vec()))
}

#[tokio::test]
async fn an_agent_for_whom_two_objects_are_too_big_is_asked_for_one() {
    let liar = Liar::new(|asked| {
        let objects: Vec<&[u8]> = asked.objects().collect();
        vec![match objects[..] {
            [one] => asked.answered(&[bound(one, &text(b"told"))]),
            _ => asked.refused(TOO_BIG),
        }]
    })
    .await;
    let values = liar.client(quick()).await.get(&system()).await.unwrap();
    assert_eq!(values, [says("told"), says("told"), says("told")]);
}

#[tokio::test]
async fn one_object_that_is_hidden_is_missing_and_all_of_them_are_a_failure() {
    let hides = |hidden: &'static [[u8; 9]]| {
        move |asked: &Asked| {
            let objects: Vec<&[u8]> = asked.objects().collect();
            let hides = objects.iter().any(|object| hidden.iter().any(|hidden| hidden == object));
            let told: Vec<Vec<u8>> = objects.iter().map(|object| bound(object, &text(b"told"))).collect();
            vec![if hides { asked.refused(AUTHORIZATION) } else { asked.answered(&told) }]
        }
    };
    let liar = Liar::new(hides(&SYSTEM[1..2])).await;
    let values = liar.client(quick()).await.get(&system()).await.unwrap();
    assert_eq!(values, [says("told"), None, says("told")]);
    let liar = Liar::new(hides(&SYSTEM)).await;
    let failure = liar.client(quick()).await.get(&system()).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Authentication);
    assert!(failure.message.contains("widen the view"), "{failure}");
}

#[tokio::test]
async fn an_agent_that_cannot_do_bulk_is_walked_row_by_row() {
    use std::sync::atomic::{AtomicU8, Ordering};
    for how in [Some(GENERAL), Some(TOO_BIG), None] {
        let place = AtomicU8::new(0);
        let liar = Liar::new(move |asked| {
            if asked.is_bulk() {
                // by an error, or by silence
                return how.map(|status| asked.refused(status)).into_iter().collect();
            }
            if asked.objects().next().is_some() {
                return vec![asked.answered(&[bound(&DESCR, &text(b"told"))])];
            }
            let row = place.fetch_add(1, Ordering::SeqCst) + 1;
            let table = if row <= 3 { 9 } else { 10 };
            vec![asked.answered(&[bound(&[1, 3, 6, 1, 2, 1, table, row], &[2, 1, row])])]
        })
        .await;
        let client = liar.client(quick()).await;
        // an agent that has answered nothing yet may as well be down
        client.get(&[descr()]).await.unwrap();
        let root = Oid::new(&TABLE.map(u32::from)).with(&[9]);
        let rows = client.walk(&root, 100).await.unwrap();
        assert_eq!(rows.len(), 3, "{how:?}: {rows:?}");
    }
}
