//! The operator's terminal as a file that is read and written without blocking, so that no signal waits for it.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rustix::fs::OFlags;
use tokio::io::unix::AsyncFd;

/// The terminal, opened anew: its non-blocking mode is nobody else's.
pub struct Tty(AsyncFd<File>);

impl Tty {
    /// Opens the terminal that standard input is, or the process's own one. Call it inside a tokio runtime.
    ///
    /// # Errors
    /// When there is none.
    #[expect(
        deprecated,
        reason = "`register` is unsafe for types that lie about their descriptor: a file does not"
    )]
    pub fn open() -> io::Result<Self> {
        let file = match rustix::termios::ttyname(io::stdin(), Vec::new()) {
            Ok(name) => open(Path::new(&*name.to_string_lossy())).or_else(|_| open(Path::new("/dev/tty"))),
            Err(_) => open(Path::new("/dev/tty")),
        };
        Ok(Self(AsyncFd::new(file?)?))
    }

    /// Reads what has come; nothing means that the terminal is gone. Cancel safe.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub async fn read(&self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            let mut ready = self.0.readable().await?;
            if let Ok(read) = ready.try_io(|tty| tty.get_ref().read(into)) {
                return read;
            }
        }
    }

    /// Writes as much as the terminal takes at once. Cancel safe.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub async fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        loop {
            let mut ready = self.0.writable().await?;
            if let Ok(written) = ready.try_io(|tty| tty.get_ref().write(bytes)) {
                return written;
            }
        }
    }

    /// Writes all of it.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub async fn write_all(&self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let written = self.write(bytes).await?;
            bytes = &bytes[written..];
        }
        Ok(())
    }

    /// The file, for what must be done at once.
    pub fn file(&self) -> &File {
        self.0.get_ref()
    }
}

fn open(path: &Path) -> io::Result<File> {
    let flags = OFlags::NONBLOCK | OFlags::NOCTTY;
    OpenOptions::new().read(true).write(true).custom_flags(flags.bits().cast_signed()).open(path)
}
