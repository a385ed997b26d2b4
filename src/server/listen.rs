//! The socket: where it lies, how it is made so that nobody can be tricked by what lay there before, and who is believed
//! to be behind it.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt, PermissionsExt, chown};
use std::os::unix::net::UnixListener as StdListener;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::unistd::{Gid, Group, Uid};
use rustix::fs::OFlags;
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, bind, listen, socket_with};
use tokio::net::{UnixListener, UnixStream};

use super::admit::account_name;
use crate::model::clean_line;

/// The socket's name in the data folder.
pub const NAME: &str = "engine.sock";
/// The most bytes of a socket's path: `sun_path` of unix(7), without its end.
const LONGEST_PATH: usize = 107;
/// The most connections that wait to be accepted.
const BACKLOG: i32 = 128;
/// How long an engine that has so many is waited for.
const FOR_CONNECT: Duration = Duration::from_secs(10);
/// From try to try then.
const BUSY: Duration = Duration::from_millis(20);

/// Where an engine's socket lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SocketPlace {
    path: PathBuf,
    data_dir: PathBuf,
    whose: Whose,
}

/// Whom a place is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Whose {
    /// The account that has the data, alone.
    Own,
    /// Somebody has named it: others may be meant to use it.
    Named,
    /// The service of this host, for all who may reach it.
    Host,
}

/// Why there is no socket, or no connection.
#[derive(Debug, thiserror::Error)]
pub enum SocketError {
    /// Nobody listens there.
    #[error("no engine listens on {}", .0.display())]
    Nobody(PathBuf),
    /// Somebody listens there.
    #[error("{}: another engine listens there: end it, or name another --socket", .0.display())]
    Taken(PathBuf),
    /// What lies there, or who listens there, is not believed.
    #[error("{}: {why}", path.display())]
    Refused {
        /// Where.
        path: PathBuf,
        /// Why, and what to do.
        why: String,
    },
    /// The system refused.
    #[error("{doing} {}: {source}", path.display())]
    System {
        /// What was being done.
        doing: &'static str,
        /// Where.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

impl SocketPlace {
    /// The usual place, in the data folder, for its owner alone.
    pub fn in_data(data_dir: &Path) -> Self {
        Self { path: data_dir.join(NAME), data_dir: data_dir.to_owned(), whose: Whose::Own }
    }

    /// Another one, for its owner and the group of its folder.
    pub fn named(path: PathBuf, data_dir: &Path) -> Self {
        Self { path, data_dir: data_dir.to_owned(), whose: Whose::Named }
    }

    /// The one of this host's service; see [`super::usual_place`].
    pub(super) fn of_host(path: PathBuf, data_dir: &Path) -> Self {
        Self { path, data_dir: data_dir.to_owned(), whose: Whose::Host }
    }

    /// Whether it is the one of this host's service, which systemd starts and nobody else does.
    pub fn is_hosts(&self) -> bool {
        self.whose == Whose::Host
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Listens there, in the place of a socket that an engine has left. Call it inside a tokio runtime, and while the
    /// store is locked: no other engine of this data can listen then.
    ///
    /// # Errors
    /// When something else lies there, somebody listens, or the system refuses.
    pub fn listen(&self) -> Result<Bound, SocketError> {
        let folder = Folder::of(&self.path)?;
        self.make_way()?;
        // a name beside it first: the place never shows a socket that nobody listens on
        let beside = format!(".{:016x}.sock", rand::random::<u64>());
        let system =
            |doing| move |source: io::Error| SocketError::System { doing, path: self.path.clone(), source };
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let socket = socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)
            .map_err(|error| system("making the socket")(error.into()))?;
        let address = SocketAddrUnix::new(folder.reach(&beside))
            .map_err(|error| system("naming the socket")(error.into()))?;
        bind(&socket, &address).map_err(|error| system("making the socket")(error.into()))?;
        let made = folder.reach(&beside);
        let opened = self
            .permit(&folder, &made)
            .and_then(|()| listen(&socket, BACKLOG).map_err(io::Error::from))
            .and_then(|()| fs::rename(&made, folder.reach_name()));
        if let Err(error) = opened {
            // best effort: the error is what counts
            let _ = fs::remove_file(&made);
            return Err(system("listening on")(error));
        }
        let id = fs::symlink_metadata(&self.path).map(|made| (made.dev(), made.ino()));
        let listener = UnixListener::from_std(StdListener::from(socket)).map_err(system("listening on"))?;
        Ok(Bound { listener, path: self.path.clone(), id: id.ok() })
    }

    /// Nothing may lie there but a socket of ours that nobody listens on.
    fn make_way(&self) -> Result<(), SocketError> {
        let refused = |why: String| SocketError::Refused { path: self.path.clone(), why };
        let Ok(there) = fs::symlink_metadata(&self.path) else { return Ok(()) };
        if !there.file_type().is_socket() {
            return Err(refused(
                "there is something that is no socket: look what it is, and remove it".to_owned(),
            ));
        }
        if there.uid() != Uid::effective().as_raw() && there.uid() != 0 {
            let owner = account_name(Uid::from_raw(there.uid()));
            return Err(refused(format!("there is a socket of {owner}: look why, and remove it")));
        }
        let reach = Folder::of(&self.path)?;
        match std::os::unix::net::UnixStream::connect(reach.reach_name()) {
            Ok(_) => Err(SocketError::Taken(self.path.clone())),
            Err(_) => Ok(()),
        }
    }

    /// Who may connect: the owner; at a place that was named, the group of the folder too.
    fn permit(&self, folder: &Folder, made: &Path) -> io::Result<()> {
        if self.whose == Whose::Own {
            return fs::set_permissions(made, fs::Permissions::from_mode(0o600));
        }
        let group = folder.data.gid();
        // a group that this account does not belong to cannot be let in
        let is_of_group =
            fs::symlink_metadata(made)?.gid() == group || chown(made, None, Some(group)).is_ok();
        let mode = if is_of_group { 0o660 } else { 0o600 };
        fs::set_permissions(made, fs::Permissions::from_mode(mode))
    }

    /// Connects to the engine that listens there, if it is one to be believed: it runs under this account, as root, or
    /// under the account that has the data, or the folder of a socket that was named.
    ///
    /// # Errors
    /// When nobody listens, somebody does who should not, or the system refuses.
    pub async fn connect(&self) -> Result<UnixStream, SocketError> {
        let refused = |why: String| SocketError::Refused { path: self.path.clone(), why };
        let nobody = || SocketError::Nobody(self.path.clone());
        let there = match fs::symlink_metadata(&self.path) {
            Ok(there) => there,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(nobody()),
            Err(source) => return Err(self.failed("looking for", source)),
        };
        if !there.file_type().is_socket() {
            return Err(refused("what lies there is no socket: somebody may want to trick you".to_owned()));
        }
        let folder = Folder::of(&self.path)?;
        let believed = self.believed(&folder.data);
        let connecting = async {
            loop {
                match UnixStream::connect(folder.reach_name()).await {
                    // it takes others in just now
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => tokio::time::sleep(BUSY).await,
                    done => return done,
                }
            }
        };
        let late = || Err(io::Error::from(io::ErrorKind::TimedOut));
        let socket = match tokio::time::timeout(FOR_CONNECT, connecting).await.unwrap_or_else(|_| late()) {
            Ok(socket) => socket,
            Err(error)
                if matches!(error.kind(), io::ErrorKind::ConnectionRefused | io::ErrorKind::NotFound) =>
            {
                return Err(nobody());
            }
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                return Err(refused(self.not_permitted(&there)));
            }
            Err(source) => return Err(self.failed("connecting to", source)),
        };
        let peer = socket.peer_cred().map_err(|source| self.failed("asking who listens on", source))?.uid();
        if !believed.contains(&peer) {
            let account = account_name(Uid::from_raw(peer));
            return Err(refused(format!(
                "{account} listens there, who has neither the data nor the socket's folder: somebody may want to trick you"
            )));
        }
        Ok(socket)
    }

    /// What to do about a socket that this account may not use.
    fn not_permitted(&self, socket: &Metadata) -> String {
        let account = account_name(Uid::effective());
        let group = Group::from_gid(Gid::from_raw(socket.gid())).ok().flatten().map(|group| group.name);
        let way = match group.filter(|_| socket.mode() & 0o020 != 0) {
            Some(group) => format!(
                "the group {group} may: `usermod -aG {group} {account}` as root, and log in anew",
                group = clean_line(&group)
            ),
            None => "its owner alone may".to_owned(),
        };
        let own = if self.is_hosts() { "; for a store of your own: noctule --data DIR" } else { "" };
        format!("{account} may not connect to the engine, {way}{own}")
    }

    fn believed(&self, folder: &Metadata) -> Vec<u32> {
        let mut believed = vec![0, Uid::effective().as_raw()];
        believed.extend(fs::metadata(&self.data_dir).ok().map(|data| data.uid()));
        // in a folder that everybody may write to, anybody may have put it there
        if self.whose != Whose::Own && folder.mode() & 0o002 == 0 {
            believed.push(folder.uid());
        }
        believed
    }

    fn failed(&self, doing: &'static str, source: io::Error) -> SocketError {
        SocketError::System { doing, path: self.path.clone(), source }
    }
}

/// A socket that is listened on. Its file goes with it.
pub struct Bound {
    listener: UnixListener,
    path: PathBuf,
    /// Which file that is; `None` for one that systemd has made, and keeps.
    id: Option<(u64, u64)>,
}

impl Bound {
    /// One that systemd listens on. Call it inside a tokio runtime.
    ///
    /// # Errors
    /// When it is no socket of the kind.
    pub fn given(listener: StdListener) -> io::Result<Self> {
        let path = listener.local_addr()?.as_pathname().map_or_else(PathBuf::new, Path::to_owned);
        listener.set_nonblocking(true)?;
        Ok(Self { listener: UnixListener::from_std(listener)?, path, id: None })
    }

    /// Waits for a connection.
    ///
    /// # Errors
    /// When the system has none to give: too many open files.
    pub async fn accept(&self) -> io::Result<UnixStream> {
        self.listener.accept().await.map(|(socket, _)| socket)
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Bound {
    fn drop(&mut self) {
        let now = fs::symlink_metadata(&self.path).map(|there| (there.dev(), there.ino())).ok();
        if self.id.is_some() && now == self.id {
            // a socket that stays is one that nobody listens on
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// The folder of a socket, held open: what is named through it is in it, also where its path is too long for a socket, or
/// is changed meanwhile.
struct Folder {
    file: File,
    data: Metadata,
    path: PathBuf,
}

impl Folder {
    fn of(path: &Path) -> Result<Self, SocketError> {
        let failed =
            |source| SocketError::System { doing: "opening the folder of", path: path.to_owned(), source };
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let flags = (OFlags::PATH | OFlags::DIRECTORY).bits().cast_signed();
        let file = OpenOptions::new().read(true).custom_flags(flags).open(parent).map_err(failed)?;
        let data = file.metadata().map_err(failed)?;
        Ok(Self { file, data, path: path.to_owned() })
    }

    /// A path for a file in it.
    fn reach(&self, name: &str) -> PathBuf {
        PathBuf::from(format!("/proc/self/fd/{}", self.file.as_raw_fd())).join(name)
    }

    /// A path for the socket itself; through the folder where there is /proc.
    fn reach_name(&self) -> PathBuf {
        let through = self.path.file_name().map(|name| self.reach(&name.to_string_lossy()));
        match through {
            Some(through) if through.as_os_str().len() <= LONGEST_PATH => through,
            _ => self.path.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[tokio::test]
    async fn it_listens_for_its_owner_alone_and_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        // longer than a socket's path may be
        let deep = folder.path().join("a".repeat(100)).join("b".repeat(100));
        fs::create_dir_all(&deep).unwrap();
        for folder in [folder.path(), &deep] {
            let place = SocketPlace::in_data(folder);
            assert!(matches!(place.connect().await, Err(SocketError::Nobody(_))));
            let bound = place.listen().unwrap();
            assert_eq!(fs::metadata(place.path()).unwrap().mode() & 0o777, 0o600);
            place.connect().await.unwrap();
            bound.accept().await.unwrap();
            assert!(matches!(place.listen(), Err(SocketError::Taken(_))), "another one listens");
            drop(bound);
            assert_eq!(
                fs::read_dir(folder)
                    .unwrap()
                    .filter(|entry| {
                        entry.as_ref().unwrap().file_name().to_string_lossy().contains("sock")
                    })
                    .count(),
                0
            );
        }
    }

    #[tokio::test]
    async fn a_stale_socket_is_replaced_and_anything_else_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let place = SocketPlace::named(folder.path().join("n.sock"), folder.path());
        let stale = StdListener::bind(place.path()).unwrap();
        drop(stale);
        assert!(matches!(place.connect().await, Err(SocketError::Nobody(_))));
        let bound = place.listen().unwrap();
        assert_eq!(fs::metadata(place.path()).unwrap().mode() & 0o777, 0o660);
        place.connect().await.unwrap();
        drop(bound);

        let target = folder.path().join("precious");
        fs::write(&target, "precious").unwrap();
        symlink(&target, place.path()).unwrap();
        for _ in 0..2 {
            for refused in [place.listen().err(), place.connect().await.err()] {
                assert!(matches!(refused, Some(SocketError::Refused { .. })), "{refused:?}");
            }
            assert_eq!(fs::read(&target).unwrap(), b"precious");
            fs::remove_file(place.path()).unwrap();
            fs::write(place.path(), "a plain file").unwrap();
        }
    }
}
