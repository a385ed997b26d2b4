//! `[snmp]`: how agents are asked, by whom, and when they are asked without anybody saying so.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;
use toml::Spanned;

use super::keys::{Key, Value, length, moment, plain, quoted, text};
use super::{Hidden, Mistake, a_few_seconds, duration, less_than_a_day, number, or_usual, time_of_day};
use crate::device::snmp::{Credentials, SnmpLimits};
use crate::engine::fields::{Field, check_secret};
use crate::engine::secret_file;
use crate::model::{Secret, SnmpAuth, SnmpPrivacy, is_hostile};

/// The most users and the most communities in the file: each is a wait for a device that knows none of them.
const MOST: usize = 16;

/// How SNMP agents are asked.
#[derive(Clone, Debug)]
pub struct SnmpSettings {
    /// Users of version 3 that are tried on devices whose record names nobody, in this order, before the communities.
    pub users: Vec<SnmpUser>,
    /// Communities that are tried there, in this order, after the users.
    pub communities: Vec<Secret>,
    /// More of them, tried after those.
    pub community_file: Option<CommunityFile>,
    /// The local time at which everybody is asked once a day, minutes after midnight; `None` is "never by itself".
    pub daily_at: Option<u16>,
    /// Over how long these are spread.
    pub spread: Duration,
    /// A device that was down for longer is asked when it returns: it may be another one. `None` is "not by itself".
    pub after_outage: Option<Duration>,
    /// Most agents at once, when a person asks.
    pub concurrency: usize,
    /// How long and how much an agent may answer.
    pub limits: SnmpLimits,
    /// The files with secrets that the file names: nobody else's to read.
    pub secret_files: Vec<PathBuf>,
    /// Whether the file itself holds a secret, and is nobody else's to read.
    pub has_secrets: bool,
}

impl Default for SnmpSettings {
    fn default() -> Self {
        Self {
            users: Vec::new(),
            communities: Vec::new(),
            community_file: None,
            daily_at: Some(4 * 60),
            spread: Duration::from_secs(3600),
            after_outage: Some(Duration::from_secs(60)),
            concurrency: 200,
            limits: SnmpLimits::default(),
            secret_files: Vec::new(),
            has_secrets: false,
        }
    }
}

impl SnmpSettings {
    /// Every community that is tried, in this order.
    pub fn every_community(&self) -> impl Iterator<Item = &Secret> {
        let in_file = self.community_file.iter().flat_map(|file| &file.communities);
        self.communities.iter().chain(in_file)
    }
}

/// A file with communities, as it was when the settings were read.
#[derive(Clone, Debug)]
pub struct CommunityFile {
    /// Its path as it is written.
    pub path: PathBuf,
    /// What it holds, one a line.
    pub communities: Vec<Secret>,
}

/// A user of SNMPv3.
#[derive(Clone, Debug)]
pub struct SnmpUser {
    /// The name.
    pub name: String,
    /// The digest and its password.
    pub auth: Option<(SnmpAuth, Secret)>,
    /// The cipher and its password.
    pub privacy: Option<(SnmpPrivacy, Secret)>,
    /// Where the password of each stands.
    stands: [Stands; 2],
}

/// Where a password stands.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Stands {
    /// Nowhere: there is none, or it is that of the digest.
    Nowhere,
    /// In the settings.
    Here,
    /// In a file, by its path as it is written.
    File(PathBuf),
}

impl Stands {
    fn of(here: Option<&Spanned<Hidden>>, file: Option<&Spanned<PathBuf>>) -> Self {
        match (here, file) {
            (_, Some(file)) => Self::File(file.get_ref().clone()),
            (Some(_), None) => Self::Here,
            (None, None) => Self::Nowhere,
        }
    }

    /// The key `name` as it stands in the settings, behind a comma.
    fn shown(&self, name: &str) -> String {
        match self {
            Self::Nowhere => String::new(),
            Self::Here => format!(", {name} = \"…\""),
            Self::File(path) => format!(", {name}_file = {}", quoted(&path.display().to_string())),
        }
    }
}

impl From<SnmpUser> for Credentials {
    fn from(user: SnmpUser) -> Self {
        Self::User { name: user.name, auth: user.auth, privacy: user.privacy }
    }
}

pub(super) const KEYS: &[Key] = &[
    Key::new(
        "communities",
        "communities that are tried where a record names none, after the users; at most 16",
        |s| {
            let (shown, clear) = (vec!["\"…\""; s.snmp.communities.len()], s.snmp.communities.iter());
            let clear: Vec<&str> = clear.map(Secret::expose).collect();
            Value::Hidden(format!("[{}]", shown.join(", ")), Secret::new(clear.join("\n")))
        },
    ),
    Key::new(
        "community_file",
        "a file with more communities, one a line, that nobody but its owner may read",
        |s| match &s.snmp.community_file {
            Some(file) => {
                let secrets: Vec<&str> = file.communities.iter().map(Secret::expose).collect();
                let path = file.path.display().to_string();
                Value::Hidden(quoted(&path), Secret::new(format!("{path}\n{}", secrets.join("\n"))))
            }
            None => Value::Unset("\"snmp.secret\""),
        },
    ),
    Key::new(
        "user",
        "users of SNMPv3 that are tried, at most 16, also as tables [[snmp.user]]: user, auth, auth_password or \
         auth_password_file, priv, priv_password or priv_password_file",
        |s| {
            let shown: Vec<String> = s.snmp.users.iter().map(SnmpUser::shown).collect();
            let clear: Vec<String> = s.snmp.users.iter().map(SnmpUser::clear).collect();
            Value::Hidden(format!("[{}]", shown.join(", ")), Secret::new(clear.join("\n")))
        },
    ),
    Key::new("daily", "the local time at which everybody is asked once a day, or \"off\"", |s| {
        moment(s.snmp.daily_at)
    }),
    Key::new("spread", "over how long that is spread; at most 23h", |s| length(s.snmp.spread)),
    Key::new("after_outage", "a device that was down for longer is asked at its return; or \"off\"", |s| {
        s.snmp.after_outage.map_or_else(|| text("off"), length)
    }),
    Key::new("concurrency", "agents at once, when a person asks; 1 to 5000", |s| plain(s.snmp.concurrency)),
    Key::new("timeout", "how long an answer is waited for; 1s to 60s", |s| length(s.snmp.limits.timeout)),
    Key::new("retries", "how often a question is asked again; 0 to 10", |s| plain(s.snmp.limits.retries)),
    Key::new("whole", "for a device as a whole; 1s to 60s", |s| length(s.snmp.limits.whole)),
];

impl SnmpUser {
    /// As it stands in the file, without its passwords.
    fn shown(&self) -> String {
        let mut fields = vec![format!("user = {}", quoted(&self.name))];
        let [of_auth, of_privacy] = &self.stands;
        if let Some((auth, _)) = &self.auth {
            fields.push(format!("auth = {}{}", quoted(&auth.to_string()), of_auth.shown("auth_password")));
        }
        if let Some((privacy, _)) = &self.privacy {
            fields.push(format!(
                "priv = {}{}",
                quoted(&privacy.to_string()),
                of_privacy.shown("priv_password")
            ));
        }
        format!("{{ {} }}", fields.join(", "))
    }

    /// With its passwords, to be compared.
    fn clear(&self) -> String {
        let secret = |secret: Option<&Secret>| secret.map_or("", Secret::expose).to_owned();
        let auth = secret(self.auth.as_ref().map(|(_, password)| password));
        let privacy = secret(self.privacy.as_ref().map(|(_, password)| password));
        format!("{}\n{auth}\n{privacy}", self.shown())
    }
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub(super) struct SnmpTable {
    communities: Option<Spanned<Vec<Hidden>>>,
    community_file: Option<Spanned<PathBuf>>,
    user: Vec<Spanned<UserTable>>,
    daily: Option<Spanned<String>>,
    spread: Option<Spanned<String>>,
    after_outage: Option<Spanned<String>>,
    concurrency: Option<Spanned<u32>>,
    timeout: Option<Spanned<String>>,
    retries: Option<Spanned<u32>>,
    whole: Option<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UserTable {
    user: Spanned<String>,
    auth: Option<Spanned<String>>,
    auth_password: Option<Spanned<Hidden>>,
    auth_password_file: Option<Spanned<PathBuf>>,
    #[serde(rename = "priv")]
    privacy: Option<Spanned<String>>,
    #[serde(rename = "priv_password")]
    privacy_password: Option<Spanned<Hidden>>,
    #[serde(rename = "priv_password_file")]
    privacy_password_file: Option<Spanned<PathBuf>>,
}

impl SnmpTable {
    /// `folder` is where the files lie that it names.
    pub(super) fn into_settings(self, folder: &Path) -> Result<SnmpSettings, Mistake> {
        let (secret_files, has_secrets) = (self.secret_files(folder), self.has_secrets());
        let usual = SnmpSettings::default();
        if let Some(one_too_many) = self.user.get(MOST) {
            return Err((one_too_many.span().start, format!("more than {MOST} users")));
        }
        Ok(SnmpSettings {
            users: self.user.into_iter().map(|user| a_user(user, folder)).collect::<Result<_, _>>()?,
            communities: or_usual(self.communities, Vec::new(), |written| {
                communities(written.into_iter().map(|one| one.0))
            })?,
            community_file: or_usual(self.community_file, None, |path| {
                let communities = communities(secret_file::read_lines(&folder.join(&path))?.into_iter())?;
                Ok(Some(CommunityFile { path, communities }))
            })?,
            daily_at: or_usual(self.daily, usual.daily_at, time_of_day)?,
            spread: or_usual(self.spread, usual.spread, less_than_a_day)?,
            after_outage: or_usual(self.after_outage, usual.after_outage, a_length_or_off)?,
            concurrency: or_usual(self.concurrency, usual.concurrency, |n| {
                number(n, 1, 5000).map(|n| n as usize)
            })?,
            limits: SnmpLimits {
                timeout: or_usual(self.timeout, usual.limits.timeout, a_few_seconds)?,
                retries: or_usual(self.retries, usual.limits.retries, |n| number(n, 0, 10))?,
                whole: or_usual(self.whole, usual.limits.whole, a_few_seconds)?,
                ..usual.limits
            },
            secret_files,
            has_secrets,
        })
    }

    fn secret_files(&self, folder: &Path) -> Vec<PathBuf> {
        let of_users = self.user.iter().map(Spanned::get_ref).flat_map(|user| {
            let UserTable { auth_password_file, privacy_password_file, .. } = user;
            [auth_password_file, privacy_password_file]
        });
        let named = of_users.chain([&self.community_file]).flatten();
        named.map(|file| folder.join(file.get_ref())).collect()
    }

    fn has_secrets(&self) -> bool {
        self.communities.as_ref().is_some_and(|communities| !communities.get_ref().is_empty())
            || self
                .user
                .iter()
                .map(Spanned::get_ref)
                .any(|user| user.auth_password.is_some() || user.privacy_password.is_some())
    }
}

fn a_length_or_off(text: String) -> Result<Option<Duration>, String> {
    if text == "off" { Ok(None) } else { duration(text).map(Some) }
}

fn communities(written: impl ExactSizeIterator<Item = Secret>) -> Result<Vec<Secret>, String> {
    if written.len() > MOST {
        return Err(format!("more than {MOST} communities"));
    }
    written.map(|community| secret(Field::SnmpCommunity, &community)).collect()
}

/// A user, under the same rules as a device's own: see the columns `snmp_user` to `snmp_priv_password` of an import.
fn a_user(table: Spanned<UserTable>, folder: &Path) -> Result<SnmpUser, Mistake> {
    let at = table.span().start;
    let table = table.into_inner();
    let name_at = table.user.span().start;
    let name = table.user.into_inner();
    // RFC 3414: SnmpAdminString (SIZE(1..32))
    if name.is_empty() || name.chars().count() > 32 || name.chars().any(is_hostile) {
        return Err((name_at, "the name of a user has 1 to 32 visible characters".to_owned()));
    }
    let auth = or_usual(table.auth, None, |text| text.parse::<SnmpAuth>().map(Some))?;
    let privacy = or_usual(table.privacy, None, |text| text.parse::<SnmpPrivacy>().map(Some))?;
    let stands = [
        Stands::of(table.auth_password.as_ref(), table.auth_password_file.as_ref()),
        Stands::of(table.privacy_password.as_ref(), table.privacy_password_file.as_ref()),
    ];
    let (here, file) = (table.auth_password, table.auth_password_file);
    let password = a_password(Field::SnmpAuthPassword, here, file, folder)?;
    let (here, file) = (table.privacy_password, table.privacy_password_file);
    let hidden = a_password(Field::SnmpPrivPassword, here, file, folder)?;
    let lacks = |what: &str| Err((at, format!("the user {name} lacks {what}")));
    match (&auth, &password, &privacy, &hidden) {
        (None, Some(_), ..) | (None, _, Some(_), _) => lacks("auth: which digest its password is for"),
        (Some(_), None, ..) => lacks("auth_password"),
        (_, _, None, Some(_)) => lacks("priv: which cipher its password is for"),
        _ => Ok(SnmpUser {
            // the usual way to have one password for both
            privacy: privacy.zip(hidden.or_else(|| password.clone())),
            auth: auth.zip(password),
            stands,
            name,
        }),
    }
}

/// A password that stands here or in a file; not both.
fn a_password(
    field: Field,
    here: Option<Spanned<Hidden>>,
    file: Option<Spanned<PathBuf>>,
    folder: &Path,
) -> Result<Option<Secret>, Mistake> {
    if let (Some(_), Some(file)) = (&here, &file) {
        return Err((file.span().start, "it stands in the file and here: one of both".to_owned()));
    }
    let here = or_usual(here, None, |text| secret(field, &text.0).map(Some))?;
    let in_file =
        or_usual(file, None, |file| secret(field, &secret_file::read(&folder.join(file))?).map(Some))?;
    Ok(here.or(in_file))
}

fn secret(field: Field, text: &Secret) -> Result<Secret, String> {
    let checked = check_secret(field, text.expose()).map_err(|error| error.message)?;
    match checked.is_empty() {
        true => Err(format!("{field}: empty")),
        false => Ok(checked),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::settings::Settings;

    const USER: &str = "[[snmp.user]]\nuser = \"noc\"\n";

    #[test]
    fn users_are_read_in_their_order() {
        let text = format!(
            "[snmp]\ncommunities = [\"comm-one\"]\n{USER}auth = \"SHA-256\"\nauth_password = \"auth-password\"\npriv = \"aes\"\n\
             [[snmp.user]]\nuser = \"old\"\nauth = \"md5\"\nauth_password = \"auth-password\"\n"
        );
        let snmp = Settings::parse(&text, "config.toml", Path::new("/")).unwrap().snmp;
        assert!(snmp.has_secrets);
        let shown: Vec<String> =
            snmp.users.iter().map(|user| Credentials::from(user.clone()).shown()).collect();
        assert_eq!(shown, ["SNMP 3 as noc, sha256 and aes", "SNMP 3 as old, md5"]);
        let (_, hidden) = snmp.users[0].privacy.as_ref().unwrap();
        assert_eq!(hidden.expose(), "auth-password", "one password for both");
        let shown = "{ user = \"noc\", auth = \"sha256\", auth_password = \"…\", priv = \"aes\" }";
        assert_eq!(snmp.users[0].shown(), shown);
        assert!(!format!("{snmp:?}").contains("auth-password") && !format!("{snmp:?}").contains("comm-one"));
    }

    #[test]
    fn secrets_stand_in_files_of_their_own() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        write("auth", "auth-s3cr3t\n");
        write("priv", "priv-s3cr3t\n");
        write("communities", "first-s3cr3t\nsecond-s3cr3t\n");
        let user = format!("{USER}auth = \"sha\"\nauth_password_file = \"auth\"\npriv = \"aes\"\n");
        let of_user = format!("{user}priv_password_file = \"priv\"\n");
        let text = format!("[snmp]\ncommunity_file = \"communities\"\n{of_user}");
        let parse = |text: &str| Settings::parse(text, "config.toml", folder.path());
        let snmp = parse(&text).unwrap().snmp;
        let (_, auth) = snmp.users[0].auth.as_ref().unwrap();
        let (_, hidden) = snmp.users[0].privacy.as_ref().unwrap();
        assert_eq!((auth.expose(), hidden.expose()), ("auth-s3cr3t", "priv-s3cr3t"));
        let communities: Vec<&str> = snmp.every_community().map(Secret::expose).collect();
        assert_eq!(communities, ["first-s3cr3t", "second-s3cr3t"]);
        assert!(!snmp.has_secrets, "they stand elsewhere");
        let files = ["auth", "priv", "communities"].map(|name| folder.path().join(name));
        assert_eq!(snmp.secret_files, files);
        assert_eq!(
            snmp.users[0].shown(),
            "{ user = \"noc\", auth = \"sha\", auth_password_file = \"auth\", priv = \"aes\", \
             priv_password_file = \"priv\" }"
        );

        for (text, line, says) in [
            (
                format!("{user}priv_password = \"s3cr3t-word\"\npriv_password_file = \"priv\""),
                7,
                "one of both",
            ),
            (format!("{user}priv_password_file = \"gone\""), 6, "gone: No such file"),
            ("[snmp]\ncommunity_file = \"/dev/zero\"".to_owned(), 2, "no regular file"),
        ] {
            let error = parse(&text).unwrap_err();
            assert_eq!(error.line, Some(line), "{text:?}: {error}");
            assert!(error.message.contains(says) && !error.message.contains("s3cr3t"), "{error}");
        }
        write("auth", "s3cr3t\n");
        assert!(parse(&user).unwrap_err().message.contains("8 characters"));
        write("communities", &"s3cr3t\n".repeat(17));
        let text = "[snmp]\ncommunity_file = \"communities\"";
        assert!(parse(text).unwrap_err().message.contains("more than 16"));
    }

    #[test]
    fn what_happens_by_itself_can_be_switched_off() {
        let usual = Settings::parse("", "config.toml", Path::new("/")).unwrap().snmp;
        assert_eq!((usual.daily_at, usual.after_outage), (Some(240), Some(Duration::from_secs(60))));
        let text = "[snmp]\ndaily = \"off\"\nafter_outage = \"off\"\n";
        let off = Settings::parse(text, "config.toml", Path::new("/")).unwrap().snmp;
        assert_eq!((off.daily_at, off.after_outage), (None, None));
    }

    #[test]
    fn a_mistake_names_its_line_and_tells_no_secret() {
        let auth = format!("{USER}auth = \"sha\"\n");
        for (text, line, says) in [
            (format!("{USER}auth = \"rot13\""), 3, "md5, sha"),
            (format!("{USER}auth = \"sha\""), 1, "lacks auth_password"),
            (format!("{USER}auth_password = \"s3cr3t-word\""), 1, "lacks auth:"),
            (format!("{USER}priv = \"aes\""), 1, "lacks auth:"),
            (format!("{auth}auth_password = \"s3cr3t\""), 4, "8 characters"),
            (format!("{auth}auth_password = 53133333"), 4, "a text in quotes"),
            (
                format!("{auth}auth_password = \"s3cr3t-word\"\npriv_password = \"s3cr3t-word\""),
                1,
                "lacks priv:",
            ),
            ("[[snmp.user]]\nuser = \"\"".to_owned(), 2, "1 to 32"),
            ("[[snmp.user]]\nname = \"a\"".to_owned(), 2, "name"),
            ("[snmp]\ncommunities = [53133333]".to_owned(), 2, "a text in quotes"),
            ("[snmp]\ncommunities = [\"\"]".to_owned(), 2, "empty"),
            ("[snmp]\ndaily = \"noon\"".to_owned(), 2, "time of day"),
            ("[snmp]\nspread = \"2d\"".to_owned(), 2, "23h"),
            ("[snmp]\nafter_outage = \"soon\"".to_owned(), 2, "length of time"),
            (USER.repeat(17), 33, "more than 16"),
        ] {
            let error = Settings::parse(&text, "config.toml", Path::new("/")).unwrap_err();
            assert_eq!(error.line, Some(line), "{text:?}: {error}");
            assert!(error.message.contains(says), "{error}");
            assert!(!error.to_string().contains("s3cr3t") && !error.to_string().contains("5313"), "{error}");
        }
    }
}
