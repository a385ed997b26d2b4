//! `device …`, as a shell runs it.

use noctule::commands::Exit;
use noctule::model::Role;
use serde_json::Value;

use crate::command_fixture::Shell;
use crate::engine_fixture::{Hand, Network, engine};

const CSV: &str = "name,address,port,transport,driver,username,password,enable_password,group,location\n\
    core-1,10.0.0.1,,ssh,cisco_ios,backup,hunter2-login,,core,\n\
    printer,10.0.0.9,,,,,,,office,\"floor 2, room 7\"\n";

async fn shell(folder: &std::path::Path) -> Shell {
    Shell::over(&engine(folder, "", Network::new(), &Hand::new()).await)
}

#[tokio::test]
async fn a_device_is_added_found_edited_put_away_and_brought_back() {
    let folder = tempfile::tempdir().unwrap();
    let shell = shell(folder.path()).await;
    *shell.side.secret.lock().unwrap() = Some("hunter2-login");
    let (exit, told) =
        shell.run("device add core-1 10.0.0.1 transport=ssh driver=cisco_ios group=pop/a --password").await;
    assert_eq!((exit, told.lines), (Exit::Done, vec!["core-1 added".to_owned()]));
    let (_, told) = shell.run("device list cor --group pop --json").await;
    let device: Value = serde_json::from_str(&told.lines[0]).unwrap();
    assert_eq!((&device["device"], &device["has_password"]), (&"core-1".into(), &true.into()));
    assert!(shell.run("device list --group po").await.1.lines.is_empty(), "a group is not a prefix");
    assert!(shell.run("device list qqq").await.1.lines.is_empty());

    let (exit, told) = shell.run("device edit core-1 location='rack 4' --json").await;
    assert_eq!(exit, Exit::Done);
    assert_eq!(told.lines, [r#"{"device":"core-1","fields":["location"],"record_revision":2}"#]);
    let (_, told) = shell.run("device show core-1").await;
    assert!(told.lines.iter().any(|line| line == "location            rack 4"), "{:?}", told.lines);
    assert!(!told.lines.concat().contains("hunter2"));

    shell.run("device rm core-1").await;
    assert!(shell.run("device list").await.1.lines.is_empty());
    assert_eq!(shell.run("device list --deleted").await.1.lines.len(), 2, "a heading and a row");
    let (exit, told) = shell.run("device restore core-1").await;
    assert_eq!((exit, told.lines), (Exit::Done, vec!["core-1 brought back".to_owned()]));
}

#[tokio::test]
async fn a_filter_is_the_same_at_a_shell_as_in_the_console() {
    let folder = tempfile::tempdir().unwrap();
    let shell = shell(folder.path()).await;
    for line in ["core-1 10.0.0.1 driver=cisco_ios group=core", "edge-1 10.0.0.2 driver=huawei_vrp tags=lab"]
    {
        assert_eq!(shell.run(&format!("device add {line}")).await.0, Exit::Done);
    }
    for (filter, found) in [
        ("'~cor1'", "core-1"),
        ("'!~cor1'", "edge-1"),
        ("driver:huawei", "edge-1"),
        ("'tags:lab state:off'", "edge-1"),
        ("--group core --filter 10.0.0", "core-1"),
    ] {
        let flag = if filter.starts_with("--") { "" } else { "--filter " };
        let (_, told) = shell.run(&format!("device list {flag}{filter}")).await;
        assert!(told.lines.len() == 2 && told.lines[1].starts_with(found), "{filter}: {:?}", told.lines);
        let (_, told) = shell.run(&format!("device export {flag}{filter}")).await;
        let csv = String::from_utf8(told.bytes).unwrap();
        assert!(csv.lines().count() == 2 && csv.contains(found), "{filter}: {csv}");
    }
    assert_eq!(shell.run("device list '~eg1' 10.0").await.1.lines.len(), 2, "words are a filter too");
    let (exit, told) = shell.run("backup run --filter '!'").await;
    assert_eq!(exit, Exit::Usage, "a filter that says nothing selects nothing");
    assert!(told.notes.concat().contains("say which devices"), "{:?}", told.notes);
}

#[tokio::test]
async fn a_wrong_line_is_refused_with_what_would_be_right() {
    let folder = tempfile::tempdir().unwrap();
    let mut shell = shell(folder.path()).await;
    shell.run("device add core-1 10.0.0.1").await;
    for (line, exit, part) in [
        ("device show cor-1", Exit::Failed, "did you mean core-1?"),
        ("device add core-1 10.0.0.2", Exit::Failed, "names are unique"),
        ("device add x not_an..address", Exit::Usage, "neither an IP address nor a host name"),
        ("device edit core-1", Exit::Usage, "say what to change"),
        ("device edit core-1 colour=red", Exit::Usage, "is not a field of a device"),
        ("device edit core-1 driver=cisco_io", Exit::Usage, "there is no driver cisco_io"),
        ("device list --nope", Exit::Usage, "no flag --nope"),
        ("device list --sort size", Exit::Usage, "none of name, address"),
        ("device import missing.csv", Exit::Usage, "missing.csv: there is no such file"),
        ("device restore core-1", Exit::Failed, "no device \"core-1\" was put away"),
        ("device edit core-1 drivr=x", Exit::Usage, "did you mean driver?"),
        ("device sho core-1", Exit::Usage, "did you mean device show?"),
        ("device wipe core-1", Exit::Usage, "there are device add"),
        ("device", Exit::Usage, "device is no command by itself; there are device add"),
        ("devcie lsit", Exit::Usage, "did you mean device list?"),
        ("serach core-1", Exit::Usage, "did you mean search?"),
        ("help nonsense", Exit::Usage, "there is no command \"nonsense\""),
        ("--nope", Exit::Usage, "no flag --nope before a command"),
        ("device list --gruop core", Exit::Usage, "did you mean --group?"),
        ("event list core-2", Exit::Failed, "did you mean core-1?"),
        ("driver show cisco_io", Exit::Failed, "did you mean cisco_ios?"),
    ] {
        let (got, told) = shell.run(line).await;
        assert_eq!(got, exit, "{line}: {:?}", told.notes);
        assert!(told.notes.concat().contains(part), "{line}: {:?}", told.notes);
        assert!(!told.notes.concat().contains('␊'), "{line}: {:?}", told.notes);
        assert!(told.lines.is_empty(), "{line}");
    }
    shell.role = Role::Operator;
    let (exit, told) = shell.run("device rm core-1").await;
    assert_eq!(exit, Exit::Failed);
    assert!(told.notes[0].contains("needs the role engineer"), "{:?}", told.notes);
}

#[tokio::test]
async fn a_secret_never_stands_on_a_command_line_nor_in_an_answer() {
    let folder = tempfile::tempdir().unwrap();
    let shell = shell(folder.path()).await;
    let (exit, told) = shell.run("device add core-1 10.0.0.1 password=hunter2-login").await;
    assert_eq!(exit, Exit::Usage);
    assert!(told.notes.concat().contains("leave it out and say --password"), "{:?}", told.notes);
    assert!(!told.notes.concat().contains("hunter2"));
    assert!(shell.run("device list").await.1.lines.is_empty(), "nothing was added");

    let (exit, told) = shell.run("device add core-1 10.0.0.1 --password").await;
    assert_eq!(exit, Exit::Usage);
    assert!(told.notes.concat().contains("--secrets-from FILE"), "{:?}", told.notes);

    shell.file("secrets", "# both\npassword=hunter2-login\nenable_password= with = signs\n");
    assert_eq!(shell.run("device add core-1 10.0.0.1 --secrets-from secrets").await.0, Exit::Done);
    let (_, told) = shell.run("device show core-1 --json").await;
    let device: Value = serde_json::from_str(&told.lines[0]).unwrap();
    assert_eq!(device["has_enable_password"], true);
    shell.file("odd", "hunter2-login\n");
    let (exit, told) = shell.run("device edit core-1 --secrets-from odd").await;
    assert_eq!(exit, Exit::Usage);
    assert!(told.notes.concat().contains("line 1") && !told.notes.concat().contains("hunter2"));
    assert_eq!(shell.run("device edit core-1 password=").await.1.lines, ["core-1: password changed"]);

    for file in walk(&folder.path().join("data")) {
        let bytes = std::fs::read(&file).unwrap();
        assert!(!bytes.windows(7).any(|part| part == b"hunter2"), "{}", file.display());
    }
}

fn walk(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { walk(&path) } else { vec![path] }).collect()
}

#[tokio::test]
async fn an_import_is_previewed_asked_about_and_applied() {
    let folder = tempfile::tempdir().unwrap();
    let shell = shell(folder.path()).await;
    shell.file("net.csv", CSV);
    let (exit, told) = shell.run("device import net.csv --dry-run").await;
    assert_eq!(exit, Exit::Done);
    assert_eq!(told.lines, ["line 2      add     core-1", "line 3      add     printer"]);
    assert!(told.asked.is_empty());
    assert!(shell.run("device list").await.1.lines.is_empty());

    *shell.side.answer.lock().unwrap() = Some(false);
    let (exit, told) = shell.run("device import net.csv").await;
    assert_eq!((exit, told.asked), (Exit::Failed, vec!["Add 2 devices and change 0?".to_owned()]));
    *shell.side.answer.lock().unwrap() = None;
    let (exit, told) = shell.run("device import net.csv").await;
    assert_eq!(exit, Exit::Done);
    assert_eq!(told.lines[2], "2 added, 0 changed, 0 as they were, 0 bad lines left out");

    shell.file("net.csv", &CSV.replace(",core,", ",edge,").replace("10.0.0.9", "nowhere..at all"));
    let (exit, told) = shell.run("device import net.csv --json").await;
    assert_eq!(exit, Exit::Failed);
    let lines: Vec<Value> = told.lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((&lines[0]["action"], &lines[0]["applied"]), (&"change".into(), &false.into()));
    assert_eq!((&lines[1]["action"], &lines[1]["line"]), (&"bad".into(), &3.into()));
    let (exit, told) = shell.run("device import net.csv --skip-bad").await;
    assert_eq!(exit, Exit::Done);
    assert_eq!(told.lines[0], "line 2      change  core-1: group");
    assert!(told.lines.last().unwrap().ends_with("1 bad line left out"));
}

#[tokio::test]
async fn an_export_comes_in_again_and_holds_no_secret() {
    let folder = tempfile::tempdir().unwrap();
    let shell = shell(folder.path()).await;
    shell.file("net.csv", CSV);
    shell.run("device import net.csv").await;
    for (line, name) in [("device export out.toml", "out.toml"), ("device export out --format csv", "out")] {
        let (exit, told) = shell.run(line).await;
        assert_eq!(exit, Exit::Done);
        let text = String::from_utf8(told.written[name].0.clone()).unwrap();
        assert!(text.contains("floor 2, room 7") && !text.contains("hunter2"), "{text}");
        shell.file(name, &text);
        let (_, told) = shell.run(&format!("device import {name}")).await;
        assert_eq!(told.lines.last().unwrap(), "0 added, 0 changed, 2 as they were, 0 bad lines left out");
    }
    let (_, told) = shell.run("device export --group office").await;
    assert_eq!(String::from_utf8(told.bytes).unwrap().lines().count(), 2);
}
