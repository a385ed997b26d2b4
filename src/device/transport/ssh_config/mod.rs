//! `~/.ssh/config`, as far as it says how to reach a host: HostName, User, Port, IdentityFile, IdentityAgent,
//! IdentitiesOnly, ProxyJump, HostKeyAlias and the known_hosts files, with Host, Match (all, host, originalhost, user) and Include. See ssh_config(5).

mod read;

use std::path::{Path, PathBuf};

use read::{Unread, parse, read_file};

/// What the files say.
#[derive(Clone, Debug, Default)]
pub struct SshConfig {
    home: PathBuf,
    lines: Vec<Line>,
}

/// What they say of one host. The first value that is found holds, as in OpenSSH.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HostConfig {
    /// Where it really is.
    pub host_name: Option<String>,
    /// The login name.
    pub user: Option<String>,
    /// The port.
    pub port: Option<u16>,
    /// Private key files, in order.
    pub identity_files: Vec<PathBuf>,
    /// The agent's socket, `SSH_AUTH_SOCK` or `none`.
    pub identity_agent: Option<String>,
    /// Whether the agent may only sign with the keys of these files.
    pub identities_only: Option<bool>,
    /// Jump hosts, or `none`.
    pub proxy_jump: Option<String>,
    /// The name under which known_hosts files have its key.
    pub host_key_alias: Option<String>,
    /// The user's known_hosts files.
    pub user_known_hosts: Option<Vec<PathBuf>>,
    /// The machine's.
    pub global_known_hosts: Option<Vec<PathBuf>>,
    /// A program that would make the connection. noctule runs none.
    pub proxy_command: Option<String>,
}

#[derive(Clone, Debug)]
enum Line {
    Set(Keyword, Vec<String>),
    Host(Vec<String>),
    Match(Vec<String>),
    Include(Vec<Line>),
}

#[derive(Clone, Copy, Debug)]
enum Keyword {
    HostName,
    User,
    Port,
    IdentityFile,
    IdentityAgent,
    IdentitiesOnly,
    ProxyJump,
    ProxyCommand,
    HostKeyAlias,
    UserKnownHostsFile,
    GlobalKnownHostsFile,
}

impl SshConfig {
    /// Reads `.ssh/config` in a home folder; nothing where there is none.
    ///
    /// # Errors
    /// Names the file, where one can be, the line, and what is wrong.
    pub fn read(home: &Path) -> Result<Self, String> {
        let folder = home.join(".ssh");
        let lines = match read_file(&folder.join("config"), &folder, home, 0) {
            Ok(lines) => lines,
            Err(Unread::Missing) => Vec::new(),
            Err(Unread::Wrong(why)) => return Err(why),
        };
        Ok(Self { home: home.to_owned(), lines })
    }

    /// Reads `text` as if it stood in `.ssh/config` of a home folder.
    ///
    /// # Errors
    /// Names the file, the line, and what is wrong.
    pub fn parse(text: &str, home: &Path) -> Result<Self, String> {
        let folder = home.join(".ssh");
        match parse(text, &folder.join("config"), &folder, home, 0) {
            Ok(lines) => Ok(Self { home: home.to_owned(), lines }),
            Err(Unread::Missing) => Ok(Self { home: home.to_owned(), lines: Vec::new() }),
            Err(Unread::Wrong(why)) => Err(why),
        }
    }

    /// What holds for `host`, written as the record or a jump list writes it. `user` is the login name that is
    /// already known; `Match user` looks at it.
    pub fn host(&self, host: &str, user: &str) -> HostConfig {
        let mut lookup = Lookup { typed: host.to_ascii_lowercase(), user, found: HostConfig::default() };
        lookup.run(&self.lines, true);
        let mut found = lookup.found;
        if let Some(name) = &mut found.host_name {
            *name = name.replace("%%", "\0").replace("%h", host).replace('\0', "%");
        }
        let name = found.host_name.as_deref().unwrap_or(host).to_owned();
        let login = found.user.clone().filter(|_| user.is_empty()).unwrap_or_else(|| user.to_owned());
        let known = [&mut found.user_known_hosts, &mut found.global_known_hosts];
        for file in known.into_iter().flatten().flatten() {
            *file = self.path(&file.to_string_lossy(), &name, &login);
        }
        for file in &mut found.identity_files {
            *file = self.path(&file.to_string_lossy(), &name, &login);
        }
        if let Some(agent) = found.identity_agent.as_mut().filter(|agent| agent.starts_with(['~', '%', '/']))
        {
            *agent = self.path(agent, &name, &login).to_string_lossy().into_owned();
        }
        found
    }

    /// A path with `~` and the tokens that ssh_config(5) allows in it.
    fn path(&self, text: &str, host: &str, user: &str) -> PathBuf {
        let home = self.home.to_string_lossy();
        let text = text
            .replace("%%", "\0")
            .replace("%d", &home)
            .replace("%h", host)
            .replace("%r", user)
            .replace('\0', "%");
        match text.strip_prefix("~/") {
            Some(rest) => self.home.join(rest),
            None => PathBuf::from(text),
        }
    }
}

struct Lookup<'a> {
    typed: String,
    user: &'a str,
    found: HostConfig,
}

impl Lookup<'_> {
    fn run(&mut self, lines: &[Line], active: bool) {
        let mut on = active;
        for line in lines {
            match line {
                Line::Host(patterns) => on = active && matches_list(patterns, &self.typed),
                Line::Match(criteria) => on = active && self.matches(criteria),
                Line::Include(lines) => self.run(lines, on),
                Line::Set(keyword, values) if on => self.set(*keyword, values),
                Line::Set(..) => {}
            }
        }
    }

    fn set(&mut self, keyword: Keyword, values: &[String]) {
        let found = &mut self.found;
        let Some(first) = values.first() else { return };
        let keep = |place: &mut Option<String>, value: &str| {
            place.get_or_insert_with(|| value.to_owned());
        };
        match keyword {
            Keyword::HostName => keep(&mut found.host_name, first),
            Keyword::User => keep(&mut found.user, first),
            Keyword::Port => found.port = found.port.or(first.parse().ok()),
            Keyword::IdentityFile if first.eq_ignore_ascii_case("none") => {}
            Keyword::IdentityFile => found.identity_files.push(first.into()),
            Keyword::IdentityAgent => keep(&mut found.identity_agent, first),
            Keyword::IdentitiesOnly => {
                found.identities_only = found.identities_only.or(Some(first.eq_ignore_ascii_case("yes")));
            }
            // Whichever of the two comes first rules the other out.
            Keyword::ProxyJump if found.proxy_command.is_none() => keep(&mut found.proxy_jump, first),
            Keyword::ProxyCommand if found.proxy_jump.is_none() => {
                keep(&mut found.proxy_command, &values.join(" "));
            }
            Keyword::ProxyJump | Keyword::ProxyCommand => {}
            Keyword::HostKeyAlias => keep(&mut found.host_key_alias, first),
            Keyword::UserKnownHostsFile => keep_files(&mut found.user_known_hosts, values),
            Keyword::GlobalKnownHostsFile => keep_files(&mut found.global_known_hosts, values),
        }
    }

    /// Whether all criteria of a Match line hold. One that noctule does not know (`exec`, `canonical`, `tagged`)
    /// never does.
    fn matches(&self, criteria: &[String]) -> bool {
        let mut words = criteria.iter().map(String::as_str);
        let mut any = false;
        while let Some(word) = words.next() {
            any = true;
            let (negated, word) = match word.strip_prefix('!') {
                Some(rest) => (true, rest),
                None => (false, word),
            };
            let subject = match word.to_ascii_lowercase().as_str() {
                "all" => {
                    if negated {
                        return false;
                    }
                    continue;
                }
                "host" => self.found.host_name.as_deref().unwrap_or(&self.typed).to_ascii_lowercase(),
                "originalhost" => self.typed.clone(),
                "user" if !self.user.is_empty() => self.user.to_owned(),
                "user" => self.found.user.clone().unwrap_or_default(),
                _ => return false,
            };
            let Some(patterns) = words.next() else { return false };
            let patterns: Vec<String> = patterns.split(',').map(str::to_owned).collect();
            if matches_list(&patterns, &subject) == negated {
                return false;
            }
        }
        any
    }
}

/// Keeps a list of files; `none` is an empty one.
fn keep_files(place: &mut Option<Vec<PathBuf>>, values: &[String]) {
    let named = values.iter().filter(|file| !file.eq_ignore_ascii_case("none"));
    place.get_or_insert_with(|| named.map(PathBuf::from).collect());
}

/// One of the patterns fits, and none that is negated.
pub fn matches_list(patterns: &[String], subject: &str) -> bool {
    let mut fits = false;
    for pattern in patterns {
        match pattern.strip_prefix('!') {
            Some(negated) if matches_pattern(negated, subject) => return false,
            Some(_) => {}
            None => fits |= matches_pattern(pattern, subject),
        }
    }
    fits
}

/// `*` is any text, `?` any character; letters of either case are the same.
fn matches_pattern(pattern: &str, subject: &str) -> bool {
    let pattern: Vec<char> = pattern.to_lowercase().chars().collect();
    let subject: Vec<char> = subject.to_lowercase().chars().collect();
    let (mut at, mut from) = (0, 0);
    // Where the last `*` stands, and up to where it reaches.
    let mut star = None;
    while from < subject.len() {
        match pattern.get(at) {
            Some('*') => {
                star = Some((at, from));
                at += 1;
            }
            Some(&c) if c == '?' || c == subject[from] => {
                at += 1;
                from += 1;
            }
            _ => {
                let Some((place, reach)) = star else { return false };
                star = Some((place, reach + 1));
                at = place + 1;
                from = reach + 1;
            }
        }
    }
    pattern[at..].iter().all(|&c| c == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn home(files: &[(&str, &str)]) -> tempfile::TempDir {
        let home = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let file = home.path().join(".ssh").join(name);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(&file, text).unwrap();
            #[cfg(unix)]
            std::fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        }
        home
    }

    fn config(text: &str) -> SshConfig {
        SshConfig::read(home(&[("config", text)]).path()).unwrap()
    }

    #[test]
    fn the_first_value_of_a_fitting_block_holds_and_key_files_add_up() {
        let config = config(
            "# comment\nUser everyone\nHost core-? !core-9 10.0.*\n  HostName=%h.example.net\n  Port 2222\n  \
             IdentityFile ~/.ssh/a\n  IdentityFile \"%d/my key\"\nHost *\n  Port 22\n  ProxyJump jump # the way in\n",
        );
        let core = config.host("CORE-1", "");
        assert_eq!(core.host_name.as_deref(), Some("CORE-1.example.net"));
        assert_eq!(
            (core.user.as_deref(), core.port, core.proxy_jump.as_deref()),
            (Some("everyone"), Some(2222), Some("jump"))
        );
        let home = &config.home;
        assert_eq!(core.identity_files, [home.join(".ssh/a"), home.join("my key")]);
        assert_eq!(config.host("core-9", "").port, Some(22));
        assert_eq!(config.host("10.0.3.4", "").port, Some(2222));
        assert_eq!(config.host("core-10", "").host_name, None);
    }

    #[test]
    fn files_of_known_hosts_are_named_per_host() {
        let config = config(
            "Host lab-*\n UserKnownHostsFile none\n HostKeyAlias lab\nHost *\n UserKnownHostsFile ~/k %d/k2\n",
        );
        let (lab, other) = (config.host("lab-1", ""), config.host("core-1", ""));
        assert_eq!((lab.user_known_hosts, lab.host_key_alias.as_deref()), (Some(Vec::new()), Some("lab")));
        let home = &config.home;
        assert_eq!(other.user_known_hosts, Some(vec![home.join("k"), home.join("k2")]));
        assert_eq!(other.global_known_hosts, None);
    }

    #[test]
    fn match_lines_hold_for_hosts_and_users_and_never_for_what_is_not_known() {
        let config = config(
            "Host alias\n HostName real.example\nMatch host real.example,other user noc\n Port 1\n\
             Match exec \"true\"\n Port 2\nMatch originalhost ali* !user ann\n Port 3\nMatch all\n Port 4\n",
        );
        assert_eq!(config.host("alias", "noc").port, Some(1));
        assert_eq!(config.host("alias", "bob").port, Some(3));
        assert_eq!(config.host("alias", "ann").port, Some(4));
        assert_eq!(config.host("elsewhere", "bob").port, Some(4));
    }

    #[test]
    fn a_jump_and_a_program_rule_each_other_out_in_their_order() {
        let config =
            config("Host a\n ProxyCommand nc %h %p\nHost b\n ProxyJump none\nHost *\n ProxyJump jump\n");
        let (a, b) = (config.host("a", ""), config.host("b", ""));
        assert_eq!((a.proxy_command.as_deref(), a.proxy_jump), (Some("nc %h %p"), None));
        assert_eq!(b.proxy_jump.as_deref(), Some("none"));
    }

    #[test]
    fn other_files_are_included_where_the_line_stands() {
        let home = home(&[
            ("config", "Include config.d/*.conf\nHost a\n Include only-a\nHost *\n Port 9\n"),
            ("config.d/10.conf", "Host b\n Port 1\n"),
            ("config.d/20.conf", "User second\n"),
            ("config.d/ignored", "User ignored\n"),
            ("only-a", "Port 2\n"),
        ]);
        let config = SshConfig::read(home.path()).unwrap();
        let port_and_user = |host: &str| {
            let found = config.host(host, "");
            (found.port.unwrap(), found.user.unwrap())
        };
        assert_eq!(port_and_user("a"), (2, "second".to_owned()));
        assert_eq!(port_and_user("b"), (1, "second".to_owned()));
        assert_eq!(port_and_user("c"), (9, "second".to_owned()));
    }

    #[test]
    fn mistakes_are_named_with_their_file_and_line() {
        let error = |text: &str| {
            let home = home(&[("config", text)]);
            SshConfig::read(home.path()).unwrap_err().replace(&home.path().display().to_string(), "~")
        };
        assert!(error("Host a\nPort twenty\n").starts_with("~/.ssh/config line 2: the port"));
        assert!(error("User a\n\nUser \"x\n").contains("line 3: a quotation mark"));
        assert!(error("User\n").contains("line 1: the value is missing"));
        assert!(error("Include config\n").contains("include each other"));
        assert_eq!(SshConfig::read(Path::new("/nonexistent")).unwrap().lines.len(), 0);
    }

    #[cfg(unix)]
    #[test]
    fn a_file_that_others_may_write_is_not_believed() {
        use std::os::unix::fs::PermissionsExt;
        let home = home(&[("config", "User a\n")]);
        let file = home.path().join(".ssh/config");
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o664)).unwrap();
        assert!(SshConfig::read(home.path()).unwrap_err().contains("others may write"));
    }

    #[test]
    fn wildcards() {
        for (pattern, subject, fits) in [
            ("*", "", true),
            ("a*c", "abbc", true),
            ("a*c", "abcd", false),
            ("10.0.?.*", "10.0.1.22", true),
            ("*.example.net", "core.EXAMPLE.net", true),
            ("a**b?", "axxbz", true),
            ("", "a", false),
        ] {
            assert_eq!(matches_pattern(pattern, subject), fits, "{pattern} {subject}");
        }
    }
}
