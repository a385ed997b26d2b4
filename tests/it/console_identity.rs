//! What devices say they are, for the screens.

use std::sync::Arc;

use noctule::engine::identity::Known;
use noctule::engine::snapshot::DeviceRow;
use noctule::model::{Failure, FailureKind, Identity, IdentityFailure, Timestamp, clean_line};

use crate::console_fixture::{HOSTILE, NOW, Operator, State, World};

/// What is known of these devices: all of it where all is well; else some failed, some are strangers, and one was never
/// asked.
pub fn identities(state: State, devices: &[DeviceRow]) -> Arc<[Known]> {
    devices.iter().map(|row| known(state, row)).collect()
}

fn known(state: State, row: &DeviceRow) -> Known {
    let (mut identity, mut failure) = (Some(identity(row)), None);
    let is_troubled = matches!(state, State::Trouble | State::Hostile);
    match row.device.name.as_str() {
        _ if state == State::Empty => identity = None,
        "fails-hang" if is_troubled => failure = Some(timeout(row)),
        "fails-down" if is_troubled => (identity, failure) = (None, Some(timeout(row))),
        "shelf" if is_troubled => identity = None,
        "new-box" | "cut-off" if is_troubled => {
            identity = identity.map(|identity| Identity {
                vendor: (row.device.name.as_str() == "cut-off").then(|| "Zorblax".to_owned()),
                model: None,
                os: None,
                version: None,
                serial: None,
                sysobjectid: Some("1.3.6.1.4.1.99999.7.3".into()),
                sysdescr: Some("Zorblax 9000 Metro Aggregation Switch rev 7, all rights reserved".into()),
                ..identity
            });
        }
        _ => {}
    }
    if state == State::Hostile
        && let Some(identity) = &mut identity
    {
        // as the reader of agents leaves it
        let text = clean_line(HOSTILE).into_owned();
        identity.sysdescr = Some(text.clone());
        identity.vendor = identity.vendor.is_some().then(|| text.clone());
        identity.version = Some(text);
    }
    Known { device: Arc::clone(&row.device), identity, failure }
}

fn timeout(row: &DeviceRow) -> IdentityFailure {
    let message = format!(
        "asking {} port 161 for sysObjectID: no answer within 2 s, 3 tries: the agent is off, a filter is in the way, or the community is wrong",
        row.device.address
    );
    let since = Timestamp(NOW.0 - 9 * 60_000);
    IdentityFailure { device: row.device.id, since, failure: Failure::new(FailureKind::Timeout, message) }
}

fn identity(row: &DeviceRow) -> Identity {
    let id = row.device.id.0;
    let kinds = [
        ("Cisco", "WS-C2960X-24TS-L", "IOS", "15.2(7)E4", "9.1.1208"),
        ("Huawei", "S5735-L24T4X-A", "VRP", "V200R020C10SPC500", "2011.2.23.762"),
        ("MikroTik", "CCR2004-1G-12S+2XS", "RouterOS", "7.14.3", "14988.1"),
    ];
    let (vendor, model, os, version, object) = kinds[id as usize % 3];
    let text = |text: &str| Some(text.to_owned());
    Identity {
        device: row.device.id,
        at: Timestamp(NOW.0 - (100 + id as i64) * 60_000),
        vendor: text(vendor),
        model: text(model),
        os: text(os),
        version: text(version),
        serial: Some(format!("FOC{id:04}A{:03}", id * 7 % 1000)),
        sysname: text(row.device.name.as_str()),
        location: text("Main building, rack 4"),
        contact: text("noc@example.net"),
        mac: Some(format!("02:6e:6f:63:00:{:02x}", id % 256)),
        sysobjectid: Some(format!("1.3.6.1.4.1.{object}")),
        sysdescr: Some(format!("{vendor} {os} Software, {model}, Version {version}")),
        uptime: Some(3_600 * (id + 5)),
        driver: None,
    }
}

fn look(state: State, width: u16, height: u16) -> Operator {
    let mut operator = Operator::new(World::new(state, false), width, height);
    operator.command("identity");
    operator
}

#[test]
fn the_queue_shows_whom_somebody_should_look_at() {
    for (width, height) in [(80, 24), (200, 60)] {
        let mut shown = String::new();
        for state in [State::Normal, State::Trouble, State::Hostile] {
            let screen = look(state, width, height).press("u").screen();
            shown += &format!("── {state:?}\n{}\n", screen.trim_end());
        }
        let filtered = look(State::Trouble, width, height).press("u/state:unknown<enter>").screen();
        shown += &format!("── filtered\n{}\n", filtered.trim_end());
        insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
            insta::assert_snapshot!(format!("identity-queue-{width}x{height}"), shown);
        });
    }
}

#[test]
fn from_the_queue_to_the_question_and_to_the_device() {
    let mut operator = look(State::Trouble, 120, 30);
    operator.sees("2 unknown, 2 failed").press("u").sees_not("acc-n-101").sees("the community is wrong");
    // the selection stays where the list changes
    operator.press("jj").sees("It said: 1.3.6.1.4.1.99999.7.3 Zorblax 9000").press("u").sees("acc-n-101");
    operator.press("I");
    assert_eq!(operator.line(), "identity run cut-off");
    operator.press("ugg<space><space>I");
    assert_eq!(operator.line(), "identity run fails-down fails-hang");
    operator.press("<esc>gg").press("<enter>").sees("Devices › Identity › Device fails-down");
    operator.press("I").sees("/device:fails-down").sees("1 of 19");
}

#[test]
fn names_of_commands_are_no_filters_and_filters_sort_and_copy() {
    let mut operator = look(State::Trouble, 120, 30);
    operator.command("identity run core-1");
    assert_eq!(operator.line(), "identity run core-1");
    operator.command("identity vendor:cisco").sees("of 19").sees_not("Huawei").command("sort serial");
    let screen = operator.screen();
    assert!(screen.lines().nth(2).expect("a row").contains("FOC0003A021"), "{screen}");
}
