//! Mail: what is sent, and what a bad server does.

use base64ct::{Base64, Encoding};

use super::smtp_sink::{Heard, Manners, SmtpSink};
use super::tls::{Certificate, certificate};
use super::{SECRET, target, test_message};
use crate::engine::notify::deliver::deliver;
use crate::engine::notify::desk::Failed;

fn toml(sink: &SmtpSink, more: &str) -> String {
    format!(
        "[[target]]\nname = \"mail\"\nkind = \"smtp\"\nserver = \"{}\"\nfrom = \"noctule@example.net\"\nto = [\"noc@example.net\", \"boss@example.net\"]\ntimeout = \"1s\"\n{more}",
        sink.at
    )
}

fn login(tls: &str, ca: &Certificate) -> String {
    format!(
        "tls = \"{tls}\"\nca = \"{}\"\nusername = \"noctule\"\npassword = \"{SECRET}\"\n",
        ca.file.display()
    )
}

async fn fails(toml: &str) -> Failed {
    let failed = deliver(&target(toml), &test_message()).await.unwrap_err();
    let encoded = [SECRET.to_owned(), format!("\0noctule\0{SECRET}")]
        .map(|text| Base64::encode_string(text.as_bytes()));
    for secret in [SECRET, &encoded[0], &encoded[1]] {
        assert!(!failed.message.contains(secret), "{}", failed.message);
    }
    failed
}

#[tokio::test]
async fn a_mail_comes_whole_to_every_recipient() {
    let mut sink = SmtpSink::start(Manners::default()).await;
    let mut message = test_message();
    message.lines = vec!["DOWN core-1".into(), ".".into(), "..two".into(), "end".into()];
    let said = deliver(&target(&toml(&sink, "tls = \"none\"\n")), &message).await.unwrap();
    assert_eq!(said, "250 queued as 1");
    let (mail, lines) = sink.mail().await;
    assert_eq!(
        lines,
        [
            "EHLO [127.0.0.1]",
            "MAIL FROM:<noctule@example.net>",
            "RCPT TO:<noc@example.net>",
            "RCPT TO:<boss@example.net>",
            "DATA",
        ]
    );
    let (head, body) = mail.split_once("\r\n\r\n").unwrap();
    assert_eq!(body, "DOWN core-1\r\n.\r\n..two\r\nend\r\n");
    for header in [
        "Date: Tue, 24 Nov 2026 12:00:00 +0000",
        "From: noctule <noctule@example.net>",
        "To: noc@example.net,\r\n boss@example.net",
        "Subject: noctule: a test, asked for by ann",
        "Message-ID: <noctule.0.1795521600000@example.net>",
        "Auto-Submitted: auto-generated",
        "Content-Type: text/plain; charset=utf-8",
    ] {
        assert!(head.contains(header), "{header} is not in {head}");
    }
}

#[tokio::test]
async fn no_text_becomes_a_header_or_a_recipient() {
    let mut sink = SmtpSink::start(Manners::default()).await;
    let mut message = crate::engine::notify::message::test(
        "noc",
        "eve\r\nBcc: victim@example.net\r\n\r\n.\r\nMAIL FROM:<eve@example.net>",
        super::NOON,
        &jiff::tz::TimeZone::UTC,
    );
    message.lines.push("описание core-1".into());
    deliver(&target(&toml(&sink, "tls = \"none\"\n")), &message).await.unwrap();
    let (mail, _) = sink.mail().await;
    let (head, body) = mail.split_once("\r\n\r\n").unwrap();
    assert!(
        head.lines().all(|line| line.is_ascii() && line.len() <= 78 && !line.starts_with("Bcc")),
        "{head}"
    );
    let subject: String = head
        .split("=?UTF-8?B?")
        .skip(1)
        .map(|word| {
            let encoded = word.split("?=").next().unwrap();
            String::from_utf8(Base64::decode_vec(encoded).unwrap()).unwrap()
        })
        .collect();
    assert!(subject.contains("eve␍␊Bcc: victim@example.net"), "{subject}");
    let body = Base64::decode_vec(&body.replace("\r\n", "")).unwrap();
    assert!(String::from_utf8(body).unwrap().ends_with("\r\nописание core-1"));
    let more = sink.heard();
    assert!(more.iter().all(|heard| !matches!(heard, Heard::Mail(_))), "{more:?}");
}

#[tokio::test]
async fn a_password_goes_through_tls_alone() {
    let ca = certificate(&["127.0.0.1"]);
    let plain = Base64::encode_string(format!("\0noctule\0{SECRET}").as_bytes());
    for (tls, offers, said) in [
        ("starttls", "AUTH PLAIN LOGIN", format!("AUTH PLAIN {plain}")),
        ("implicit", "AUTH login", Base64::encode_string(SECRET.as_bytes())),
    ] {
        let implicit = tls == "implicit";
        let manners =
            Manners { tls: Some(ca.acceptor.clone()), implicit, offers: vec![offers], ..Manners::default() };
        let mut sink = SmtpSink::start(manners).await;
        deliver(&target(&toml(&sink, &login(tls, &ca))), &test_message()).await.unwrap();
        let (_, lines) = sink.mail().await;
        assert!(lines.contains(&said), "{lines:?}");
        assert_eq!(
            lines.iter().filter(|line| line.starts_with("EHLO")).count(),
            if implicit { 1 } else { 2 }
        );
    }
}

#[tokio::test]
async fn without_tls_nothing_is_said_that_needs_it() {
    let ca = certificate(&["127.0.0.1"]);
    let mut sink = SmtpSink::start(Manners { offers: vec!["AUTH PLAIN"], ..Manners::default() }).await;
    let failed = fails(&toml(&sink, &login("starttls", &ca))).await;
    assert!(failed.message.contains("no STARTTLS"), "{}", failed.message);
    let heard = sink.heard();
    assert!(matches!(&heard[..], [Heard::Line(line)] if line.starts_with("EHLO")), "{heard:?}");

    // what somebody between puts behind the answer would count as said inside TLS
    let manners = Manners {
        tls: Some(ca.acceptor.clone()),
        instead: vec![("STARTTLS", b"220 go\r\n250 AUTH PLAIN\r\n".to_vec())],
        ..Manners::default()
    };
    let sink = SmtpSink::start(manners).await;
    let failed = fails(&toml(&sink, &login("starttls", &ca))).await;
    assert!(failed.message.contains("more than it was asked"), "{}", failed.message);

    let stranger = certificate(&["127.0.0.1"]);
    let sink = SmtpSink::start(Manners { tls: Some(ca.acceptor.clone()), ..Manners::default() }).await;
    let failed = fails(&toml(&sink, &login("starttls", &stranger))).await;
    assert!(failed.message.contains("TLS with 127.0.0.1"), "{}", failed.message);
}

#[tokio::test]
async fn what_a_bad_server_answers_is_a_failure_with_a_reason_and_without_secrets() {
    let ca = certificate(&["127.0.0.1"]);
    let plain = Base64::encode_string(format!("\0noctule\0{SECRET}").as_bytes());
    let echo = format!("535 5.7.8 no: {plain} is {SECRET}\r\n").into_bytes();
    let endless: Vec<u8> = b"250-x\r\n".repeat(1000);
    for (at, answer, says, unreachable) in [
        ("", b"554 go away\r\n".to_vec(), "554 to the greeting: go away", true),
        ("", b"SSH-2.0-OpenSSH_9.2\r\n".to_vec(), "no answer of a mail server: SSH-2.0", true),
        ("", vec![b'2'; 1 << 20], "greeting is too long", true),
        ("EHLO", endless, "more than 100 lines", true),
        ("AUTH", echo, "535 to logging in as noctule: 5.7.8 no: … is …", true),
        ("MAIL", b"451 busy\r\n".to_vec(), "451 to MAIL: busy", true),
        (
            "RCPT",
            b"550 \x1b[31mno such user\r\n".to_vec(),
            "550 to RCPT boss@example.net: ␛[31mno such user",
            false,
        ),
        ("DATA", b"".to_vec(), "did not take it within 1s", true),
        (".", b"552 too large\r\n".to_vec(), "552 to the mail: too large", false),
    ] {
        let manners = Manners {
            tls: Some(ca.acceptor.clone()),
            implicit: true,
            offers: vec!["AUTH PLAIN"],
            instead: vec![(at, answer)],
            ..Manners::default()
        };
        let sink = SmtpSink::start(manners).await;
        let failed = fails(&toml(&sink, &login("implicit", &ca))).await;
        assert!(failed.message.contains(says), "{says}: {}", failed.message);
        assert_eq!(failed.unreachable, unreachable, "{}", failed.message);
    }
    for hangs_at in ["", "EHLO", "MAIL", "."] {
        let sink = SmtpSink::start(Manners { hangs_at: Some(hangs_at), ..Manners::default() }).await;
        let failed = fails(&toml(&sink, "tls = \"none\"\n")).await;
        assert!(failed.message.contains("did not take it within 1s"), "{}", failed.message);
    }
}

#[tokio::test]
async fn one_refused_recipient_keeps_it_from_no_other() {
    let manners =
        Manners { instead: vec![("RCPT TO:<boss", b"550 gone\r\n".to_vec())], ..Manners::default() };
    let mut sink = SmtpSink::start(manners).await;
    let said = deliver(&target(&toml(&sink, "tls = \"none\"\n")), &test_message()).await.unwrap();
    assert!(
        said.contains("queued") && said.contains("refused for") && said.contains("550 to RCPT boss"),
        "{said}"
    );
    sink.mail().await;
}

#[tokio::test]
async fn a_farewell_that_hangs_changes_nothing_about_a_mail_that_was_taken() {
    let mut sink = SmtpSink::start(Manners { hangs_at: Some("QUIT"), ..Manners::default() }).await;
    let toml = toml(&sink, "tls = \"none\"\n").replace("1s", "5s");
    deliver(&target(&toml), &test_message()).await.unwrap();
    sink.mail().await;
}
