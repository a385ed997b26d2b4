//! Simulated devices over real SSH and Telnet, read through the transports and sessions of the product.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use noctule::device::capture::Capture;
use noctule::device::driver::{Drivers, Limits};
use noctule::device::transport::{self, Target, Trust, TrustFuture};
use noctule::lab::{ENABLE_PASSWORD, Fault, Fleet, PASSWORD, Simulated, Spec, USERNAME};
use noctule::model::{DriverId, Failure, FailureKind, Secret, TransportKind};

use crate::device_fixture::{self, TrustAll};

struct TrustNone;

impl Trust for TrustNone {
    fn check<'a>(&'a self, place: &'a str, _key: &'a str, _shown: &'a str) -> TrustFuture<'a> {
        Box::pin(async move { Err(Failure::new(FailureKind::HostKey, format!("{place} is not who it was"))) })
    }
}

fn spec(driver: &str, transport: TransportKind, fault: Fault) -> Spec {
    Spec {
        name: format!("lab-{driver}"),
        address: SocketAddr::from(([127, 0, 0, 1], 0)),
        transport,
        driver: driver.parse().unwrap(),
        delay: Duration::ZERO,
        bytes: None,
        fault,
    }
}

async fn device(spec: Spec) -> (Fleet, Arc<Simulated>) {
    let fleet = Fleet::start(&Drivers::embedded(), vec![spec]).await.unwrap();
    let device = Arc::clone(&fleet.devices()[0]);
    (fleet, device)
}

fn limits() -> Limits {
    let second = Duration::from_secs(1);
    Limits {
        connect: 5 * second,
        login: 5 * second,
        idle: 3 * second,
        whole: 20 * second,
        ..Limits::default()
    }
}

async fn read(device: &Simulated, legacy: bool) -> Result<Capture, Failure> {
    let driver = Drivers::embedded().get(&device.spec.driver).unwrap();
    let target = Target {
        legacy_algorithms: legacy || driver.ssh.legacy_algorithms,
        ..operator(device.spec.address, device.spec.transport, &driver.ssh.username_suffix)
    };
    device_fixture::read(&target, &driver, "", ENABLE_PASSWORD, limits()).await
}

fn operator(address: SocketAddr, transport: TransportKind, suffix: &str) -> Target {
    Target {
        password: Secret::new(PASSWORD),
        ..device_fixture::target(address, transport, &format!("{USERNAME}{suffix}"))
    }
}

#[tokio::test]
async fn every_driver_is_read_over_every_transport_that_its_transcripts_show() {
    let drivers = Drivers::embedded();
    let mut read_over = [0, 0];
    for id in drivers.ids() {
        for transport in drivers.get(id).unwrap().transports.clone() {
            let spec = spec(id.as_str(), transport, Fault::None);
            let Ok(fleet) = Fleet::start(&drivers, vec![spec]).await else { continue };
            let device = &fleet.devices()[0];
            let captured = read(device, false).await;
            let captured = captured.unwrap_or_else(|failure| panic!("{id} over {transport}: {failure}"));
            assert_eq!(captured.doubt, None, "{id} over {transport}");
            let lines = |text: &str| text.lines().filter(|line| line.len() > 3).count();
            let (came, there) = (lines(&captured.exact), lines(&device.configuration()));
            assert!(came + 8 >= there && came > 8, "{id} over {transport}: {came} of {there} lines came");
            read_over[usize::from(transport == TransportKind::Telnet)] += 1;
        }
        assert!(read_over[0] + read_over[1] > 0, "{id} has no transcript to replay");
    }
    assert!(read_over.iter().all(|&count| count >= 5), "ssh and telnet: {read_over:?}");
}

#[tokio::test]
async fn a_device_speaks_in_its_charset() {
    let (_fleet, device) = device(spec("eltex", TransportKind::Ssh, Fault::None)).await;
    let captured = read(&device, false).await.unwrap();
    assert!(captured.exact.contains("snmp-server location \"дом 14, подъезд 2\""), "{}", captured.exact);
}

#[tokio::test]
async fn a_refused_password_is_said_to_be_one() {
    let (ssh, telnet) = (TransportKind::Ssh, TransportKind::Telnet);
    for (driver, transport) in [("cisco_ios", ssh), ("dell_os6", telnet), ("huawei_vrp", telnet)] {
        let (_fleet, device) = device(spec(driver, transport, Fault::RefusesPassword)).await;
        let failure = read(&device, false).await.unwrap_err();
        assert_eq!(failure.kind, FailureKind::Authentication, "{driver} over {transport}: {failure}");
        assert!(!failure.message.contains(PASSWORD));
    }
}

#[tokio::test]
async fn old_algorithms_are_spoken_only_where_they_are_allowed() {
    let (_fleet, device) = device(spec("cisco_ios", TransportKind::Ssh, Fault::OldAlgorithms)).await;
    let failure = read(&device, false).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Algorithms, "{failure}");
    assert!(
        failure.message.contains("diffie-hellman-group14-sha1") && failure.message.contains("curve25519")
    );
    read(&device, true).await.unwrap();
}

#[tokio::test]
async fn a_device_that_hangs_or_closes_half_way_fails_in_time() {
    for (fault, kind) in
        [(Fault::HangsAfter(700), FailureKind::Timeout), (Fault::ClosesAfter(700), FailureKind::Disconnected)]
    {
        for transport in [TransportKind::Ssh, TransportKind::Telnet] {
            let driver = if transport == TransportKind::Ssh { "cisco_ios" } else { "dell_os6" };
            let (_fleet, device) = device(spec(driver, transport, fault)).await;
            let failure = read(&device, false).await.unwrap_err();
            assert_eq!(failure.kind, kind, "{transport}: {failure}");
        }
    }
}

#[tokio::test]
async fn a_host_key_that_is_not_trusted_ends_it() {
    let (_fleet, device) = device(spec("cisco_ios", TransportKind::Ssh, Fault::None)).await;
    let target = operator(device.spec.address, TransportKind::Ssh, "");
    let failure = transport::open(&target, Arc::new(TrustNone), &limits()).await.err().unwrap();
    assert_eq!(failure.kind, FailureKind::HostKey);
    let closed = Target { port: 1, ..target.clone() };
    let failure = transport::open(&closed, Arc::new(TrustAll), &limits()).await.err().unwrap();
    assert_eq!(failure.kind, FailureKind::Refused);
}

#[tokio::test]
async fn a_server_that_accepts_and_says_nothing_is_given_up() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let target = operator(listener.local_addr().unwrap(), TransportKind::Ssh, "");
    let short = Limits { connect: Duration::from_millis(300), ..limits() };
    let failure = transport::open(&target, Arc::new(TrustAll), &short).await.err().unwrap();
    assert_eq!(failure.kind, FailureKind::Timeout);
    assert!(failure.message.contains("key exchange"), "{failure}");
}

#[tokio::test]
async fn a_fleet_has_its_inventory() {
    let specs = vec![
        spec("cisco_ios", TransportKind::Ssh, Fault::None),
        spec("dell_os6", TransportKind::Telnet, Fault::None),
    ];
    let fleet = Fleet::start(&Drivers::embedded(), specs).await.unwrap();
    let csv = fleet.inventory_csv();
    let ids: Vec<DriverId> = fleet.devices().iter().map(|device| device.spec.driver.clone()).collect();
    assert_eq!(csv.lines().count(), 3);
    assert!(ids.iter().all(|id| csv.contains(id.as_str())), "{csv}");
}
