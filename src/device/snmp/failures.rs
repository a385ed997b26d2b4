//! The library's errors as reasons that a person can act on.

use std::net::SocketAddr;

use snmp::{Error, ErrorStatus};

use super::{Credentials, SnmpLimits};
use crate::model::{Failure, FailureKind};

/// Whom was asked, how, and for how long.
pub(super) struct Asked<'a> {
    pub address: SocketAddr,
    pub credentials: &'a Credentials,
    pub limits: SnmpLimits,
}

impl Asked<'_> {
    /// Why it did not work.
    pub fn failure(&self, error: &Error) -> Failure {
        let at = self.address;
        match error.exchange_source() {
            Error::Timeout { .. } | Error::ConstructionTimeout { .. } => self.silence(),
            Error::Network { source, .. } => {
                Failure::new(FailureKind::Unreachable, format!("asking the SNMP agent at {at}: {source}"))
            }
            Error::Snmp { status, .. } => self.refusal(*status),
            Error::Report { status, .. } => self.report(status),
            Error::Auth { .. } => self.wrong_digest(),
            Error::Decode(_) | Error::MalformedResponse { .. } | Error::ResponseShape { .. } => {
                self.nonsense()
            }
            other => Failure::new(FailureKind::Internal, format!("asking the SNMP agent at {at}: {other}")),
        }
    }

    fn silence(&self) -> Failure {
        let (at, tries) = (self.address, self.limits.retries + 1);
        let wait = self.limits.timeout.as_secs_f32();
        let why = match self.credentials {
            Credentials::Community { .. } => {
                "either the device or the way to it is down, its agent is off or filtered, or the community is \
                 wrong or not for this host: agents keep silent about a wrong community"
            }
            Credentials::User { .. } => {
                "either the device or the way to it is down, its agent is off or filtered, or it does not speak SNMP 3"
            }
        };
        let how = self.credentials.shown();
        let times = if tries == 1 { "once".to_owned() } else { format!("{tries} times") };
        let what =
            format!("the SNMP agent at {at} gave no valid answer within {wait} s, asked {times} ({how})");
        Failure::new(FailureKind::Timeout, format!("{what}: {why}"))
    }

    fn refusal(&self, status: ErrorStatus) -> Failure {
        let at = self.address;
        match status {
            ErrorStatus::AuthorizationError | ErrorStatus::NoAccess => Failure::new(
                FailureKind::Authentication,
                format!(
                    "the SNMP agent at {at} does not let {} read this: widen the view that the agent gives",
                    self.credentials.shown()
                ),
            ),
            other => Failure::new(
                FailureKind::Rejected,
                format!("the SNMP agent at {at} answered with an error: {other}"),
            ),
        }
    }

    fn report(&self, status: &snmp::v3::ReportStatus) -> Failure {
        use snmp::v3::ReportStatus as Status;
        let at = self.address;
        let how = self.credentials.shown();
        let authentication = |what: String| Failure::new(FailureKind::Authentication, what);
        match status {
            Status::UnknownUserName { .. } => self.unknown_user(),
            Status::WrongDigest { .. } => self.wrong_digest(),
            Status::DecryptionError { .. } => self.wrong_cipher(),
            Status::UnsupportedSecurityLevel { .. } => authentication(format!(
                "the SNMP agent at {at} has no such privilege for this user ({how}): it knows the user, but not with \
                 this digest or cipher"
            )),
            Status::NotInTimeWindow { .. } => authentication(format!(
                "the SNMP agent at {at} says the question is not in its time window ({how}): it was restarted, or \
                 counts its restarts wrongly; try again"
            )),
            other => authentication(format!("the SNMP agent at {at} refused with a report ({how}): {other}")),
        }
    }

    /// The agent knows no such user.
    pub fn unknown_user(&self) -> Failure {
        Failure::new(
            FailureKind::Authentication,
            format!(
                "the SNMP agent at {} does not know the user ({})",
                self.address,
                self.credentials.shown()
            ),
        )
    }

    /// The agent knows the user, and its digest is another one.
    pub fn wrong_digest(&self) -> Failure {
        Failure::new(
            FailureKind::Authentication,
            format!(
                "the SNMP agent at {} found the digest wrong ({}): the password of the digest, or which digest it is, \
                 is not the agent's",
                self.address,
                self.credentials.shown()
            ),
        )
    }

    /// The digest is right, and what was encrypted is not understood.
    pub fn wrong_cipher(&self) -> Failure {
        Failure::new(
            FailureKind::Authentication,
            format!(
                "the SNMP agent at {} cannot decrypt ({}): the digest is right, but the password of the cipher, or \
                 which cipher it is, is not the agent's",
                self.address,
                self.credentials.shown()
            ),
        )
    }

    /// What came is no answer.
    pub fn nonsense(&self) -> Failure {
        Failure::new(
            FailureKind::Rejected,
            format!("what the SNMP agent at {} answered is malformed: its answer is ignored", self.address),
        )
    }

    /// The table goes round in circles.
    pub fn not_increasing(&self, root: &super::Oid) -> Failure {
        Failure::new(
            FailureKind::Rejected,
            format!(
                "the table {root} of the SNMP agent at {} does not increase: it would never end",
                self.address
            ),
        )
    }

    /// It answers more than is taken.
    pub fn too_large(&self) -> Failure {
        let most = self.limits.bytes >> 10;
        Failure::new(
            FailureKind::TooLarge,
            format!("the SNMP agent at {} answered more than {most} kB: the rest is not taken", self.address),
        )
    }

    /// The whole took too long.
    pub fn overdue(&self) -> Failure {
        let whole = self.limits.whole.as_secs_f32();
        Failure::new(
            FailureKind::Timeout,
            format!("reading from the SNMP agent at {} took longer than {whole} s altogether", self.address),
        )
    }
}
