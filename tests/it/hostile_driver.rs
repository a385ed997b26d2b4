//! Driver files with a mistake: each field wrong in one way, told with the file, the line, what is wrong and what would
//! be right; and files that are no driver files at all.

use std::fs;
use std::path::Path;

use noctule::device::driver::{Drivers, Problem, compile};

/// Every field of the schema, each on a line of its own.
const FULL: &str = r#"id = "acme_os"
vendor = "Acme"
name = "OS"
tried = "never"
sources = ["a book"]
transports = ["ssh"]
charset = "gbk"
newline = "\r"
log_lines = ['^%LOG']

[ssh]
legacy_algorithms = false
login_in_stream = false
terminal = "vt100"
username_suffix = "+ct"

[login]
username = 'user:$'
password = 'pass:$'
failed = ['^no$']

[[login.answers]]
expect = 'agree'
send = "y"

[prompt]
user = '>$'
privileged = '#$'
config = '\)#$'

[enable]
command = "enable"
username = 'enable user:$'
password = 'enable pass:$'
failed = ['^never$']

[pager]
pattern = '^more$'
send = " "
remains = '^ +'

[[prepare]]
run = "no paging"
optional = true

[[prepare.answers]]
expect = 'sure'
send = "y"

[backup]
end = '^end$'
balanced_braces = false
stated_size = 'size (\d+)'
stated_size_tolerance = 10
begin = '^version'
least_lines = 3

[[backup.commands]]
run = "show version"
comment = "! "
seconds = 30
answers = [{ expect = 'first', send = "y" }]

[[backup.commands]]
run = "show run"
config = true
optional = false
seconds = 60
answers = [{ expect = 'second', send = "y" }]

[normal]
drop = ['^clock']
volatile = ['uptime \d+']
secrets = ['secret (\S+)']
rotating_secrets = ['salted (\S+)']

[[normal.secret_blocks]]
from = '^begin'
to = '^finish'
rotating = false

[errors]
lines = ['^% bad']

[sections]
style = "flat"
start = '^/'

[logout]
commands = ["exit"]

[[logout.answers]]
expect = 'save'
send = "n"

[lab]
filler = "vlan {n}"
"#;

fn problem(text: &str) -> Problem {
    match compile(&"acme_os".parse().unwrap(), "acme_os/driver.toml", text) {
        Ok(_) => panic!("it was taken:\n{text}"),
        Err(problem) => problem,
    }
}

#[test]
fn each_field_that_is_wrong_is_told_with_its_line() {
    assert!(compile(&"acme_os".parse().unwrap(), "driver.toml", FULL).is_ok());
    let (string, list, flag, number) =
        ("expected a string", "expected a sequence", "expected a boolean", "expected u");
    let mut untold = Vec::new();
    let (regex, group) = ("regex parse error", "group");
    for (right, wrong, says) in [
        ("id = \"acme_os\"", "id = \"acme os\"", "acme os"),
        ("id = \"acme_os\"", "id = \"other_os\"", "the folder is called `acme_os`"),
        ("vendor = \"Acme\"", "vendor = 1", string),
        ("vendor = \"Acme\"", "vendor = \"Acme\"\nvendour = \"Acme\"", "unknown field `vendour`, expected"),
        ("name = \"OS\"", "name = [\"OS\"]", string),
        ("tried = \"never\"", "tried = false", string),
        ("sources = [\"a book\"]", "sources = \"a book\"", list),
        ("transports = [\"ssh\"]", "transports = [\"serial\"]", "expected `ssh` or `telnet`"),
        ("transports = [\"ssh\"]", "transports = []", "name ssh, telnet or both"),
        ("charset = \"gbk\"", "charset = \"gbk-2000\"", "write gbk, windows-1251 or the like"),
        ("newline = \"\\r\"", "newline = \"\"", "write \"\\r\", \"\\n\" or \"\\r\\n\""),
        ("log_lines = ['^%LOG']", "log_lines = ['^%LOG[']", regex),
        ("legacy_algorithms = false", "legacy_algorithms = \"no\"", flag),
        ("login_in_stream = false", "login_in_stream = 0", flag),
        ("terminal = \"vt100\"", "terminal = 100", string),
        ("username_suffix = \"+ct\"", "username_suffix = ['+ct']", string),
        ("username = 'user:$'", "username = '(user:$'", regex),
        ("password = 'pass:$'", "password = 'pass:{9999}{9999}$'", "size limit"),
        ("failed = ['^no$']", "failed = ['*no$']", regex),
        ("expect = 'agree'", "expect = 'agree)'", regex),
        ("expect = 'agree'\nsend = \"y\"", "expect = 'agree'\nsend = true", string),
        ("user = '>$'", "user = '(?<=x)>$'", "look-around"),
        ("privileged = '#$'", "privileged = '(#$'", regex),
        ("config = '\\)#$'", "config = ')#$'", regex),
        ("command = \"enable\"", "command = 1", string),
        ("username = 'enable user:$'", "username = '[enable'", regex),
        ("password = 'enable pass:$'", "password = '[pass'", regex),
        ("failed = ['^never$']", "failed = ['^never$', '[']", "enable.failed: regex parse error"),
        ("pattern = '^more$'", "pattern = '^more\\1$'", "backreference"),
        ("send = \" \"", "send = 32", string),
        ("remains = '^ +'", "remains = '+'", regex),
        ("run = \"no paging\"", "run = [\"no paging\"]", string),
        ("optional = true", "optional = \"yes\"", flag),
        ("expect = 'sure'", "expect = 'sure['", regex),
        ("end = '^end$'", "end = '^end($'", regex),
        ("balanced_braces = false", "balanced_braces = \"{}\"", flag),
        ("stated_size = 'size (\\d+)'", "stated_size = 'size \\d+'", "write (\\d+)"),
        ("stated_size_tolerance = 10", "stated_size_tolerance = 101", "0 to 100"),
        ("stated_size_tolerance = 10", "stated_size_tolerance = -1", number),
        ("begin = '^version'", "begin = '^version\\'", regex),
        ("least_lines = 3", "least_lines = 3.5", number),
        ("run = \"show version\"", "run = 1", string),
        ("comment = \"! \"", "comment = true", string),
        ("seconds = 30", "seconds = 0", "1 to 86400 seconds"),
        ("seconds = 60", "seconds = 9223372036854775807", "1 to 86400 seconds"),
        (
            "answers = [{ expect = 'second', send = \"y\" }]",
            "answers = [{ expect = 'second(', send = \"y\" }]",
            regex,
        ),
        ("config = true", "config = \"yes\"", flag),
        ("drop = ['^clock']", "drop = ['^clock', '(?P<']", regex),
        ("volatile = ['uptime \\d+']", "volatile = ['\\d{1000}{1000}']", "size limit"),
        ("secrets = ['secret (\\S+)']", "secrets = ['secret \\S+']", group),
        ("rotating_secrets = ['salted (\\S+)']", "rotating_secrets = ['salted']", group),
        ("from = '^begin'", "from = '^begin['", regex),
        ("to = '^finish'", "to = '^finish['", regex),
        ("rotating = false", "rotating = 'no'", flag),
        ("lines = ['^% bad']", "lines = ['^% bad', '\\q']", regex),
        ("style = \"flat\"", "style = \"yaml\"", "expected one of `indent`, `braces`"),
        ("start = '^/'", "start = '^/('", regex),
        ("commands = [\"exit\"]", "commands = \"exit\"", list),
        ("expect = 'save'", "expect = '?save'", regex),
        ("filler = \"vlan {n}\"", "filler = 3", string),
        ("[lab]", "[labs]", "unknown field `labs`, expected"),
    ] {
        assert!(FULL.contains(right), "{right}");
        let text = FULL.replacen(right, wrong, 1);
        let begin = FULL.find(right).unwrap();
        let line = text[..begin + wrong.len()].matches('\n').count() + 1;
        let problem = problem(&text);
        let is_told = problem.line == Some(line)
            && problem.what.contains(says)
            && problem.what.len() < 2000
            && problem.to_string().starts_with(&format!("acme_os/driver.toml:{line}: "));
        if !is_told {
            untold.push(format!("line {line} {wrong:?}, {says:?}: {problem}"));
        }
    }
    assert!(untold.is_empty(), "{}", untold.join("\n"));
}

#[test]
fn what_is_missing_is_told() {
    for line in [
        "vendor = \"Acme\"\n",
        "name = \"OS\"\n",
        "tried = \"never\"\n",
        "privileged = '#$'\n",
        "command = \"enable\"\n",
        "pattern = '^more$'\n",
        "run = \"no paging\"\n",
        "run = \"show run\"\n",
        "expect = 'save'\n",
        "from = '^begin'\n",
        "to = '^finish'\n",
    ] {
        let field = line.split_once(" =").unwrap().0;
        let problem = problem(&FULL.replacen(line, "", 1));
        assert!(problem.what.contains(&format!("missing field `{field}`")), "{problem}");
        assert!(problem.line.is_some(), "{problem}");
    }
    let none = problem(&FULL.replacen("config = true\n", "", 1));
    assert!(none.what.contains("exactly one command has `config = true`, here 0 have"), "{none}");
    assert_eq!(none.line, FULL.lines().position(|line| line == "[[backup.commands]]").map(|at| at + 1));
}

fn load(folder: &Path) -> Vec<String> {
    Drivers::load(Some(folder)).problems().iter().map(ToString::to_string).collect()
}

#[test]
fn files_that_are_no_driver_files_are_told_and_harm_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let driver = |id: &str| {
        let path = folder.path().join(id);
        fs::create_dir(&path).unwrap();
        path.join("driver.toml")
    };
    fs::write(driver("good_os"), FULL.replace("acme_os", "good_os")).unwrap();
    fs::write(driver("huge_os"), vec![b'#'; (16 << 20) + 1]).unwrap();
    fs::write(driver("nul_os"), "id = \"nul\0\"\n").unwrap();
    fs::write(driver("latin_os"), b"id = \"latin_os\"\nvendor = \"\xe9\"\n").unwrap();
    fs::write(driver("deep_os"), format!("id = {}", "[".repeat(1 << 20))).unwrap();
    fs::create_dir(driver("folder_os")).unwrap();
    driver("empty_os");
    let around = driver("around_os");
    std::os::unix::fs::symlink(&around, &around).unwrap();
    std::os::unix::fs::symlink("/dev/zero", driver("zero_os")).unwrap();
    let pipe = driver("pipe_os");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    // A link to a folder is a driver like any other.
    std::os::unix::fs::symlink(folder.path().join("good_os"), folder.path().join("linked_os")).unwrap();
    let told = load(folder.path());
    for (id, says) in [
        ("huge_os", "larger than 16 MB"),
        ("nul_os", ":1: "),
        ("latin_os", "UTF-8"),
        ("deep_os", ":1: "),
        ("folder_os", "no regular file"),
        ("empty_os", "cannot be read"),
        ("around_os", "cannot be read"),
        ("zero_os", "no regular file"),
        ("pipe_os", "no regular file"),
        ("linked_os", "the folder is called `linked_os`"),
    ] {
        let file = format!("{id}/driver.toml");
        let about = told.iter().filter(|told| told.contains(&file)).collect::<Vec<_>>();
        assert!(about.len() == 1 && about[0].contains(says), "{id}: {about:?}");
    }
    assert_eq!(told.len(), 10, "{told:?}");
    assert!(Drivers::load(Some(folder.path())).get(&"good_os".parse().unwrap()).is_ok());
}
