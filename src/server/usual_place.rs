//! Where an engine is looked for when nobody has said where: one's own that runs, else the service of this host.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixStream;
use std::path::Path;

use super::listen::SocketPlace;

/// Where the service of a host listens: assets/noctule.socket.
const HOST: &str = "/run/noctule/noctule.sock";

/// The place of one's own engine, if it runs; else that of the host's service, if this host has one; else the place of
/// one's own again, where one is started.
///
/// A host has the service where the folder of its socket is: a service that is stopped does not make somebody work on an
/// empty store of their own without noticing. Only root can have made that folder.
pub fn usual_place(data_dir: &Path) -> SocketPlace {
    choose(data_dir, Path::new(HOST), 0)
}

fn choose(data_dir: &Path, host: &Path, root: u32) -> SocketPlace {
    let own = SocketPlace::in_data(data_dir);
    // who it is that listens there is looked at by whoever connects
    if UnixStream::connect(own.path()).is_ok() || !is_served(host, root) {
        return own;
    }
    SocketPlace::of_host(host.to_owned(), data_dir)
}

/// Whether the folder of a socket is root's, and nobody else can put anything into it.
fn is_served(host: &Path, root: u32) -> bool {
    let folder = host.parent().and_then(|folder| fs::symlink_metadata(folder).ok());
    folder.is_some_and(|folder| folder.is_dir() && folder.uid() == root && folder.mode() & 0o022 == 0)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::os::unix::net::UnixListener;

    use super::*;

    #[test]
    fn ones_own_engine_goes_first_and_a_folder_that_others_may_write_to_is_no_service() {
        let folder = tempfile::tempdir().unwrap();
        let (data, run) = (folder.path().join("data"), folder.path().join("run"));
        let host = run.join("noctule.sock");
        fs::create_dir(&data).unwrap();
        let own = SocketPlace::in_data(&data);
        let me = fs::metadata(&data).unwrap().uid();
        assert_eq!(choose(&data, &host, me), own, "there is no service");

        fs::create_dir(&run).unwrap();
        fs::set_permissions(&run, fs::Permissions::from_mode(0o755)).unwrap();
        // also where nobody listens: no other engine is started then
        assert!(choose(&data, &host, me).is_hosts());
        assert_eq!(choose(&data, &host, me + 1), own, "somebody has planted it");
        for mode in [0o775, 0o757] {
            fs::set_permissions(&run, fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(choose(&data, &host, me), own, "anybody may have planted it: {mode:o}");
        }
        fs::set_permissions(&run, fs::Permissions::from_mode(0o755)).unwrap();
        symlink(&run, folder.path().join("link")).unwrap();
        assert_eq!(choose(&data, &folder.path().join("link/noctule.sock"), me), own);

        let listening = UnixListener::bind(own.path()).unwrap();
        assert_eq!(choose(&data, &host, me), own);
        drop(listening);
        assert!(choose(&data, &host, me).is_hosts(), "what an engine has left is none");
    }
}
