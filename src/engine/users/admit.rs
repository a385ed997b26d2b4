//! Who it is that comes, and whether they are let in.

use std::fmt;
use std::os::unix::fs::MetadataExt;

use crate::engine::actor::Actor;
use crate::engine::start::Engine;
use crate::model::{Account, LoginMethod, Rights, Role, User, UserId, clean_line};

/// The longest text that says where somebody comes from, in characters.
const LONGEST_ORIGIN: usize = 100;

/// Whoever comes, as the kernel and the host's user database say it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Caller {
    /// The account's number: of the process, or of the socket's other end.
    pub uid: u32,
    /// The account's login name; `None` where it has none.
    pub login: Option<String>,
    /// The name of the key on whose behalf it asks (`--as NAME`).
    pub asks_as: Option<String>,
    /// Whether the configuration trusts this account to say that.
    pub trusted: bool,
    /// Whether they come over the socket.
    pub over_socket: bool,
    /// Where they come from.
    pub from: Origin,
}

/// Where somebody comes from, as far as that is known. The first two are what their environment says: hints.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// The address in OpenSSH's `SSH_CONNECTION`.
    pub ssh: Option<String>,
    /// The terminal.
    pub tty: Option<String>,
    /// The process.
    pub pid: Option<u32>,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tty = self.tty.as_deref().map(|tty| tty.trim_start_matches("/dev/").to_owned());
        let ssh = self.ssh.as_deref().map(|address| format!("ssh {address}"));
        let places: Vec<String> = tty.into_iter().chain(ssh).collect();
        let text: String = clean_line(&places.join(" ")).chars().take(LONGEST_ORIGIN).collect();
        f.write_str(&text)
    }
}

impl Caller {
    /// The account in words: its login name, or its number where it has none.
    pub fn account(&self) -> String {
        let name =
            self.login.as_deref().map(|name| clean_line(name.trim()).chars().take(64).collect::<String>());
        name.filter(|name| !name.is_empty()).unwrap_or_else(|| format!("uid-{}", self.uid))
    }

    /// The way by which they come.
    pub fn method(&self) -> LoginMethod {
        match (&self.asks_as, self.over_socket) {
            (Some(_), _) => LoginMethod::As,
            (None, true) => LoginMethod::Socket,
            (None, false) => LoginMethod::Embedded,
        }
    }

    fn has(&self, account: &Account) -> bool {
        account.is_of(self.uid, self.login.as_deref())
    }
}

/// Who asks. What they may do is looked up anew for every act: see [`Engine::readmit`].
#[derive(Clone, Debug)]
pub struct Person {
    /// What the journal calls them: the user's name, or the account's while there is no user.
    pub name: String,
    /// What they may do where.
    pub rights: Rights,
    /// Which user they are.
    pub user: Option<UserId>,
    /// Whom the kernel says they are; `None` where nobody is asked: the demo.
    pub caller: Option<Caller>,
    /// They asked to change nothing: `--read-only`.
    pub read_only: bool,
}

impl Person {
    /// Somebody who has a role everywhere, whoever the users are.
    pub fn fixed(name: &str, role: Role) -> Self {
        Self { name: name.to_owned(), rights: role.into(), user: None, caller: None, read_only: false }
    }

    /// Whoever runs this process, before a store is open. What they may do with the files is for the host to say.
    pub fn of_account(caller: Caller, read_only: bool) -> Self {
        let person = Self { caller: Some(caller.clone()), ..Self::fixed(&caller.account(), Role::Admin) };
        if read_only { person.read_only() } else { person }
    }

    /// What their acts leave in the journal; `line` is the command line, with secrets already taken out.
    pub fn actor(&self, why: &str, line: &str) -> Actor {
        let from = self.caller.as_ref().map(|caller| caller.from.to_string()).unwrap_or_default();
        Actor::new(&self.name, why, line).at(&from)
    }

    /// The same, who changes nothing.
    #[must_use]
    pub fn read_only(self) -> Self {
        Self { rights: self.rights.read_only(), read_only: true, ..self }
    }
}

/// Why somebody is not let in: one clean sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused(pub String);

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Refused {}

impl Engine {
    /// Who a caller is, and what they may do. Nothing is written down: see [`Engine::log_in`].
    ///
    /// # Errors
    /// When they are no user, one that is disabled or has no role, or ask on behalf of somebody without being trusted to.
    pub fn admit(&self, caller: &Caller) -> Result<Person, Refused> {
        let refused = |why: String| Err(Refused(clean_line(&why).into_owned()));
        let account = caller.account();
        if caller.asks_as.is_some() && !caller.trusted {
            return refused(format!(
                "{account} asks with --as, and the configuration does not trust this account to speak for others"
            ));
        }
        let users = self.users();
        if users.is_empty() {
            return if caller.asks_as.is_none() && self.owns_the_folder(caller.uid) {
                Ok(Person::of_account(caller.clone(), false))
            } else {
                refused(format!(
                    "there is no user yet, and {account} does not own the data folder: its owner makes the first admin \
                     with `noctule user add NAME --account {account}`"
                ))
            };
        }
        let is_meant = |user: &User| match &caller.asks_as {
            Some(key) => user.keys.contains(key),
            None => user.accounts.iter().any(|account| caller.has(account)),
        };
        let mut meant = users.iter().filter(|user| is_meant(user));
        let user = match (meant.next(), meant.next()) {
            (Some(user), None) => user,
            (Some(one), Some(other)) => {
                return refused(format!(
                    "the account {account} (uid {}) is {} by one name and {} by another: an admin takes it from one of them",
                    caller.uid, one.name, other.name
                ));
            }
            (None, _) => return refused(unknown(caller)),
        };
        if !user.enabled {
            return refused(format!("the user {} is disabled: an admin enables it again", user.name));
        }
        if user.grants.is_empty() {
            return refused(format!(
                "the user {} has no role: an admin grants one with `role grant`",
                user.name
            ));
        }
        Ok(Person {
            name: user.name.to_string(),
            rights: Rights::new(user.grants.clone()),
            user: Some(user.id),
            caller: Some(caller.clone()),
            read_only: false,
        })
    }

    /// The same person as of now: what was granted, revoked or disabled since they came holds at once.
    ///
    /// # Errors
    /// When they would not be let in any more.
    pub fn readmit(&self, person: &Person) -> Result<Person, Refused> {
        let Some(caller) = &person.caller else { return Ok(person.clone()) };
        let now = self.admit(caller)?;
        Ok(if person.read_only { now.read_only() } else { now })
    }

    /// Whether an account owns the data folder, or is root.
    pub fn owns_the_folder(&self, uid: u32) -> bool {
        uid == 0 || owner_of(self.data_dir()) == Some(uid)
    }
}

fn unknown(caller: &Caller) -> String {
    let account = caller.account();
    match &caller.asks_as {
        Some(key) => {
            let key: String = key.chars().take(64).collect();
            format!("no user has a key {key:?}: an admin adds it with `user edit NAME --key …`")
        }
        None => format!(
            "the account {account} (uid {}) is no user: an admin adds it with `user add NAME --account {account}`; where \
             no admin is left, the owner of the data folder has `noctule user recover`",
            caller.uid
        ),
    }
}

/// Who owns a folder; `None` where that cannot be seen.
pub fn owner_of(folder: &std::path::Path) -> Option<u32> {
    std::fs::metadata(folder).ok().map(|about| about.uid())
}
