//! Inventories from files and back: what an import would do, then all of it or nothing.

mod csv_file;
mod export;
mod formula;
mod toml_file;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use crate::model::{Device, DeviceId, DeviceName, Timestamp};

use super::actor::Actor;
use super::edits::Edit;
use super::error::ActError;
use super::fields::{Change, Field, blank};
use super::inventory;
use super::start::Engine;

pub use export::{csv_of, csv_rows, toml_of};

/// The largest file, in bytes.
const LARGEST: usize = 64 << 20;
/// The most devices of one import.
const MOST: usize = 100_000;

/// The most devices that a refused import names.
const MOST_NAMED: usize = 4;

/// How a file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A line per device, a header with the fields' names.
    Csv,
    /// A `[[device]]` table per device.
    Toml,
}

impl Format {
    /// By the file's name; where that says nothing, TOML is what has a `[[device]]` line.
    pub fn of(name: &str, bytes: &[u8]) -> Self {
        let name = name.to_ascii_lowercase();
        let has_table = || bytes.split(|byte| *byte == b'\n').any(|line| line.trim_ascii() == b"[[device]]");
        if name.ends_with(".toml") || (!name.ends_with(".csv") && has_table()) {
            Self::Toml
        } else {
            Self::Csv
        }
    }
}

/// What an import would do, or did.
#[derive(Clone, Debug, Default)]
pub struct ImportPlan {
    /// Devices that are new.
    pub add: Vec<Planned>,
    /// Devices that change.
    pub change: Vec<Planned>,
    /// Devices that are as the file says already.
    pub same: Vec<Planned>,
    /// Lines that cannot be taken, by line.
    pub bad: Vec<BadLine>,
    /// The records that the first two come down to.
    records: Vec<Arc<Device>>,
    /// The devices that the file names as they stood when it was planned: number and revision.
    stood: BTreeMap<DeviceName, Option<(DeviceId, u32)>>,
}

/// One device of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Planned {
    /// The line, counting from 1.
    pub line: usize,
    /// The device.
    pub name: String,
    /// The fields that would differ from before.
    pub fields: Vec<Field>,
}

/// A line that cannot be taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadLine {
    /// The line, counting from 1.
    pub line: usize,
    /// What is wrong with it. Clean, and without secrets.
    pub reason: String,
}

impl BadLine {
    fn new(line: usize, reason: impl AsRef<str>) -> Self {
        Self { line, reason: crate::model::clean_line(reason.as_ref()).into_owned() }
    }
}

/// How an import ended.
#[derive(Clone, Debug)]
pub struct Imported {
    /// What was planned.
    pub plan: ImportPlan,
    /// Whether it was done; false when there were bad lines and they were not to be skipped.
    pub applied: bool,
}

/// A file taken apart: rows, and the lines that are none.
#[derive(Debug, Default)]
struct Parsed {
    rows: Vec<Row>,
    bad: Vec<BadLine>,
}

/// One device as the file has it.
#[derive(Debug)]
struct Row {
    line: usize,
    changes: Vec<Change>,
}

impl Row {
    fn name(&self) -> Option<String> {
        let name = self.changes.iter().find(|change| change.field == Field::Name)?;
        Some(name.value.trim().to_owned())
    }
}

impl Engine {
    /// What importing `bytes` would do. Changes nothing.
    ///
    /// # Errors
    /// When the engine is stopping. What is wrong with the file stands in the plan.
    pub async fn plan_import(
        self: &Arc<Self>,
        bytes: Vec<u8>,
        format: Format,
    ) -> Result<ImportPlan, ActError> {
        self.aside(move |engine| Ok(engine.plan(parse(&bytes, format), engine.now()))).await
    }

    /// Imports `bytes`: all of it or, when a line is bad and not to be skipped, nothing.
    ///
    /// # Errors
    /// When the store cannot take it; then nothing was imported.
    pub async fn import(
        self: &Arc<Self>,
        by: &Actor,
        bytes: Vec<u8>,
        format: Format,
        skip_bad: bool,
    ) -> Result<Imported, ActError> {
        self.import_as_previewed(by, bytes, format, skip_bad, None).await
    }

    /// The same, where somebody has looked at `preview` and agreed to it: what another has changed since is found, and
    /// nothing is imported.
    ///
    /// # Errors
    /// As [`Engine::import`]; also when a device that the file names is another one than in the preview.
    pub async fn import_as_previewed(
        self: &Arc<Self>,
        by: &Actor,
        bytes: Vec<u8>,
        format: Format,
        skip_bad: bool,
        preview: Option<&ImportPlan>,
    ) -> Result<Imported, ActError> {
        let _acting = self.acting.lock().await;
        let plan = self.plan_import(bytes, format).await?;
        if let Some(preview) = preview {
            self.check_preview(preview, &plan).await?;
        }
        if !plan.bad.is_empty() && !skip_bad {
            return Ok(Imported { plan, applied: false });
        }
        if !plan.records.is_empty() {
            let message =
                format!("{} devices added and {} changed by {}", plan.add.len(), plan.change.len(), by.name);
            self.store_devices(by, "device import", self.now(), &plan.records, &message).await?;
        }
        Ok(Imported { plan, applied: true })
    }

    /// Whether every device that the file names is as it was in the preview.
    async fn check_preview(&self, preview: &ImportPlan, plan: &ImportPlan) -> Result<(), ActError> {
        let differs = |name: &&DeviceName| preview.stood.get(*name) != plan.stood.get(*name);
        let moved: Vec<&DeviceName> = plan.stood.keys().filter(differs).collect();
        let mut words = Vec::new();
        for name in moved.iter().take(MOST_NAMED) {
            let now = self.present().living(name);
            words.push(match (preview.stood.get(*name).copied().flatten(), now) {
                (Some((id, revision)), Some(now)) if now.id == id => {
                    let edits = self.device_edits(&now, revision).await.unwrap_or_default();
                    let edits: Vec<String> = edits.iter().map(Edit::in_words).collect();
                    format!("{name}: {}", edits.join("; "))
                }
                (_, Some(now)) => {
                    let edits = self.device_edits(&now, 0).await.unwrap_or_default();
                    let who = edits.first().map_or("somebody", |edit| edit.by.as_str());
                    format!("{name} was added by {who}")
                }
                (_, None) => format!("{name} was put away"),
            });
        }
        match moved.len() {
            0 => Ok(()),
            many => Err(ActError::conflict(format!(
                "nothing was imported: {many} of the devices in the file were changed since the preview ({}); look at the preview again",
                words.join("; ")
            ))),
        }
    }

    fn plan(&self, parsed: Parsed, now: Timestamp) -> ImportPlan {
        let mut plan = ImportPlan { bad: parsed.bad, ..ImportPlan::default() };
        let mut lines: HashMap<DeviceName, usize> = HashMap::new();
        let mut next = self.present().next_device();
        let named: HashSet<String> = parsed.rows.iter().filter_map(Row::name).collect();
        for row in parsed.rows {
            let planned = self.plan_row(&row, next, now, &mut lines);
            match planned.and_then(|planned| self.parent_is_there(planned, &named)) {
                Err(reason) => plan.bad.push(BadLine::new(row.line, reason.message)),
                Ok((device, fields)) => {
                    let stood = (device.id != next).then(|| (device.id, device.revision.saturating_sub(1)));
                    plan.stood.insert(device.name.clone(), stood);
                    let planned = Planned { line: row.line, name: device.name.to_string(), fields };
                    if device.id == next {
                        next = DeviceId(next.0 + 1);
                        plan.add.push(planned);
                    } else if planned.fields.is_empty() {
                        plan.same.push(planned);
                        continue;
                    } else {
                        plan.change.push(planned);
                    }
                    plan.records.push(Arc::new(device));
                }
            }
        }
        plan.bad.sort_by_key(|bad| bad.line);
        plan
    }

    /// A parent stands in the inventory, or in the same file.
    fn parent_is_there(
        &self,
        planned: (Device, Vec<Field>),
        named: &HashSet<String>,
    ) -> Result<(Device, Vec<Field>), ActError> {
        let device = &planned.0;
        match &device.parent {
            Some(parent) if *parent == device.name => {
                Err(ActError::usage("parent: a device does not hang on itself"))
            }
            Some(parent) if !named.contains(parent.as_str()) && self.present().living(parent).is_none() => {
                Err(ActError::usage(format!(
                    "parent: there is no device {parent}, neither in the inventory nor in this file"
                )))
            }
            _ => Ok(planned),
        }
    }

    fn plan_row(
        &self,
        row: &Row,
        next_id: DeviceId,
        now: Timestamp,
        lines: &mut HashMap<DeviceName, usize>,
    ) -> Result<(Device, Vec<Field>), ActError> {
        let value = |field: Field| row.changes.iter().find(|c| c.field == field).map(|c| c.value.trim());
        let needed = |field: Field| {
            let there = value(field).filter(|value| !value.is_empty());
            there.ok_or_else(|| ActError::usage(format!("{field} is missing")))
        };
        let wrong = |field: Field| move |why: String| ActError::usage(format!("{field}: {why}"));
        let name: DeviceName = needed(Field::Name)?.parse().map_err(wrong(Field::Name))?;
        let address = needed(Field::Address)?.parse().map_err(wrong(Field::Address))?;
        if let Some(first) = lines.insert(name.clone(), row.line) {
            return Err(ActError::conflict(format!("{name} stands on line {first} already")));
        }
        let known = self.present().living(&name);
        let (old, mut device) = match known {
            Some(known) => (known.as_ref().clone(), inventory::next(&known, now)),
            None => {
                let blank = blank(next_id, name, address, now);
                (blank.clone(), blank)
            }
        };
        let is_new = device.id == next_id;
        // an empty password means "not told": exports never tell one
        let told = |change: &&Change| !(change.field.is_secret() && change.value.is_empty());
        let changes: Vec<Change> = row.changes.iter().filter(told).cloned().collect();
        let mut fields = self.apply(&old, &mut device, &changes)?;
        if is_new {
            fields = Field::ALL
                .into_iter()
                .filter(|field| {
                    changes.iter().any(|change| change.field == *field && !change.value.is_empty())
                })
                .collect();
        }
        Ok((device, fields))
    }
}

/// How many devices a file names, and the lines that have not the form of one; what stands in them is not looked at.
pub fn form(bytes: &[u8], format: Format) -> (usize, Vec<BadLine>) {
    let parsed = parse(bytes, format);
    (parsed.rows.len(), parsed.bad)
}

fn parse(bytes: &[u8], format: Format) -> Parsed {
    let refused = |reason: String| Parsed { rows: Vec::new(), bad: vec![BadLine::new(1, reason)] };
    if bytes.len() > LARGEST {
        return refused(format!("the file is larger than {} MB", LARGEST >> 20));
    }
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return refused("the file is UTF-16; save it as UTF-8".to_owned());
    }
    let bytes = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
    let parsed = match format {
        Format::Csv => csv_file::parse(bytes),
        Format::Toml => toml_file::parse(bytes),
    };
    if parsed.rows.len() + parsed.bad.len() > MOST {
        return refused(format!("the file has more than {MOST} devices; import it in parts"));
    }
    parsed
}
