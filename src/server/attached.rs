//! One connection, from its first byte to its last: who it is, then a full screen or a command.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rustix::net::{RecvFlags, recv};
use tokio::io::{AsyncRead, AsyncWriteExt, Interest};
use tokio::net::UnixStream;
use tokio::net::unix::OwnedReadHalf;
use tokio::runtime::Handle;
use tokio::sync::{mpsc, watch};

use super::admit::{Caller, admit};
use super::asking::Asking;
use super::hello::{Hello, Screen};
use super::link::{FromClient, ServerEnd, ToClient, link};
use super::log::Log;
use super::outgoing::{Outgoing, Written};
use super::pump::Pump;
use super::remote::Remote;
use super::wire::{self, LONGEST_HELLO, Receiver, Reply, Said, Told};
use crate::commands::{self, Args, Door, Exit, Io, Person};
use crate::console::Session;
use crate::engine::counters::Refusal;
use crate::engine::sessions::{Farewell, Roster, Seat};
use crate::engine::{Engine, Options};
use crate::model::clean_line;

/// How long a client has to begin to say who it is, and then to say it.
const FOR_HELLO: Duration = Duration::from_secs(5);
/// How long it waits for its turn to be heard, where many of its account come at once.
const FOR_TURN: Duration = Duration::from_secs(10);
/// How long a command that listens for it has to end after it was told to.
const GRACE: Duration = Duration::from_secs(15);
/// The same for one that does not: what it has begun to store is stored in less.
const SHORT_GRACE: Duration = Duration::from_millis(500);
/// How long a client has to take the last words.
const LAST_WORDS: Duration = Duration::from_secs(5);
/// The longest command line in a list of sessions, in characters.
const LONGEST_LINE: usize = 200;

/// What every connection shares.
pub struct Host {
    /// The engine.
    pub engine: Arc<Engine>,
    /// How it was started.
    pub options: Options,
    /// Where commands run.
    pub workers: Handle,
    /// What is said of it.
    pub log: Log,
}

impl Host {
    /// Serves a connection until it is over. Nothing of it is left then.
    /// `number` says which of the strangers it is.
    pub async fn serve(self: Arc<Self>, socket: UnixStream, number: u64) {
        let Ok(peer) = socket.peer_cred() else { return };
        let (uid, pid) = (peer.uid(), peer.pid());
        let (reading, mut writing) = socket.into_split();
        let met = self.receive(reading, number, uid, pid).await;
        let counters = self.engine.counters();
        let (incoming, Met { hello, person, seat }) = match met {
            Ok(met) => met,
            Err((kind, refusal)) => {
                counters.refuse(kind);
                if let Reply::Refused(why) = &refusal {
                    self.log.warning(&format!("a client of uid {uid} was refused: {why}"));
                }
                return say_last(&mut writing, &refusal).await;
            }
        };
        let welcome = Reply::Welcome { version: env!("CARGO_PKG_VERSION").to_owned() };
        let Ok(welcome) = wire::frames(&welcome) else { return };
        if !matches!(tokio::time::timeout(LAST_WORDS, writing.write_all(&welcome)).await, Ok(Ok(()))) {
            return;
        }
        let what = format!("session {} of {} (uid {uid}): {}", seat.number(), person.name, line_of(&hello));
        counters.sessions.one_more();
        self.log.info(&format!("begins {what}"));
        let (outgoing, writer) = Outgoing::over(writing);
        let writer = tokio::spawn(writer);
        let own =
            Attached { host: Arc::clone(&self), person, seat: Arc::new(seat), outgoing: outgoing.clone() };
        // a task of its own contains a panic
        let session = tokio::spawn(async move {
            match hello.screen.clone() {
                Some(screen) => own.show(&screen, &hello, incoming).await,
                None => own.run(hello, incoming).await,
            }
        });
        if session.await.is_err() {
            counters.sessions_broken.one_more();
            self.log.error(&format!("broke down: {what}; this is a fault of noctule"));
            let why = "the session broke down; what is stored is safe".to_owned();
            // a lock that broke with it must not hold this up
            let last = Told::Bye { why, comes_back: false };
            let _ = tokio::time::timeout(LAST_WORDS, outgoing.tell(&last)).await;
        }
        outgoing.finish();
        if let Ok(Ok(Written::NotRead)) = tokio::time::timeout(LAST_WORDS, writer).await {
            counters.sessions_dropped.one_more();
            self.log.warning(&format!("its client did not read: {what}"));
        }
        self.log.info(&format!("ended {what}"));
    }

    /// Waits until it speaks, and until it is its turn, and hears it.
    async fn receive(
        &self,
        reading: OwnedReadHalf,
        number: u64,
        uid: u32,
        pid: Option<i32>,
    ) -> Result<(Receiver<OwnedReadHalf>, Met), (Refusal, Reply)> {
        let refused = |kind| move |why| (kind, Reply::Refused(why));
        let silent = || refused(Refusal::Silent)(format!("no word within {} s", FOR_HELLO.as_secs()));
        let strangers = self.engine.sessions().strangers();
        let is_speaking = has_spoken(&reading);
        let mut stranger = strangers.admit(number, uid, is_speaking).map_err(refused(Refusal::Crowded))?;
        tokio::select! {
            biased;
            () = std::future::ready(()), if is_speaking => {}
            // its end is a word too
            () = speaks(&reading) => {}
            why = stranger.must_go() => return Err(refused(Refusal::Crowded)(why)),
            () = tokio::time::sleep(FOR_HELLO) => return Err(silent()),
        }
        let late = |_| "too many clients of this account have come at once: try again".to_owned();
        let turn = tokio::time::timeout(FOR_TURN, stranger.speak()).await;
        let _turn = turn.map_err(late).flatten().map_err(refused(Refusal::Crowded))?;
        let mut incoming = Receiver::new(reading);
        let met = tokio::time::timeout(FOR_HELLO, self.meet(&mut incoming, uid, pid)).await;
        Ok((incoming, met.unwrap_or_else(|_| Err(silent()))?))
    }

    /// Hears who it is, and finds a seat.
    async fn meet(
        &self,
        incoming: &mut Receiver<impl AsyncRead + Unpin>,
        uid: u32,
        pid: Option<i32>,
    ) -> Result<Met, (Refusal, Reply)> {
        let refused = |kind| move |why| (kind, Reply::Refused(why));
        let body = incoming.body(|| LONGEST_HELLO).await.map_err(|error| error.to_string());
        let body = body.map_err(refused(Refusal::Malformed))?;
        let hello = Hello::read(&body).map_err(|reply| (Refusal::Malformed, reply))?;
        let caller = Caller {
            uid,
            pid,
            speaks_for: hello.speaks_for.clone(),
            ssh: hello.ssh.clone(),
            tty: hello.tty.clone(),
        };
        let mut person = admit(&self.engine, &caller).await.map_err(refused(Refusal::Unwelcome))?;
        if hello.read_only || hello.screen.as_ref().is_some_and(|screen| screen.wall) {
            person = person.read_only();
        }
        let since = self.engine.now();
        let size = hello.screen.as_ref().map(|screen| (screen.columns, screen.rows));
        let of = Roster::new(&person, uid, pid, &line_of(&hello), since).on(size);
        let seat = self.engine.sessions().begin(of, person.clone()).map_err(refused(Refusal::Full))?;
        Ok(Met { hello, person, seat })
    }
}

/// Whether a client has said something, or gone. Asked of the kernel: where many come in one moment, the runtime knows of it
/// only when all of them are in, and those that have spoken would count as silent.
fn has_spoken(reading: &OwnedReadHalf) -> bool {
    !matches!(peek(reading), Err(error) if error.kind() == io::ErrorKind::WouldBlock)
}

/// Waits until a client says something, or goes. That its socket is called readable is not enough: the runtime may be wrong,
/// and whoever says nothing would count as one that speaks.
async fn speaks(reading: &OwnedReadHalf) {
    while reading.readable().await.is_ok() {
        match reading.as_ref().try_io(Interest::READABLE, || peek(reading)) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            _ => return,
        }
    }
}

/// How many bytes are there to be read, one at the most; 0 is the end.
fn peek(reading: &OwnedReadHalf) -> io::Result<usize> {
    let mut byte = [0_u8; 1];
    let (_, length) = recv(reading.as_ref(), &mut byte, RecvFlags::PEEK | RecvFlags::DONTWAIT)?;
    Ok(length)
}

/// A client that may have a session.
struct Met {
    hello: Hello,
    person: Person,
    seat: Seat,
}

/// Tells a client why there is no session.
async fn say_last(writing: &mut (impl AsyncWriteExt + Unpin), reply: &Reply) {
    if let Ok(bytes) = wire::frames(reply) {
        // who does not listen is not waited for
        let last = async { writing.write_all(&bytes).await.is_ok() && writing.shutdown().await.is_ok() };
        let _ = tokio::time::timeout(LAST_WORDS, last).await;
    }
}

/// What a session is, in words: secrets taken out.
fn line_of(hello: &Hello) -> String {
    let line = match &hello.screen {
        Some(screen) if screen.wall => "wallboard".to_owned(),
        Some(_) => watch_line(&hello.words).unwrap_or_else(|| "console".to_owned()),
        None => commands::shown(&hello.words),
    };
    clean_line(&line).chars().take(LONGEST_LINE).collect()
}

/// The line of the pane that `noctule watch USER` begins with.
fn watch_line(words: &[String]) -> Option<String> {
    let (command, rest) = commands::find(words).filter(|(command, _)| command.name == "watch")?;
    let args = Args::read(command.name, command.args, rest).ok()?;
    Some(format!("watch {}", shlex::try_quote(args.one("user")).ok()?))
}

/// A session at work.
struct Attached {
    host: Arc<Host>,
    person: Person,
    seat: Arc<Seat>,
    outgoing: Outgoing,
}

impl Attached {
    /// Shows a full screen until its operator quits or goes away.
    async fn show(
        self,
        screen: &Screen,
        hello: &Hello,
        incoming: Receiver<impl AsyncRead + Unpin + Send + 'static>,
    ) {
        let (engine, outgoing) = (&self.host.engine, self.outgoing.clone());
        let mut settings = screen.settings(self.person.rights.clone());
        settings.first = watch_line(&hello.words).or(settings.first);
        let picture = engine.snapshot_for(&self.person);
        let mut session = Session::new(&screen.caps(), &settings, picture, engine.now());
        // one that changes nothing takes up nothing
        if !self.person.read_only
            && let Some(draft) = engine.take_draft(&self.person)
        {
            session.offer(draft);
        }
        let (client, server) = link();
        let asking = Arc::new(Asking::new(outgoing.clone(), PathBuf::from(&hello.folder)));
        let pump = self.pump(session, server, self.person.clone(), Arc::clone(&asking) as _);
        // a task of its own: the client is heard while it works
        let pump = tokio::spawn(pump.run());
        let ending = Arc::new(watch::Sender::new(false));
        let hearing = tokio::spawn(hear(
            incoming,
            Arc::clone(&asking),
            outgoing.clone(),
            client.say,
            Arc::clone(&ending),
        ));
        let telling = tell(client.told, &outgoing, &asking, ending.subscribe());
        let farewell = async {
            let Farewell { why, comes_back } = self.seat.ended().await;
            outgoing.tell(&Told::Bye { why, comes_back }).await;
            ending.send_replace(true);
            std::future::pending::<()>().await;
        };
        tokio::select! {
            () = telling => {}
            () = farewell => {}
            // its pump is told by a link that is closed
            () = outgoing.gone() => drop(ending.send_replace(true)),
        }
        // what still runs is told to end; the seat is kept so long
        let ended = pump.await;
        hearing.abort();
        if let Err(error) = ended
            && error.is_panic()
        {
            std::panic::resume_unwind(error.into_panic());
        }
    }

    fn pump(
        &self,
        session: Session,
        server: ServerEnd,
        person: Person,
        files: Arc<dyn super::link::Files>,
    ) -> Pump {
        let Host { engine, options, workers, .. } = &*self.host;
        Pump::new(session, server, options.clone(), Arc::clone(engine), person, files, workers.clone())
            .seated(Arc::clone(&self.seat))
    }

    /// Runs a command until it ends, or its client wants that, or is gone.
    async fn run(self, hello: Hello, incoming: Receiver<impl AsyncRead + Unpin + Send + 'static>) {
        let outgoing = self.outgoing.clone();
        let asking = Arc::new(Asking::new(outgoing.clone(), PathBuf::from(&hello.folder)));
        let zone = super::hello::zone(&hello.zone);
        let remote =
            Arc::new(Remote::new(outgoing.clone(), Arc::clone(&asking), hello.output_is_terminal, zone));
        let door = Door {
            options: self.host.options.clone(),
            engine: Some(Arc::clone(&self.host.engine)),
            person: self.person.clone(),
            links: None,
            io: Arc::clone(&remote) as Arc<dyn Io>,
        };
        let (signal, mut signals) = mpsc::channel(4);
        let hearing = tokio::spawn(hear_signals(incoming, asking, outgoing.clone(), signal));
        let words = hello.words;
        let mut running = self.host.workers.spawn(async move { commands::run(door, &words).await });
        let broken_off = tokio::select! {
            exit = &mut running => Err(exit),
            signal = signals.recv() => Ok(Exit::Signal(signal.unwrap_or(1))),
            farewell = self.seat.ended() => {
                outgoing.tell(&Told::Note(format!("noctule: {}", farewell.why))).await;
                Ok(Exit::Signal(15))
            }
        };
        let exit = match broken_off {
            Err(ended) => ended.unwrap_or(Exit::Failed),
            Ok(broken_off) => {
                remote.interrupt();
                let listens = remote.listens();
                let ended =
                    tokio::time::timeout(if listens { GRACE } else { SHORT_GRACE }, &mut running).await;
                running.abort();
                match ended {
                    Ok(ended) => remote_exit(ended.unwrap_or(Exit::Failed), broken_off, listens),
                    Err(_) => broken_off,
                }
            }
        };
        outgoing.tell(&Told::Exit(exit.code())).await;
        hearing.abort();
    }
}

/// How a command that was told to end has ended.
fn remote_exit(ended: Exit, broken_off: Exit, listens: bool) -> Exit {
    match ended {
        Exit::Done => Exit::Done,
        // it has ended as it would have without the signal
        Exit::Failed | Exit::Usage if listens => ended,
        _ => broken_off,
    }
}

/// Hears the client of a full screen, until it is gone.
async fn hear(
    mut incoming: Receiver<impl AsyncRead + Unpin>,
    asking: Arc<Asking>,
    outgoing: Outgoing,
    say: mpsc::Sender<FromClient>,
    ending: Arc<watch::Sender<bool>>,
) {
    let mut say = Some(say);
    let mut ends = ending.subscribe();
    loop {
        let said = tokio::select! {
            biased;
            _ = ends.wait_for(|ends| *ends), if say.is_some() => {
                say = None;
                continue;
            }
            said = next(&mut incoming, &asking) => said,
        };
        match said {
            Some(Said::Screen(said)) => {
                if matches!(said, FromClient::Returned { .. }) {
                    asking.expect_text(false);
                }
                if let Some(say) = &say {
                    // a session that is gone is noticed by its end
                    let _ = say.send(said).await;
                }
            }
            Some(Said::HangUp) => drop(ending.send_replace(true)),
            Some(Said::Answer(number, answer)) => asking.answered(number, answer),
            Some(Said::Took(bytes)) => outgoing.took(bytes as usize),
            Some(Said::Signal(_)) => {}
            None => return outgoing.leave(),
        }
    }
}

/// Hears the client of a command, until it is gone.
async fn hear_signals(
    mut incoming: Receiver<impl AsyncRead + Unpin>,
    asking: Arc<Asking>,
    outgoing: Outgoing,
    signal: mpsc::Sender<u8>,
) {
    loop {
        match next(&mut incoming, &asking).await {
            Some(Said::Signal(number)) => drop(signal.try_send(number)),
            Some(Said::HangUp) => drop(signal.try_send(1)),
            Some(Said::Answer(number, answer)) => asking.answered(number, answer),
            Some(Said::Took(bytes)) => outgoing.took(bytes as usize),
            Some(Said::Screen(_)) => {}
            None => return outgoing.leave(),
        }
    }
}

/// What the client says next; `None` when it is gone, or says what makes no sense.
async fn next(incoming: &mut Receiver<impl AsyncRead + Unpin>, asking: &Asking) -> Option<Said> {
    let body = incoming.body(|| asking.longest()).await.ok()?;
    wire::message(&body).ok()
}

/// Hands on what the session of a full screen wants. A frame is sent when the one before it is on the screen: a session
/// never queues what nobody sees.
async fn tell(
    mut told: mpsc::Receiver<ToClient>,
    outgoing: &Outgoing,
    asking: &Asking,
    mut ends: watch::Receiver<bool>,
) {
    while let Some(message) = told.recv().await {
        if matches!(message, ToClient::Screen(_)) {
            tokio::select! {
                biased;
                // only how the terminal is given back matters now
                _ = ends.wait_for(|ends| *ends) => continue,
                () = outgoing.all_taken() => {}
            }
        }
        if matches!(message, ToClient::Edit { .. }) {
            asking.expect_text(true);
        }
        let is_end = matches!(message, ToClient::End { .. });
        outgoing.tell(&Told::Screen(message)).await;
        if is_end {
            return;
        }
    }
}
