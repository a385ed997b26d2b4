use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;
use crate::device::capture::{Capture, capture};
use crate::device::driver::Drivers;
use crate::device::replay;
use crate::device::script::{Login, Script};
use crate::device::transcript::{Step, Transcript};

fn driver() -> Arc<CompiledDriver> {
    Drivers::embedded().get(&"cisco_ios".parse().unwrap()).unwrap()
}

fn transcript(stem: &str) -> Transcript {
    let files = Drivers::embedded().transcripts(&"cisco_ios".parse().unwrap());
    files.iter().find(|file| file.stem == stem).unwrap().text.parse().unwrap()
}

fn login() -> Login {
    Login {
        username: "operator".into(),
        password: "fake-password".into(),
        enable_password: "fake-enable".into(),
        hostname: "sw".into(),
    }
}

fn limits() -> Limits {
    Limits {
        login: Duration::from_secs(20),
        idle: Duration::from_secs(30),
        whole: Duration::from_secs(300),
        answer_bytes: 4 << 20,
        ..Limits::default()
    }
}

async fn read_over(wire: impl Wire + 'static, login_in: LoginIn) -> (Result<Capture, Failure>, Recorder) {
    let credentials = Credentials {
        username: "operator".into(),
        password: Secret::new("fake-password"),
        enable_password: Secret::new("fake-enable"),
    };
    let progress: Progress = Arc::new(|_: &str| ());
    let opened = Session::open(Box::new(wire), driver(), "", credentials, limits(), login_in, progress).await;
    match opened {
        Ok(mut session) => (capture(&mut session, &driver(), None).await, session.close().await),
        Err((failure, recorder)) => (Err(failure), recorder),
    }
}

async fn read(transcript: &Transcript, chunk: usize) -> Result<Capture, Failure> {
    let login_in = match transcript.transport {
        crate::model::TransportKind::Ssh => LoginIn::Transport,
        crate::model::TransportKind::Telnet => LoginIn::Stream,
    };
    let (wire, _) = replay::play(Script::strict(transcript, login()), chunk);
    tokio::time::timeout(Duration::from_secs(400), read_over(wire, login_in))
        .await
        .expect("it ends by itself")
        .0
}

#[tokio::test(start_paused = true)]
async fn it_does_not_matter_in_what_pieces_the_bytes_come() {
    for stem in ["normal", "paged", "log-line", "prompt-inside"] {
        let whole = read(&transcript(stem), 65_536).await.unwrap();
        for chunk in [1, 2, 7, 17, 80] {
            assert_eq!(read(&transcript(stem), chunk).await.unwrap(), whole, "{stem} in pieces of {chunk}");
        }
    }
}

/// The transcript up to its `keep`th step, and then `last`.
fn cut(transcript: &Transcript, keep: usize, last: Step) -> Transcript {
    let mut steps = transcript.steps[..keep].to_vec();
    steps.push((0, last));
    Transcript { steps, ..transcript.clone() }
}

#[tokio::test(start_paused = true)]
async fn a_device_that_hangs_or_goes_at_any_step_never_brings_a_good_configuration() {
    for stem in ["normal", "paged"] {
        let transcript = transcript(stem);
        let proven = transcript.steps.len() - 2;
        for keep in 0..proven {
            for (last, kinds) in [
                (Step::Hang, [FailureKind::Timeout, FailureKind::Prompt]),
                (Step::Close, [FailureKind::Disconnected, FailureKind::Disconnected]),
            ] {
                let failure = match read(&cut(&transcript, keep, last.clone()), 1024).await {
                    Err(failure) => failure,
                    Ok(capture) => panic!("{stem} {last:?} after {keep} steps: {:?}", capture.doubt),
                };
                assert!(kinds.contains(&failure.kind), "{stem} {last:?} after {keep} steps: {failure}");
                assert!(failure.message.contains('`'), "no step is named: {failure}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn output_without_end_is_bounded() {
    let (wire, mut device) = tokio::io::duplex(1 << 16);
    tokio::spawn(async move {
        device.write_all(b"sw#").await.unwrap();
        let mut typed = [0; 64];
        assert!(device.read(&mut typed).await.unwrap() > 0);
        device.write_all(b"\r\nsw#").await.unwrap();
        assert!(device.read(&mut typed).await.unwrap() > 0);
        let junk = b"interface Gi0/1\r\n".repeat(3000);
        while device.write_all(&junk).await.is_ok() {}
    });
    let (ended, recorder) = read_over(wire, LoginIn::Transport).await;
    let failure = ended.unwrap_err();
    assert!(matches!(failure.kind, FailureKind::TooLarge | FailureKind::Timeout), "{failure}");
    drop(recorder);
}

#[tokio::test(start_paused = true)]
async fn a_line_of_ten_megabytes_is_too_large_and_cheap() {
    let mut transcript = transcript("error-line");
    let at = transcript
        .steps
        .iter()
        .position(|(_, step)| matches!(step, Step::Line { text, .. } if text == "show running-config"))
        .unwrap();
    transcript.steps.truncate(at + 1);
    let mut line = vec![b'x'; 10 << 20];
    line.extend(b"\r\nend\r\nedge-2#");
    transcript.steps.push((0, Step::Device(line)));
    assert_eq!(read(&transcript, 65_536).await.unwrap_err().kind, FailureKind::TooLarge);
}

#[tokio::test(start_paused = true)]
async fn an_unknown_prompt_is_shown_in_the_error_and_the_recording() {
    let (wire, mut device) = tokio::io::duplex(4096);
    tokio::spawn(async move {
        device.write_all(b"\x1b[2JWelcome\r\n<<strange>>\xff\x1b]0;evil\x07 % ").await.unwrap();
        let mut typed = [0; 64];
        while device.read(&mut typed).await.is_ok_and(|count| count > 0) {}
    });
    let (ended, recorder) = read_over(wire, LoginIn::Transport).await;
    let failure = ended.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Prompt);
    assert!(failure.message.contains("Welcome ⏎ <<strange>>"), "{failure}");
    assert!(!failure.message.contains('\u{1b}') && !failure.message.contains("evil"));
    let text =
        recorder.finish(&driver().id, crate::model::TransportKind::Ssh, failure.kind, "sw", &[]).to_string();
    assert!(text.contains("\\e[2JWelcome") && text.contains("\\xff"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn a_refused_password_is_sent_once() {
    let (wire, mut device) = tokio::io::duplex(4096);
    let seen = tokio::spawn(async move {
        let mut all = Vec::new();
        let mut typed = [0; 256];
        device.write_all(b"Username: ").await.unwrap();
        loop {
            let Ok(count @ 1..) = device.read(&mut typed).await else { return all };
            all.extend_from_slice(&typed[..count]);
            let text = String::from_utf8_lossy(&typed[..count]).into_owned();
            let answer: &[u8] =
                if text.contains("fake-password") { b"\r\nnope\r\nUsername: " } else { b"\r\nPassword: " };
            if device.write_all(answer).await.is_err() {
                return all;
            }
        }
    });
    let (ended, _) = read_over(wire, LoginIn::Stream).await;
    assert_eq!(ended.unwrap_err().kind, FailureKind::Authentication);
    let sent = String::from_utf8(seen.await.unwrap()).unwrap();
    assert_eq!(sent.matches("fake-password").count(), 1, "{sent:?}");
}

/// A device that answers each typed line with the next of `answers`, and then says nothing more.
async fn scripted(answers: Vec<Vec<u8>>) -> (Result<Capture, Failure>, Recorder) {
    let (wire, mut device) = tokio::io::duplex(1 << 16);
    tokio::spawn(async move {
        let mut typed = [0; 256];
        for answer in answers {
            if device.write_all(&answer).await.is_err() || !device.read(&mut typed).await.is_ok_and(|n| n > 0)
            {
                return;
            }
        }
        while device.read(&mut typed).await.is_ok_and(|count| count > 0) {}
    });
    read_over(wire, LoginIn::Transport).await
}

#[tokio::test(start_paused = true)]
async fn a_password_that_the_device_sends_back_is_not_in_the_error() {
    let (ended, _) =
        scripted(vec![b"you typed fake-password and fake-enable\r\nfake-password % ".to_vec()]).await;
    let failure = ended.unwrap_err();
    assert!(failure.message.contains("you typed {password} and {enable_password}"), "{failure}");
    assert!(!failure.message.contains("fake-"), "{failure}");
}

#[tokio::test(start_paused = true)]
async fn an_answer_in_many_parts_is_bounded_as_a_whole() {
    let (wire, mut device) = tokio::io::duplex(1 << 16);
    let sent = tokio::spawn(async move {
        let part = [b"\r\n".to_vec(), b"interface x\r\n".repeat(80_000), b"sw#".to_vec()].concat();
        let mut typed = [0; 256];
        let mut sent = 0;
        device.write_all(b"sw#").await.unwrap();
        while let Ok(count @ 1..) = device.read(&mut typed).await {
            if !typed[..count].starts_with(b"show running-config") {
                let _ = device.write_all(b"\r\nsw#").await;
                continue;
            }
            // What looks like a prompt goes on as a line, again and again.
            while device.write_all(&part).await.is_ok() {
                sent += part.len();
                tokio::time::sleep(Duration::from_millis(1)).await;
                let _ = device.write_all(b" not yet").await;
            }
        }
        sent
    });
    let (ended, recorder) = read_over(wire, LoginIn::Transport).await;
    drop(recorder);
    let (failure, sent) = (ended.unwrap_err(), sent.await.unwrap());
    assert_eq!(failure.kind, FailureKind::TooLarge, "{failure}");
    assert!(sent < 3 * limits().answer_bytes, "{sent}");
}
