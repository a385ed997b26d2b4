//! The signals that end the program in good order.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// SIGINT, SIGTERM and SIGHUP.
pub struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hang_up: Option<Signal>,
}

impl Signals {
    /// Takes them over, inside a tokio runtime. A hang-up that was ignored at the start (`nohup`) stays ignored.
    ///
    /// # Errors
    /// When the system has no room for another handler.
    pub fn take() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hang_up: if hang_up_is_ignored() { None } else { Some(signal(SignalKind::hangup())?) },
        })
    }

    /// Waits for one of them.
    pub async fn ending(&mut self) {
        let Self { interrupt, terminate, hang_up } = self;
        tokio::select! {
            _ = interrupt.recv() => {}
            () = gone(terminate, hang_up.as_mut()) => {}
        }
    }

    /// Waits for SIGTERM or SIGHUP: what ends the program even while an editor has the terminal, where Ctrl-C is the
    /// editor's.
    pub async fn gone(&mut self) {
        gone(&mut self.terminate, self.hang_up.as_mut()).await;
    }
}

async fn gone(terminate: &mut Signal, hang_up: Option<&mut Signal>) {
    let hung_up = async {
        match hang_up {
            Some(signal) => signal.recv().await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = hung_up => {}
    }
}

fn hang_up_is_ignored() -> bool {
    let Ok(status) = std::fs::read_to_string("/proc/self/status") else { return false };
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask & 1 == 1)
}
