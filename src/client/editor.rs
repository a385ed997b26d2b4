//! A text in the operator's own editor, in a file that nobody else can read.

use std::fs::{self, DirBuilder};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use rustix::process::{Signal as Number, getpid, kill_process};
use tokio::process::{Child, Command};
use tokio::signal::unix::Signal;

use super::files;
use super::shared_account;
use super::signals::Signals;
use crate::commands::Exit;

/// The largest text that is taken back from an editor, in bytes.
const LARGEST: usize = 64 << 20;

/// What an editor has left, or a sentence that says why there was none, or how it failed.
pub type Edited = Result<String, String>;

/// Opens `text`, waits until the editor is closed, and returns what the file then holds.
///
/// # Errors
/// How the program must end, when that must be meanwhile.
pub async fn open(name: &str, text: &str, signals: &mut Signals, stop: &mut Signal) -> Result<Edited, Exit> {
    let (file, words, mut child) = match begin(name, text) {
        Ok(started) => started,
        Err(why) => return Ok(Err(why)),
    };
    let status = loop {
        tokio::select! {
            exit = signals.gone() => {
                // best effort: the program ends in any case
                let _ = child.kill().await;
                return Err(exit);
            }
            // the editor stops by itself; the shell waits for both
            _ = stop.recv() => drop(kill_process(getpid(), Number::STOP)),
            ended = child.wait() => break ended,
        }
    };
    signals.forget_interrupt().await;
    Ok(match status {
        Ok(status) if status.success() => file.read(),
        Ok(status) => Err(format!("{}: {status}", words.join(" "))),
        Err(error) => Err(format!("{}: {error}", words.join(" "))),
    })
}

fn begin(name: &str, text: &str) -> Result<(TemporaryFile, Vec<String>, Child), String> {
    shared_account::own_or_refuse("opening an editor")?;
    let words = words()?;
    let file = TemporaryFile::make(name, text)?;
    let child = start(&words, &file.path)?;
    Ok((file, words, child))
}

/// The editor's command, as VISUAL or EDITOR have it.
fn words() -> Result<Vec<String>, String> {
    for name in ["VISUAL", "EDITOR"] {
        let Ok(line) = std::env::var(name) else { continue };
        let words = shlex::split(&line).ok_or_else(|| format!("{name}: a quote is not closed"))?;
        if !words.is_empty() {
            return Ok(words);
        }
    }
    Ok(vec!["vi".into()])
}

fn start(words: &[String], path: &Path) -> Result<Child, String> {
    let (program, args) = words.split_first().ok_or("no editor is named")?;
    Command::new(program)
        .args(args)
        .arg(path)
        .spawn()
        .map_err(|error| format!("Starting the editor {program}: {error}. EDITOR says which one to use"))
}

/// A file name of harmless characters.
fn plain(name: &str) -> String {
    let plain: String = name
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '_' })
        .take(100)
        .collect();
    format!("noctule-{plain}")
}

/// A file in a folder for its owner alone, gone at the end.
struct TemporaryFile {
    folder: PathBuf,
    path: PathBuf,
}

impl TemporaryFile {
    fn make(name: &str, text: &str) -> Result<Self, String> {
        let folder = std::env::temp_dir().join(format!("noctule-edit-{:016x}", rand::random::<u64>()));
        let failed = |error| format!("A file for the editor, in {}: {error}", folder.display());
        DirBuilder::new().mode(0o700).create(&folder).map_err(failed)?;
        let file = Self { path: folder.join(plain(name)), folder };
        let written = files::write_new(&file.path, text.as_bytes(), true);
        written.map_err(|error| format!("A file for the editor, {}: {error}", file.path.display()))?;
        Ok(file)
    }

    fn read(&self) -> Result<String, String> {
        let bytes = files::read(&self.path, LARGEST)?;
        String::from_utf8(bytes).map_err(|_| "What the editor left is not UTF-8".into())
    }
}

impl Drop for TemporaryFile {
    fn drop(&mut self) {
        // best effort: it lies in the folder of temporary files
        let _ = fs::remove_dir_all(&self.folder);
    }
}
