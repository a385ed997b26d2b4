//! What speaks like Telegram's bot API.

use std::time::Duration;

use super::http_sink::{HttpSink, Play};
use super::{target, test_message};
use crate::engine::notify::deliver::deliver;

const TOKEN: &str = "123456:s3cr3t-of-a-bot";

fn chat(sink: &HttpSink) -> String {
    format!(
        "[[target]]\nname = \"chat\"\nkind = \"telegram\"\nbase = \"http://{}\"\ntoken = \"{TOKEN}\"\nchat = \"-100123\"\n",
        sink.at
    )
}

fn ok() -> Play {
    Play::Answer("200 OK", r#"{"ok":true,"result":{}}"#.into())
}

#[tokio::test]
async fn a_message_is_plain_text_without_markup() {
    let mut sink = HttpSink::start(vec![ok()]).await;
    let mut message = test_message();
    message.lines.push("<b>*not* [bold](http://x)</b>".into());
    deliver(&target(&chat(&sink)), &message).await.unwrap();
    let got = sink.next().await;
    assert_eq!(got.line, format!("POST /bot{TOKEN}/sendMessage HTTP/1.1"));
    let json = got.json();
    assert_eq!(json["chat_id"], "-100123");
    assert!(json["text"].as_str().unwrap().ends_with("\n<b>*not* [bold](http://x)</b>"), "{json}");
    assert_eq!(json.as_object().unwrap().len(), 2, "no parse_mode: {json}");
}

#[tokio::test]
async fn a_long_text_is_cut_where_the_api_would_refuse_it() {
    let mut sink = HttpSink::start(vec![ok()]).await;
    let mut message = test_message();
    message.lines = vec!["🦇".repeat(3000)];
    deliver(&target(&chat(&sink)), &message).await.unwrap();
    let text = sink.next().await.json()["text"].as_str().unwrap().to_owned();
    assert!(text.encode_utf16().count() <= 4096 && text.ends_with("🦇\n…"), "{}", text.len());
    assert!(text.encode_utf16().count() > 4090);
}

#[tokio::test]
async fn a_refusal_says_why_and_never_the_token() {
    for (play, says, wait) in [
        (
            Play::Answer(
                "429 Too Many Requests",
                r#"{"ok":false,"error_code":429,"description":"Too Many Requests: retry after 33","parameters":{"retry_after":33}}"#.into(),
            ),
            "429 Too Many Requests: Too Many Requests: retry after 33",
            Some(33),
        ),
        (
            Play::Answer("400 Bad Request", r#"{"ok":false,"description":"Bad Request: chat not found"}"#.into()),
            "chat not found",
            None,
        ),
        (
            Play::Answer("404 Not Found", format!("{{\"ok\":false,\"description\":\"no /bot{TOKEN}/sendMessage\"}}")),
            "404 Not Found: no …",
            None,
        ),
        (Play::Answer("200 OK", "<html>a captive portal</html>".into()), "as Telegram does: <html>", None),
        (Play::Answer("200 OK", r#"{"ok":false}"#.into()), "200 OK", None),
        (Play::Answer("502 Bad Gateway", format!("no upstream for {TOKEN}")), "502 Bad Gateway: no upstream for …", None),
    ] {
        let sink = HttpSink::start(vec![play]).await;
        let failed = deliver(&target(&chat(&sink)), &test_message()).await.unwrap_err();
        assert!(failed.message.contains(says), "{says}: {}", failed.message);
        assert!(!failed.message.contains("s3cr3t"), "{}", failed.message);
        assert_eq!(failed.retry_after, wait.map(Duration::from_secs));
    }
}

#[tokio::test]
async fn a_token_comes_from_a_file_too_and_must_be_one() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    let mut sink = HttpSink::start(vec![ok()]).await;
    let toml =
        chat(&sink).replace(&format!("token = \"{TOKEN}\""), &format!("token_file = \"{}\"", file.display()));
    std::fs::write(&file, format!("{TOKEN}\n")).unwrap();
    deliver(&target(&toml), &test_message()).await.unwrap();
    assert!(sink.next().await.line.contains(TOKEN));
    for (content, says) in
        [("s3cr3t/../../etc", "no bot's token"), ("a\nb", "not one line"), ("", "not one line")]
    {
        std::fs::write(&file, content).unwrap();
        let failed = deliver(&target(&toml), &test_message()).await.unwrap_err();
        assert!(failed.message.contains(says) && !failed.message.contains("s3cr3t"), "{}", failed.message);
    }
}
