//! Those who ask: a request each, then the connection ends. Whoever says nothing, or trickles, or does not read, is given
//! up after a time, and before that where there are many of them: one that asks as it should is answered all the same.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::task::{AbortHandle, JoinError, JoinSet};

use super::Figures;
use super::place::{Place, Stream};
use super::request::{self, Asked, LONGEST, Refused};
use crate::server::log::Log;

/// The most connections whose request has not come, and the most that were answered and are not closed; for one more, the
/// oldest of them goes.
const MOST: usize = 64;
/// The most that are answered at once; the others wait.
const MOST_ANSWERED: usize = 32;
/// The most whose request has come and waits for its turn.
const MOST_WAITING: usize = 256;
/// How long a request may take to come, and an answer to go.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long, and for how many bytes, what was not wanted is read after the answer: a connection that is closed with
/// something unread in it takes the answer back.
const LINGER: (Duration, u64) = (Duration::from_secs(1), 4 << 20);
/// How long a refusal of the system is waited out: too many open files.
const AGAIN: Duration = Duration::from_millis(200);

/// The media type of the text format.
const TEXT_FORMAT: &str = "text/plain; version=0.0.4; charset=utf-8";

type Guest = (Box<dyn Stream>, Result<(), Refused>);

/// Serves whoever connects. Does not end; what is under way ends with it.
pub async fn serve(place: &Place, figures: &Arc<Figures>, log: &Log) {
    let (mut asking, mut leaving) = (Crowd::<Option<Guest>>::default(), Crowd::<()>::default());
    let mut answered = JoinSet::new();
    loop {
        tokio::select! {
            biased;
            () = leaving.next() => {}
            Some(left) = answered.join_next(), if !answered.is_empty() => {
                if let Ok(Some(stream)) = left {
                    leaving.admit(leave(stream));
                }
            }
            asked = asking.next(), if answered.len() < MOST_ANSWERED => {
                if let Some((stream, asked)) = asked {
                    answered.spawn(answer(stream, asked, Arc::clone(figures)));
                }
            }
            accepted = place.accept() => match accepted {
                Ok(stream) if asking.tasks.len() < MOST + MOST_WAITING => asking.admit(ask(stream)),
                Ok(_) => {}
                Err(error) => {
                    log.error(&format!("accepting a connection for metrics: {error}"));
                    tokio::time::sleep(AGAIN).await;
                }
            }
        }
    }
}

/// Connections at one thing, the oldest of which goes where there are too many.
struct Crowd<T> {
    tasks: JoinSet<T>,
    /// The oldest first; some have ended.
    oldest: VecDeque<AbortHandle>,
}

impl<T> Default for Crowd<T> {
    fn default() -> Self {
        Self { tasks: JoinSet::new(), oldest: VecDeque::new() }
    }
}

impl<T: Default + Send + 'static> Crowd<T> {
    fn admit(&mut self, connection: impl Future<Output = T> + Send + 'static) {
        self.oldest.retain(|one| !one.is_finished());
        if self.oldest.len() >= MOST
            && let Some(one) = self.oldest.pop_front()
        {
            one.abort();
        }
        self.oldest.push_back(self.tasks.spawn(connection));
    }

    /// Waits until one is done, and says how; one that had to go has done nothing.
    async fn next(&mut self) -> T {
        match self.tasks.join_next().await {
            Some(done) => done.unwrap_or_else(|_: JoinError| T::default()),
            None => std::future::pending().await,
        }
    }
}

/// Reads a request; `None` where its sender is gone.
async fn ask(mut stream: Box<dyn Stream>) -> Option<Guest> {
    let mut head = Vec::new();
    let reading = async {
        loop {
            match request::read(&head) {
                Asked::Metrics => return Some(Ok(())),
                Asked::Refused(why) => return Some(Err(why)),
                Asked::More => {}
            }
            let room = (LONGEST - head.len()) as u64;
            match (&mut stream).take(room).read_buf(&mut head).await {
                Ok(1..) => {}
                _ => return None,
            }
        }
    };
    let asked = tokio::time::timeout(PATIENCE, reading).await.unwrap_or(Some(Err(Refused::Late)))?;
    Some((stream, asked))
}

/// Answers; `None` where the answer was not taken.
async fn answer(
    mut stream: Box<dyn Stream>,
    asked: Result<(), Refused>,
    figures: Arc<Figures>,
) -> Option<Box<dyn Stream>> {
    let answer = match asked {
        Ok(()) => response("200 OK", TEXT_FORMAT, "", &figures.text().await),
        Err(why) => {
            let allow = if why == Refused::Method { "Allow: GET\r\n" } else { "" };
            let words = format!("{}: ask for GET /metrics\n", why.status());
            response(why.status(), "text/plain; charset=utf-8", allow, &words)
        }
    };
    let writing =
        async { stream.write_all(answer.as_bytes()).await.is_ok() && stream.shutdown().await.is_ok() };
    let is_written = matches!(tokio::time::timeout(PATIENCE, writing).await, Ok(true));
    is_written.then_some(stream)
}

async fn leave(stream: Box<dyn Stream>) {
    let (time, bytes) = LINGER;
    let (mut rest, mut nowhere) = (stream.take(bytes), tokio::io::sink());
    // whatever comes, it is over
    let _ = tokio::time::timeout(time, tokio::io::copy(&mut rest, &mut nowhere)).await;
}

fn response(status: &str, kind: &str, more: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nCache-Control: no-store\r\n\
         X-Content-Type-Options: nosniff\r\n{more}Connection: close\r\n\r\n{body}",
        body.len()
    )
}
