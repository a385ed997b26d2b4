//! The signals that end the program in good order.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::commands::Exit;

/// SIGINT, SIGTERM and SIGHUP.
pub struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hang_up: Option<Signal>,
    outlives_terminal: bool,
}

/// The exit of a program whose terminal has gone: as if SIGHUP had come, which may be ignored.
pub const HUNG_UP: Exit = Exit::Signal(1);
/// The exit of a program that SIGTERM has ended.
pub const TERMINATED: Exit = Exit::Signal(15);

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
            outlives_terminal: false,
        })
    }

    /// From now on neither a hang-up nor the loss of the terminal ends anything: the handler stays, and nobody listens
    /// to it.
    pub fn outlive_terminal(&mut self) {
        (self.hang_up, self.outlives_terminal) = (None, true);
    }

    /// Takes the hang-up out of what ends the program, for whoever listens to it themselves: it means "read your settings
    /// anew" where there is no terminal to hang up. `None` where it is ignored.
    pub fn take_hang_up(&mut self) -> Option<Signal> {
        self.hang_up.take()
    }

    /// Whether the program goes on without its terminal.
    pub fn outlives_terminal(&self) -> bool {
        self.outlives_terminal
    }

    /// Waits for one of them, and says how it ends the program.
    pub async fn ending(&mut self) -> Exit {
        let Self { interrupt, terminate, hang_up, .. } = self;
        tokio::select! {
            _ = interrupt.recv() => Exit::INTERRUPTED,
            ended = gone(terminate, hang_up.as_mut()) => ended,
        }
    }

    /// Waits for SIGTERM or SIGHUP: what ends the program even while an editor has the terminal, where Ctrl-C is the
    /// editor's.
    pub async fn gone(&mut self) -> Exit {
        gone(&mut self.terminate, self.hang_up.as_mut()).await
    }

    /// Forgets a Ctrl-C that was the editor's.
    pub async fn forget_interrupt(&mut self) {
        tokio::select! {
            biased;
            _ = self.interrupt.recv() => {}
            () = std::future::ready(()) => {}
        }
    }
}

async fn gone(terminate: &mut Signal, hang_up: Option<&mut Signal>) -> Exit {
    let hung_up = async {
        match hang_up {
            Some(signal) => signal.recv().await,
            None => std::future::pending().await,
        }
    };
    let kind = tokio::select! {
        _ = terminate.recv() => SignalKind::terminate(),
        _ = hung_up => SignalKind::hangup(),
    };
    u8::try_from(kind.as_raw_value()).map_or(Exit::Failed, Exit::Signal)
}

fn hang_up_is_ignored() -> bool {
    let Ok(status) = std::fs::read_to_string("/proc/self/status") else { return false };
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask & 1 == 1)
}
