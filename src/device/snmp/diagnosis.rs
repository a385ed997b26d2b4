//! Why an agent keeps silent to a user of SNMPv3. Reports of a wrong name or password carry no digest, so the library
//! ignores them, as it must: anybody could send one. Two more questions tell a person what is wrong all the same.

use snmp::{Error, oid};

use super::Credentials;
use super::failures::Asked;
use super::sockets::Sockets;
use crate::model::Failure;

/// The reason for a silence: asks without a digest whether the user is known, then without a cipher whether the digest
/// is right.
pub(super) async fn of_silence(sockets: &Sockets, asked: &Asked<'_>, silence: Failure) -> Failure {
    let Credentials::User { name, auth, privacy } = asked.credentials else { return silence };
    let bare = Credentials::User { name: name.clone(), auth: None, privacy: None };
    match ask(sockets, asked, &bare).await {
        Some(Reply::Silence) | None => return silence,
        Some(Reply::UnknownUser) => return asked.unknown_user(),
        Some(Reply::Something) => {}
    }
    if auth.is_some() && privacy.is_some() {
        let unhidden = Credentials::User { name: name.clone(), auth: auth.clone(), privacy: None };
        if let Some(Reply::Something) = ask(sockets, asked, &unhidden).await {
            return asked.wrong_cipher();
        }
    }
    if auth.is_some() { asked.wrong_digest() } else { silence }
}

enum Reply {
    Silence,
    UnknownUser,
    Something,
}

async fn ask(sockets: &Sockets, asked: &Asked<'_>, credentials: &Credentials) -> Option<Reply> {
    let peer = sockets.peer(asked.address, credentials, asked.limits.timeout, 0).await.ok()?;
    let up_time = oid!(1, 3, 6, 1, 2, 1, 1, 3, 0);
    Some(match peer.get(&up_time).await {
        Ok(_) => Reply::Something,
        Err(error) => match error.exchange_source() {
            Error::Report { status, .. } => match status.as_ref() {
                snmp::v3::ReportStatus::UnknownUserName { .. } => Reply::UnknownUser,
                _ => Reply::Something,
            },
            Error::Snmp { .. } => Reply::Something,
            _ => Reply::Silence,
        },
    })
}
