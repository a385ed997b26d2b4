//! Devices that hang, go away or send rubbish, at every step, over real connections.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use noctule::device::capture::{Capture, capture};
use noctule::device::driver::{Drivers, Limits};
use noctule::device::session::{Credentials, LoginIn, Session};
use noctule::device::transport::{self, Target, Trust, TrustFuture};
use noctule::model::{Address, Failure, FailureKind, Secret, TransportKind};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

struct TrustAll;

impl Trust for TrustAll {
    fn check<'a>(&'a self, _: &'a str, _: &'a str, _: &'a str) -> TrustFuture<'a> {
        Box::pin(async { Ok(()) })
    }
}

fn limits() -> Limits {
    let short = Duration::from_millis(300);
    Limits {
        connect: short,
        login: 2 * short,
        idle: short,
        whole: 20 * short,
        answer_bytes: 4 << 20,
        ..Limits::default()
    }
}

async fn read(port: u16, transport: TransportKind, charset: &str) -> Result<Capture, Failure> {
    let driver = Drivers::embedded().get(&"cisco_ios".parse().unwrap()).unwrap();
    let target = Target {
        address: Address::Ip([127, 0, 0, 1].into()),
        port,
        transport,
        username: "operator".into(),
        password: Secret::new("fake-password"),
        identity_files: Vec::new(),
        agent: None,
        offer_agent_keys: false,
        jumps: Vec::new(),
        legacy_algorithms: false,
        terminal: String::new(),
    };
    let wire = transport::open(&target, Arc::new(TrustAll), &limits()).await?;
    let credentials = Credentials {
        username: "operator".into(),
        password: Secret::new("fake-password"),
        enable_password: Secret::new("fake-enable"),
    };
    let progress = Arc::new(|_: &str| ());
    let opened =
        Session::open(wire, driver.clone(), charset, credentials, limits(), LoginIn::Stream, progress).await;
    let mut session = opened.map_err(|(failure, _)| failure)?;
    capture(&mut session, &driver, None).await
}

/// How a peer ends.
#[derive(Clone, Copy, Debug, PartialEq)]
enum End {
    Hang,
    Close,
    Never,
}

/// A Telnet device that says `most` things and then ends; what the session had asked for last.
async fn telnet(most: usize, end: End, body: Vec<u8>) -> (u16, Arc<Mutex<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let asked = Arc::new(Mutex::new("login".to_owned()));
    let last = Arc::clone(&asked);
    tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        let mut line = Vec::new();
        let mut answer = b"\xff\xfb\x01\r\nUsername: ".to_vec();
        for said in 0.. {
            if said == most && end != End::Never {
                if end == End::Hang {
                    std::future::pending::<()>().await;
                }
                return;
            }
            if socket.write_all(&answer).await.is_err() {
                return;
            }
            let Some(typed) = next_line(&mut socket, &mut line).await else { return };
            answer = match typed.trim() {
                "operator" => b"\r\nPassword: ".to_vec(),
                "show running-config" => {
                    [&b"\r\nversion 15.2\r\nhostname sw\r\n"[..], &body, b" --More-- "].concat()
                }
                _ if typed == " " => b"\r          \rinterface Gi0/1\r\nend\r\n\r\nsw#".to_vec(),
                _ => b"\r\nsw#".to_vec(),
            };
            if !matches!(typed.trim(), "" | "operator" | "fake-password") {
                last.lock().unwrap().clone_from(&typed);
            }
        }
    });
    (port, asked)
}

/// A typed line or a key for the pager, without the Telnet layer.
async fn next_line(socket: &mut TcpStream, line: &mut Vec<u8>) -> Option<String> {
    loop {
        while line.first() == Some(&255) && line.len() >= 3 {
            line.drain(..3);
        }
        line.retain(|&byte| byte != 0);
        if line.first() == Some(&b' ') {
            line.remove(0);
            return Some(" ".into());
        }
        if line.first() != Some(&255)
            && let Some(end) = line.iter().position(|&byte| byte == b'\r')
        {
            let typed = line.drain(..=end).take(end).collect();
            return String::from_utf8(typed).ok();
        }
        let mut bytes = [0; 256];
        let count = socket.read(&mut bytes).await.ok().filter(|&count| count > 0)?;
        line.extend_from_slice(&bytes[..count]);
    }
}

#[tokio::test]
async fn a_telnet_device_that_hangs_or_goes_at_any_step_names_the_step() {
    let mut steps = Vec::new();
    for most in 0..40 {
        for end in [End::Hang, End::Close] {
            let (port, asked) = telnet(most, end, Vec::new()).await;
            let failure = match read(port, TransportKind::Telnet, "").await {
                Ok(capture) => {
                    assert_eq!(capture.doubt, None);
                    assert!(most > 6, "it was whole after {most}");
                    for step in ["login", "terminal length 0", "show running-config"] {
                        assert!(steps.iter().any(|seen| seen == step), "{steps:?}");
                    }
                    return;
                }
                Err(failure) => failure,
            };
            let step = asked.lock().unwrap().clone();
            assert!(failure.message.contains(&format!("`{step}`")), "{most} {end:?} at {step}: {failure}");
            match end {
                End::Close => assert_eq!(failure.kind, FailureKind::Disconnected, "{most}: {failure}"),
                _ => assert!(
                    matches!(failure.kind, FailureKind::Timeout | FailureKind::Prompt),
                    "{most}: {failure}"
                ),
            }
            assert!(!failure.message.contains("fake-"), "{failure}");
            steps.push(step);
        }
    }
    panic!("the device was never read: {steps:?}");
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
        let (port, _) = telnet(0, End::Never, body.to_vec()).await;
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
        let (port, _) = telnet(0, End::Never, body).await;
        let failure = read(port, TransportKind::Telnet, "").await.unwrap_err();
        assert_eq!(failure.kind, FailureKind::TooLarge, "{failure}");
        assert!(failure.message.contains("`show running-config`"), "{failure}");
    }
}
