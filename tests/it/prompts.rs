//! What stands between a session and the end of an answer, one case each, over SSH and Telnet.

use std::time::Duration;

use noctule::device::driver::Limits;
use noctule::device::transport::Target;
use noctule::model::{Secret, TransportKind};
use russh::MethodKind;

use crate::device_fixture::{driver, read, target};
use crate::peer::{self, Act, Brain, End, Stop};

/// A device's peculiarity.
struct Case {
    name: &'static str,
    /// What stands before the first prompt.
    banner: &'static [u8],
    /// The prompt, as the device sends it.
    prompt: &'static [u8],
    /// What comes back of the command.
    echo: &'static [u8],
    /// The lines within the configuration. Where there are several parts, the device sends the next one when the
    /// session types something at what it takes for the prompt.
    parts: &'static [&'static [u8]],
    /// What is stored of them.
    stored: &'static str,
}

const PLAIN: Case =
    Case { name: "nothing", banner: b"", prompt: b"sw#", echo: b"", parts: &[b"a\r\n"], stored: "a\n" };

const CASES: &[Case] = &[
    PLAIN,
    Case {
        name: "a banner with a line like a prompt, and one with a question like the login's",
        banner: b"\r\n*** Authorised use only ***\r\nold#\r\nUsername: is your own\r\n\x07\r\n",
        ..PLAIN
    },
    Case { name: "a banner that ends in the prompt itself", banner: b"\r\nnotice board\r\nsw#", ..PLAIN },
    Case { name: "the echo of the command", echo: b"show running-config", ..PLAIN },
    Case {
        name: "an echo that is redrawn by backspaces",
        echo: b"show rin\x08 \x08\x08 \x08unning-config",
        ..PLAIN
    },
    Case { name: "line ends CR CR LF", parts: &[b"a\r\r\nb\r\r\n"], stored: "a\nb\n", ..PLAIN },
    Case {
        name: "a line that a carriage return writes over with blanks",
        parts: &[b" --More-- \r          \ra\r\n"],
        ..PLAIN
    },
    Case {
        name: "backspaces",
        parts: &[b"description wrogn\x08\x08ng\r\n"],
        stored: "description wrong\n",
        ..PLAIN
    },
    Case {
        name: "colours, cursor moves and titles",
        prompt: b"\x1b]0;sw\x07\x1b[1;32msw\x1b[0m#\x1b[K",
        parts: &[b"\x1b[31ma\x1b[0m\x1b[K\r\n"],
        ..PLAIN
    },
    Case {
        name: "log lines in the middle, with a time and without",
        parts: &[b"a\r\n*Mar  1 00:10:00.123: %SYS-5-CONFIG_I: Configured from console by vty0\r\nb\r\n\
            %LINK-3-UPDOWN: Interface Gi0/1, changed state to up\r\n"],
        stored: "a\nb\n",
        ..PLAIN
    },
    Case {
        name: "a line like the prompt inside of a banner of the configuration",
        parts: &[b"banner motd ^C\r\nsw#\r\nsw> \r\n^C\r\n"],
        stored: "banner motd ^C\nsw#\nsw> \n^C\n",
        ..PLAIN
    },
    Case {
        name: "a line that looks like the prompt for as long as the device is silent",
        parts: &[b"banner motd ^C\r\nsw#", b" is not to be touched\r\n^C\r\n"],
        stored: "banner motd ^C\nsw# is not to be touched\n^C\n",
        ..PLAIN
    },
    Case {
        name: "the same, and the whole line is the prompt",
        parts: &[b"banner motd ^C\r\nsw#", b"\r\n^C\r\n"],
        stored: "banner motd ^C\nsw#\n^C\n",
        ..PLAIN
    },
];

fn brain(case: &'static Case, transport: TransportKind) -> Brain {
    let prompt = |before: &[u8]| [before, b"\r\n", case.prompt].concat();
    let mut parts: std::slice::Iter<'static, &'static [u8]> = [].iter();
    Box::new(move |typed| {
        if typed == Some("show running-config") {
            parts = case.parts.iter();
        }
        let mut rest = |begin: &[u8]| match parts.next() {
            Some(part) if parts.len() > 0 => [begin, part].concat(),
            Some(part) => [begin, part, b"end\r\n", &prompt(b"")[..]].concat(),
            None => Vec::new(),
        };
        Act::Say(match typed {
            None if transport == TransportKind::Telnet => b"\r\nUsername: ".to_vec(),
            Some("operator") => b"\r\nPassword: ".to_vec(),
            None | Some("fake-password") => prompt(case.banner),
            Some("show running-config") => {
                rest(&[case.echo, b"\r\nversion 15.2\r\nhostname sw\r\n"].concat())
            }
            // The typed line was empty, and was taken once the device was done.
            Some(_) => [rest(b""), prompt(b"")].concat(),
        })
    })
}

#[tokio::test]
async fn end_no_answer_early_and_leave_nothing_in_it() {
    let second = Duration::from_secs(1);
    let limits = Limits {
        connect: 20 * second,
        login: 20 * second,
        idle: 10 * second,
        whole: 60 * second,
        ..Limits::default()
    };
    for case in CASES {
        for transport in [TransportKind::Ssh, TransportKind::Telnet] {
            let address = match transport {
                TransportKind::Ssh => {
                    peer::ssh(Stop::Never, End::Hang, MethodKind::Password, brain(case, transport)).await
                }
                TransportKind::Telnet => peer::telnet(b"\xff\xfb\x01".to_vec(), brain(case, transport)).await,
            };
            let target =
                Target { password: Secret::new("fake-password"), ..target(address, transport, "operator") };
            let capture = read(&target, &driver("cisco_ios"), "", "fake-enable", limits).await;
            let capture =
                capture.unwrap_or_else(|failure| panic!("{} over {transport}: {failure}", case.name));
            let whole = format!("version 15.2\nhostname sw\n{}end\n", case.stored);
            assert_eq!(capture.exact, whole, "{} over {transport}", case.name);
            assert_eq!(capture.doubt, None, "{} over {transport}", case.name);
        }
    }
}

#[tokio::test]
async fn a_line_of_half_a_megabyte_is_one_line() {
    let long = "x".repeat(500_000);
    let body: &'static [u8] = Box::leak(format!("description {long}\r\n").into_bytes().into_boxed_slice());
    let parts: &'static [&'static [u8]] = Box::leak(vec![body].into_boxed_slice());
    let case: &'static Case = Box::leak(Box::new(Case { parts, ..PLAIN }));
    for transport in [TransportKind::Ssh, TransportKind::Telnet] {
        let address = match transport {
            TransportKind::Ssh => {
                peer::ssh(Stop::Never, End::Hang, MethodKind::Password, brain(case, transport)).await
            }
            TransportKind::Telnet => peer::telnet(Vec::new(), brain(case, transport)).await,
        };
        let target =
            Target { password: Secret::new("fake-password"), ..target(address, transport, "operator") };
        let capture = read(&target, &driver("cisco_ios"), "", "", Limits::default()).await.unwrap();
        assert_eq!(capture.exact.lines().nth(2).unwrap().len(), 12 + 500_000);
    }
}
