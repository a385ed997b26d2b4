//! Logging in: agent, key files, password, keyboard-interactive; each step within its time.

use std::path::Path;
use std::sync::Arc;

use russh::client::{AuthResult, Handle, KeyboardInteractiveAuthResponse as Interactive};
use russh::keys::agent::AgentIdentity;
use russh::keys::agent::client::AgentClient;
use russh::keys::{PrivateKeyWithHashAlg, load_secret_key};
use russh::{MethodKind, MethodSet};

use super::handler::Keys;
use super::{Jump, Target, seconds};
use crate::device::driver::Limits;
use crate::model::{Failure, FailureKind, Secret};

/// The most rounds of keyboard-interactive questions.
const ROUNDS: u32 = 5;

/// Logs in to a device.
pub async fn device(handle: &mut Handle<Keys>, target: &Target, limits: &Limits) -> Result<(), Failure> {
    let login = Login {
        user: &target.username,
        host: target.address.to_string(),
        identity_files: &target.identity_files,
        agent: target.agent,
        password: Some(&target.password).filter(|password| !password.is_empty()),
    };
    login.run_within(handle, limits).await
}

/// Logs in to a jump host, with keys alone.
pub async fn jump(handle: &mut Handle<Keys>, jump: &Jump, limits: &Limits) -> Result<(), Failure> {
    let login = Login {
        user: &jump.username,
        host: jump.address.to_string(),
        identity_files: &jump.identity_files,
        agent: true,
        password: None,
    };
    login.run_within(handle, limits).await
}

struct Login<'a> {
    user: &'a str,
    host: String,
    identity_files: &'a [std::path::PathBuf],
    agent: bool,
    password: Option<&'a Secret>,
}

impl Login<'_> {
    async fn run_within(&self, handle: &mut Handle<Keys>, limits: &Limits) -> Result<(), Failure> {
        match tokio::time::timeout(limits.login, self.run(handle)).await {
            Ok(ended) => ended,
            Err(_) => {
                let message = format!(
                    "{} took longer than {} to log `{}` in",
                    self.host,
                    seconds(limits.login),
                    self.user
                );
                Err(Failure::new(FailureKind::Timeout, message))
            }
        }
    }

    async fn run(&self, handle: &mut Handle<Keys>) -> Result<(), Failure> {
        // Asks what the device takes, and is enough for one that asks again inside the stream.
        let Some(mut methods) = self.outcome(handle.authenticate_none(self.user).await)? else {
            return Ok(());
        };
        let mut tried = Vec::new();
        if methods.contains(&MethodKind::PublicKey) {
            if self.agent && self.with_agent(handle, &mut tried).await? {
                return Ok(());
            }
            for file in self.identity_files {
                match self.with_file(handle, file).await? {
                    None => return Ok(()),
                    Some(left) => methods = left,
                }
                tried.push(format!("key {}", file.display()));
            }
        }
        if let Some(password) = self.password {
            if methods.contains(&MethodKind::Password) {
                let answer = handle.authenticate_password(self.user, password.expose()).await;
                tried.push("password".into());
                match self.outcome(answer)? {
                    None => return Ok(()),
                    // A refused password is not tried again by another way: that locks accounts.
                    Some(_) => return Err(self.refused(&tried, &methods)),
                }
            }
            if methods.contains(&MethodKind::KeyboardInteractive) {
                tried.push("keyboard-interactive".into());
                if self.with_questions(handle, password).await? {
                    return Ok(());
                }
            }
        }
        Err(self.refused(&tried, &methods))
    }

    async fn with_agent(&self, handle: &mut Handle<Keys>, tried: &mut Vec<String>) -> Result<bool, Failure> {
        let Ok(mut agent) = AgentClient::connect_env().await else { return Ok(false) };
        let Ok(identities) = agent.request_identities().await else { return Ok(false) };
        // Servers count keys as attempts: six is OpenSSH's limit.
        for identity in identities.into_iter().take(5) {
            let AgentIdentity::PublicKey { key, comment } = identity else { continue };
            let hash = if key.algorithm().is_rsa() { self.rsa_hash(handle).await } else { None };
            let answer = handle.authenticate_publickey_with(self.user, key, hash, &mut agent).await;
            tried.push(format!("agent key {comment}"));
            match answer {
                Ok(AuthResult::Success) => return Ok(true),
                Ok(AuthResult::Failure { remaining_methods, .. }) if remaining_methods.is_empty() => {
                    return Err(self.lost());
                }
                Ok(AuthResult::Failure { .. }) | Err(_) => {}
            }
        }
        Ok(false)
    }

    async fn with_file(&self, handle: &mut Handle<Keys>, file: &Path) -> Result<Option<MethodSet>, Failure> {
        let key = load_secret_key(file, None).map_err(|error| {
            let advice = match error {
                russh::keys::Error::KeyIsEncrypted => {
                    "it has a passphrase: add it to the agent with ssh-add".to_owned()
                }
                other => other.to_string(),
            };
            let message = format!("the key file {} cannot be used: {advice}", file.display());
            Failure::new(FailureKind::Authentication, message)
        })?;
        let hash = if key.algorithm().is_rsa() { self.rsa_hash(handle).await } else { None };
        let key = PrivateKeyWithHashAlg::new(Arc::new(key), hash);
        self.outcome(handle.authenticate_publickey(self.user, key).await)
    }

    async fn rsa_hash(&self, handle: &Handle<Keys>) -> Option<russh::keys::HashAlg> {
        handle.best_supported_rsa_hash().await.ok().flatten().flatten()
    }

    /// Answers each question with the password; a round without questions with nothing (PAM sends one).
    async fn with_questions(&self, handle: &mut Handle<Keys>, password: &Secret) -> Result<bool, Failure> {
        let failed = |_| self.lost();
        let mut answer = handle
            .authenticate_keyboard_interactive_start(self.user, None::<String>)
            .await
            .map_err(failed)?;
        let mut asked = false;
        for _ in 0..ROUNDS {
            match answer {
                Interactive::Success => return Ok(true),
                Interactive::Failure { .. } => return Ok(false),
                Interactive::InfoRequest { prompts, .. } => {
                    // Asked again means refused.
                    if asked && !prompts.is_empty() {
                        return Ok(false);
                    }
                    asked |= !prompts.is_empty();
                    let answers = prompts.iter().map(|_| password.expose().to_owned()).collect();
                    answer =
                        handle.authenticate_keyboard_interactive_respond(answers).await.map_err(failed)?;
                }
            }
        }
        Ok(false)
    }

    /// `None` is success; else what may still be tried.
    fn outcome(&self, answer: Result<AuthResult, russh::Error>) -> Result<Option<MethodSet>, Failure> {
        match answer {
            Ok(AuthResult::Success) => Ok(None),
            // russh reports a connection that dies during the login as a failure without methods.
            Ok(AuthResult::Failure { remaining_methods, .. }) if remaining_methods.is_empty() => {
                Err(self.lost())
            }
            Ok(AuthResult::Failure { remaining_methods, .. }) => Ok(Some(remaining_methods)),
            Err(_) => Err(self.lost()),
        }
    }

    fn lost(&self) -> Failure {
        let message =
            format!("{} closed the connection while `{}` was being logged in", self.host, self.user);
        Failure::new(FailureKind::Disconnected, message)
    }

    fn refused(&self, tried: &[String], methods: &MethodSet) -> Failure {
        let tried =
            if tried.is_empty() { "nothing that the record holds fits".to_owned() } else { tried.join(", ") };
        let taken: Vec<String> = methods.iter().map(|method| format!("{method:?}").to_lowercase()).collect();
        let message = format!(
            "{} refused the login of `{}`: tried {tried}; it takes {}",
            self.host,
            self.user,
            taken.join(", ")
        );
        Failure::new(FailureKind::Authentication, message)
    }
}
