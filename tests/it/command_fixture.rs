//! Command lines run in process, as the shell runs them, with a person's side that remembers what it was told.

use std::collections::HashMap;
use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::{Arc, Mutex};

use noctule::commands::{Door, Exit, Io, Person, run};
use noctule::engine::{Engine, Options};
use noctule::lab::Links;
use noctule::model::{Role, Secret};
use tokio::sync::watch;

/// What a command said and did.
#[derive(Default)]
pub struct Told {
    pub lines: Vec<String>,
    pub notes: Vec<String>,
    pub bytes: Vec<u8>,
    pub written: HashMap<String, (Vec<u8>, bool)>,
    pub asked: Vec<String>,
}

/// A person's side: files in memory, answers given beforehand.
pub struct Side {
    pub told: Mutex<Told>,
    pub files: Mutex<HashMap<String, Vec<u8>>>,
    pub answer: Mutex<Option<bool>>,
    pub secret: Mutex<Option<&'static str>>,
    interrupt: watch::Sender<bool>,
    interrupt_at: Mutex<Option<String>>,
}

impl Io for Side {
    fn line(&self, line: &str) {
        if self.interrupt_at.lock().unwrap().as_ref().is_some_and(|start| line.starts_with(start)) {
            self.interrupt.send_replace(true);
        }
        self.told.lock().unwrap().lines.push(line.to_owned());
    }

    fn note(&self, line: &str) {
        self.told.lock().unwrap().notes.push(line.to_owned());
    }

    fn bytes(&self, bytes: &[u8]) {
        self.told.lock().unwrap().bytes.extend(bytes);
    }

    fn is_person(&self) -> bool {
        self.answer.lock().unwrap().is_some()
    }

    fn read_file(&self, path: &str, _: usize) -> Result<Vec<u8>, String> {
        self.files.lock().unwrap().get(path).cloned().ok_or_else(|| format!("{path}: there is no such file"))
    }

    fn write_file(&self, path: &str, bytes: &[u8], private: bool) -> Result<(), String> {
        self.told.lock().unwrap().written.insert(path.to_owned(), (bytes.to_vec(), private));
        Ok(())
    }

    fn confirm(&self, question: &str) -> Option<bool> {
        self.told.lock().unwrap().asked.push(question.to_owned());
        *self.answer.lock().unwrap()
    }

    fn secret(&self, prompt: &str) -> Option<Secret> {
        self.told.lock().unwrap().asked.push(prompt.to_owned());
        self.secret.lock().unwrap().map(Secret::new)
    }

    fn interrupted(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        let mut interrupt = self.interrupt.subscribe();
        Box::pin(async move { drop(interrupt.wait_for(|interrupt| *interrupt).await) })
    }
}

/// A shell with an engine behind it, or none.
pub struct Shell {
    pub side: Arc<Side>,
    pub role: Role,
    /// Who asks, in place of somebody with `role`.
    pub person: Option<Person>,
    pub links: Option<Arc<Links>>,
    options: Options,
    engine: Option<Arc<Engine>>,
}

impl Shell {
    pub fn over(engine: &Arc<Engine>) -> Self {
        let options = Options::new(engine.data_dir(), engine.config_dir());
        Self::new(options, Some(engine.clone()))
    }

    /// Without an engine, over an empty folder.
    pub fn closed(folder: impl Into<PathBuf>) -> Self {
        let folder = folder.into();
        Self::new(Options::new(folder.join("data"), folder.join("config")), None)
    }

    fn new(options: Options, engine: Option<Arc<Engine>>) -> Self {
        let side = Side {
            told: Mutex::default(),
            files: Mutex::default(),
            answer: Mutex::default(),
            secret: Mutex::default(),
            interrupt: watch::Sender::new(false),
            interrupt_at: Mutex::default(),
        };
        Self { side: Arc::new(side), role: Role::Admin, person: None, links: None, options, engine }
    }

    pub fn file(&self, path: &str, text: &str) {
        self.side.files.lock().unwrap().insert(path.to_owned(), text.as_bytes().to_vec());
    }

    /// Runs a line to its end; what it said is handed out once.
    pub async fn run(&self, line: &str) -> (Exit, Told) {
        let words = shlex::split(line).unwrap();
        let door = Door {
            options: self.options.clone(),
            engine: self.engine.clone(),
            person: self.person.clone().unwrap_or_else(|| Person::fixed("ann", self.role)),
            links: self.links.clone(),
            io: self.side.clone(),
        };
        let exit = run(door, &words).await;
        (exit, std::mem::take(&mut *self.side.told.lock().unwrap()))
    }

    /// Presses Ctrl-C.
    pub fn interrupt(&self) {
        self.side.interrupt.send_replace(true);
    }

    /// Presses Ctrl-C, in the next run, as soon as a line begins like this.
    pub fn interrupt_at(&self, start: &str) {
        self.side.interrupt.send_replace(false);
        *self.side.interrupt_at.lock().unwrap() = Some(start.to_owned());
    }

    /// A file that a command still running has written.
    pub async fn written(&self, path: &str) -> Vec<u8> {
        loop {
            if let Some((bytes, _)) = self.side.told.lock().unwrap().written.get(path) {
                return bytes.clone();
            }
            tokio::task::yield_now().await;
        }
    }
}
