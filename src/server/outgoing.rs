//! What is on its way to a client: bounded in bytes, and in the time that a client takes to read.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::sync::{mpsc, watch};

use super::wire::{self, Told};

/// The most bytes that a client may be told before it has said that they are where they belong.
pub const BUDGET: usize = 4 << 20;
/// How long a client may take to read anything at all.
const PATIENCE: Duration = Duration::from_secs(5);
/// The most bytes of one write.
const WRITE: usize = 64 << 10;

/// How the writing to a client has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// All of it is written.
    All,
    /// The client is gone.
    Gone,
    /// The client did not read.
    NotRead,
}

/// The way to a client. Its clones are the same way.
#[derive(Clone)]
pub struct Outgoing {
    queue: mpsc::UnboundedSender<Vec<u8>>,
    /// Bytes told and not taken yet.
    owed: Arc<watch::Sender<usize>>,
    /// One at a time looks for room.
    turn: Arc<tokio::sync::Mutex<()>>,
    gone: Arc<watch::Sender<bool>>,
}

impl Outgoing {
    /// A way over this socket; what is returned beside it writes, and ends when the client is gone, which
    /// [`Outgoing::gone`] then says.
    pub fn over(socket: impl AsyncWrite + Unpin + Send) -> (Self, impl Future<Output = Written> + Send) {
        let (queue, queued) = mpsc::unbounded_channel();
        let gone = Arc::new(watch::Sender::new(false));
        let outgoing = Self { queue, owed: Arc::default(), turn: Arc::default(), gone: Arc::clone(&gone) };
        let writing = async move {
            let written = write(socket, queued).await;
            gone.send_replace(true);
            written
        };
        (outgoing, writing)
    }

    /// Tells the client something, as soon as there is room for it. Returns at once where the client is gone.
    pub async fn tell(&self, told: &Told) {
        let Ok(bytes) = wire::frames(told) else { return };
        let _turn = self.turn.lock().await;
        let size = bytes.len();
        let room = async {
            let mut owed = self.owed.subscribe();
            // what is larger than the whole budget goes alone
            let _ = owed.wait_for(|owed| *owed == 0 || *owed + size <= BUDGET).await;
        };
        tokio::select! {
            biased;
            () = self.gone() => return,
            () = room => {}
        }
        self.owed.send_modify(|owed| *owed += size);
        // a writer that has ended says so by `gone`
        let _ = self.queue.send(bytes);
    }

    /// The same from a thread of a runtime that may wait.
    pub fn tell_from_work(&self, told: &Told) {
        tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(self.tell(told)));
    }

    /// The client has taken so many bytes.
    pub fn took(&self, bytes: usize) {
        self.owed.send_modify(|owed| *owed = owed.saturating_sub(bytes));
    }

    /// Waits until the client has taken everything.
    pub async fn all_taken(&self) {
        // the sender lives in self
        let _ = self.owed.subscribe().wait_for(|owed| *owed == 0).await;
    }

    /// Nothing more is told: what is queued is written, then the connection ends.
    pub fn finish(&self) {
        // no message is empty
        let _ = self.queue.send(Vec::new());
    }

    /// Waits until the client is gone.
    pub async fn gone(&self) {
        let _ = self.gone.subscribe().wait_for(|gone| *gone).await;
    }

    /// Whether the client is gone.
    #[cfg(test)]
    pub fn is_gone(&self) -> bool {
        *self.gone.borrow()
    }

    /// The client is gone: nobody waits for it any more.
    pub fn leave(&self) {
        self.gone.send_replace(true);
    }
}

/// Writes what is queued until nothing more is told, or the client is gone.
async fn write(mut socket: impl AsyncWrite + Unpin, mut queued: mpsc::UnboundedReceiver<Vec<u8>>) -> Written {
    let mut is_last = false;
    while !is_last && let Some(mut bytes) = queued.recv().await {
        is_last = bytes.is_empty();
        while !is_last
            && bytes.len() < WRITE
            && let Ok(more) = queued.try_recv()
        {
            is_last = more.is_empty();
            bytes.extend(more);
        }
        let mut rest = &bytes[..];
        while !rest.is_empty() {
            let part = &rest[..rest.len().min(WRITE)];
            match tokio::time::timeout(PATIENCE, socket.write(part)).await {
                Ok(Ok(count @ 1..)) => rest = &rest[count..],
                Ok(_) => return Written::Gone,
                Err(_) => return Written::NotRead,
            }
        }
    }
    // a client that is gone needs no end
    let _ = socket.shutdown().await;
    Written::All
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(size: usize) -> Told {
        Told::Line("x".repeat(size))
    }

    #[tokio::test]
    async fn nobody_is_told_more_than_the_budget_before_it_was_taken() {
        let (ours, _theirs) = tokio::io::duplex(1 << 30);
        let (outgoing, writing) = Outgoing::over(ours);
        tokio::spawn(writing);
        for _ in 0..4 {
            outgoing.tell(&line(BUDGET / 4 - 100)).await;
        }
        let next = line(1000);
        let mut waiting = std::pin::pin!(outgoing.tell(&next));
        tokio::select! {
            biased;
            () = &mut waiting => panic!("there was room"),
            () = tokio::task::yield_now() => {}
        }
        outgoing.took(usize::MAX);
        waiting.await;
        assert!(!outgoing.is_gone());
    }

    #[tokio::test(start_paused = true)]
    async fn who_does_not_read_is_gone_after_a_while() {
        let (ours, theirs) = tokio::io::duplex(1000);
        let (outgoing, writing) = Outgoing::over(ours);
        let writing = tokio::spawn(writing);
        outgoing.tell(&line(5000)).await;
        outgoing.gone().await;
        assert_eq!(writing.await.unwrap(), Written::NotRead);
        // nobody is held up by it
        outgoing.tell(&line(BUDGET)).await;
        outgoing.tell(&line(BUDGET)).await;
        drop(theirs);
    }
}
