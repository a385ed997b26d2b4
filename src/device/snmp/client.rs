//! One agent, asked over the shared sockets.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use snmp::{Error, ErrorStatus};
use tokio::time::Instant;

use super::failures::Asked;
use super::sockets::Sockets;
use super::{Agent, Answer, Credentials, Oid, SnmpLimits, Value, diagnosis};
use crate::model::{Failure, SnmpVersion};

/// The most objects of one question: more than fits into the smallest message makes old agents stumble.
const AT_ONCE: usize = 8;
/// The most rows that a bulk question asks for; it becomes fewer where an agent does not keep up.
const ROWS: u32 = 20;

/// An agent that is asked with certain credentials, until the time or the bytes for it are used up.
pub struct Client {
    sockets: Arc<Sockets>,
    peer: snmp::UdpClient,
    address: SocketAddr,
    credentials: Credentials,
    limits: SnmpLimits,
    deadline: Instant,
    bytes: AtomicUsize,
    has_answered: AtomicBool,
}

impl Client {
    pub(super) fn new(
        sockets: Arc<Sockets>,
        peer: snmp::UdpClient,
        address: SocketAddr,
        credentials: Credentials,
        limits: SnmpLimits,
    ) -> Self {
        Self {
            sockets,
            peer,
            address,
            credentials,
            limits,
            deadline: Instant::now() + limits.whole,
            bytes: AtomicUsize::new(0),
            has_answered: AtomicBool::new(false),
        }
    }

    fn asked(&self) -> Asked<'_> {
        Asked { address: self.address, credentials: &self.credentials, limits: self.limits }
    }

    /// Waits for one exchange, but not beyond the time for this agent.
    async fn within<T>(
        &self,
        exchange: impl Future<Output = Result<T, Box<Error>>>,
    ) -> Result<Result<T, Box<Error>>, Failure> {
        let answer =
            tokio::time::timeout_at(self.deadline, exchange).await.map_err(|_| self.asked().overdue())?;
        if answer.is_ok() {
            self.has_answered.store(true, Ordering::Relaxed);
        }
        Ok(answer)
    }

    async fn failure(&self, error: &Error) -> Failure {
        let asked = self.asked();
        let failure = asked.failure(error);
        let is_silence = matches!(
            error.exchange_source(),
            Error::Timeout { .. } | Error::ConstructionTimeout { .. } | Error::Auth { .. }
        );
        if is_silence && !self.has_answered.load(Ordering::Relaxed) {
            return diagnosis::of_silence(&self.sockets, &asked, failure).await;
        }
        failure
    }

    fn take(&self, value: snmp::Value) -> Result<Option<Value>, Failure> {
        let Some(value) = taken(value) else { return Ok(None) };
        let before = self.bytes.fetch_add(value.len(), Ordering::Relaxed);
        if before + value.len() > self.limits.bytes {
            return Err(self.asked().too_large());
        }
        Ok(Some(value))
    }

    async fn get_all(&self, oids: &[Oid]) -> Result<Vec<Option<Value>>, Failure> {
        let mut values = Vec::with_capacity(oids.len());
        // one object that is missing spoils a whole question of version 1
        let at_once = if self.credentials.version() == SnmpVersion::V1 { 1 } else { AT_ONCE };
        let mut refusal = None;
        for some in oids.chunks(at_once) {
            match self.get_some(some).await? {
                Ok(found) => values.extend(found),
                Err(refused) if some.len() == 1 => {
                    refusal = refused.or(refusal);
                    values.push(None);
                }
                Err(_) => {
                    for one in some.chunks(1) {
                        let found = match self.get_some(one).await? {
                            Ok(found) => found.into_iter().next().flatten(),
                            Err(refused) => {
                                refusal = refused.or(refusal);
                                None
                            }
                        };
                        values.push(found);
                    }
                }
            }
        }
        // one object that is hidden is a missing one; if all are, somebody must be told
        match refusal.filter(|_| values.iter().all(Option::is_none)) {
            Some(refusal) => Err(refusal),
            None => Ok(values),
        }
    }

    /// One question. The inner error is the agent's trouble with it, where fewer objects at once may help: a refusal to
    /// show them, or nothing that is worth telling.
    async fn get_some(&self, oids: &[Oid]) -> Result<Result<Vec<Option<Value>>, Option<Failure>>, Failure> {
        let wire: Vec<snmp::Oid> = oids.iter().map(|oid| snmp::Oid::from_slice(oid.numbers())).collect();
        let answer = match self.within(self.peer.get_many(&wire)).await? {
            Ok(answer) => answer,
            Err(error) => {
                return match error.exchange_source() {
                    Error::Snmp { status, .. } if is_about_an_object(*status) => Ok(Err(None)),
                    Error::Snmp {
                        status: ErrorStatus::AuthorizationError | ErrorStatus::NoAccess, ..
                    } => Ok(Err(Some(self.asked().failure(&error)))),
                    _ => Err(self.failure(&error).await),
                };
            }
        };
        let mut found: Vec<Option<Value>> = vec![None; oids.len()];
        for bound in answer.varbinds {
            // by name: an agent may leave objects out, add some, or change their order
            if let Some(place) = wire.iter().position(|oid| *oid == bound.oid) {
                found[place] = self.take(bound.value)?;
            }
        }
        Ok(Ok(found))
    }

    async fn walk_all(&self, root: &Oid, most: usize) -> Result<Vec<(Oid, Value)>, Failure> {
        let mut rows: Vec<(Oid, Value)> = Vec::new();
        let mut last = root.clone();
        let mut at_once = ROWS.min(u32::try_from(most).unwrap_or(ROWS)).max(1);
        loop {
            let next = match self.next_rows(&last, at_once).await? {
                Ok(next) => next,
                Err(_) if at_once > 1 && self.has_answered.load(Ordering::Relaxed) => {
                    at_once = (at_once / 4).max(1);
                    continue;
                }
                Err(error) => {
                    return match error.exchange_source() {
                        // the end of the tree, as version 1 says it
                        Error::Snmp { status: ErrorStatus::NoSuchName, .. } => Ok(rows),
                        _ => Err(self.failure(&error).await),
                    };
                }
            };
            if next.is_empty() {
                return Ok(rows);
            }
            for bound in next {
                let oid = Oid::new(bound.oid.arcs());
                if bound.value.is_exception() || oid.below(root).is_none() {
                    return Ok(rows);
                }
                if oid <= last {
                    return Err(self.asked().not_increasing(root));
                }
                last = oid.clone();
                if let Some(value) = self.take(bound.value)? {
                    rows.push((oid, value));
                }
                if rows.len() >= most {
                    return Ok(rows);
                }
            }
        }
    }

    async fn next_rows(
        &self,
        after: &Oid,
        most: u32,
    ) -> Result<Result<Vec<snmp::VarBind>, Box<Error>>, Failure> {
        let after = [snmp::Oid::from_slice(after.numbers())];
        if self.credentials.version() == SnmpVersion::V1 || most == 1 {
            let answer = self.within(self.peer.get_next(&after[0])).await?;
            return Ok(answer.map(|answer| answer.varbinds));
        }
        self.within(self.peer.get_bulk(&after, 0, most)).await
    }
}

impl Agent for Client {
    fn get<'a>(&'a self, oids: &'a [Oid]) -> Answer<'a, Vec<Option<Value>>> {
        Box::pin(self.get_all(oids))
    }

    fn walk<'a>(&'a self, root: &'a Oid, most: usize) -> Answer<'a, Vec<(Oid, Value)>> {
        Box::pin(self.walk_all(root, most))
    }
}

/// Whether the agent means one of the objects, not the question.
fn is_about_an_object(status: ErrorStatus) -> bool {
    matches!(
        status,
        ErrorStatus::NoSuchName
            | ErrorStatus::TooBig
            | ErrorStatus::GenErr
            | ErrorStatus::BadValue
            | ErrorStatus::ResourceUnavailable
    )
}

/// The library's value as ours; nothing where the agent says that there is none.
fn taken(value: snmp::Value) -> Option<Value> {
    use snmp::Value as Theirs;
    Some(match value {
        Theirs::Integer(number) => Value::Integer(i64::from(number)),
        Theirs::Counter32(number)
        | Theirs::Gauge32(number)
        | Theirs::UInteger32(number)
        | Theirs::TimeTicks(number) => Value::Unsigned(u64::from(number)),
        Theirs::Counter64(number) => Value::Unsigned(number),
        Theirs::OctetString(bytes) | Theirs::Opaque(bytes) | Theirs::Nsap(bytes) => {
            Value::Bytes(bytes.to_vec())
        }
        Theirs::ObjectIdentifier(oid) => Value::Oid(Oid::new(oid.arcs())),
        Theirs::IpAddress(bytes) => Value::Bytes(std::net::Ipv4Addr::from(bytes).to_string().into_bytes()),
        _ => return None,
    })
}
