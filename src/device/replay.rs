//! Plays a script at the other end of an in-memory connection.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

use super::script::{Act, Mismatch, Script};

/// What became of a script that is played in a task of its own.
#[derive(Clone, Default)]
pub struct Outcome(Arc<Mutex<Option<Mismatch>>>);

impl Outcome {
    /// What the client sent that the script does not have.
    pub fn mismatch(&self) -> Option<Mismatch> {
        self.0.lock().map_or(None, |found| found.clone())
    }
}

/// Plays `script`; the client's end of the connection is the answer. `chunk` is the most bytes sent at once.
pub fn play(mut script: Script, chunk: usize) -> (DuplexStream, Outcome) {
    let (client, mut device) = tokio::io::duplex(64 << 10);
    let outcome = Outcome::default();
    let told = outcome.clone();
    tokio::spawn(async move {
        let mut acts = script.start();
        let mut bytes = [0; 4096];
        loop {
            for act in acts {
                if perform(&act, &mut device, chunk).await.is_none() {
                    return;
                }
            }
            let Ok(count @ 1..) = device.read(&mut bytes).await else { return };
            match script.take(&bytes[..count]) {
                Ok(next) => acts = next,
                Err(mismatch) => {
                    if let Ok(mut told) = told.0.lock() {
                        *told = Some(mismatch);
                    }
                    return;
                }
            }
        }
    });
    (client, outcome)
}

/// `None` where the conversation is over.
async fn perform(act: &Act, device: &mut DuplexStream, chunk: usize) -> Option<()> {
    match act {
        Act::Send(bytes) => {
            for piece in bytes.chunks(chunk.max(1)) {
                device.write_all(piece).await.ok()?;
                if chunk < bytes.len() {
                    tokio::task::yield_now().await;
                }
            }
        }
        Act::Wait(millis) => tokio::time::sleep(Duration::from_millis(*millis)).await,
        Act::Work => {}
        Act::Hang => std::future::pending::<()>().await,
        Act::Close => return None,
    }
    Some(())
}
