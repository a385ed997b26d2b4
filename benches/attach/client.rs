//! A client as the real one is: decodes the engine's frames, says what it took, and answers for the terminal at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use noctule::server::wire::{self, LONGEST_TOLD, PROTOCOL, Receiver, Reply, Said, Told};
use noctule::server::{FromClient, Hello, Screen, SocketPlace, ToClient};
use tokio::io::AsyncWriteExt;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::watch;

/// The terminal's question that ends every frame, and what a VT220 answers.
const ASKED: &[u8] = b"\x1b[c";
const ANSWER: &[u8] = b"\x1b[?62;22c";

/// What a session is to do.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// Look on.
    Look,
    /// Press a key every so often.
    Type(Duration),
}

/// What a session has seen.
pub struct Seen {
    /// Bytes for the terminal so far.
    pub bytes: Arc<AtomicU64>,
    /// From the connection's begin to the first frame.
    pub first_frame: Duration,
}

/// One operator's session.
pub struct Session {
    incoming: Receiver<OwnedReadHalf>,
    writing: OwnedWriteHalf,
    bytes: Arc<AtomicU64>,
}

impl Session {
    /// Attaches with so many columns and rows, waits for the first frame, and sorts by name, so that no row moves away
    /// under the cursor.
    pub async fn attach(place: &SocketPlace, columns: u16, rows: u16) -> (Self, Seen) {
        let begun = Instant::now();
        let (reading, mut writing) = place.connect().await.expect("the engine listens").into_split();
        writing.write_all(&framed(&hello(columns, rows))).await.expect("it listens");
        let mut incoming = Receiver::new(reading);
        let body = incoming.body(|| LONGEST_TOLD).await.expect("a reply");
        let reply: Reply = wire::message(&body).expect("a reply");
        assert!(matches!(reply, Reply::Welcome { .. }), "{reply:?}");
        let mut session = Self { incoming, writing, bytes: Arc::default() };
        let frame = session.incoming.body(|| LONGEST_TOLD).await.expect("a frame");
        session.take(&frame).await;
        let first_frame = begun.elapsed();
        session.press(b":sort name\r").await;
        let bytes = Arc::clone(&session.bytes);
        (session, Seen { bytes, first_frame })
    }

    /// Does what it is ordered, until there are no more orders. How long each key waited for the next frame goes to
    /// `waits`; of keys that wait together, that of the first.
    pub async fn obey(
        mut self,
        mut orders: watch::Receiver<Order>,
        waits: std::sync::mpsc::Sender<Duration>,
    ) {
        let (mut pressed, mut waiting) = (0u32, None);
        let mut next = tokio::time::Instant::now();
        loop {
            let order = *orders.borrow_and_update();
            tokio::select! {
                biased;
                body = self.incoming.body(|| LONGEST_TOLD) => {
                    self.take(&body.expect("the engine goes on")).await;
                    if let Some(since) = Option::take(&mut waiting) {
                        let _ = waits.send(Instant::elapsed(&since));
                    }
                }
                changed = orders.changed() => match changed {
                    // sessions do not press in step
                    Ok(()) => next = tokio::time::Instant::now() + Duration::from_millis(rand::random_range(0..300)),
                    Err(_) => return,
                },
                () = tokio::time::sleep_until(next), if order != Order::Look => {
                    if let Order::Type(pace) = order {
                        next += pace;
                    }
                    waiting.get_or_insert_with(Instant::now);
                    self.press(if pressed % 40 < 20 { b"j" } else { b"k" }).await;
                    pressed += 1;
                }
            }
        }
    }

    /// Takes a frame, and answers it.
    async fn take(&mut self, body: &[u8]) {
        let size = u32::try_from(wire::framed(body.len())).expect("a frame");
        let Ok(Told::Screen(ToClient::Screen(bytes))) = wire::message(body) else { panic!("no frame") };
        self.bytes.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        let mut said = framed(&Said::Took(size));
        if bytes.windows(ASKED.len()).any(|window| window == ASKED) {
            said.extend(framed(&Said::Screen(FromClient::Input(ANSWER.to_vec()))));
        }
        self.writing.write_all(&said).await.expect("the engine goes on");
    }

    async fn press(&mut self, keys: &[u8]) {
        let said = framed(&Said::Screen(FromClient::Input(keys.to_vec())));
        self.writing.write_all(&said).await.expect("the engine goes on");
    }
}

fn framed(message: &impl serde::Serialize) -> Vec<u8> {
    wire::frames(message).expect("a message")
}

fn hello(columns: u16, rows: u16) -> Hello {
    Hello {
        protocol: PROTOCOL,
        version: "bench".into(),
        words: Vec::new(),
        folder: "/".into(),
        speaks_for: None,
        read_only: false,
        ssh: None,
        tty: None,
        input_is_terminal: true,
        output_is_terminal: true,
        zone: String::new(),
        screen: Some(Screen {
            columns,
            rows,
            term: "xterm-256color".into(),
            colorterm: "truecolor".into(),
            lang: "C.UTF-8".into(),
            theme: "dark".into(),
            ..Screen::default()
        }),
    }
}
