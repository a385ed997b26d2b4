//! The pump: joins one operator's session to the engine and to a client, whatever lies between.

mod pictures;

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio::sync::{mpsc, watch};
use tokio::task::{Id, JoinSet};

use pictures::until;

use super::link::{Files, FromClient, Leave, ServerEnd, ToClient};
use super::output::ToSession;
use crate::commands::{self, Door, Person};
use crate::console::{Dial, LineId, Output, QueryId, Request, Session, TerminalId};
use crate::engine::query::{Answer, Query};
use crate::engine::sessions::Seat;
use crate::engine::snapshot::Snapshot;
use crate::engine::terminal::{Said, TerminalHandle};
use crate::engine::{Engine, Options};
use crate::lab::Links;
use crate::model::Timestamp;

/// The least time between two frames that no operator's key asked for.
const FRAME_FLOOR: Duration = Duration::from_millis(33);
/// The most reads of one session at once.
const READS: usize = 4;
/// The most messages taken between two looks at the screen.
const BATCH: usize = 1_000;
/// The most messages of terminals that wait, and that are taken between two looks at the screen.
const FROM_TERMINALS: usize = 32;
/// How long commands have to end after their session.
const LAST_WORK: Duration = Duration::from_secs(3);
/// The longest sleep: a clock that was set back must not stop the screen for long.
const LONGEST_SLEEP: Duration = Duration::from_secs(60);

/// One operator's session at work.
pub struct Pump {
    session: Session,
    link: ServerEnd,
    options: Options,
    engine: Arc<Engine>,
    person: Person,
    links: Option<Arc<Links>>,
    files: Arc<dyn Files>,
    /// Where it stands in the list of sessions, and when a key was last pressed.
    seat: Option<Arc<Seat>>,
    active: Timestamp,
    /// Who looks on.
    watchers: Option<watch::Receiver<Vec<String>>>,
    /// Where commands and reads run, so that they never hold up a frame.
    workers: Handle,
    pictures: watch::Receiver<Arc<Snapshot>>,
    reads: JoinSet<Answer>,
    reading: HashMap<Id, QueryId>,
    asked: VecDeque<(QueryId, Query)>,
    commands: JoinSet<()>,
    terminals: HashMap<TerminalId, TerminalHandle>,
    terminal_said: mpsc::Sender<(TerminalId, Said)>,
    from_terminals: mpsc::Receiver<(TerminalId, Said)>,
    lines: mpsc::UnboundedSender<(LineId, Output)>,
    said: mpsc::UnboundedReceiver<(LineId, Output)>,
    over: watch::Sender<bool>,
    drawn: Instant,
    /// When the newest picture is taken, where there is one.
    picture_due: Option<Instant>,
    /// An operator's key waits to be seen.
    urgent: bool,
    /// The terminal is not the session's: an editor has it, or a shell.
    away: bool,
    ended: bool,
    /// The operator wanted that.
    has_quit: bool,
}

impl Pump {
    /// A pump that joins `session` to `engine` and `link`.
    pub fn new(
        session: Session,
        link: ServerEnd,
        options: Options,
        engine: Arc<Engine>,
        person: Person,
        files: Arc<dyn Files>,
        workers: Handle,
    ) -> Self {
        let (lines, said) = mpsc::unbounded_channel();
        let (terminal_said, from_terminals) = mpsc::channel(FROM_TERMINALS);
        Self {
            session,
            link,
            options,
            pictures: engine.watch(),
            active: engine.now(),
            seat: None,
            watchers: None,
            engine,
            person,
            links: None,
            files,
            workers,
            reads: JoinSet::new(),
            reading: HashMap::new(),
            asked: VecDeque::new(),
            commands: JoinSet::new(),
            terminals: HashMap::new(),
            terminal_said,
            from_terminals,
            lines,
            said,
            over: watch::Sender::new(false),
            drawn: Instant::now(),
            picture_due: None,
            urgent: true,
            away: false,
            ended: false,
            has_quit: false,
        }
    }

    /// The session's commands may cut the links of this simulated network.
    #[must_use]
    pub fn over(self, links: Option<Arc<Links>>) -> Self {
        Self { links, ..self }
    }

    /// The session stands in the list of those who are in.
    #[must_use]
    pub fn seated(self, seat: Arc<Seat>) -> Self {
        Self { watchers: Some(seat.watchers()), seat: Some(seat), ..self }
    }

    /// Runs the session until its operator quits or goes away. What is still running then is told to end.
    pub async fn run(mut self) {
        while !self.ended {
            self.session.pass_time(self.engine.now());
            self.serve();
            self.read_on();
            self.send_frame();
            // what was drawn may want something: a terminal its window
            self.serve();
            if !self.ended {
                self.wait().await;
            }
        }
        self.keep_draft();
        let leave = leave_of(&mut self.session);
        // the frame before it may still lie in a slow terminal; a client that is gone needs nothing
        let _ = self.link.tell.send(ToClient::End { leave }).await;
        self.over.send_replace(true);
        let open = self.terminals.len();
        self.terminals.clear();
        // each says that it is over when its end and its recording are kept
        let kept = async {
            for _ in 0..open {
                while let Some((_, said)) = self.from_terminals.recv().await {
                    if matches!(said, Said::Closed(_)) {
                        break;
                    }
                }
            }
        };
        let _ = tokio::time::timeout(LAST_WORK, kept).await;
        let all = async { while self.commands.join_next().await.is_some() {} };
        let _ = tokio::time::timeout(LAST_WORK, all).await;
    }

    /// Keeps what was being written, unless its operator has quit or was put out.
    fn keep_draft(&self) {
        match &self.seat {
            Some(seat) if seat.is_put_out() => self.engine.forget_draft(&self.person),
            // who changes nothing, as on a wall, takes up nothing
            Some(_) if !self.has_quit && !self.person.read_only => {
                self.engine.keep_draft(&self.person, self.session.draft())
            }
            _ => {}
        }
    }

    // ---- what the session wants

    fn serve(&mut self) {
        for request in self.session.take_requests() {
            match request {
                Request::Query(id, query) => self.asked.push_back((id, query)),
                Request::Run { id, line, input } => self.start(id, &line, input),
                Request::Refused { line } => self.note_refused(&line),
                Request::Edit { name, text } => self.hand_over(|leave| ToClient::Edit { leave, name, text }),
                Request::Suspend => self.hand_over(|leave| ToClient::Suspend { leave }),
                Request::Terminal(id, dial) => self.dial(id, dial),
                Request::Quit => (self.ended, self.has_quit) = (true, true),
            }
        }
        // a pane that is gone has taken its session with it
        let session = &self.session;
        self.terminals.retain(|id, _| session.has_terminal(*id));
    }

    fn dial(&mut self, id: TerminalId, dial: Dial) {
        match dial {
            Dial::Open { device, window } => {
                let (said, mut says) = mpsc::channel(1);
                let all = self.terminal_said.clone();
                self.workers.spawn(async move {
                    while let Some(said) = says.recv().await {
                        if all.send((id, said)).await.is_err() {
                            return;
                        }
                    }
                });
                let _inside = self.workers.enter();
                let handle = self.engine.open_terminal(&self.person, &device, window, said);
                self.terminals.insert(id, handle);
            }
            Dial::Type(typed) => {
                if let Some(Err(why)) = self.terminals.get(&id).map(|handle| handle.send(typed)) {
                    self.session.complain(why);
                }
            }
            Dial::Close => {
                self.terminals.remove(&id);
            }
        }
    }

    /// Starts the reads that are still wanted: a newer one of the same pane has made the older ones void.
    fn read_on(&mut self) {
        while self.reads.len() < READS
            && let Some((id, query)) = self.asked.pop_front()
        {
            if self.session.waits_for(id) {
                let (engine, person) = (Arc::clone(&self.engine), self.person.clone());
                let read =
                    self.reads.spawn_on(async move { engine.query(&person, query).await }, &self.workers);
                self.reading.insert(read.id(), id);
            }
        }
    }

    fn start(&mut self, id: LineId, line: &str, input: Option<String>) {
        let lines = self.lines.clone();
        let (files, zone) = (Arc::clone(&self.files), self.session.zone());
        let io = ToSession::new(id, lines.clone(), input, files, self.over.subscribe(), zone);
        let door = Door {
            options: self.options.clone(),
            engine: Some(Arc::clone(&self.engine)),
            person: self.person.clone(),
            links: self.links.clone(),
            io: Arc::new(io),
        };
        let words = shlex::split(line);
        let work = async move {
            let end = |text: Option<&str>, code| {
                // the session may be over: then nobody reads it
                if let Some(text) = text {
                    let _ = lines.send((id, Output::Line(text.to_owned())));
                }
                let _ = lines.send((id, Output::Exit(code)));
            };
            let Some(words) = words else { return end(Some("noctule: a quote is not closed"), 2) };
            match tokio::spawn(async move { commands::run(door, &words).await }).await {
                Ok(exit) => end(None, exit.code()),
                Err(_) => end(Some("noctule: the command broke down; this is a fault of noctule"), 1),
            }
        };
        self.commands.spawn_on(work, &self.workers);
    }

    fn note_refused(&mut self, line: &str) {
        let (engine, person) = (Arc::clone(&self.engine), self.person.clone());
        let Some(words) = shlex::split(line) else { return };
        let note = async move { commands::note_refused(&engine, &person, &words).await };
        self.commands.spawn_on(note, &self.workers);
    }

    /// Gives the terminal away until the client says that it is back.
    fn hand_over(&mut self, message: impl FnOnce(Leave) -> ToClient) {
        if self.away {
            return;
        }
        let Ok(permit) = self.link.tell.try_reserve() else {
            return self.session.complain("The terminal is too slow for this now: try again");
        };
        permit.send(message(leave_of(&mut self.session)));
        self.away = true;
    }

    // ---- what the client is sent

    /// Sends what has changed, where the client has room for it: a session never queues what nobody reads.
    fn send_frame(&mut self) {
        let now = self.engine.now();
        let early = !self.urgent && self.drawn.elapsed() < FRAME_FLOOR && self.session.wake_at() > now;
        if self.away || early {
            return;
        }
        let Ok(permit) = self.link.tell.try_reserve() else { return };
        self.urgent = false;
        let frame = self.session.frame(now);
        if let (Some(seat), Some(picture)) = (&self.seat, self.session.mirrored()) {
            seat.show(picture);
        }
        if let Some(bytes) = frame {
            permit.send(ToClient::Screen(bytes));
            self.drawn = Instant::now();
            self.note();
        }
    }

    /// Tells those who look who is in what this one looks at.
    fn note(&self) {
        if let Some(seat) = &self.seat {
            seat.note(&self.session.doing(), self.session.size(), self.active);
        }
    }

    /// How long nothing needs to be done by itself.
    fn rest(&self, room: bool) -> Duration {
        if self.away || !room {
            return LONGEST_SLEEP;
        }
        let wake =
            self.engine.now().age(self.session.wake_at()).clamp(Duration::from_millis(1), LONGEST_SLEEP);
        let floor = FRAME_FLOOR.saturating_sub(self.drawn.elapsed());
        if floor.is_zero() { wake } else { wake.min(floor) }
    }

    // ---- what happens

    async fn wait(&mut self) {
        let room = self.link.tell.capacity() > 0;
        let rest = self.rest(room);
        tokio::select! {
            biased;
            heard = self.link.heard.recv() => self.hear(heard),
            Some(read) = self.reads.join_next_with_id(), if !self.reads.is_empty() => self.answer(read),
            Some((id, output)) = self.said.recv() => self.session.output(id, output),
            Some((id, said)) = self.from_terminals.recv() => self.session.terminal(id, said),
            _ = self.commands.join_next(), if !self.commands.is_empty() => {}
            Ok(()) = self.pictures.changed() => self.notice_picture(),
            () = until(self.picture_due) => self.take_picture(),
            watchers = news_of(&mut self.watchers) => self.session.watched_by(watchers),
            // its room is taken by the next frame; a client that is gone is noticed by its silence
            _ = async { self.link.tell.reserve().await.is_ok() }, if !room && !self.away => {}
            () = tokio::time::sleep(rest) => {}
        }
        for _ in 0..BATCH {
            match self.link.heard.try_recv() {
                Ok(heard) => self.hear(Some(heard)),
                Err(_) => break,
            }
        }
        for _ in 0..BATCH {
            match self.said.try_recv() {
                Ok((id, output)) => self.session.output(id, output),
                Err(_) => break,
            }
        }
        for _ in 0..FROM_TERMINALS {
            match self.from_terminals.try_recv() {
                Ok((id, said)) => self.session.terminal(id, said),
                Err(_) => break,
            }
        }
    }

    fn hear(&mut self, heard: Option<FromClient>) {
        let now = self.engine.now();
        match heard {
            Some(FromClient::Input(bytes)) => {
                if self.session.feed(&bytes, now) {
                    (self.urgent, self.active) = (true, now);
                }
            }
            Some(FromClient::Size(width, height)) => {
                self.session.resize(width, height);
                self.urgent = true;
            }
            Some(FromClient::Suspend) => self.hand_over(|leave| ToClient::Suspend { leave }),
            Some(FromClient::Returned { width, height, edited }) => {
                // it may have been taken away without a word, by SIGSTOP
                self.session.leave();
                self.session.returned(width, height);
                (self.away, self.urgent) = (false, true);
                match edited {
                    Ok(Some(text)) => self.session.edited(&text),
                    Ok(None) => {}
                    Err(why) => self.session.complain(&why),
                }
            }
            None => self.ended = true,
        }
    }

    fn answer(&mut self, read: Result<(Id, Answer), tokio::task::JoinError>) {
        let (task, answer) = match read {
            Ok(done) => done,
            Err(error) => {
                (error.id(), Answer::Failed("the read broke down; this is a fault of noctule".into()))
            }
        };
        if let Some(id) = self.reading.remove(&task) {
            self.session.answer(id, answer);
        }
    }
}

/// Who looks on, when that changes.
async fn news_of(watchers: &mut Option<watch::Receiver<Vec<String>>>) -> Vec<String> {
    if let Some(watchers) = watchers
        && watchers.changed().await.is_ok()
    {
        return watchers.borrow_and_update().clone();
    }
    std::future::pending().await
}

fn leave_of(session: &mut Session) -> Leave {
    let answer_due = session.awaits_answer();
    Leave { bytes: session.leave(), answer_due }
}
