//! `notify`: who is told of what, a test, and what is not delivered yet.

use serde::Serialize;

use crate::commands::answer::{Table, count, date, rfc3339, word};
use crate::commands::{Arg, Call, Command, Exit, Kind, Needs};
use crate::engine::ActError;
use crate::engine::notify::{Overview, RuleView, State, TargetView, Tried, WaitingView};
use crate::model::{Danger, EventKind, Role, Severity};

inventory::submit! { Command {
    name: "notify list",
    aliases: &[],
    about: "List the targets and rules of notify.toml, and the notifications that are not delivered yet",
    args: &[],
    role: Role::Viewer,
    danger: Danger::None,
    needs: Needs::Engine,
    run: |call| Box::pin(list(call)),
} }

inventory::submit! { Command {
    name: "notify test",
    aliases: &[],
    about: "Send a test to a target now, and say what came of it",
    args: &[Arg::one("target", Kind::Text, "its name in notify.toml")],
    role: Role::Operator,
    danger: Danger::None,
    needs: Needs::Engine,
    run: |call| Box::pin(test(call)),
} }

inventory::submit! { Command {
    name: "notify retry",
    aliases: &[],
    about: "Try a notification again now, or all whose delivery failed",
    args: &[Arg::optional("id", Kind::Number(1, u64::MAX), "its number; else all that failed")],
    role: Role::Operator,
    danger: Danger::None,
    needs: Needs::Engine,
    run: |call| Box::pin(retry(call)),
} }

inventory::submit! { Command {
    name: "notify drop",
    aliases: &[],
    about: "Throw a notification away that is not delivered yet",
    args: &[Arg::one("id", Kind::Number(1, u64::MAX), "its number")],
    role: Role::Operator,
    danger: Danger::Ask,
    needs: Needs::Engine,
    run: |call| Box::pin(throw_away(call)),
} }

/// A target as `--json` shows it.
#[derive(Serialize)]
struct TargetObject<'a> {
    target: &'a str,
    kind: &'a str,
    place: &'a str,
    state: State,
    last_success: Option<String>,
    last_failure: Option<String>,
    error: Option<&'a str>,
    waiting: usize,
}

/// A rule as `--json` shows it.
#[derive(Serialize)]
struct RuleObject<'a> {
    rule: usize,
    on: &'a [EventKind],
    severity: Severity,
    devices: &'a str,
    to: &'a [String],
    quiet: Option<&'a str>,
    group_seconds: u64,
    remind_seconds: Option<u64>,
}

/// A notification that waits, as `--json` shows it.
#[derive(Serialize)]
struct WaitingObject<'a> {
    message: u64,
    target: &'a str,
    created: String,
    due: Option<String>,
    held: bool,
    given_up: bool,
    attempts: u32,
    error: Option<&'a str>,
    events: usize,
    severity: Severity,
    subject: &'a str,
}

async fn list(call: &Call) -> Result<Exit, ActError> {
    let view = call.engine()?.notifications().await?;
    if call.json {
        view.targets.iter().try_for_each(|target| call.object(&target_object(target)))?;
        view.rules.iter().try_for_each(|rule| call.object(&rule_object(rule)))?;
        view.waiting.iter().try_for_each(|message| call.object(&waiting_object(message)))?;
    } else {
        print(call, &view);
    }
    if let Some(problem) = &view.problem {
        call.note(format!("{}; what is not mended there is not in force", crate::model::clean_line(problem)));
        return Ok(Exit::Failed);
    }
    Ok(Exit::Done)
}

fn print(call: &Call, view: &Overview) {
    let mut targets = Table::new(&["target", "kind", "state", "last taken", "waiting", "to", "why"]);
    for target in &view.targets {
        targets.row([
            target.name.clone(),
            target.kind.to_owned(),
            word(&target.state),
            date(target.last_success),
            target.waiting.to_string(),
            target.place.clone(),
            target.error.clone().filter(|_| target.state == State::Failing).unwrap_or_default(),
        ]);
    }
    targets.print(call, &format!("nobody is told of anything: {} names no target", view.file));
    if !view.rules.is_empty() {
        call.say("");
        let mut rules = Table::new(&["rule", "on", "from", "devices", "to", "quiet"]);
        for rule in &view.rules {
            let kinds: Vec<String> = rule.on.iter().map(word).collect();
            let or = |text: &str, empty: &str| if text.is_empty() { empty.to_owned() } else { text.to_owned() };
            rules.row([
                rule.number.to_string(),
                or(&kinds.join(" "), "everything"),
                word(&rule.severity),
                or(&rule.devices, "all"),
                rule.to.join(" "),
                or(&rule.quiet, "never"),
            ]);
        }
        rules.print(call, "");
    }
    if view.waiting.is_empty() {
        return call.note("nothing waits to be delivered");
    }
    call.say("");
    let mut waiting = Table::new(&["id", "target", "since", "next try", "tries", "subject", "why"]);
    for message in &view.waiting {
        waiting.row([
            message.id.to_string(),
            message.target.clone(),
            message.created.local(),
            if message.given_up { "given up".to_owned() } else { date(message.due) },
            message.attempts.to_string(),
            message.subject.clone(),
            message.error.clone().unwrap_or_else(|| if message.held { "quiet hours".into() } else { String::new() }),
        ]);
    }
    waiting.print(call, "");
}

fn target_object(target: &TargetView) -> TargetObject<'_> {
    TargetObject {
        target: &target.name,
        kind: target.kind,
        place: &target.place,
        state: target.state,
        last_success: rfc3339(target.last_success),
        last_failure: rfc3339(target.last_failure),
        error: target.error.as_deref(),
        waiting: target.waiting,
    }
}

fn rule_object(rule: &RuleView) -> RuleObject<'_> {
    RuleObject {
        rule: rule.number,
        on: &rule.on,
        severity: rule.severity,
        devices: &rule.devices,
        to: &rule.to,
        quiet: Some(rule.quiet.as_str()).filter(|quiet| !quiet.is_empty()),
        group_seconds: rule.group_for,
        remind_seconds: rule.remind,
    }
}

fn waiting_object(message: &WaitingView) -> WaitingObject<'_> {
    WaitingObject {
        message: message.id,
        target: &message.target,
        created: message.created.rfc3339(),
        due: rfc3339(message.due),
        held: message.held,
        given_up: message.given_up,
        attempts: message.attempts,
        error: message.error.as_deref(),
        events: message.events,
        severity: message.severity,
        subject: &message.subject,
    }
}

async fn test(call: &Call) -> Result<Exit, ActError> {
    let tried = call.engine()?.notify_test(&call.actor, call.args.one("target")).await?;
    say(call, &tried)
}

async fn retry(call: &Call) -> Result<Exit, ActError> {
    let tried = call.engine()?.notify_retry(&call.actor, call.args.number("id")).await?;
    let mut exit = Exit::Done;
    for one in &tried {
        if say(call, one)? != Exit::Done {
            exit = Exit::Failed;
        }
    }
    let delivered = tried.iter().filter(|one| one.delivered).count();
    call.note(match tried.len() {
        0 => "no delivery had failed; nothing was tried".to_owned(),
        all => format!("{} of {} delivered", delivered, count(all, "notification")),
    });
    Ok(exit)
}

/// Says what a try came to.
fn say(call: &Call, tried: &Tried) -> Result<Exit, ActError> {
    if call.json {
        call.object(tried)?;
    } else {
        let what = tried.message.map_or_else(|| "a test".to_owned(), |id| format!("notification {id}"));
        call.say_clean(&match &tried.error {
            None => {
                let answer = tried.answer.as_deref().unwrap_or_default();
                format!("{}: {what} was delivered: {answer}", tried.target)
            }
            Some(error) => format!("{}: {what} was not delivered: {error}", tried.target),
        });
    }
    Ok(if tried.delivered { Exit::Done } else { Exit::Failed })
}

/// What was thrown away, as `--json` shows it.
#[derive(Serialize)]
struct Dropped<'a> {
    message: u64,
    target: &'a str,
}

async fn throw_away(call: &Call) -> Result<Exit, ActError> {
    let message = call.args.number("id").unwrap_or_default();
    let target = call.engine()?.notify_drop(&call.actor, message).await?;
    if call.json {
        call.object(&Dropped { message, target: &target })?;
    } else {
        call.say_clean(&format!("notification {message} to {target} was thrown away"));
    }
    Ok(Exit::Done)
}
