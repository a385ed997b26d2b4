//! Who a caller is: the kernel says which account, and the engine's users say which person, or why none.

use nix::unistd::{Uid, User};

use crate::commands::Person;
use crate::engine::Engine;
use crate::engine::users::{self, Origin};

/// Who has opened a socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The account, as the kernel says.
    pub uid: u32,
    /// The process, where it is known.
    pub pid: Option<i32>,
    /// The person that it says it speaks for: `--as`. Only an account that the settings trust (`trusted` under
    /// `[serve]`) is believed.
    pub speaks_for: Option<String>,
    /// The address in its `SSH_CONNECTION`: a hint.
    pub ssh: Option<String>,
    /// Its terminal: a hint.
    pub tty: Option<String>,
}

/// The person behind a caller, who is written into the log of logins, let in or not.
///
/// # Errors
/// One sentence for the caller, which says no more than that.
pub async fn admit(engine: &Engine, caller: &Caller) -> Result<Person, String> {
    let account = account_of(Uid::from_raw(caller.uid));
    let known = users::Caller {
        asks_as: caller.speaks_for.clone(),
        trusted: engine.settings().trusted.contains(&account.account()),
        over_socket: true,
        from: Origin {
            ssh: caller.ssh.clone(),
            tty: caller.tty.clone(),
            pid: caller.pid.and_then(|pid| u32::try_from(pid).ok()),
        },
        ..account
    };
    engine.log_in(&known).await.map_err(|refused| refused.0)
}

/// An account as the system's user database has it. `USER` is what anybody likes to write into it.
pub fn account_of(uid: Uid) -> users::Caller {
    let login = User::from_uid(uid).ok().flatten().map(|user| user.name);
    users::Caller { uid: uid.as_raw(), login, ..users::Caller::default() }
}

/// What the journal calls an account.
pub fn account_name(uid: Uid) -> String {
    account_of(uid).account()
}
