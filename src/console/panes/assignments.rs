//! Who gets which credential, in the order in which that is looked at: the first that fits is a device's login.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::sync::Arc;

use crate::console::action::Outcome;
use crate::console::cx::Cx;
use crate::console::given;
use crate::console::list::{Lines, List, Listed, Meant};
use crate::console::pane::{Bind, Decl, Topic};
use crate::console::theme::Token;
use crate::console::widgets::Column;
use crate::engine::query::{Answer, Query};
use crate::engine::vault::AssignmentView;
use crate::model::clean_line;

inventory::submit! { Decl {
    name: "assignments",
    aliases: &[],
    title: "Assignments",
    about: "Show who gets which credential, in the order in which that is looked at",
    args: "[FILTER]",
    tab: None,
    reads: &[Topic::Events],
    keys: &[
        Bind::hint("enter", "open", "The credential"),
        Bind::hint("a", "command credential assign", "Give one to devices"),
        Bind::hint("K", "earlier", "Before the one above"),
        Bind::hint("J", "later", "After the one below"),
        Bind::new("m", "move", "Before another one"),
        Bind::new("u", "take", "Take it away"),
        Bind::new("R", "again", "Read again"),
    ],
    make: |args, cx| Ok(List::pane(Assignments::default(), args, cx)),
} }

#[derive(Default)]
struct Assignments {
    /// Why nothing of the vault is used.
    doubt: Option<String>,
}

impl Listed for Assignments {
    type Row = AssignmentView;

    const COLUMNS: &'static [Column] = &[
        Column::new("place", 5, 0).right(),
        Column::new("to", 16, 0).grow(),
        Column::new("except", 12, 1).grow(),
        Column::new("credential", 14, 0).grow(),
        Column::new("kind", 9, 2),
        Column::new("devices", 7, 0).right(),
        Column::new("number", 6, 3).right(),
    ];
    const READING: &'static str = "Reading the assignments …";

    fn query(&self) -> Query {
        Query::Credentials
    }

    fn rows(&mut self, answer: Answer) -> Option<Arc<[AssignmentView]>> {
        let Answer::Credentials(vault) = answer else { return None };
        self.doubt = vault.doubt.clone();
        Some(Arc::clone(&vault.assignments))
    }

    fn id(&self, row: &AssignmentView) -> u64 {
        row.number
    }

    fn cell<'a>(&self, row: &'a AssignmentView, column: &str, _cx: &'a Cx) -> Cow<'a, str> {
        match column {
            "place" => row.place.to_string().into(),
            "to" => clean_line(&row.to),
            "except" if row.except.is_empty() => "-".into(),
            "except" => clean_line(&row.except.join(", ")).into_owned().into(),
            "credential" => clean_line(&row.credential),
            "kind" => row.kind.as_str().into(),
            "devices" => row.devices.to_string().into(),
            _ => row.number.to_string().into(),
        }
    }

    fn token(&self, row: &AssignmentView, column: &str) -> Token {
        match column {
            "devices" if row.devices == 0 => Token::Warn,
            "to" | "credential" | "devices" => Token::Text,
            "except" if !row.except.is_empty() => Token::Text,
            _ => Token::Dim,
        }
    }

    fn order(&self, one: &AssignmentView, other: &AssignmentView, column: &str) -> Option<Ordering> {
        match column {
            "place" => Some(one.place.cmp(&other.place)),
            "devices" => Some(other.devices.cmp(&one.devices)),
            "number" => Some(one.number.cmp(&other.number)),
            _ => None,
        }
    }

    fn empty(&self) -> String {
        "No credential is given to anybody. Press a for credential assign CREDENTIAL --group GROUP; until then devices are \
         logged in to with what their own records and the host's files say"
            .to_owned()
    }

    fn head(&self, cx: &Cx) -> Lines {
        given::doubt(self.doubt.as_deref(), cx)
    }

    fn details(&self, row: &AssignmentView, _cx: &Cx) -> Lines {
        let title = format!("Assignment {}: {} ({})", row.number, clean_line(&row.credential), row.kind);
        let devices = match row.devices {
            0 => "no device gets it by this one: others come before it, or their own records do".to_owned(),
            some => format!("{} by this one", given::get_it(some)),
        };
        let token = if row.devices == 0 { Token::Warn } else { Token::Text };
        vec![
            (title, Token::Section),
            (format!("given to {}", given::to_whom(row)), Token::Text),
            (devices, token),
        ]
    }

    fn status(&self, rows: &[AssignmentView]) -> String {
        format!("{} in order", rows.len())
    }

    fn meant(&self, word: &str, row: Option<&AssignmentView>, rows: &[AssignmentView]) -> Meant {
        if !matches!(word, "open" | "earlier" | "later" | "move" | "take") {
            return None;
        }
        let Some(row) = row else { return Some(Err("no assignment is selected".to_owned())) };
        let number = row.number;
        // its neighbours in the order, whatever the list is sorted by
        let at = |place: usize| rows.iter().find(|one| one.place == place).map(|one| one.number);
        Some(match word {
            "open" => Ok(format!("credential {}", given::word(&row.credential))),
            "earlier" => match at(row.place - 1) {
                Some(above) => Ok(format!("credential move {number} --before {above}")),
                None => Err("it is the first one".to_owned()),
            },
            "later" => match (at(row.place + 1), at(row.place + 2)) {
                (None, _) => Err("it is the last one".to_owned()),
                (Some(_), None) => Ok(format!("credential move {number}")),
                (Some(_), Some(below)) => Ok(format!("credential move {number} --before {below}")),
            },
            "move" => Ok(format!("command credential move {number} --before")),
            _ => Ok(format!("credential unassign {number}")),
        }
        .map(Outcome::Line))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::CredentialKind;

    #[test]
    fn it_moves_past_its_neighbour_in_the_order_and_not_beyond_the_ends() {
        let row = |place: usize| AssignmentView {
            number: 10 + place as u64,
            place,
            credential: "core".into(),
            kind: CredentialKind::Login,
            to: "*".into(),
            except: Vec::new(),
            devices: 0,
        };
        // sorted by something else
        let rows = [row(3), row(1), row(2)];
        let meant = |word: &str, at: usize| Assignments::default().meant(word, Some(&rows[at]), &rows).unwrap();
        let line = |line: &str| Ok(Outcome::Line(line.to_owned()));
        assert_eq!(meant("earlier", 2), line("credential move 12 --before 11"));
        assert_eq!(meant("later", 2), line("credential move 12"));
        assert_eq!(meant("later", 1), line("credential move 11 --before 13"));
        assert!(meant("earlier", 1).is_err() && meant("later", 0).is_err());
    }
}
