//! The vault's credentials: what each is for and who gets it. What they hold is never here.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::sync::Arc;

use crate::console::action::Outcome;
use crate::console::cx::Cx;
use crate::console::given::{self, count};
use crate::console::list::{Lines, List, Listed, Meant};
use crate::console::pane::{Bind, Decl, Topic};
use crate::console::theme::Token;
use crate::console::widgets::Column;
use crate::engine::query::{Answer, Query};
use crate::engine::vault::CredentialView;
use crate::model::clean_line;

inventory::submit! { Decl {
    name: "credentials",
    aliases: &["vault"],
    title: "Credentials",
    about: "Show the vault's credentials, without their secrets, and who gets them",
    args: "[FILTER]",
    tab: None,
    reads: &[Topic::Events],
    keys: &[
        Bind::hint("enter", "open", "Open"),
        Bind::hint("a", "command credential add", "Add one"),
        Bind::hint("A", "give", "Give it to devices"),
        Bind::hint("O", "assignments", "The order"),
        Bind::new("e", "change", "Change"),
        Bind::new("X", "remove", "Remove"),
        Bind::new("R", "again", "Read again"),
    ],
    make: |args, cx| Ok(List::pane(Credentials::default(), args, cx)),
} }

#[derive(Default)]
struct Credentials {
    /// Why nothing of the vault is used.
    doubt: Option<String>,
}

impl Listed for Credentials {
    type Row = CredentialView;

    const COLUMNS: &'static [Column] = &[
        Column::new("credential", 14, 0).grow(),
        Column::new("kind", 9, 0),
        Column::new("user", 10, 4).grow(),
        Column::new("to", 18, 0).grow(),
        Column::new("devices", 7, 0).right(),
        Column::new("revision", 8, 3).right(),
        Column::new("changed", 11, 1),
        Column::new("by", 8, 2),
    ];
    const READING: &'static str = "Reading the credentials …";

    fn query(&self) -> Query {
        Query::Credentials
    }

    fn rows(&mut self, answer: Answer) -> Option<Arc<[CredentialView]>> {
        let Answer::Credentials(vault) = answer else { return None };
        self.doubt = vault.doubt.clone();
        Some(Arc::clone(&vault.credentials))
    }

    fn id(&self, row: &CredentialView) -> u64 {
        row.id.0
    }

    fn cell<'a>(&self, row: &'a CredentialView, column: &str, cx: &'a Cx) -> Cow<'a, str> {
        match column {
            "credential" => clean_line(&row.name),
            "kind" => row.kind.as_str().into(),
            "user" if row.user.is_empty() => "-".into(),
            "user" => clean_line(&row.user),
            "to" if row.assignments.is_empty() => "nobody".into(),
            "to" => {
                let to: Vec<&str> = row.assignments.iter().map(|one| one.to.as_str()).collect();
                clean_line(&to.join(", ")).into_owned().into()
            }
            "devices" => row.devices.to_string().into(),
            "revision" => row.revision.to_string().into(),
            "changed" => cx.when(row.updated).into(),
            _ => given::changed_by(row),
        }
    }

    fn token(&self, row: &CredentialView, column: &str) -> Token {
        match column {
            "to" if row.assignments.is_empty() => Token::Warn,
            "devices" if row.devices == 0 => Token::Warn,
            "credential" | "user" | "to" | "devices" => Token::Text,
            _ => Token::Dim,
        }
    }

    fn order(&self, one: &CredentialView, other: &CredentialView, column: &str) -> Option<Ordering> {
        match column {
            "devices" => Some(other.devices.cmp(&one.devices)),
            "revision" => Some(other.revision.cmp(&one.revision)),
            "changed" => Some(other.updated.cmp(&one.updated)),
            _ => None,
        }
    }

    fn empty(&self) -> String {
        "The vault holds no credential yet. Press a for credential add NAME --secrets-from FILE; typed at a shell, it asks for \
         the secrets"
            .to_owned()
    }

    fn head(&self, cx: &Cx) -> Lines {
        given::doubt(self.doubt.as_deref(), cx)
    }

    fn details(&self, row: &CredentialView, cx: &Cx) -> Lines {
        let mut lines = vec![(given::title(row), Token::Section)];
        lines.extend(given::facts(row, cx).into_iter().map(|(name, value)| (format!("{name}: {value}"), Token::Text)));
        lines.extend(row.assignments.iter().map(|one| {
            (format!("given to {}: {}", given::to_whom(one), count(one.devices)), Token::Text)
        }));
        if row.assignments.is_empty() {
            lines.push(("given to nobody: A gives it to devices".to_owned(), Token::Warn));
        }
        lines
    }

    fn meant(&self, word: &str, row: Option<&CredentialView>, _rows: &[CredentialView]) -> Meant {
        let begin = match word {
            "open" => "credential",
            "give" => "command credential assign",
            "change" => "command credential edit",
            "remove" => "credential remove",
            _ => return None,
        };
        let row = row.ok_or_else(|| "no credential is selected".to_owned());
        Some(row.map(|row| Outcome::Line(format!("{begin} {}", given::word(&row.name)))))
    }
}
