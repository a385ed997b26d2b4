//! The panes that show the vault: in every state, at both sizes, and what their keys run.

use std::sync::Arc;

use noctule::console::Settings;
use noctule::engine::query::Answer;
use noctule::engine::vault::{
    AssignmentView, Chosen, CredentialPage, CredentialView, Explained, Recipient, Source, VaultView,
};
use noctule::model::{
    Assignment, Credential, CredentialId, CredentialKind, Role, SecretPart, SnmpAuth, SnmpPrivacy,
    SnmpVersion, Those, Timestamp,
};

use crate::console_fixture::{HOSTILE, NOW, Operator, State, World};
use crate::screens;

const DOUBT: &str = "the credential core is not of the revision that the vault knows; the store was changed by something other than noctule, or a part of it brought back: `noctule audit verify` and `noctule store rebuild`, or restore a copy";

/// The vault of a made-up network.
pub fn vault(state: State) -> Answer {
    Answer::Credentials(made(state).into())
}

fn made(state: State) -> VaultView {
    let credentials = match state {
        State::Empty => Vec::new(),
        State::Many => (1..=1_000).map(one_of_many).collect(),
        State::Normal | State::Trouble | State::Hostile => few(state),
    };
    let mut assignments: Vec<AssignmentView> =
        credentials.iter().flat_map(|credential| credential.assignments.iter().cloned()).collect();
    assignments.sort_by_key(|one| one.place);
    VaultView {
        credentials: credentials.into(),
        assignments: assignments.into(),
        doubt: (state == State::Trouble).then(|| DOUBT.to_owned()),
    }
}

fn credential(
    id: u64,
    name: &str,
    kind: CredentialKind,
    user: &str,
    secrets: &[SecretPart],
) -> CredentialView {
    let ago = |minutes: i64| Timestamp(NOW.0 - minutes * 60_000);
    CredentialView {
        id: CredentialId(id),
        name: name.into(),
        kind,
        user: user.into(),
        auth: None,
        privacy: None,
        version: None,
        description: String::new(),
        secrets: secrets.to_vec(),
        revision: 1 + id as u32,
        created: ago(90_000),
        updated: ago(700 * id as i64),
        changed_by: "alice".into(),
        assignments: Vec::new(),
        devices: 0,
    }
}

fn given(
    credential: &mut CredentialView,
    number: u64,
    place: usize,
    to: &str,
    except: &[&str],
    devices: usize,
) {
    credential.devices += devices;
    credential.assignments.push(AssignmentView {
        number,
        place,
        credential: credential.name.clone(),
        kind: credential.kind,
        to: to.into(),
        except: except.iter().map(|word| (*word).to_owned()).collect(),
        devices,
    });
}

fn few(state: State) -> Vec<CredentialView> {
    let mut core = credential(
        1,
        "core",
        CredentialKind::Login,
        "noc",
        &[SecretPart::Password, SecretPart::EnablePassword],
    );
    core.description = "of the core and of what is next to it".into();
    given(&mut core, 4, 1, "device core-2", &[], 1);
    given(&mut core, 2, 3, "group:core", &["device core-1", "x*"], 3);
    let mut field = credential(2, "field", CredentialKind::Login, "", &[SecretPart::Password]);
    field.changed_by = String::new();
    given(&mut field, 1, 4, "*", &[], 8);
    let mut ro = credential(3, "ro", CredentialKind::Community, "", &[SecretPart::Community]);
    ro.version = Some(SnmpVersion::V2c);
    given(&mut ro, 5, 5, "site:Hill, room 3", &[], 0);
    let mut v3 = credential(
        4,
        "v3",
        CredentialKind::SnmpUser,
        "monitor",
        &[SecretPart::AuthPassword, SecretPart::PrivPassword],
    );
    (v3.auth, v3.privacy) = (Some(SnmpAuth::Sha256), Some(SnmpPrivacy::Aes128));
    given(&mut v3, 3, 2, "group:campus/north", &[], 5);
    let billing = credential(5, "billing", CredentialKind::Token, "", &[SecretPart::Token]);
    let mut all = vec![billing, core, field, ro, v3];
    if state == State::Trouble {
        for one in &mut all {
            one.devices = 0;
            one.assignments.iter_mut().for_each(|assignment| assignment.devices = 0);
        }
    }
    if state == State::Hostile {
        // what the engine would not take, and a record that was damaged may hold
        for one in &mut all {
            for text in [&mut one.name, &mut one.user, &mut one.description, &mut one.changed_by] {
                *text = HOSTILE.to_owned();
            }
            for assignment in &mut one.assignments {
                (assignment.credential, assignment.to) = (HOSTILE.to_owned(), HOSTILE.to_owned());
                assignment.except = vec![HOSTILE.to_owned(); 3];
            }
        }
    }
    all
}

fn one_of_many(id: u64) -> CredentialView {
    let mut one =
        credential(id, &format!("site-{id:04}"), CredentialKind::Login, "noc", &[SecretPart::Password]);
    given(&mut one, id, id as usize, &format!("group:site-{id:04}"), &[], 10);
    one
}

/// One of it, and who gets it.
pub fn page(state: State, name: &str) -> Answer {
    let vault = made(state);
    let named = vault.credentials.iter().find(|one| one.name == name);
    let Some(credential) = named.or(vault.credentials.get(1)).cloned() else {
        return Answer::Failed(format!(
            "there is no credential {name:?}; `credential list` shows those that exist"
        ));
    };
    let recipient = |number: usize| Recipient {
        device: format!("sw-{number:05}").parse().unwrap(),
        assignment: credential.assignments[number % credential.assignments.len()].number,
    };
    let devices = (0..credential.devices).map(recipient).collect();
    Answer::Credential(Arc::new(CredentialPage { credential, devices, doubt: vault.doubt }))
}

/// What a device gets.
pub fn of_device(state: State) -> Answer {
    let one = |number, name: &str, kind, used, why: &str| Chosen {
        assignment: Assignment {
            number,
            credential: CredentialId(number),
            to: Those::matching("*").unwrap(),
            except: Vec::new(),
        },
        credential: Arc::new(Credential {
            id: CredentialId(number),
            name: if state == State::Hostile { HOSTILE.to_owned() } else { name.to_owned() },
            kind,
            user: String::new(),
            auth: None,
            privacy: None,
            version: None,
            description: String::new(),
            secrets: Vec::new(),
            revision: 1,
            created: NOW,
            updated: NOW,
            changed_by: String::new(),
        }),
        used,
        why: why.to_owned(),
    };
    let (login, chosen) = match state {
        State::Empty => (Source::Host, Vec::new()),
        State::Trouble => return Answer::Failed(format!("looking a credential up: {DOUBT}")),
        _ => (
            Source::Vault(1, "field".into()),
            vec![
                one(2, "core", CredentialKind::Login, false, "the device is an exception"),
                one(1, "field", CredentialKind::Login, true, "it is for this device"),
            ],
        ),
    };
    Answer::CredentialsOf(Arc::new(Explained { login, snmp: Source::Host, chosen }))
}

/// An operator of this role who looks at a pane of this size.
fn at(line: &str, state: State, role: Role, (width, height): (u16, u16)) -> Operator {
    let settings = Settings { rights: role.into(), ..Settings::default() };
    let mut operator = Operator::with(World::new(state, false), width, height, &settings);
    operator.command(line);
    operator
}

#[test]
fn every_state_that_a_network_does_not_bring_by_itself() {
    for size in [(80, 24), (200, 60)] {
        let mut shown = String::new();
        for (what, line, state, role) in [
            ("many", "credentials", State::Many, Role::Admin),
            ("filtered", "credentials /kind:login to:core", State::Normal, Role::Admin),
            ("nothing passes", "credentials nothing-of-that-name", State::Normal, Role::Admin),
            ("an engineer", "credentials", State::Normal, Role::Engineer),
            ("refused", "credentials", State::Normal, Role::Viewer),
            ("store failing", "credentials", State::Normal, Role::Auditor),
            ("many in order", "assignments", State::Many, Role::Admin),
            ("one of many devices", "credential field", State::Normal, Role::Admin),
        ] {
            let mut operator = at(line, state, role, size);
            match what {
                "refused" => fail(
                    &mut operator,
                    "this is not for everybody: it needs the role engineer, and yours is viewer",
                ),
                "store failing" => fail(
                    &mut operator,
                    "reading the vault: the disk of /var/lib/noctule does not answer; `noctule doctor` says more",
                ),
                _ => {}
            }
            shown += &format!("── {what}\n{}\n", operator.screen().trim_end());
        }
        screens::snapshot(&format!("credentials-states-{}x{}", size.0, size.1), &shown);
    }
}

/// The engine answers the next read so.
fn fail(operator: &mut Operator, why: &str) {
    operator.world.failing = Some(why.to_owned());
    operator.press("R");
}

#[test]
fn keys_begin_and_run_what_a_person_would_type() {
    let mut operator = at("credentials", State::Normal, Role::Admin, (120, 30));
    operator.sees("nobody").press("a").sees(":credential add").press("<esc>");
    operator.press("jA").sees(":credential assign core").press("<esc>");
    operator.press("e").sees(":credential edit core").press("<esc>");
    operator.press("X").sees("This cannot be taken back").press("core<enter>");
    assert_eq!(operator.line(), "credential remove core");
    operator
        .press("<enter>")
        .sees("Credential core")
        .sees("4 devices get it")
        .sees("but not to device core-1, x*");
    // the lines of the record, then its assignments
    operator
        .press("u")
        .sees("no assignment is selected")
        .press("jjjjjju")
        .sees("Take an assignment away")
        .press("y");
    assert_eq!(operator.line(), "credential unassign 4");
    operator.press("jm").sees(":credential move 2 --before").press("<esc>");
    operator.press("G<enter>").sees("There is no device sw-00003").press("<esc>");
    operator.command("assignments").sees("5 in order").press("jK");
    assert_eq!(operator.line(), "credential move 3 --before 4");
    operator.press("J");
    assert_eq!(operator.line(), "credential move 3 --before 1");
    operator.press("u").press("y");
    assert_eq!(operator.line(), "credential unassign 3");
    operator.press("gg<enter>").sees("Credential core");
}

#[test]
fn who_may_not_change_is_told_so_and_nothing_is_begun() {
    for keys in ["a", "A", "e", "X"] {
        let mut operator = at("credentials", State::Normal, Role::Engineer, (120, 30));
        operator.press(keys).sees("needs the role admin");
        assert!(operator.lines.is_empty(), "{keys}");
    }
    let mut operator = at("assignments", State::Normal, Role::Engineer, (120, 30));
    operator.press("jK").sees("needs the role admin");
    assert!(operator.lines.is_empty());
}

#[test]
fn a_device_says_which_credential_it_gets_and_why_to_whom_may_know() {
    let see = |role: Role| {
        let mut operator = at("device core-1", State::Normal, role, (120, 60));
        operator.screen()
    };
    let shown = see(Role::Engineer);
    assert!(
        shown.contains("field, by assignment 1") && shown.contains("the device is an exception"),
        "{shown}"
    );
    assert!(!see(Role::Viewer).contains("by assignment 1"));
}
