//! Devices that send rubbish, over real connections.

use std::time::Duration;

use noctule::device::capture::Capture;
use noctule::device::driver::Limits;
use noctule::device::transport::Target;
use noctule::model::{Failure, FailureKind, Secret, TransportKind};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;

use crate::device_fixture::{self, driver, here, target};
use crate::peer::{self, Act, Brain};

fn limits() -> Limits {
    let second = Duration::from_secs(1);
    Limits {
        connect: 2 * second,
        login: 10 * second,
        idle: 3 * second,
        whole: 60 * second,
        answer_bytes: 4 << 20,
        ..Limits::default()
    }
}

async fn read(port: u16, transport: TransportKind, charset: &str) -> Result<Capture, Failure> {
    let target =
        Target { password: Secret::new("fake-password"), ..target(here(port), transport, "operator") };
    device_fixture::read(&target, &driver("cisco_ios"), charset, "fake-enable", limits()).await
}

/// A Telnet device with `body` in the middle of its configuration.
async fn telnet(body: Vec<u8>) -> u16 {
    let brain: Brain = Box::new(move |typed| {
        Act::Say(match typed {
            None => b"\xff\xfb\x01\r\nUsername: ".to_vec(),
            Some("operator") => b"\r\nPassword: ".to_vec(),
            Some("show running-config") => {
                [&b"\r\nversion 15.2\r\nhostname sw\r\n"[..], &body, b" --More-- "].concat()
            }
            Some(" ") => b"\r          \rinterface Gi0/1\r\nend\r\n\r\nsw#".to_vec(),
            Some(_) => b"\r\nsw#".to_vec(),
        })
    });
    peer::telnet(Vec::new(), brain).await.port()
}

/// How a peer ends.
#[derive(Clone, Copy, Debug, PartialEq)]
enum End {
    Hang,
    Close,
}

#[tokio::test]
async fn an_ssh_server_that_hangs_or_goes_before_the_login_says_where() {
    for (banner, end, kind) in [
        (&b""[..], End::Hang, FailureKind::Timeout),
        (b"", End::Close, FailureKind::Disconnected),
        (b"SSH-2.0-old\r\n", End::Hang, FailureKind::Timeout),
        (b"SSH-2.0-old\r\n", End::Close, FailureKind::Disconnected),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", End::Close, FailureKind::Disconnected),
        (
            b"SSH-2.0-old\r\n\xff\xff\xff\xff\x01garbage that is no packet",
            End::Hang,
            FailureKind::Disconnected,
        ),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            let (mut socket, _) = listener.accept().await.unwrap();
            let _ = socket.write_all(banner).await;
            if end == End::Hang {
                std::future::pending::<()>().await;
            }
        });
        let failure = read(port, TransportKind::Ssh, "").await.unwrap_err();
        let garbled = banner.len() > 20 && end == End::Hang;
        assert!(
            failure.kind == kind || (garbled && failure.kind == FailureKind::Timeout),
            "{banner:?} {end:?}: {failure}"
        );
        assert!(failure.message.contains("SSH") && failure.message.contains("127.0.0.1"), "{failure}");
    }
}

#[tokio::test]
async fn rubbish_in_an_answer_is_cleaned_and_kept() {
    let body = b"description \x1b[31mred\x1b[0m\x00\r\ndescription \xb1\xb1\xbe\xa9\r\nremark deny ip any\rpermit ip\r\n";
    for (charset, expected) in
        [("gbk", "description \u{5317}\u{4eac}"), ("windows-1251", "description \u{b1}\u{b1}\u{455}\u{a9}")]
    {
        let port = telnet(body.to_vec()).await;
        let capture = read(port, TransportKind::Telnet, charset).await.unwrap();
        assert_eq!(capture.doubt, None);
        let lines: Vec<&str> = capture.exact.lines().collect();
        for line in
            ["description red", expected, "remark deny ip any\u{240d}permit ip", "interface Gi0/1", "end"]
        {
            assert!(lines.contains(&line), "{line:?} in {lines:?}");
        }
    }
}

#[tokio::test]
async fn a_line_of_ten_megabytes_and_output_without_end_are_too_large() {
    for body in [[vec![b'x'; 10 << 20], b"\r\n".to_vec()].concat(), b"interface x\r\n".repeat(1 << 19)] {
        let port = telnet(body).await;
        let failure = read(port, TransportKind::Telnet, "").await.unwrap_err();
        assert_eq!(failure.kind, FailureKind::TooLarge, "{failure}");
        assert!(failure.message.contains("`show running-config`"), "{failure}");
    }
}
