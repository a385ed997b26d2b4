//! How the program was started: the flags before the command, the folders, who asks.

use std::ffi::OsString;
use std::path::PathBuf;

use directories::ProjectDirs;
use nix::unistd::Uid;

use crate::commands::Person;
use crate::engine::Options;
use crate::engine::users::{Caller, Origin};
use crate::model::clean_line;
use crate::server::{SocketPlace, account_of, usual_place};
use crate::store::Unlock;

/// How the program was started.
#[derive(Clone, Debug)]
pub struct Start {
    /// The command and its arguments.
    pub words: Vec<String>,
    /// The folders.
    pub options: Options,
    /// Who asks, where no engine says so.
    pub person: Person,
    /// Where the engine listens.
    pub place: SocketPlace,
    /// `--socket`, as it was given.
    pub socket: Option<PathBuf>,
    /// The session runs in this process, whoever listens.
    pub embedded: bool,
    /// Whom the caller says it speaks for.
    pub speaks_for: Option<String>,
}

/// What the flags before the command ask for.
pub enum Asked {
    /// The program's version.
    Version,
    /// To run.
    Start(Box<Start>),
}

impl Start {
    /// Reads the words after the program's name.
    ///
    /// # Errors
    /// A sentence that says which word is wrong.
    pub fn read(words: impl Iterator<Item = OsString>) -> Result<Asked, String> {
        let mut words = words.map(|word| {
            word.into_string().map_err(|word| {
                format!("{:?} is not UTF-8: noctule takes only UTF-8", clean_line(&word.to_string_lossy()))
            })
        });
        let (mut data, mut config, mut read_only) = (None, None, false);
        let (mut socket, mut embedded, mut speaks_for) = (None, false, None);
        let mut rest = Vec::new();
        while let Some(word) = words.next() {
            let word = word?;
            let (name, value) =
                word.split_once('=').map_or((word.as_str(), None), |(name, value)| (name, Some(value)));
            let mut value_of = |what: &str| match value {
                Some(value) => Ok(value.to_owned()),
                None => words.next().transpose()?.ok_or(format!("{name} needs {what}")),
            };
            match name {
                "--data" => data = Some(PathBuf::from(value_of("a folder")?)),
                "--config" => config = Some(PathBuf::from(value_of("a folder")?)),
                "--socket" => socket = Some(PathBuf::from(value_of("a path")?)),
                "--as" => speaks_for = Some(value_of("a name")?),
                "--embedded" if value.is_none() => embedded = true,
                "--read-only" if value.is_none() => read_only = true,
                "--version" | "-V" => return Ok(Asked::Version),
                _ => {
                    rest.push(word);
                    break;
                }
            }
        }
        for word in words {
            rest.push(word?);
        }
        // whose folder is named, or who is an engine itself, is not the host's
        let is_own = data.is_some() || embedded || rest.first().is_some_and(|word| word == "serve");
        let mut options = Options::new(
            usual_folder(data, "--data", ProjectDirs::data_dir)?,
            usual_folder(config, "--config", ProjectDirs::config_dir)?,
        );
        let credentials = std::env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from);
        options.unlock = Unlock::with_credentials(credentials);
        let socket = socket.or_else(|| std::env::var_os("NOCTULE_SOCKET").map(PathBuf::from));
        let socket = socket.filter(|path| !path.as_os_str().is_empty());
        let place = match &socket {
            Some(path) => SocketPlace::named(path.clone(), &options.data_dir),
            None if is_own => SocketPlace::in_data(&options.data_dir),
            None => usual_place(&options.data_dir),
        };
        let person = Person::of_account(caller(), read_only);
        Ok(Asked::Start(Box::new(Self { words: rest, options, person, place, socket, embedded, speaks_for })))
    }
}

fn usual_folder(
    given: Option<PathBuf>,
    flag: &str,
    usual: fn(&ProjectDirs) -> &std::path::Path,
) -> Result<PathBuf, String> {
    match given {
        Some(folder) if folder.as_os_str().is_empty() => Err(format!("{flag} needs a folder")),
        Some(folder) => Ok(folder),
        None => ProjectDirs::from("", "", "noctule")
            .map(|usual_dirs| usual(&usual_dirs).to_owned())
            .ok_or_else(|| format!("no home folder is known (HOME): name one with {flag} DIR")),
    }
}

/// Whoever runs this process: the kernel says who that is.
fn caller() -> Caller {
    let ssh = std::env::var("SSH_CONNECTION").ok();
    let tty = rustix::termios::ttyname(std::io::stdin(), Vec::new()).ok();
    Caller {
        from: Origin {
            ssh: ssh.and_then(|words| words.split(' ').next().map(str::to_owned)),
            tty: tty.and_then(|name| name.into_string().ok()),
            pid: Some(std::process::id()),
        },
        ..account_of(Uid::effective())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Role;

    fn read(line: &str) -> Result<Start, String> {
        match Start::read(line.split_whitespace().map(OsString::from))? {
            Asked::Start(start) => Ok(*start),
            Asked::Version => Err("version".into()),
        }
    }

    #[test]
    fn flags_before_the_command_are_the_programs_and_those_after_it_the_commands() {
        let start = read("--data /d --config=/c --read-only backup list --data x --json").unwrap();
        assert_eq!(start.options.data_dir, PathBuf::from("/d"));
        assert_eq!(start.options.config_dir, PathBuf::from("/c"));
        assert!(start.person.read_only && !start.person.rights.may(Role::Operator));
        assert_eq!(start.place, SocketPlace::in_data(&PathBuf::from("/d")));
        assert_eq!(start.words, ["backup", "list", "--data", "x", "--json"]);
        let start = read("--data /d --config /c --socket=/run/n.sock --as ann --embedded console").unwrap();
        assert_eq!(start.place, SocketPlace::named("/run/n.sock".into(), &PathBuf::from("/d")));
        assert!(start.embedded && start.speaks_for.as_deref() == Some("ann"));
        assert_eq!(read("--version --nonsense").unwrap_err(), "version");
        assert_eq!(read("--data /d --config /c --json").unwrap().words, ["--json"]);
    }

    #[test]
    fn whoever_asks_has_the_name_that_the_system_gives_them() {
        let id = std::process::Command::new("id").arg("-un").output();
        let Some(id) = id.ok().filter(|id| id.status.success()) else {
            return eprintln!("skipped: id cannot name this user");
        };
        assert_eq!(caller().account(), String::from_utf8_lossy(&id.stdout).trim());
    }

    #[test]
    fn a_flag_without_its_folder_is_refused() {
        assert_eq!(read("--data").unwrap_err(), "--data needs a folder");
        assert_eq!(read("--config=").unwrap_err(), "--config needs a folder");
    }
}
