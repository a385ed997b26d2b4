//! One session with a simulated device, over whatever bytes come in and go out.

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::Fault;
use crate::device::script::{Act, Script};

/// Plays `script` until one side ends it. `delay` is what the device takes for each typed line.
pub async fn converse(
    io: impl AsyncRead + AsyncWrite + Unpin,
    mut script: Script,
    delay: Duration,
    fault: Fault,
) {
    let mut device = Device { io, delay, fault, sent: 0 };
    let mut acts = script.start();
    let mut bytes = [0; 1024];
    loop {
        for act in acts {
            if device.perform(act).await.is_none() {
                let _ = device.io.shutdown().await;
                return;
            }
        }
        let Ok(count @ 1..) = device.io.read(&mut bytes).await else { return };
        match script.take(&bytes[..count]) {
            Ok(next) => acts = next,
            Err(_) => return,
        }
    }
}

struct Device<T> {
    io: T,
    delay: Duration,
    fault: Fault,
    sent: usize,
}

impl<T: AsyncRead + AsyncWrite + Unpin> Device<T> {
    /// `None` ends the session.
    async fn perform(&mut self, act: Act) -> Option<()> {
        match act {
            Act::Send(bytes) => self.send(&bytes).await,
            Act::Work => {
                if !self.delay.is_zero() {
                    tokio::time::sleep(self.delay).await;
                }
                Some(())
            }
            Act::Wait(millis) => {
                tokio::time::sleep(Duration::from_millis(millis)).await;
                Some(())
            }
            Act::Hang => std::future::pending().await,
            Act::Close => None,
        }
    }

    async fn send(&mut self, bytes: &[u8]) -> Option<()> {
        let room = match self.fault {
            Fault::HangsAfter(most) | Fault::ClosesAfter(most) => most.saturating_sub(self.sent),
            _ => usize::MAX,
        };
        let cut = bytes.len() > room;
        let bytes = &bytes[..bytes.len().min(room)];
        self.io.write_all(bytes).await.ok()?;
        self.io.flush().await.ok()?;
        self.sent += bytes.len();
        match self.fault {
            Fault::HangsAfter(_) if cut => std::future::pending().await,
            Fault::ClosesAfter(_) if cut => None,
            _ => Some(()),
        }
    }
}
