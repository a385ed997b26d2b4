//! The files that a new driver begins with: a commented `driver.toml`, and a transcript that already proves it.

use super::transcript::Transcript;
use crate::model::DriverId;

/// A file of a new driver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewFile {
    /// Where it goes, below the driver's own folder.
    pub path: &'static str,
    /// What it says.
    pub text: String,
}

/// The files of a driver `id`. A `recording` of a session that failed becomes one of its transcripts: it is what the
/// driver is to be mended by.
pub fn files(id: &DriverId, recording: Option<&Transcript>) -> Vec<NewFile> {
    let named = |text: &str| text.replace("{id}", id.as_str());
    let mut files = vec![
        NewFile { path: "driver.toml", text: named(DRIVER) },
        NewFile { path: "transcripts/normal.transcript", text: named(NORMAL) },
        NewFile { path: "transcripts/normal.config", text: CONFIG.to_owned() },
    ];
    files.extend(recording.map(|recording| NewFile {
        path: "transcripts/recorded.transcript",
        text: Transcript { driver: id.clone(), ..recording.clone() }.to_string(),
    }));
    files
}

const DRIVER: &str = r##"# Patterns are regular expressions without look-around, matched against one line of clean text.
# Write them in '…': a backslash needs no doubling there. `noctule driver test {id}` plays the transcripts.

id = "{id}"                      # the folder's name
vendor = "unknown"
name = "unknown"
tried = "never tried on the real thing" # model and software version, once it was
transports = ["ssh", "telnet"]      # the preferred one first

[prompt]
# The group `name` is the device's name: it must stay the same for the whole session.
user = '^(?P<name>[\w.-]+)>$'       # leave out where the login leads to the privileged mode at once
privileged = '^(?P<name>[\w.-]+)#$' # where the backup commands run

[enable]                            # leave out where there is no such step
command = "enable"
failed = ['^% (Access denied|Bad secrets)']

[pager]
pattern = '^ ?--More-- ?$'
send = " "

[[prepare]]                         # typed first, to quieten the session
run = "terminal length 0"
optional = true                     # an error line may answer it

[[backup.commands]]
run = "show running-config"
config = true                       # exactly one command has this

[backup]
# begin = '^version '               # all before it is not part of the configuration
end = '^end$'                       # the last line: the proof that nothing is missing

[normal]
drop = ['^! Last configuration change']     # lines that change by themselves
secrets = ['^enable secret (?:\d )?(\S+)']  # each group becomes a fingerprint

[errors]
lines = ['^% ?(Invalid|Incomplete|Ambiguous|Unknown)']

[sections]
style = "indent"                    # indent, braces, words, xml or flat

[logout]
commands = ["exit"]
"##;

const NORMAL: &str = r"noctule transcript 1
driver: {id}
transport: ssh
about: an example to be replaced by what the device really says
expect: ok
echo: on
---
# <. the device sends a line; < it sends a prompt; > a line is typed; >! a line that the device does not echo
< {{hostname}}>
> enable
< Password:\x20
>! {enable_password}
<.
< {{hostname}}#
> terminal length 0
< {{hostname}}#
> show running-config
<. hostname example
<. interface 1
<.  description uplink
<. end
< {{hostname}}#
> exit
@ close
";

const CONFIG: &str = "hostname example\ninterface 1\n description uplink\nend\n";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::driver::Drivers;
    use crate::device::proof::prove;

    #[tokio::test(start_paused = true)]
    async fn a_new_driver_is_proven_by_its_example() {
        let id: DriverId = "acme_os".parse().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let own = folder.path().join("acme_os");
        std::fs::create_dir_all(own.join("transcripts")).unwrap();
        let recording: Transcript = NORMAL.replace("{id}", "other_os").parse().unwrap();
        for file in files(&id, Some(&recording)) {
            std::fs::write(own.join(file.path), file.text).unwrap();
        }
        let drivers = Drivers::load(Some(folder.path()));
        assert_eq!(drivers.problems(), []);
        let proofs = prove(&drivers, &id).await;
        let fault = |stem: &str| proofs.iter().find(|proof| proof.stem == stem).unwrap().fault.clone();
        assert_eq!(fault("normal"), None);
        assert!(fault("recorded").unwrap().contains("no .config file"));
        assert!(fault("paged").unwrap().contains("there is no transcript"));
    }
}
