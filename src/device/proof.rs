//! Proves a driver against its transcripts: each is played to a session, strictly, and what comes of it is compared.

use std::sync::Arc;
use std::time::Duration;

use super::capture::{Capture, capture};
use super::driver::{CompiledDriver, Drivers, Limits, TranscriptFile};
use super::replay;
use super::script::{Login, Mismatch, Script};
use super::session::{Credentials, LoginIn, Session};
use super::transcript::{Expectation, Transcript};
use crate::model::{DriverId, Failure, Secret, TransportKind};

/// The transcripts that every driver has.
pub const REQUIRED: [&str; 4] = ["normal", "paged", "wrong-password", "error-line"];

/// What came of one transcript.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// The transcript's name.
    pub stem: String,
    /// Where it is.
    pub path: String,
    /// Why it failed; `None` if it passed.
    pub fault: Option<String>,
    /// The configuration that came out.
    pub config: Option<String>,
}

/// Plays every transcript of a driver, and says which required ones are missing.
pub async fn prove(drivers: &Drivers, id: &DriverId) -> Vec<Proof> {
    let driver = match drivers.get(id) {
        Ok(driver) => driver,
        Err(problem) => return vec![fault("driver.toml", &problem.file, problem.to_string(), None)],
    };
    let files = drivers.transcripts(id);
    let mut proofs = Vec::new();
    for file in &files {
        proofs.push(prove_one(&driver, file).await);
    }
    for stem in REQUIRED.iter().filter(|stem| files.iter().all(|file| file.stem != **stem)) {
        proofs.push(fault(stem, "", format!("there is no transcript `{stem}`"), None));
    }
    proofs
}

async fn prove_one(driver: &Arc<CompiledDriver>, file: &TranscriptFile) -> Proof {
    let failed = |why: String, config| fault(&file.stem, &file.path, why, config);
    let transcript: Transcript = match file.text.parse() {
        Ok(transcript) => transcript,
        Err(error) => return failed(error.to_string(), None),
    };
    if transcript.driver != driver.id {
        return failed(format!("it is a transcript of `{}`", transcript.driver), None);
    }
    // Refusal by the SSH server itself is proven over a real connection, by the tests of the lab.
    if transcript.refuses {
        return Proof { stem: file.stem.clone(), path: file.path.clone(), fault: None, config: None };
    }
    let (ended, mismatch) = play(driver, &transcript).await;
    if let Some(mismatch) = mismatch {
        return failed(mismatch, None);
    }
    let config = ended.as_ref().ok().map(|capture| capture.exact.clone());
    let wrong = compare(transcript.expect, &ended, file.config.as_deref());
    Proof { stem: file.stem.clone(), path: file.path.clone(), fault: wrong, config }
}

/// What a session makes of a transcript, and where it left the transcript's path.
pub async fn play(
    driver: &Arc<CompiledDriver>,
    transcript: &Transcript,
) -> (Result<Capture, Failure>, Option<String>) {
    let (ended, mismatch) = play_on(driver, transcript).await;
    (ended, mismatch.map(|mismatch| mismatch.to_string()))
}

/// The same, with the place where the session left the transcript's path.
pub async fn play_on(
    driver: &Arc<CompiledDriver>,
    transcript: &Transcript,
) -> (Result<Capture, Failure>, Option<Mismatch>) {
    let script = Script::strict(transcript, login());
    let (wire, outcome) = replay::play(script, 1024);
    let login_in = match transcript.transport {
        TransportKind::Ssh => LoginIn::Transport,
        TransportKind::Telnet => LoginIn::Stream,
    };
    let session = Session::open(
        Box::new(wire),
        Arc::clone(driver),
        "",
        credentials(),
        patient(),
        login_in,
        Arc::new(|_: &str| ()),
    );
    let ended = match session.await {
        Ok(mut session) => {
            let ended = capture(&mut session, driver, None).await;
            session.close().await;
            ended
        }
        Err((failure, _)) => Err(failure),
    };
    (ended, outcome.mismatch())
}

/// What transcripts are played with. No real device has these.
fn login() -> Login {
    Login {
        username: "operator".into(),
        password: "fake-password".into(),
        enable_password: "fake-enable".into(),
        hostname: "lab-device".into(),
    }
}

fn credentials() -> Credentials {
    let login = login();
    Credentials {
        username: login.username,
        password: Secret::new(login.password),
        enable_password: Secret::new(login.enable_password),
    }
}

/// Short limits: a transcript has no network in it.
fn patient() -> Limits {
    let second = Duration::from_secs(1);
    Limits { connect: second, login: 3 * second, idle: 2 * second, whole: 10 * second, ..Limits::default() }
}

fn compare(expect: Expectation, ended: &Result<Capture, Failure>, golden: Option<&str>) -> Option<String> {
    match (expect, ended) {
        (Expectation::Failure(kind), Err(failure)) if failure.kind == kind => None,
        (Expectation::Failure(kind), Err(failure)) => {
            Some(format!("it must fail with {kind}, it failed with {failure}"))
        }
        (Expectation::Failure(kind), Ok(_)) => {
            Some(format!("it must fail with {kind}, it brought a configuration"))
        }
        (_, Err(failure)) => Some(format!("it must bring a configuration, it failed with {failure}")),
        (Expectation::Quarantined, Ok(Capture { doubt: None, .. })) => {
            Some("its configuration must be put aside, nothing spoke against it".into())
        }
        (Expectation::Quarantined, Ok(_)) => None,
        (Expectation::Good, Ok(Capture { doubt: Some(doubt), .. })) => {
            Some(format!("it was put aside: {doubt}"))
        }
        (Expectation::Good, Ok(capture)) => match golden {
            None => Some("no .config file beside it says what must come out".into()),
            Some(golden) => first_difference(golden, &capture.exact),
        },
    }
}

fn first_difference(golden: &str, exact: &str) -> Option<String> {
    if golden == exact {
        return None;
    }
    let mut pairs = golden.lines().zip(exact.lines()).enumerate();
    Some(match pairs.find(|(_, (wanted, got))| wanted != got) {
        Some((number, (wanted, got))) => {
            format!("line {}: {wanted:?} must come out, {got:?} came", number + 1)
        }
        None => format!("{} lines must come out, {} came", golden.lines().count(), exact.lines().count()),
    })
}

fn fault(stem: &str, path: &str, why: String, config: Option<String>) -> Proof {
    Proof { stem: stem.to_owned(), path: path.to_owned(), fault: Some(why), config }
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use super::*;

    /// `DRIVER=id` proves one alone; `ACCEPT=1` writes the `.config` files that are missing.
    #[tokio::test(start_paused = true)]
    async fn drivers() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("inventory/drivers");
        let drivers = Drivers::load(Some(&folder));
        let only = std::env::var("DRIVER").ok();
        let mut faults = Vec::new();
        for id in drivers.ids().filter(|id| only.as_ref().is_none_or(|only| only == id.as_str())) {
            for proof in prove(&drivers, id).await {
                let accepted = std::env::var("ACCEPT").is_ok() && accept(&proof);
                if let Some(fault) = proof.fault.filter(|_| !accepted) {
                    faults.push(format!("{id} {}: {fault}", proof.stem));
                }
            }
        }
        assert!(faults.is_empty(), "\n{}", faults.join("\n"));
    }

    fn accept(proof: &Proof) -> bool {
        let Some(config) = &proof.config else { return false };
        if !proof.fault.as_ref().is_some_and(|fault| fault.starts_with("no .config file")) {
            return false;
        }
        std::fs::write(PathBuf::from(&proof.path).with_extension("config"), config).is_ok()
    }
}
