//! `doctor`: whether everything stands as it should, and what to do where not.

use crate::commands::{Call, Command, Exit, Needs};
use crate::engine::ActError;
use crate::model::{Danger, Role, Severity};

inventory::submit! { Command {
    name: "doctor",
    aliases: &[],
    about: "Look at the store, drivers, permissions, room, clock and settings, and say what to do",
    args: &[],
    role: Role::Viewer,
    danger: Danger::None,
    needs: Needs::Engine,
    run: |call| Box::pin(doctor(call)),
} }

async fn doctor(call: &Call) -> Result<Exit, ActError> {
    let findings = call.engine()?.doctor().await?;
    for found in &findings {
        if call.json {
            call.object(found)?;
            continue;
        }
        let mark = match found.severity {
            Severity::Info => "ok     ",
            Severity::Warning => "warning",
            Severity::Error => "ERROR  ",
        };
        call.say_clean(&format!("{mark}  {:<12} {}", found.topic, found.message));
        if !found.advice.is_empty() {
            call.say_clean(&format!("         {:<12} {}", "", found.advice));
        }
    }
    let wrong = findings.iter().any(|found| found.severity == Severity::Error);
    Ok(if wrong { Exit::Failed } else { Exit::Done })
}
