//! A hang, a close and a reset at every step of a session, over SSH and Telnet: each ends in its time, with its kind and
//! with the step named.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use noctule::device::capture::Capture;
use noctule::device::driver::Limits;
use noctule::device::transport::Target;
use noctule::model::{Failure, FailureKind, Secret, TransportKind};
use russh::MethodKind;
use russh::keys::PrivateKey;
use russh::keys::ssh_key::LineEnding;
use russh::keys::ssh_key::private::Ed25519Keypair;
use tokio::net::{TcpSocket, TcpStream, UnixListener};
use tokio::task::JoinSet;

use crate::device_fixture::{driver, here, read, target};
use crate::peer::{self, Act, Brain, End, Stop};

/// More than any wait of a test may take; far above its limits, for a machine that is busy.
const LONG: Duration = Duration::from_secs(60);

/// Limits of which only `idle` ends a session that is open.
fn limits() -> Limits {
    Limits { connect: LONG, login: LONG, idle: Duration::from_secs(2), whole: LONG, ..Limits::default() }
}

fn operator(address: std::net::SocketAddr, transport: TransportKind) -> Target {
    Target { password: Secret::new("fake-password"), ..target(address, transport, "operator") }
}

/// Reads a switch to its end, within [`LONG`].
async fn attempt(target: &Target, limits: Limits) -> Result<Capture, Failure> {
    let driver = driver("cisco_ios");
    let reading = read(target, &driver, "", "fake-enable", limits);
    tokio::time::timeout(2 * LONG, reading).await.expect("it ends by itself")
}

/// A switch that says `most` things and then ends; and what was asked of it last.
fn switch(most: usize, end: End, transport: TransportKind) -> (Brain, Arc<Mutex<String>>) {
    let asked = Arc::new(Mutex::new("login".to_owned()));
    let last = Arc::clone(&asked);
    let (mut said, mut prompt) = (0, "\r\nsw>");
    let brain = move |typed: Option<&str>| {
        if let Some(typed) = typed
            && !matches!(typed.trim(), "" | "operator" | "fake-password" | "fake-enable")
        {
            last.lock().unwrap().clear();
            last.lock().unwrap().push_str(typed);
        }
        said += 1;
        if said > most {
            return Act::End(end);
        }
        let answer = match typed {
            None if transport == TransportKind::Telnet => "\r\nUsername: ",
            Some("operator" | "enable") => "\r\nPassword: ",
            Some("show running-config") => "\r\nversion 15.2\r\nhostname sw\r\n --More-- ",
            Some(" ") => "\r          \rinterface Gi0/1\r\nend\r\n\r\nsw#",
            Some("fake-enable") => {
                prompt = "\r\nsw#";
                prompt
            }
            _ => prompt,
        };
        Act::Say(answer.as_bytes().to_vec())
    };
    (Box::new(brain), asked)
}

async fn start(transport: TransportKind, brain: Brain) -> std::net::SocketAddr {
    match transport {
        TransportKind::Ssh => peer::ssh(Stop::Never, End::Hang, MethodKind::Password, brain).await,
        TransportKind::Telnet => peer::telnet(b"\xff\xfb\x01\xff\xfd\x18".to_vec(), brain).await,
    }
}

/// Whether a failure is what `end` at one of the steps `named` must be.
fn check(failure: &Failure, end: End, named: &[&str], what: &str) {
    let kinds: &[FailureKind] = match end {
        End::Hang => &[FailureKind::Timeout, FailureKind::Prompt],
        End::Fin | End::Rst => &[FailureKind::Disconnected],
    };
    assert!(kinds.contains(&failure.kind), "{what} {end:?}: {failure}");
    // A reset may be there before the connection is.
    let at_once = end == End::Rst && failure.message.contains("as soon as it was there");
    let is_named = at_once || named.iter().any(|step| failure.message.contains(step));
    assert!(is_named, "{what} {end:?}: {failure}");
    assert!(!failure.message.contains("fake-"), "{failure}");
}

#[tokio::test]
async fn at_any_step_from_the_login_to_the_last_page() {
    for transport in [TransportKind::Ssh, TransportKind::Telnet] {
        let mut steps = Vec::new();
        for most in 0.. {
            assert!(most < 40, "it was never read over {transport}: {steps:?}");
            let mut attempts = JoinSet::new();
            for end in End::ALL {
                attempts.spawn(async move {
                    let (brain, asked) = switch(most, end, transport);
                    let address = start(transport, brain).await;
                    let ended = attempt(&operator(address, transport), limits()).await;
                    let asked = asked.lock().unwrap().clone();
                    (end, ended, asked)
                });
            }
            let mut read = 0;
            while let Some(attempt) = attempts.join_next().await {
                let (end, ended, asked) = attempt.unwrap();
                match ended {
                    Ok(capture) => {
                        assert_eq!(capture.doubt, None);
                        read += 1;
                    }
                    Err(failure) => {
                        check(&failure, end, &[&format!("`{asked}`")], &format!("{transport} after {most}"));
                        steps.push(asked);
                    }
                }
            }
            assert!(read == 0 || read == End::ALL.len(), "{transport} after {most}: {read} were read");
            // What comes later is the logout: the configuration is there, however it ends.
            if steps.last().is_some_and(|step| step == "exit") || read > 0 {
                break;
            }
        }
        for step in ["login", "enable", "terminal length 0", "show running-config"] {
            assert!(steps.iter().any(|seen| seen == step), "{step} of {steps:?}");
        }
    }
}

#[tokio::test]
async fn at_the_logout_the_configuration_is_kept() {
    for transport in [TransportKind::Ssh, TransportKind::Telnet] {
        for end in End::ALL {
            let (mut inner, _) = switch(usize::MAX, end, transport);
            let (seen, mut left) = tokio::sync::mpsc::unbounded_channel();
            let brain: Brain = Box::new(move |typed| {
                if typed == Some("exit") {
                    seen.send(()).unwrap();
                    return Act::End(end);
                }
                inner(typed)
            });
            let address = start(transport, brain).await;
            let capture = attempt(&operator(address, transport), limits()).await;
            let capture = capture.unwrap_or_else(|failure| panic!("{transport} {end:?}: {failure}"));
            assert_eq!(capture.doubt, None);
            assert_eq!(left.try_recv(), Ok(()), "{transport}: it did not log out");
        }
    }
}

#[tokio::test]
async fn before_and_within_the_telnet_negotiation() {
    for greeting in [&b""[..], b"\xff", b"\xff\xfb", b"\xff\xfd\x18\xff\xfa\x18\x01", b"\xff\xfb\x01\r\n"] {
        for end in End::ALL {
            let brain: Brain = Box::new(move |_| Act::End(end));
            let address = peer::telnet(greeting.to_vec(), brain).await;
            let failure = attempt(&operator(address, TransportKind::Telnet), limits()).await.unwrap_err();
            check(&failure, end, &["`login`"], &format!("{greeting:?}"));
        }
    }
}

#[tokio::test]
async fn while_a_tcp_connection_is_asked_for() {
    // A queue of connections that nobody accepts: when it is full, the kernel leaves a SYN without an answer.
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(here(0)).unwrap();
    let listener = socket.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    let mut waiting = Vec::new();
    while let Ok(connected) =
        tokio::time::timeout(Duration::from_millis(300), TcpStream::connect(address)).await
    {
        waiting.push(connected.unwrap());
        assert!(waiting.len() < 100, "the queue is never full");
    }
    for transport in [TransportKind::Ssh, TransportKind::Telnet] {
        let short = Limits { connect: Duration::from_millis(200), ..limits() };
        let failure = attempt(&operator(address, transport), short).await.unwrap_err();
        assert_eq!(failure.kind, FailureKind::Unreachable, "{failure}");
        let says = format!("127.0.0.1 did not answer on port {} within 200ms", address.port());
        assert!(failure.message.contains(&says), "{failure}");
    }
}

#[tokio::test]
async fn within_the_ssh_key_exchange() {
    let short = Limits { connect: Duration::from_secs(3), ..limits() };
    let mut attempts = JoinSet::new();
    // Before, within and behind the version, within the list of algorithms, and behind it.
    for bytes in [0, 5, 20, 60, 400, 900] {
        for end in End::ALL {
            attempts.spawn(async move {
                let brain: Brain = Box::new(|_| unreachable!("there is no shell"));
                let address = peer::ssh(Stop::Bytes(bytes), end, MethodKind::Password, brain).await;
                let limits = if end == End::Hang { short } else { limits() };
                let failure = attempt(&operator(address, TransportKind::Ssh), limits).await.unwrap_err();
                check(&failure, end, &["key exchange"], &format!("after {bytes} bytes"));
            });
        }
    }
    while let Some(attempt) = attempts.join_next().await {
        attempt.unwrap();
    }
}

#[tokio::test]
async fn within_the_ssh_login_and_before_the_shell() {
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("key");
    let pair = PrivateKey::from(Ed25519Keypair::from_seed(&[9; 32]));
    std::fs::write(&key, pair.to_openssh(LineEnding::LF).unwrap().as_bytes()).unwrap();
    let mut attempts = JoinSet::new();
    for (stop, way, named) in [
        (Stop::Ways, MethodKind::Password, &["which ways it takes"][..]),
        (Stop::PublicKey, MethodKind::PublicKey, &["at the public keys"]),
        (Stop::Password, MethodKind::Password, &["at the password"]),
        (Stop::Questions, MethodKind::KeyboardInteractive, &["at the keyboard-interactive questions"]),
        (Stop::Answers, MethodKind::KeyboardInteractive, &["at the keyboard-interactive questions"]),
        (Stop::Channel, MethodKind::Password, &["shell"]),
        (Stop::Terminal, MethodKind::Password, &["`login`", "shell"]),
        (Stop::Shell, MethodKind::Password, &["`login`", "shell"]),
    ] {
        for end in End::ALL {
            let key = key.clone();
            attempts.spawn(async move {
                let brain: Brain = Box::new(|_| unreachable!("there is no shell"));
                let address = peer::ssh(stop, end, way, brain).await;
                let mut target = operator(address, TransportKind::Ssh);
                if way == MethodKind::PublicKey {
                    target.identity_files = vec![key];
                }
                let login = if end == End::Hang { Duration::from_secs(4) } else { LONG };
                let failure = attempt(&target, Limits { login, ..limits() }).await.unwrap_err();
                check(&failure, end, named, &format!("{stop:?}"));
            });
        }
    }
    while let Some(attempt) = attempts.join_next().await {
        attempt.unwrap();
    }
}

#[tokio::test]
async fn of_an_agent_that_does_not_answer() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("agent");
    let _silent = UnixListener::bind(&socket).unwrap();
    let brain: Brain = Box::new(|_| unreachable!("there is no shell"));
    let address = peer::ssh(Stop::Never, End::Hang, MethodKind::PublicKey, brain).await;
    let target =
        Target { agent: Some(socket), offer_agent_keys: true, ..operator(address, TransportKind::Ssh) };
    let short = Limits { login: Duration::from_secs(4), ..limits() };
    let failure = attempt(&target, short).await.unwrap_err();
    check(&failure, End::Hang, &["at the agent's keys"], "the agent");
}
