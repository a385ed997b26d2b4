//! Webhooks: what is sent, and what a bad server does.

use std::time::Duration;

use super::http_sink::{HttpSink, Play};
use super::tls::certificate;
use super::{SECRET, target, test_message};
use crate::engine::notify::deliver::deliver;
use crate::engine::notify::desk::Failed;

async fn fails(toml: &str) -> Failed {
    let failed = deliver(&target(toml), &test_message()).await.unwrap_err();
    assert!(!failed.message.contains(SECRET), "{}", failed.message);
    failed
}

/// A webhook of that sink whose path and header are secrets.
fn secret_hook(sink: &HttpSink) -> String {
    format!(
        "[[target]]\nname = \"hook\"\nkind = \"webhook\"\nurl = \"http://{}/{SECRET}\"\nheaders = {{ Authorization = \"Bearer {SECRET}\" }}\ntimeout = \"1s\"\n",
        sink.at
    )
}

#[tokio::test]
async fn the_document_comes_with_its_headers() {
    let mut sink = HttpSink::start(vec![Play::ok()]).await;
    let said = deliver(&target(&secret_hook(&sink)), &test_message()).await.unwrap();
    assert_eq!(said, "200 OK fine");
    let got = sink.next().await;
    assert_eq!(got.line, format!("POST /{SECRET} HTTP/1.1"));
    for header in [
        format!("authorization: Bearer {SECRET}"),
        "content-type: application/json".into(),
        format!("host: {}", sink.at),
    ] {
        assert!(got.headers.contains(&header), "{header} is not in {:?}", got.headers);
    }
    let json = got.json();
    assert_eq!((&json["version"], &json["test"]), (&1.into(), &true.into()));
    assert!(json["subject"].as_str().unwrap().contains("asked for by ann"), "{json}");
}

#[tokio::test]
async fn a_certificate_counts_only_where_its_authority_is_named_and_for_its_own_name() {
    let ours = certificate(&["127.0.0.1", "localhost"]);
    let mut sink = HttpSink::start_with(vec![Play::ok()], Some(ours.acceptor.clone())).await;
    let toml = |host: &str, ca: &str| {
        format!(
            "[[target]]\nname = \"hook\"\nkind = \"webhook\"\nurl = \"https://{host}:{}/\"\n{ca}",
            sink.at.port()
        )
    };
    let ca = format!("ca = \"{}\"\n", ours.file.display());
    for host in ["127.0.0.1", "localhost"] {
        deliver(&target(&toml(host, &ca)), &test_message()).await.unwrap();
    }
    let failed = fails(&toml("127.0.0.1", "")).await;
    assert!(failed.message.contains("ca = "), "{}", failed.message);
    let stranger = certificate(&["127.0.0.1"]);
    let failed = fails(&toml("127.0.0.1", &format!("ca = \"{}\"\n", stranger.file.display()))).await;
    assert!(failed.message.contains("TLS with 127.0.0.1"), "{}", failed.message);
    let missing = fails(&toml("127.0.0.1", "ca = \"/nowhere/ca.pem\"\n")).await;
    assert!(missing.message.contains("/nowhere/ca.pem"), "{}", missing.message);
    assert!(sink.now().is_some() && sink.now().is_some() && sink.now().is_none());

    let other_name = certificate(&["elsewhere.example"]);
    let sink = HttpSink::start_with(vec![Play::ok()], Some(other_name.acceptor.clone())).await;
    let url = format!("https://127.0.0.1:{}/", sink.at.port());
    let toml = format!(
        "[[target]]\nname = \"hook\"\nkind = \"webhook\"\nurl = \"{url}\"\nca = \"{}\"\n",
        other_name.file.display()
    );
    assert!(fails(&toml).await.message.contains("TLS with 127.0.0.1"));
}

#[tokio::test]
async fn what_a_bad_server_answers_is_a_failure_with_a_reason_and_without_secrets() {
    let echo = format!("you sent \u{1b}[31m{SECRET}\r\nand more");
    for (play, says, unreachable) in [
        (Play::Answer("500 Oops", echo.clone()), "500 Internal Server Error: you sent ␛[31m…", true),
        (Play::Answer("400 Bad Request", echo), "400 Bad Request: you sent", false),
        (Play::Answer("404 Not Found", String::new()), "404 Not Found", true),
        (
            Play::Answer("302 Found\r\nLocation: http://127.0.0.1:1/s3cr3t-of-a-target", String::new()),
            "points to http://127.0.0.1/…",
            false,
        ),
        (Play::Bytes(b"220 mail.example ESMTP\r\n".to_vec()), "asking http://127.0.0.1", true),
        (Play::Bytes(Vec::new()), "asking http://127.0.0.1", true),
        (Play::Bytes([b"HTTP/1.1 200 OK\r\nX: ".to_vec(), vec![b'x'; 1 << 20]].concat()), "asking", true),
        (Play::Hang, "did not take it within 1s", true),
    ] {
        let sink = HttpSink::start(vec![play]).await;
        let failed = fails(&secret_hook(&sink)).await;
        assert!(failed.message.contains(says), "{says}: {}", failed.message);
        assert_eq!(failed.unreachable, unreachable, "{}", failed.message);
    }
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let toml =
        format!("[[target]]\nname = \"hook\"\nkind = \"webhook\"\nurl = \"http://{nobody}/{SECRET}\"\n");
    assert!(fails(&toml).await.message.contains("refused"));
}

#[tokio::test]
async fn of_a_body_without_end_only_the_beginning_is_read() {
    let sink = HttpSink::start(vec![Play::Endless]).await;
    let said = deliver(&target(&secret_hook(&sink)), &test_message()).await.unwrap();
    assert!(said.starts_with("200 OK xxx") && said.ends_with('…') && said.len() < 300, "{said}");
}

#[tokio::test]
async fn a_server_may_ask_for_a_wait() {
    let sink = HttpSink::start(vec![Play::Answer("429 Slow\r\nRetry-After: 77", String::new())]).await;
    assert_eq!(fails(&secret_hook(&sink)).await.retry_after, Some(Duration::from_secs(77)));
    let sink = HttpSink::start(vec![Play::Answer("503 No\r\nRetry-After: 99999999", String::new())]).await;
    assert_eq!(fails(&secret_hook(&sink)).await.retry_after, Some(Duration::from_secs(3600)));
}
