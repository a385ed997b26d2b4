//! A command at a shell that runs in the engine: its answer is written here, and what only this side can do is done here.

use std::io::{self, Write};
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::net::unix::OwnedWriteHalf;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;

use super::connection::Connection;
use super::signals::Signals;
use super::{complain, files, prompt, relay, shell};
use crate::commands::Exit;
use crate::server::wire::{self, Answer, Ask, LONGEST_FRAME, Said, Told};

/// How long the engine has to end a command that was broken off: longer than it gives the command.
const GRACE: Duration = Duration::from_secs(20);
/// After so many bytes the engine hears that they are written.
const HEARD_AFTER: u32 = (LONGEST_FRAME / 2) as u32;

/// Runs the command of a connection to its end.
pub async fn run(connection: Connection, signals: &mut Signals) -> Exit {
    let Connection { mut incoming, writing } = connection;
    let mut engine = Engine(writing);
    let (paper, mut written, lost) = Paper::begin();
    let mut paper = Some(paper);
    let mut questions = JoinSet::new();
    let mut broken_off: Option<Exit> = None;
    let mut unheard = 0;
    let exit = loop {
        let patience = async {
            match broken_off {
                Some(_) => tokio::time::sleep(GRACE).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            signal = signals.ending() => {
                let Exit::Signal(number) = signal else { break signal };
                if broken_off.is_some() {
                    // asked twice
                    break signal;
                }
                broken_off = Some(signal);
                // Ctrl-C at a question is a no; the terminal is given back by what is dropped
                questions.abort_all();
                engine.say(&Said::Signal(number)).await;
            }
            Some(answered) = questions.join_next_with_id(), if !questions.is_empty() => {
                if let Ok((_, (number, answer))) = answered {
                    engine.say(&Said::Answer(number, answer)).await;
                }
            }
            Some(size) = written.recv() => {
                unheard += size;
                if unheard >= HEARD_AFTER || written.is_empty() {
                    engine.say(&Said::Took(std::mem::take(&mut unheard))).await;
                }
            }
            told = incoming.next() => match told {
                None => break lost_engine(broken_off),
                Some((Told::Exit(code), _)) => break exit_of(code),
                Some((Told::Bye { why, .. }, _)) => {
                    complain(&why, Exit::Failed);
                    break Exit::Failed;
                }
                Some((Told::Ask(number, ask), size)) => {
                    engine.say(&Said::Took(size)).await;
                    // what was said before the question is to be read before it
                    if let Some(paper) = &paper {
                        paper.settled().await;
                    }
                    if broken_off.is_some() {
                        engine.say(&Said::Answer(number, nobody(&ask))).await;
                    } else {
                        questions.spawn(async move { (number, answer(ask).await) });
                    }
                }
                Some((told, size)) => if let Some(paper) = &paper {
                    paper.put(told, size);
                },
            },
            () = patience => break broken_off.unwrap_or(Exit::Failed),
        }
    };
    questions.shutdown().await;
    drop(paper.take());
    let all_written = async {
        while written.recv().await.is_some() {}
        lost.await.ok().flatten()
    };
    tokio::select! {
        why = all_written => match why {
            Some(why) => complain(&format!("writing the answer: {why}"), Exit::Failed),
            None => exit,
        },
        // whoever reads the answer does not, and nobody wants to wait for that
        signal = signals.ending() => signal,
    }
}

fn lost_engine(broken_off: Option<Exit>) -> Exit {
    let why = "the engine has gone while the command was running: whether it was done is not known; look before you \
               ask again";
    complain(why, broken_off.unwrap_or(Exit::Failed))
}

fn exit_of(code: u8) -> Exit {
    match code {
        0 => Exit::Done,
        2 => Exit::Usage,
        129.. => Exit::Signal(code - 128),
        _ => Exit::Failed,
    }
}

/// Does what only this side can do.
async fn answer(ask: Ask) -> Answer {
    match ask {
        Ask::Confirm(question) if prompt::has_person() => {
            Answer::Confirmed(Some(prompt::confirm(&question).await.unwrap_or(false)))
        }
        Ask::Secret(prompt) if prompt::has_person() => {
            let secret = prompt::secret(&prompt).await;
            Answer::Secret(secret.map(|secret| secret.expose().to_owned()))
        }
        Ask::Read { path, at_most } if path == "-" => {
            read_input(usize::try_from(at_most).unwrap_or(usize::MAX)).await
        }
        Ask::Confirm(_) | Ask::Secret(_) => nobody(&ask),
        Ask::Read { .. } | Ask::Write { .. } => relay::open_file(ask).await,
    }
}

/// The answer of somebody who has gone.
fn nobody(ask: &Ask) -> Answer {
    let why = "it was broken off".to_owned();
    match ask {
        // Ctrl-C is a no
        Ask::Confirm(_) => Answer::Confirmed(prompt::has_person().then_some(false)),
        Ask::Secret(_) => Answer::Secret(None),
        Ask::Read { .. } => Answer::File(Err(why)),
        Ask::Write { .. } => Answer::Wrote(Err(why)),
    }
}

/// Standard input, on a thread of its own: one that nobody writes to must hold up no end.
async fn read_input(at_most: usize) -> Answer {
    let (tell, told) = oneshot::channel();
    std::thread::spawn(move || {
        let read = files::read_bounded(io::stdin(), at_most);
        // who asked may have gone
        let _ = tell.send(read.map_err(|error| format!("cannot read standard input: {error}")));
    });
    Answer::File(told.await.unwrap_or_else(|_| Err("reading standard input broke down".to_owned())))
}

/// The way to the engine.
struct Engine(OwnedWriteHalf);

impl Engine {
    async fn say(&mut self, said: &Said) {
        if let Ok(bytes) = wire::frames(said) {
            // an engine that has gone is noticed by its silence
            let _ = self.0.write_all(&bytes).await;
        }
    }
}

/// Standard output and standard error, written by a thread of their own: a reader that takes its time (`| less`) must
/// not make this side deaf.
struct Paper {
    lines: std::sync::mpsc::Sender<Line>,
}

enum Line {
    Told(Told, u32),
    Settle(oneshot::Sender<()>),
}

impl Paper {
    /// The thread begins. Beside it are returned: the size of what was written, each time; and at the end, why not all
    /// of it was.
    fn begin() -> (Self, mpsc::UnboundedReceiver<u32>, oneshot::Receiver<Option<String>>) {
        let (lines, told) = std::sync::mpsc::channel();
        let (wrote, written) = mpsc::unbounded_channel();
        let (end, lost) = oneshot::channel();
        std::thread::spawn(move || {
            let mut closed: Option<io::Error> = None;
            for line in told {
                let size = match line {
                    Line::Told(told, size) => {
                        put(told, &mut closed);
                        size
                    }
                    Line::Settle(done) => {
                        let _ = done.send(());
                        continue;
                    }
                };
                if wrote.send(size).is_err() {
                    break;
                }
            }
            // a reader that has seen enough (`| head`) is no fault
            let lost = closed.filter(|error| error.kind() != io::ErrorKind::BrokenPipe);
            let _ = end.send(lost.map(|error| error.to_string()));
        });
        (Self { lines }, written, lost)
    }

    fn put(&self, told: Told, size: u32) {
        let _ = self.lines.send(Line::Told(told, size));
    }

    async fn settled(&self) {
        let (done, settled) = oneshot::channel();
        let _ = self.lines.send(Line::Settle(done));
        let _ = settled.await;
    }
}

fn put(told: Told, closed: &mut Option<io::Error>) {
    let mut out = |write: &dyn Fn(&mut io::StdoutLock<'_>) -> io::Result<()>| {
        if closed.is_none() {
            let mut out = io::stdout().lock();
            *closed = write(&mut out).and_then(|()| out.flush()).err();
        }
    };
    match told {
        Told::Line(line) => out(&|out| writeln!(out, "{line}")),
        Told::Bytes(bytes) => out(&|out| out.write_all(&bytes)),
        Told::Note(line) => shell::note(&line),
        _ => {}
    }
}
