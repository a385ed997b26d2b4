//! What several panes say of credentials, and of who gets them.

use std::borrow::Cow;
use std::sync::Arc;

use super::cx::Cx;
use super::list::Lines;
use super::theme::Token;
use super::words::Field;
use crate::engine::vault::{AssignmentView, Chosen, CredentialView, Explained};
use crate::model::{CredentialKind, clean_line};

/// `1 device`, `12 devices`.
pub fn count(devices: usize) -> String {
    format!("{devices} {}", if devices == 1 { "device" } else { "devices" })
}

/// `1 device gets it`, `12 devices get it`.
pub fn get_it(devices: usize) -> String {
    format!("{} {} it", count(devices), if devices == 1 { "gets" } else { "get" })
}

/// A name as one word of a command line.
pub fn word(name: &str) -> String {
    shlex::try_quote(name).map_or_else(|_| name.to_owned(), Cow::into_owned)
}

/// Who changed a credential last.
pub fn changed_by(credential: &CredentialView) -> Cow<'_, str> {
    match credential.changed_by.as_str() {
        "" => "unknown".into(),
        name => clean_line(name),
    }
}

/// `core: login`, and what it is.
pub fn title(credential: &CredentialView) -> String {
    let about = match credential.description.as_str() {
        "" => String::new(),
        about => format!(", {}", clean_line(about)),
    };
    format!("{}: {}{about}", clean_line(&credential.name), credential.kind)
}

/// What is known of a credential, each with its name; never what it holds.
pub fn facts(credential: &CredentialView, cx: &Cx) -> Vec<(&'static str, String)> {
    let mut facts = Vec::new();
    match (credential.kind, credential.user.as_str()) {
        (CredentialKind::Login, "") => facts.push(("user", "that of the device's own record".to_owned())),
        (_, "") => {}
        (_, user) => facts.push(("user", clean_line(user).into_owned())),
    }
    let of_snmp = [
        ("digest", credential.auth.map(|auth| auth.as_str())),
        ("cipher", credential.privacy.map(|privacy| privacy.as_str())),
        ("version", credential.version.map(|version| version.as_str())),
    ];
    facts.extend(of_snmp.into_iter().filter_map(|(name, value)| Some((name, value?.to_owned()))));
    let parts: Vec<&str> = credential.secrets.iter().map(|part| part.as_str()).collect();
    let holds = if parts.is_empty() { "nothing".to_owned() } else { format!("{}; sealed", parts.join(", ")) };
    facts.push(("holds", holds));
    let by = match credential.changed_by.as_str() {
        "" => ", by whom is not known".to_owned(),
        name => format!(" by {}", clean_line(name)),
    };
    facts.push(("revision", format!("{}, changed {}{by}", credential.revision, cx.full(credential.updated))));
    facts
}

/// To whom an assignment gives, and to whom it does not.
pub fn to_whom(assignment: &AssignmentView) -> String {
    let except = match &assignment.except[..] {
        [] => String::new(),
        some => format!(", but not to {}", some.join(", ")),
    };
    clean_line(&format!("{}{except}", assignment.to)).into_owned()
}

/// What is said above everything where nothing of the vault is used.
pub fn doubt(doubt: Option<&str>, cx: &Cx) -> Lines {
    let line =
        |why| format!("{} Nothing of the vault is used: {}", cx.theme.glyph("✖", "x"), clean_line(why));
    doubt.map(|why| (line(why), Token::Bad)).into_iter().collect()
}

/// Which credentials a device gets and why, as lines of its page; or why that is not known.
pub fn fields(gets: &Result<Arc<Explained>, String>, cx: &Cx) -> Vec<Field> {
    let mut fields = vec![Field::head("Credentials")];
    let gets = match gets {
        Ok(gets) => gets,
        Err(why) => {
            fields.push(Field::new("unknown", clean_line(why), Token::Bad));
            return fields;
        }
    };
    fields.push(Field::new("login", clean_line(&gets.login_in_words()), Token::Text));
    fields.push(Field::new("snmp", clean_line(&gets.snmp_in_words()), Token::Text));
    fields.extend(gets.chosen.iter().map(|chosen| considered(chosen, cx)));
    fields
}

fn considered(chosen: &Chosen, cx: &Cx) -> Field {
    let (glyph, word, token) = match chosen.used {
        true => (cx.theme.glyph("●", "+"), "used", Token::Text),
        false => (cx.theme.glyph("○", "-"), "not used", Token::Dim),
    };
    let Chosen { assignment, credential, why, .. } = chosen;
    let value = format!("{glyph} {word}: {} ({}), {why}", clean_line(&credential.name), credential.kind);
    Field::new(format!("assignment {}", assignment.number), value, token)
}
