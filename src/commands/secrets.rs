//! How passwords reach a record: asked for, or read from a file. Never from a command line, which other users of the
//! host can read, and which shells remember.

use super::arg::{Arg, Kind};
use super::call::Call;
use crate::engine::ActError;
use crate::engine::fields::{Change, Field};

/// `--password`
pub const PASSWORD: Arg = Arg::switch("--password", "ask for the login password");
/// `--enable-password`
pub const ENABLE: Arg = Arg::switch("--enable-password", "ask for the password of the privileged mode");
/// `--snmp-community`
pub const COMMUNITY: Arg = Arg::switch("--snmp-community", "ask for the community of SNMP 1 and 2c");
/// `--snmp-auth-password`
pub const SNMP_AUTH: Arg = Arg::switch("--snmp-auth-password", "ask for the password of SNMP 3's digest");
/// `--snmp-priv-password`
pub const SNMP_PRIV: Arg = Arg::switch("--snmp-priv-password", "ask for the password of SNMP 3's cipher");
/// `--secrets-from FILE`
pub const FILE: Arg = Arg::optional(
    "--secrets-from",
    Kind::Path,
    "a file with lines such as password=… and snmp_community=…; - is standard input",
);
/// `[FIELD=VALUE …]`
pub const FIELDS: Arg =
    Arg::many("field", Kind::Field, "fields of the record; an empty value takes one away");

/// Which flag asks for which secret.
const ASKED_BY: [(&Arg, Field); 5] = [
    (&PASSWORD, Field::Password),
    (&ENABLE, Field::EnablePassword),
    (&COMMUNITY, Field::SnmpCommunity),
    (&SNMP_AUTH, Field::SnmpAuthPassword),
    (&SNMP_PRIV, Field::SnmpPrivPassword),
];

/// The largest file of secrets, in bytes.
const LARGEST: usize = 16 << 10;

impl Call {
    /// What `[FIELD=VALUE …]` and the flags for secrets change.
    ///
    /// # Errors
    /// When a field is unknown, a secret's value stands on the command line, or there is nobody to ask for one.
    pub fn changes(&self) -> Result<Vec<Change>, ActError> {
        let mut changes = Vec::new();
        for word in self.args.many("field") {
            let change: Change = word.parse()?;
            if change.field.is_secret() && !change.value.is_empty() {
                return Err(on_the_command_line(change.field));
            }
            changes.push(change);
        }
        for (flag, field) in ASKED_BY {
            if self.args.has(flag.name) {
                changes.push(self.asked(field)?);
            }
        }
        if let Some(file) = self.args.get(FILE.name) {
            changes.extend(self.told_by(file)?);
        }
        Ok(changes)
    }

    fn asked(&self, field: Field) -> Result<Change, ActError> {
        let secret = self.door.io.secret(field.about()).ok_or_else(|| {
            ActError::usage(format!(
                "nobody has said the {}; where there is nobody to ask, put a line {field}=… into a file and say --secrets-from FILE",
                field.about()
            ))
        })?;
        Ok(Change::new(field, secret.expose()))
    }

    fn told_by(&self, file: &str) -> Result<Vec<Change>, ActError> {
        let bytes = self.door.io.read_file(file, LARGEST).map_err(ActError::usage)?;
        let text =
            String::from_utf8(bytes).map_err(|_| ActError::usage("the file of secrets is not UTF-8"))?;
        let lines = text.lines().enumerate().filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
        lines
            .map(|(number, line)| {
                // the line itself is never repeated: it may be a password on its own
                let wrong = || {
                    ActError::usage(format!(
                        "line {} of the file of secrets is none of {}",
                        number + 1,
                        ASKED_BY.map(|(_, field)| format!("{field}=…")).join(", ")
                    ))
                };
                let (field, value) = line.split_once('=').ok_or_else(wrong)?;
                let field: Field = field.trim().parse().map_err(|_| wrong())?;
                if field.is_secret() { Ok(Change::new(field, value)) } else { Err(wrong()) }
            })
            .collect()
    }
}

fn on_the_command_line(field: Field) -> ActError {
    let asks = ASKED_BY.iter().find(|(_, asked)| *asked == field);
    let flag = asks.map_or(FILE.name, |(flag, _)| flag.name);
    ActError::usage(format!(
        "a {field} does not belong on a command line, where others can read it: leave it out and say {flag}, which asks, or {} FILE",
        FILE.name
    ))
}
