//! `credential`: the vault's credentials. Their secrets are asked for or read from a file, never typed on the line.

use serde::Serialize;

use crate::commands::answer::Table;
use crate::commands::seen::SEEN;
use crate::commands::{Arg, Call, Command, Exit, Kind, Needs};
use crate::engine::ActError;
use crate::engine::vault::{AssignmentView, CredentialChange, CredentialView, NewCredential, Revealed};
use crate::model::{CredentialKind, Danger, Role, Secret, SecretPart};

/// The name of a credential.
pub(super) const NAME: Arg = Arg::one("credential", Kind::Text, "the credential's name");
const USER: Arg = Arg::optional("--user", Kind::Text, "the login, or the user of SNMP 3");
const AUTH: Arg = Arg::optional("--auth", Kind::Text, "the digest of SNMP 3: md5, sha1, sha256, sha512");
const PRIV: Arg = Arg::optional("--priv", Kind::Text, "the cipher of SNMP 3: des, aes, aes256");
const VERSION: Arg = Arg::optional("--version", Kind::Choice(&["1", "2c"]), "the version that a community is for; else 2c, then 1");
const DESCRIPTION: Arg = Arg::optional("--description", Kind::Text, "free text");
const SECRET: Arg = Arg::many("--secret", Kind::Text, "ask for this secret: password, enable_password, community, auth_password, priv_password or token");
const FILE: Arg = Arg::optional(
    "--secrets-from",
    Kind::Path,
    "a file with lines such as password=… or community=…; - is standard input",
);

/// The largest file of secrets, in bytes.
const LARGEST: usize = 64 << 10;

inventory::submit! { Command {
    name: "credential list",
    aliases: &[],
    about: "List the credentials of the vault, without their secrets",
    args: &[],
    role: Role::READS_SECRETS,
    danger: Danger::None,
    needs: Needs::Engine,
    run: |call| Box::pin(list(call)),
} }

inventory::submit! { Command {
    name: "credential show",
    aliases: &[],
    about: "Show a credential, without its secrets, and to whom it is given",
    args: &[NAME],
    role: Role::READS_SECRETS,
    danger: Danger::None,
    needs: Needs::Engine,
    run: |call| Box::pin(answer(call, call.args.one("credential"))),
} }

inventory::submit! { Command {
    name: "credential add",
    aliases: &[],
    about: "Add a credential; what is secret of it is asked for, or read from a file",
    args: &[
        NAME,
        Arg::optional("--kind", Kind::Choice(CredentialKind::NAMES), "what it is for; a login where it is not said"),
        USER, AUTH, PRIV, VERSION, DESCRIPTION, SECRET, FILE,
    ],
    role: Role::Admin,
    danger: Danger::None,
    needs: Needs::Engine,
    run: |call| Box::pin(add(call)),
} }

inventory::submit! { Command {
    name: "credential edit",
    aliases: &[],
    about: "Change a credential; --secret asks for a new one",
    args: &[
        NAME,
        Arg::optional("--name", Kind::Text, "another name"),
        USER, AUTH, PRIV, VERSION, DESCRIPTION, SECRET, FILE,
        Arg::many("--no-secret", Kind::Text, "take this secret away"),
        SEEN,
    ],
    role: Role::Admin,
    danger: Danger::None,
    needs: Needs::Engine,
    run: |call| Box::pin(edit(call)),
} }

inventory::submit! { Command {
    name: "credential remove",
    aliases: &["credential rm"],
    about: "Remove a credential, and its assignments with it",
    args: &[NAME, SEEN],
    role: Role::Admin,
    danger: Danger::Type,
    needs: Needs::Engine,
    run: |call| Box::pin(remove(call)),
} }

inventory::submit! { Command {
    name: "credential reveal",
    aliases: &[],
    about: "Show a credential's secrets; the journal keeps who saw them and why, and everybody is told",
    args: &[NAME, Arg::optional("--reason", Kind::Text, "why: the journal keeps it")],
    role: Role::Admin,
    danger: Danger::Ask,
    needs: Needs::Engine,
    run: |call| Box::pin(reveal(call)),
} }

/// A credential as `--json` shows it.
#[derive(Serialize)]
struct Shown<'a> {
    credential: &'a str,
    kind: &'static str,
    user: &'a str,
    auth: Option<&'static str>,
    privacy: Option<&'static str>,
    version: Option<&'static str>,
    description: &'a str,
    /// Which secrets are there; never what they are.
    secrets: Vec<&'static str>,
    assignments: Vec<u64>,
    /// How many devices get it.
    devices: usize,
    revision: u32,
    created: String,
    updated: String,
    changed_by: Option<&'a str>,
}

fn shown(credential: &CredentialView) -> Shown<'_> {
    Shown {
        credential: &credential.name,
        kind: credential.kind.as_str(),
        user: &credential.user,
        auth: credential.auth.map(|auth| auth.as_str()),
        privacy: credential.privacy.map(|privacy| privacy.as_str()),
        version: credential.version.map(|version| version.as_str()),
        description: &credential.description,
        secrets: credential.secrets.iter().map(|part| part.as_str()).collect(),
        assignments: credential.assignments.iter().map(|one| one.number).collect(),
        devices: credential.devices,
        revision: credential.revision,
        created: credential.created.rfc3339(),
        updated: credential.updated.rfc3339(),
        changed_by: Some(credential.changed_by.as_str()).filter(|name| !name.is_empty()),
    }
}

async fn list(call: &Call) -> Result<Exit, ActError> {
    let mut table =
        Table::new(&["credential", "kind", "user", "secrets", "assignments", "devices", "description"]);
    for credential in call.engine()?.vault_view_aside().await?.credentials.iter() {
        let shown = shown(credential);
        if call.json {
            call.object(&shown)?;
            continue;
        }
        let assignments: Vec<String> = shown.assignments.iter().map(u64::to_string).collect();
        table.row([
            shown.credential.to_owned(),
            shown.kind.to_owned(),
            or_dash(shown.user),
            or_dash(&shown.secrets.join(", ")),
            or_dash(&assignments.join(", ")),
            shown.devices.to_string(),
            shown.description.to_owned(),
        ]);
    }
    if !call.json {
        table.print(call, "there is no credential; `credential add` makes one");
    }
    Ok(Exit::Done)
}

/// A text, or `-` where there is none.
pub(super) fn or_dash(text: &str) -> String {
    if text.is_empty() { "-" } else { text }.to_owned()
}

async fn answer(call: &Call, name: &str) -> Result<Exit, ActError> {
    let engine = call.engine()?;
    // one that is not there is told with the nearest name
    let id = engine.credential(name)?.id;
    let vault = engine.vault_view_aside().await?;
    let credential = vault.credentials.iter().find(|credential| credential.id == id);
    let credential = credential.ok_or_else(|| ActError::not_found(format!("{name} was removed just now")))?;
    let shown = shown(credential);
    if call.json {
        call.object(&shown)?;
        return Ok(Exit::Done);
    }
    let by = shown.changed_by.map_or_else(String::new, |name| format!(" by {name}"));
    for (name, value) in [
        ("credential", shown.credential.to_owned()),
        ("kind", shown.kind.to_owned()),
        ("user", or_dash(shown.user)),
        ("auth", or_dash(shown.auth.unwrap_or_default())),
        ("privacy", or_dash(shown.privacy.unwrap_or_default())),
        ("version", or_dash(shown.version.unwrap_or_default())),
        ("secrets", or_dash(&shown.secrets.join(", "))),
        ("description", or_dash(shown.description)),
        ("revision", format!("{}, of {}{by}", shown.revision, credential.updated.local())),
        ("devices", shown.devices.to_string()),
    ] {
        call.say_clean(&format!("{name:<12}{value}"));
    }
    for AssignmentView { number, to, except, .. } in &credential.assignments {
        let except = if except.is_empty() { String::new() } else { format!(", except {}", except.join(", ")) };
        call.say_clean(&format!("{:<12}{number}: {to}{except}", "assignment"));
    }
    Ok(Exit::Done)
}

async fn add(call: &Call) -> Result<Exit, ActError> {
    let kind = call.args.get("--kind").map(str::parse).transpose().map_err(ActError::usage)?;
    let kind: CredentialKind = kind.unwrap_or(CredentialKind::Login);
    let mut change = change(call)?;
    if call.args.get(FILE.name).is_none() {
        for part in wanted(kind, &change) {
            if !change.secrets.iter().any(|(told, _)| *told == part) {
                change.secrets.push((part, asked(call, part)?));
            }
        }
    }
    let new = NewCredential { name: call.args.one("credential").to_owned(), kind, change };
    let credential = call.engine()?.add_credential(&call.actor, new).await?;
    answer(call, &credential.name).await
}

/// The secrets that a new credential cannot do without.
fn wanted(kind: CredentialKind, change: &CredentialChange) -> Vec<SecretPart> {
    match kind {
        CredentialKind::Login => vec![SecretPart::Password],
        CredentialKind::Community => vec![SecretPart::Community],
        CredentialKind::Token => vec![SecretPart::Token],
        CredentialKind::SnmpUser => {
            let auth = change.auth.map(|_| SecretPart::AuthPassword);
            auth.into_iter().chain(change.privacy.map(|_| SecretPart::PrivPassword)).collect()
        }
    }
}

async fn edit(call: &Call) -> Result<Exit, ActError> {
    let mut change = change(call)?;
    change.name = call.args.get("--name").map(str::to_owned);
    for part in call.args.many("--no-secret") {
        change.secrets.push((part.parse().map_err(ActError::usage)?, Secret::default()));
    }
    let name = call.args.one("credential");
    let credential = call.engine()?.edit_credential(&call.actor, name, call.seen(), change).await?;
    answer(call, &credential.name).await
}

/// What the flags say; secrets that are to be asked for are asked for.
fn change(call: &Call) -> Result<CredentialChange, ActError> {
    let args = &call.args;
    let mut change = CredentialChange {
        name: None,
        user: args.get(USER.name).map(str::to_owned),
        auth: args.get(AUTH.name).map(str::parse).transpose().map_err(ActError::usage)?,
        privacy: args.get(PRIV.name).map(str::parse).transpose().map_err(ActError::usage)?,
        version: args.get(VERSION.name).map(str::parse).transpose().map_err(ActError::usage)?,
        description: args.get(DESCRIPTION.name).map(str::to_owned),
        secrets: match args.get(FILE.name) {
            Some(file) => told_by(call, file)?,
            None => Vec::new(),
        },
    };
    for part in args.many(SECRET.name) {
        let part: SecretPart = part.parse().map_err(ActError::usage)?;
        change.secrets.push((part, asked(call, part)?));
    }
    Ok(change)
}

fn asked(call: &Call, part: SecretPart) -> Result<Secret, ActError> {
    call.door.io.secret(part.as_str()).ok_or_else(|| {
        ActError::usage(format!(
            "nobody has said the {part}; where there is nobody to ask, put a line {part}=… into a file and say {} FILE",
            FILE.name
        ))
    })
}

fn told_by(call: &Call, file: &str) -> Result<Vec<(SecretPart, Secret)>, ActError> {
    let bytes = call.door.io.read_file(file, LARGEST).map_err(ActError::usage)?;
    let text = String::from_utf8(bytes).map_err(|_| ActError::usage("the file of secrets is not UTF-8"))?;
    // whatever way this goes, the file's text does not stay in memory
    let text = Secret::new(text);
    let lines = text.expose().lines().enumerate();
    lines
        .filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
        .map(|(number, line)| {
            // the line itself is never repeated: it may be a secret on its own
            let wrong = || {
                let names = SecretPart::NAMES.join("=…, ");
                ActError::usage(format!("line {} of the file of secrets is none of {names}=…", number + 1))
            };
            let (part, value) = line.split_once('=').ok_or_else(wrong)?;
            Ok((part.trim().parse().map_err(|_| wrong())?, Secret::new(value)))
        })
        .collect()
}

/// What was done, as `--json` shows it.
#[derive(Serialize)]
struct Removed<'a> {
    credential: &'a str,
    assignments: usize,
}

async fn remove(call: &Call) -> Result<Exit, ActError> {
    let credential = call.args.one("credential");
    let assignments = call.engine()?.remove_credential(&call.actor, credential, call.seen()).await?;
    if call.json {
        call.object(&Removed { credential, assignments })?;
    } else {
        call.say_clean(&format!("{credential} is removed, with {assignments} assignments"));
    }
    Ok(Exit::Done)
}

async fn reveal(call: &Call) -> Result<Exit, ActError> {
    if call.door.io.is_screen() {
        return Err(ActError::usage(
            "a secret is not drawn on a screen, which others may look at: run it from a shell",
        ));
    }
    let (name, reason) = (call.args.one("credential"), call.args.get("--reason").unwrap_or_default());
    let Revealed { name, user, secrets } =
        call.engine()?.reveal_credential(&call.actor, name, reason).await?;
    if call.json {
        let mut object = serde_json::Map::new();
        object.insert("credential".into(), name.into());
        object.insert("user".into(), user.into());
        for (part, secret) in &secrets {
            object.insert(part.as_str().into(), secret.expose().into());
        }
        call.object(&object)?;
        return Ok(Exit::Done);
    }
    call.say_clean(&format!("{:<16}{}", "user", or_dash(&user)));
    for (part, secret) in &secrets {
        call.say_clean(&format!("{part:<16}{}", secret.expose()));
    }
    Ok(Exit::Done)
}
