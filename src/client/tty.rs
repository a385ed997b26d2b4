//! The operator's terminal as a file that is read and written without blocking, so that no signal waits for it.

use std::ffi::OsStr;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;
use tokio::io::unix::AsyncFd;

/// The terminal, opened anew: its non-blocking mode is nobody else's.
pub struct Tty {
    file: AsyncFd<File>,
    path: PathBuf,
}

impl Tty {
    /// Opens the terminal that standard input is, or the process's own one. Call it inside a tokio runtime.
    ///
    /// # Errors
    /// When there is none.
    pub fn open() -> io::Result<Self> {
        let named = rustix::termios::ttyname(io::stdin(), Vec::new());
        named
            .map_err(io::Error::from)
            .and_then(|name| Self::open_at(Path::new(OsStr::from_bytes(name.as_bytes()))))
            .or_else(|_| Self::open_at(Path::new("/dev/tty")))
    }

    /// Opens the terminal of this path. Call it inside a tokio runtime.
    ///
    /// # Errors
    /// When it cannot be opened.
    #[expect(
        deprecated,
        reason = "`register` is unsafe for types that lie about their descriptor: a file does not"
    )]
    pub fn open_at(path: &Path) -> io::Result<Self> {
        let flags = OFlags::NONBLOCK | OFlags::NOCTTY;
        let file =
            OpenOptions::new().read(true).write(true).custom_flags(flags.bits().cast_signed()).open(path)?;
        Ok(Self { file: AsyncFd::new(file)?, path: path.to_owned() })
    }

    /// Under which name it was opened.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its columns and rows, where it knows them.
    pub fn size(&self) -> Option<(u16, u16)> {
        let size = rustix::termios::tcgetwinsize(self.file()).ok()?;
        Some((size.ws_col, size.ws_row)).filter(|(columns, rows)| *columns > 0 && *rows > 0)
    }

    /// Reads what has come; nothing means that the terminal is gone. Cancel safe.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub async fn read(&self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            let mut ready = self.file.readable().await?;
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
            let mut ready = self.file.writable().await?;
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
        self.file.get_ref()
    }
}
