//! `driver save`: a driver's file, checked and put into the operator's own folder.

use crate::commands::{Arg, Call, Command, Count, Exit, Kind, Needs};
use crate::engine::ActError;
use crate::model::{Danger, DriverId, Role};

/// The largest driver file, in bytes.
const LARGEST: usize = 1 << 20;

inventory::submit! { Command {
    name: "driver save",
    aliases: &[],
    about: "Check a driver's file, put it into your drivers folder and use it from now on",
    args: &[
        // a new kind is not known yet: any text
        Arg { name: "driver", kind: Kind::Text, count: Count::One, about: "its id" },
        Arg { name: "file", kind: Kind::Path, count: Count::One, about: "the driver.toml; - is the standard input" },
        Arg::optional("--seen", Kind::Text, "the SHA-256 of the text that you saw: refused where somebody has saved another since"),
    ],
    role: Role::Engineer,
    danger: Danger::None,
    needs: Needs::Engine,
    run: |call| Box::pin(save(call)),
} }

/// What was saved, as `--json` shows it.
#[derive(serde::Serialize)]
struct Saved<'a> {
    driver: &'a str,
    file: &'a str,
}

async fn save(call: &Call) -> Result<Exit, ActError> {
    let id: DriverId = call.args.one("driver").parse().map_err(ActError::usage)?;
    let bytes = call.door.io.read_file(call.args.one("file"), LARGEST).map_err(ActError::usage)?;
    let text = String::from_utf8(bytes).map_err(|_| ActError::usage("the driver's file is not UTF-8"))?;
    call.begin().await?;
    let path = call.engine()?.save_driver_seen(&call.actor, &id, call.args.get("--seen"), &text).await?;
    let file = path.display().to_string();
    if call.json {
        call.object(&Saved { driver: id.as_str(), file: &file })?;
    } else {
        call.say_clean(&format!("driver {id} saved as {file}"));
    }
    Ok(Exit::Done)
}
