//! Logging in: key files, agent, password, keyboard-interactive; all within its time.

use std::path::{Path, PathBuf};

use russh::client::{AuthResult, Handle, KeyboardInteractiveAuthResponse as Interactive};
use russh::{MethodKind, MethodSet};

use super::handler::Keys;
use super::keys::KeyRing;
use super::{Jump, Target, seconds};
use crate::device::driver::Limits;
use crate::model::{Failure, FailureKind, Secret, clean_line};

/// The most rounds of keyboard-interactive questions.
const ROUNDS: u32 = 5;

/// Logs in to a device.
pub async fn device(handle: &mut Handle<Keys>, target: &Target, limits: &Limits) -> Result<(), Failure> {
    let login = Login {
        user: &target.username,
        host: target.address.to_string(),
        identity_files: &target.identity_files,
        agent: target.agent.as_deref(),
        offer_agent_keys: target.offer_agent_keys,
        password: Some(&target.password).filter(|password| !password.is_empty()),
    };
    login.run_within(handle, limits).await
}

/// Logs in to a jump host, with keys alone.
pub async fn jump(handle: &mut Handle<Keys>, jump: &Jump, limits: &Limits) -> Result<(), Failure> {
    let login = Login {
        user: &jump.username,
        host: format!("jump host {}", jump.address),
        identity_files: &jump.identity_files,
        agent: jump.agent.as_deref(),
        offer_agent_keys: jump.offer_agent_keys,
        password: None,
    };
    login.run_within(handle, limits).await
}

struct Login<'a> {
    user: &'a str,
    host: String,
    identity_files: &'a [PathBuf],
    agent: Option<&'a Path>,
    offer_agent_keys: bool,
    password: Option<&'a Secret>,
}

/// What the server said to one attempt.
enum Said {
    /// The user is in.
    In,
    /// It took what was shown, and wants one of these as well.
    More(MethodSet),
    /// It did not take it; these may be tried.
    No(MethodSet),
}

/// What has been tried, for the message.
#[derive(Default)]
struct Tried {
    /// Each key and each way that an answer was asked for.
    ways: Vec<String>,
    /// What is waited for at present.
    step: &'static str,
}

impl Login<'_> {
    async fn run_within(&self, handle: &mut Handle<Keys>, limits: &Limits) -> Result<(), Failure> {
        let mut tried = Tried::default();
        match tokio::time::timeout(limits.login, self.run(handle, &mut tried)).await {
            Ok(ended) => ended,
            Err(_) => {
                let message = format!(
                    "{} took longer than {} to log `{}` in, {}",
                    self.host,
                    seconds(limits.login),
                    clean_line(self.user),
                    tried.so_far()
                );
                Err(Failure::new(FailureKind::Timeout, message))
            }
        }
    }

    async fn run(&self, handle: &mut Handle<Keys>, tried: &mut Tried) -> Result<(), Failure> {
        tried.step = "the question which ways it takes";
        // Asks what the device takes, and is enough for one that asks again inside the stream.
        let mut methods = match self.said(handle.authenticate_none(self.user).await, tried)? {
            Said::In => return Ok(()),
            Said::More(left) | Said::No(left) => left,
        };
        if methods.contains(&MethodKind::PublicKey) {
            match self.with_keys(handle, tried).await? {
                Some(Said::In) => return Ok(()),
                Some(Said::More(left) | Said::No(left)) => methods = left,
                None => {}
            }
        }
        let Some(password) = self.password else { return Err(self.refused(tried, &methods)) };
        if methods.contains(&MethodKind::Password) {
            tried.step = "the password";
            tried.ways.push("password".into());
            let answer = handle.authenticate_password(self.user, password.expose()).await;
            return match self.said(answer, tried)? {
                Said::In => Ok(()),
                Said::More(left) => Err(self.wants_more(tried, &left)),
                // A refused password is not tried again by another way: that locks accounts.
                Said::No(left) => Err(self.refused(tried, &left)),
            };
        }
        if methods.contains(&MethodKind::KeyboardInteractive) {
            tried.step = "the keyboard-interactive questions";
            tried.ways.push("keyboard-interactive".into());
            return match self.with_questions(handle, password, tried).await? {
                Said::In => Ok(()),
                Said::More(left) => Err(self.wants_more(tried, &left)),
                Said::No(left) => Err(self.refused(tried, &left)),
            };
        }
        Err(self.refused(tried, &methods))
    }

    /// The last answer; `None` where there was no key to try.
    async fn with_keys(&self, handle: &mut Handle<Keys>, tried: &mut Tried) -> Result<Option<Said>, Failure> {
        tried.step = "the agent's keys";
        let mut ring = KeyRing::gather(self.identity_files, self.agent, self.offer_agent_keys).await;
        tried.ways.append(&mut ring.faults);
        tried.step = "the public keys";
        let mut last = None;
        for place in 0..ring.candidates.len() {
            tried.ways.push(ring.candidates[place].name.clone());
            let Some(answer) = ring.try_key(place, handle, self.user).await else { continue };
            match self.said(answer, tried)? {
                Said::No(left) if left.contains(&MethodKind::PublicKey) => last = Some(Said::No(left)),
                settled => return Ok(Some(settled)),
            }
        }
        Ok(last)
    }

    /// Answers each question with the password; a round without questions with nothing (PAM sends one).
    async fn with_questions(
        &self,
        handle: &mut Handle<Keys>,
        password: &Secret,
        tried: &Tried,
    ) -> Result<Said, Failure> {
        let failed = |_| self.lost(tried);
        let mut answer = handle
            .authenticate_keyboard_interactive_start(self.user, None::<String>)
            .await
            .map_err(failed)?;
        let mut asked = false;
        for _ in 0..ROUNDS {
            match answer {
                Interactive::Success => return Ok(Said::In),
                Interactive::Failure { remaining_methods, partial_success } => {
                    return self.said(Ok(AuthResult::Failure { remaining_methods, partial_success }), tried);
                }
                Interactive::InfoRequest { prompts, .. } => {
                    // Asked again means refused.
                    if asked && !prompts.is_empty() {
                        return Ok(Said::No(MethodSet::from(&[MethodKind::KeyboardInteractive][..])));
                    }
                    asked |= !prompts.is_empty();
                    let answers = prompts.iter().map(|_| password.expose().to_owned()).collect();
                    answer =
                        handle.authenticate_keyboard_interactive_respond(answers).await.map_err(failed)?;
                }
            }
        }
        Ok(Said::No(MethodSet::from(&[MethodKind::KeyboardInteractive][..])))
    }

    fn said(&self, answer: Result<AuthResult, russh::Error>, tried: &Tried) -> Result<Said, Failure> {
        match answer {
            Ok(AuthResult::Success) => Ok(Said::In),
            // russh reports a connection that dies during the login as a failure without methods.
            Ok(AuthResult::Failure { remaining_methods, .. }) if remaining_methods.is_empty() => {
                Err(self.lost(tried))
            }
            Ok(AuthResult::Failure { remaining_methods, partial_success: true }) => {
                Ok(Said::More(remaining_methods))
            }
            Ok(AuthResult::Failure { remaining_methods, .. }) => Ok(Said::No(remaining_methods)),
            Err(_) => Err(self.lost(tried)),
        }
    }

    fn lost(&self, tried: &Tried) -> Failure {
        let message = format!(
            "{} closed the connection while `{}` was being logged in, {}",
            self.host,
            clean_line(self.user),
            tried.so_far()
        );
        Failure::new(FailureKind::Disconnected, message)
    }

    fn wants_more(&self, tried: &Tried, methods: &MethodSet) -> Failure {
        let message = format!(
            "{} took the login of `{}` ({tried}) and wants more: {}; noctule cannot give that",
            self.host,
            clean_line(self.user),
            names(methods)
        );
        Failure::new(FailureKind::Authentication, message)
    }

    fn refused(&self, tried: &Tried, methods: &MethodSet) -> Failure {
        let message = format!(
            "{} refused the login of `{}`: tried {tried}; it takes {}",
            self.host,
            clean_line(self.user),
            names(methods)
        );
        Failure::new(FailureKind::Authentication, message)
    }
}

impl Tried {
    /// The step, and what was tried up to it.
    fn so_far(&self) -> String {
        let after = if self.ways.is_empty() { String::new() } else { format!(", after {self}") };
        format!("at {}{after}", self.step)
    }
}

impl std::fmt::Display for Tried {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.ways.as_slice() {
            [] => f.write_str("nothing, for nothing that the record holds fits"),
            tried => f.write_str(&clean_line(&tried.join(", "))),
        }
    }
}

fn names(methods: &MethodSet) -> String {
    let names: Vec<&str> = methods.iter().map(<&str>::from).collect();
    names.join(", ")
}
