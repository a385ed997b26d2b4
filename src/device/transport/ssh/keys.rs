//! Private keys: read from a file, or held by the agent, which signs.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use russh::client::{AuthResult, Handle};
use russh::keys::agent::AgentIdentity;
use russh::keys::agent::client::AgentClient;
use russh::keys::{PrivateKey, PrivateKeyWithHashAlg, PublicKey, load_public_key, load_secret_key};
use tokio::net::UnixStream;

use super::handler::Keys;

/// Servers count keys as attempts: six is OpenSSH's limit.
const MOST_AGENT_KEYS: usize = 5;

/// A key that can be tried, and what people call it.
pub struct Candidate {
    /// For the message that says what was tried.
    pub name: String,
    signer: Signer,
}

enum Signer {
    File(Arc<PrivateKey>),
    Agent(PublicKey),
}

/// The keys of a login: those of the files first, then all that the agent holds.
pub struct KeyRing {
    /// What can be tried, in order.
    pub candidates: Vec<Candidate>,
    /// Why a file or the agent could not be used.
    pub faults: Vec<String>,
    agent: Option<AgentClient<UnixStream>>,
}

impl KeyRing {
    /// Reads the files, and asks the agent where it is wanted: for a file with a passphrase, or for all it has.
    pub async fn gather(files: &[PathBuf], agent: Option<&Path>, offer_agent_keys: bool) -> Self {
        let mut ring = Self { candidates: Vec::new(), faults: Vec::new(), agent: None };
        let read: Vec<_> = files.iter().map(|file| (file, read(file))).collect();
        let locked = read.iter().any(|(_, read)| matches!(read, Ok(Signer::Agent(_))));
        let held = match agent.filter(|_| locked || offer_agent_keys) {
            Some(socket) => ring.ask_agent(socket).await,
            None => Vec::new(),
        };
        for (file, read) in read {
            let name = format!("key {}", file.display());
            match read {
                Ok(Signer::Agent(key)) if !held.iter().any(|(held, _)| held.key_data() == key.key_data()) => {
                    ring.faults.push(format!("{name} has a passphrase: add it to the agent with ssh-add"));
                }
                Ok(signer) => ring.candidates.push(Candidate { name, signer }),
                Err(why) => ring.faults.push(format!("{name} cannot be used: {why}")),
            }
        }
        if offer_agent_keys {
            for (key, comment) in held.into_iter().take(MOST_AGENT_KEYS) {
                ring.candidates
                    .push(Candidate { name: format!("agent key {comment}"), signer: Signer::Agent(key) });
            }
        }
        ring
    }

    async fn ask_agent(&mut self, socket: &Path) -> Vec<(PublicKey, String)> {
        let asked = async {
            let mut agent = AgentClient::connect_uds(socket).await?;
            let identities = agent.request_identities().await?;
            Ok::<_, russh::keys::Error>((agent, identities))
        };
        match asked.await {
            Ok((agent, identities)) => {
                self.agent = Some(agent);
                let keys = identities.into_iter().filter_map(|identity| match identity {
                    AgentIdentity::PublicKey { key, comment } => Some((key, comment)),
                    _ => None,
                });
                keys.collect()
            }
            Err(error) => {
                self.faults.push(format!("the agent at {} does not answer: {error}", socket.display()));
                Vec::new()
            }
        }
    }

    /// Tries one key. An agent that cannot sign is a refusal of that key.
    pub async fn try_key(
        &mut self,
        place: usize,
        handle: &mut Handle<Keys>,
        user: &str,
    ) -> Option<Result<AuthResult, russh::Error>> {
        match &self.candidates.get(place)?.signer {
            Signer::File(key) => {
                let hash = if key.algorithm().is_rsa() { rsa_hash(handle).await } else { None };
                let key = PrivateKeyWithHashAlg::new(Arc::clone(key), hash);
                Some(handle.authenticate_publickey(user, key).await)
            }
            Signer::Agent(key) => {
                let key = key.clone();
                let hash = if key.algorithm().is_rsa() { rsa_hash(handle).await } else { None };
                let agent = self.agent.as_mut()?;
                handle.authenticate_publickey_with(user, key, hash, agent).await.ok().map(Ok)
            }
        }
    }
}

async fn rsa_hash(handle: &Handle<Keys>) -> Option<russh::keys::HashAlg> {
    handle.best_supported_rsa_hash().await.ok().flatten().flatten()
}

/// A key file. Where it has a passphrase, its public half: the agent may hold it open.
fn read(file: &Path) -> Result<Signer, String> {
    match load_secret_key(file, None) {
        Ok(key) => Ok(Signer::File(Arc::new(key))),
        Err(russh::keys::Error::KeyIsEncrypted) => {
            let beside = PathBuf::from(format!("{}.pub", file.display()));
            let inside =
                || std::fs::read_to_string(file).ok().and_then(|text| PrivateKey::from_openssh(text).ok());
            load_public_key(beside)
                .ok()
                .or_else(|| inside().map(|key| key.public_key().clone()))
                .map(Signer::Agent)
                .ok_or_else(|| "it has a passphrase, and no .pub file is beside it".to_owned())
        }
        Err(error) => Err(error.to_string()),
    }
}
