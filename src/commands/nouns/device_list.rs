//! `device list` and `device show`.

use std::cmp::Ordering;

use serde::Serialize;

use crate::commands::answer::{Table, date, rfc3339, word};
use crate::commands::devices::{DRIVER, FILTER, GROUP, TAG};
use crate::commands::{Arg, Call, Command, Exit, Kind, Needs};
use crate::engine::ActError;
use crate::engine::fields::Field;
use crate::engine::snapshot::DeviceRow;
use crate::model::{Danger, Failure, Role, Run, Timestamp};

/// What a list can be sorted by.
const COLUMNS: &[&str] =
    &["name", "address", "driver", "group", "location", "role", "state", "proven", "changed"];

inventory::submit! { Command {
    name: "device list",
    aliases: &[],
    about: "List the devices and how their backups stand",
    args: &[
        Arg::many("text", Kind::Text, "words of a filter, as in --filter"),
        Arg::switch("--deleted", "those that were put away"),
        GROUP, TAG, DRIVER, FILTER,
        Arg::optional("--sort", Kind::Choice(COLUMNS), "by this column"),
    ],
    role: Role::Viewer,
    danger: Danger::None,
    needs: Needs::Engine,
    run: |call| Box::pin(list(call)),
} }

inventory::submit! { Command {
    name: "device show",
    aliases: &[],
    about: "Show everything that is known of a device, but its secrets",
    args: &[Arg::one("device", Kind::Device, "which")],
    role: Role::Viewer,
    danger: Danger::None,
    needs: Needs::Engine,
    run: |call| Box::pin(show(call)),
} }

/// A device as `--json` shows it.
#[derive(Serialize)]
pub(super) struct Shown<'a> {
    device: &'a str,
    address: String,
    port: Option<u16>,
    transport: Option<&'static str>,
    driver: Option<&'a str>,
    username: &'a str,
    has_password: bool,
    has_enable_password: bool,
    group: &'a str,
    location: &'a str,
    role: &'a str,
    tags: &'a [String],
    asset_tag: &'a str,
    description: &'a str,
    identity_file: &'a str,
    proxy_jump: &'a str,
    legacy_algorithms: bool,
    charset: &'a str,
    paused: bool,
    parent: Option<&'a str>,
    snmp_version: Option<&'static str>,
    snmp_port: Option<u16>,
    has_snmp_community: bool,
    snmp_user: &'a str,
    snmp_auth: Option<&'static str>,
    has_snmp_auth_password: bool,
    snmp_priv: Option<&'static str>,
    has_snmp_priv_password: bool,
    record_revision: u32,
    created: String,
    updated: String,
    deleted: Option<String>,
    state: String,
    revision: Option<u32>,
    revisions: u32,
    proven: Option<String>,
    changed: Option<String>,
    last_run: Option<ShownRun<'a>>,
}

/// A device's last run as `--json` shows it.
#[derive(Serialize)]
struct ShownRun<'a> {
    at: String,
    status: &'static str,
    revision: Option<u32>,
    bytes: u64,
    seconds: f64,
    by: &'a str,
    recording: Option<u64>,
    error: Option<&'a Failure>,
}

impl<'a> Shown<'a> {
    /// Of a row of the engine's picture.
    pub(super) fn of(row: &'a DeviceRow) -> Self {
        let device = row.device.as_ref();
        Self {
            device: device.name.as_str(),
            address: device.address.to_string(),
            port: device.port,
            transport: device.transport.map(|transport| transport.as_str()),
            driver: device.driver.as_ref().map(|driver| driver.as_str()),
            username: &device.username,
            has_password: device.password.is_some(),
            has_enable_password: device.enable_password.is_some(),
            group: &device.group,
            location: &device.location,
            role: &device.role,
            tags: &device.tags,
            asset_tag: &device.asset_tag,
            description: &device.description,
            identity_file: &device.identity_file,
            proxy_jump: &device.proxy_jump,
            legacy_algorithms: device.legacy_algorithms,
            charset: &device.charset,
            paused: device.paused,
            parent: device.parent.as_ref().map(|parent| parent.as_str()),
            snmp_version: device.snmp.version.map(|version| version.as_str()),
            snmp_port: device.snmp.port,
            has_snmp_community: device.snmp.community.is_some(),
            snmp_user: &device.snmp.user,
            snmp_auth: device.snmp.auth.map(|auth| auth.as_str()),
            has_snmp_auth_password: device.snmp.auth_password.is_some(),
            snmp_priv: device.snmp.privacy.map(|privacy| privacy.as_str()),
            has_snmp_priv_password: device.snmp.privacy_password.is_some(),
            record_revision: device.revision,
            created: device.created.rfc3339(),
            updated: device.updated.rfc3339(),
            deleted: rfc3339(device.deleted),
            state: word(&row.state),
            revision: row.newest.as_ref().map(|newest| newest.number),
            revisions: row.revisions,
            proven: rfc3339(row.proven),
            changed: rfc3339(row.changed),
            last_run: row.last_run.as_deref().map(ShownRun::of),
        }
    }
}

impl<'a> ShownRun<'a> {
    fn of(run: &'a Run) -> Self {
        Self {
            at: run.at.rfc3339(),
            status: run.status.as_str(),
            revision: run.revision,
            bytes: run.bytes,
            seconds: run.millis as f64 / 1000.0,
            by: &run.by,
            recording: run.recording,
            error: run.failure.as_ref(),
        }
    }
}

async fn list(call: &Call) -> Result<Exit, ActError> {
    let all = call.rows()?;
    let nothing = match (all.is_empty(), call.args.has("--deleted")) {
        (true, false) => "there is no device yet: `device add` and `device import` bring some",
        _ => "no device matches",
    };
    let mut rows = wanted(call, all)?;
    if let Some(column) = call.args.get("--sort") {
        rows.sort_by(|one, other| compare(column, one, other));
    }
    if call.json {
        rows.iter().try_for_each(|row| call.object(&Shown::of(row)))?;
        return Ok(Exit::Done);
    }
    let mut table =
        Table::new(&["name", "state", "address", "driver", "group", "location", "proven", "changed"]);
    for row in &rows {
        table.row([
            row.device.name.to_string(),
            word(&row.state),
            row.device.address.to_string(),
            Field::Driver.read(&row.device),
            row.device.group.clone(),
            row.device.location.clone(),
            date(row.proven),
            date(row.changed),
        ]);
    }
    table.print(call, nothing);
    Ok(Exit::Done)
}

/// The rows that the arguments mean.
fn wanted(call: &Call, mut rows: Vec<DeviceRow>) -> Result<Vec<DeviceRow>, ActError> {
    let deleted = call.args.has("--deleted");
    rows.retain(|row| row.device.deleted.is_some() == deleted);
    let mut selection = call.args.selection()?;
    for word in call.args.many("text") {
        selection.filter.push(' ');
        selection.filter.push_str(word);
    }
    let mut sieve = selection.sieve();
    rows.retain(|row| sieve.passes(row));
    Ok(rows)
}

fn compare(column: &str, one: &DeviceRow, other: &DeviceRow) -> Ordering {
    let text = |field: Field| field.read(&one.device).cmp(&field.read(&other.device));
    // what was never seen comes first: it wants to be looked at
    let moment = |one: Option<Timestamp>, other: Option<Timestamp>| one.cmp(&other);
    match column {
        "address" => one.device.address.cmp(&other.device.address),
        "driver" => text(Field::Driver),
        "group" => text(Field::Group),
        "location" => text(Field::Location),
        "role" => text(Field::Role),
        "state" => other.state.cmp(&one.state),
        "proven" => moment(one.proven, other.proven),
        "changed" => moment(other.changed, one.changed),
        _ => one.device.name.cmp(&other.device.name),
    }
}

async fn show(call: &Call) -> Result<Exit, ActError> {
    let engine = call.engine()?;
    let id = engine.device(call.args.one("device"))?.id;
    let rows = call.rows()?;
    let row = rows
        .iter()
        .find(|row| row.device.id == id)
        .ok_or_else(|| ActError::not_found("the device is gone"))?;
    if call.json {
        call.object(&Shown::of(row))?;
        return Ok(Exit::Done);
    }
    let line = |name: &str, value: &str| call.say_clean(format!("{name:<20}{value}").trim_end());
    for field in Field::ALL {
        let value = match (field.is_secret(), field.sealed(&row.device).is_some()) {
            (true, true) => "stored, sealed".to_owned(),
            (true, false) => "none".to_owned(),
            _ => field.read(&row.device),
        };
        line(field.as_str(), if value.is_empty() { "-" } else { &value });
    }
    line("created", &row.device.created.local());
    line("updated", &row.device.updated.local());
    line("state", &word(&row.state));
    let newest = row.newest.as_ref().map_or_else(|| "none".to_owned(), |newest| newest.number.to_string());
    line("newest revision", &newest);
    line("revisions", &row.revisions.to_string());
    line("proven", &date(row.proven));
    line("changed", &date(row.changed));
    if let Some(run) = &row.last_run {
        line("last run", &format!("{} {} by {}", run.at.local(), run.status, run.by));
        if let Some(failure) = &run.failure {
            line("failure", &failure.to_string());
        }
        if let Some(recording) = run.recording {
            line("recording", &format!("{recording}; see `driver replay {}`", row.device.name));
        }
    }
    Ok(Exit::Done)
}
