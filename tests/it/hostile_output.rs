//! What a hostile device sends, from the wire to the store, the exported file and the screen.

use std::sync::Arc;
use std::time::Duration;

use noctule::commands::Exit;
use noctule::device::driver::Limits;
use noctule::engine::backup::{Network, Transports};
use noctule::engine::fields::{Change, Field};
use noctule::engine::history::View;
use noctule::engine::{Engine, Options, Selection};
use noctule::model::{FailureKind, TransportKind, is_hostile};
use russh::MethodKind;

use crate::command_fixture::Shell;
use crate::console_engine::Desk;
use crate::engine_fixture::{Hand, ann, back_up};
use crate::peer::{self, Act, Brain, End, Stop};

/// A switch with `body` in the middle of its configuration.
fn switch(transport: TransportKind, body: Vec<u8>) -> Brain {
    Box::new(move |typed| {
        Act::Say(match typed {
            None if transport == TransportKind::Telnet => b"\r\nUsername: ".to_vec(),
            Some("operator") => b"\r\nPassword: ".to_vec(),
            Some("show running-config") => {
                [&b"\r\nversion 15.2\r\nhostname sw\r\n"[..], &body, b"end\r\n\r\nsw#"].concat()
            }
            _ => b"\r\nsw#".to_vec(),
        })
    })
}

/// An engine that has backed up one device; how that ended.
async fn backed_up(
    transport: TransportKind,
    charset: &str,
    body: Vec<u8>,
) -> (tempfile::TempDir, Arc<Engine>, Option<(FailureKind, String)>) {
    let brain = switch(transport, body);
    let address = match transport {
        TransportKind::Ssh => peer::ssh(Stop::Never, End::Hang, MethodKind::Password, brain).await,
        TransportKind::Telnet => peer::telnet(b"\xff\xfb\x01".to_vec(), brain).await,
    };
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("config");
    std::fs::create_dir(&config).unwrap();
    let mut options = Options::new(folder.path().join("data"), config);
    options.schedule = false;
    options.pulse = false;
    options.clock = Hand::new().clock();
    options.limits =
        Some(Limits { idle: Duration::from_secs(10), answer_bytes: 2 << 20, ..Limits::default() });
    let engine = Engine::start_with(options, Arc::new(Network::new(Transports::default()))).await.unwrap();
    let changes = [
        Change::new(Field::Transport, transport.to_string()),
        Change::new(Field::Port, address.port().to_string()),
        Change::new(Field::Driver, "cisco_ios"),
        Change::new(Field::Username, "operator"),
        Change::new(Field::Password, "fake-password"),
        Change::new(Field::Charset, charset),
    ];
    engine.add_device(&ann(), "sw", "127.0.0.1", &changes).await.unwrap();
    let report = back_up(&engine, &Selection::all()).await.remove(0);
    (folder, engine, report.error.map(|failure| (failure.kind, failure.message)))
}

#[tokio::test]
async fn rubbish_is_clean_in_the_store_in_a_file_and_on_the_screen() {
    let body = b"description \x1b[31mred\x1b[0m\x1b]0;title\x07\x00\r\ndescription \xb1\xb1\xbe\xa9\r\n\
        description \xff\xfe\r\ndescription \xe2\x80\xaetxt\r\nremark deny ip any\rpermit ip\r\n";
    for transport in [TransportKind::Ssh, TransportKind::Telnet] {
        // Telnet doubles 255.
        let body = match transport {
            TransportKind::Ssh => body.to_vec(),
            TransportKind::Telnet => body.iter().flat_map(|&b| vec![b; 1 + usize::from(b == 255)]).collect(),
        };
        for (charset, city) in [("gbk", "\u{5317}\u{4eac}"), ("windows-1251", "\u{b1}\u{b1}\u{455}\u{a9}")] {
            let (_folder, engine, error) = backed_up(transport, charset, body.clone()).await;
            assert_eq!(error, None, "{transport} {charset}");
            let device = engine.device("sw").unwrap();
            let newest = engine.revision(&device, "newest").await.unwrap();
            let stored = String::from_utf8(engine.text(&newest, View::Exact).await.unwrap()).unwrap();
            let lines: Vec<&str> = stored.lines().collect();
            for line in [
                "description red",
                &format!("description {city}"),
                "remark deny ip any\u{240d}permit ip",
                "end",
            ] {
                assert!(lines.contains(&line), "{transport} {charset}: {line:?} in {lines:?}");
            }
            assert!(!stored.chars().any(|c| c != '\n' && is_hostile(c)), "{stored:?}");

            let shell = Shell::over(&engine);
            let (exit, told) = shell.run("backup export out --view exact").await;
            assert_eq!(exit, Exit::Done, "{:?}", told.notes);
            let files: Vec<_> = told.written.values().map(|(bytes, _)| bytes.clone()).collect();
            assert_eq!(files, [stored.clone().into_bytes()]);

            let screen = Desk::new(&engine).types(":config sw\r").await;
            assert!(!screen.chars().any(|c| c != '\n' && is_hostile(c)), "{screen:?}");
            for text in ["description red", "deny ip any", city] {
                let packed = |text: &str| text.replace(' ', "");
                assert!(packed(&screen).contains(&packed(text)), "{text:?} is not on the screen:\n{screen}");
            }
        }
    }
}

#[tokio::test]
async fn what_has_no_end_fails_and_is_kept_only_in_part() {
    for transport in [TransportKind::Ssh, TransportKind::Telnet] {
        for body in [vec![b'x'; 10 << 20], b"interface x\r\n".repeat(1 << 19)] {
            let (_folder, engine, error) = backed_up(transport, "", body).await;
            let (kind, message) = error.unwrap();
            assert_eq!(kind, FailureKind::TooLarge, "{transport}: {message}");
            let device = engine.device("sw").unwrap();
            assert!(engine.revision(&device, "newest").await.is_err());
            let kept = engine.recordings(device.id).await.unwrap();
            let (_, text) = engine.recording(device.id, kept[0].0).await.unwrap();
            assert!(text.len() < 4 << 20, "{} bytes are kept", text.len());
            engine.watch().wait_for(|picture| picture.totals.failed == 1).await.unwrap();
            let screen = Desk::new(&engine).types("").await;
            assert!(screen.contains("✖ failed") && screen.contains("too-large"), "{screen}");
        }
    }
}
