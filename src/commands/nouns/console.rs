//! `console`, `wallboard`, `demo` and `serve`: what a process is for as a whole. The client starts them; here stands how
//! they are called.

use crate::commands::{Arg, Command, Count, Kind, Needs};
use crate::engine::ActError;
use crate::model::{Danger, Role};

const THEME: Arg = Arg {
    name: "--theme",
    kind: Kind::Text,
    count: Count::Optional,
    about: "dark, light, high-contrast, term16, mono, or one of your own",
};
const NO_MOUSE: Arg = Arg {
    name: "--no-mouse",
    kind: Kind::Switch,
    count: Count::Optional,
    about: "leave the mouse to the terminal",
};

inventory::submit! { Command {
    name: "console",
    aliases: &[],
    about: "Open the full-screen console, as noctule does without a command",
    args: &[THEME, NO_MOUSE],
    role: Role::Viewer,
    danger: Danger::None,
    needs: Needs::Terminal,
    run: |_| Box::pin(async { Err(ActError::internal("the client opens the console")) }),
} }

const CYCLE: Arg = Arg {
    name: "--cycle",
    kind: Kind::Number(2, 3600),
    count: Count::Optional,
    about: "seconds from page to page; else 10",
};

inventory::submit! { Command {
    name: "wallboard",
    aliases: &[],
    about: "Show the whole in large, for a screen on the wall: nothing can be changed there",
    args: &[THEME, CYCLE],
    role: Role::Viewer,
    danger: Danger::None,
    needs: Needs::Terminal,
    run: |_| Box::pin(async { Err(ActError::internal("the client opens the wallboard")) }),
} }

inventory::submit! { Command {
    name: "watch",
    aliases: &[],
    about: "Follow a colleague's screen, read-only, until q; they see that you do",
    args: &[Arg::one("user", Kind::Text, "the user, or the number of a session"), THEME, NO_MOUSE],
    role: Role::WATCHES,
    danger: Danger::None,
    needs: Needs::Terminal,
    run: |_| Box::pin(async { Err(ActError::internal("the client opens the console")) }),
} }

inventory::submit! { Command {
    name: "serve",
    aliases: &[],
    about: "Be the engine for every console and command, without a terminal, until SIGTERM",
    args: &[
        Arg::optional("--until-idle", Kind::Duration, "end when nobody was attached for so long: 10m"),
        Arg::switch("--passphrase-stdin", "the first line of standard input is the store's passphrase, where it needs one"),
    ],
    role: Role::Admin,
    danger: Danger::None,
    needs: Needs::Terminal,
    run: |_| Box::pin(async { Err(ActError::internal("the client starts the engine")) }),
} }

inventory::submit! { Command {
    name: "demo",
    aliases: &[],
    about: "Open the console on a network that noctule simulates itself",
    args: &[
        THEME,
        NO_MOUSE,
        Arg {
            name: "--wallboard",
            kind: Kind::Switch,
            count: Count::Optional,
            about: "open the wallboard instead of the console",
        },
        CYCLE,
        Arg {
            name: "--keep",
            kind: Kind::Switch,
            count: Count::Optional,
            about: "keep the demo's folder, and say where it is",
        },
        Arg {
            name: "--screenshot",
            kind: Kind::Path,
            count: Count::Optional,
            about: "open nothing: write what the console shows to FILE.svg or FILE.txt",
        },
        Arg {
            name: "--size",
            kind: Kind::Text,
            count: Count::Optional,
            about: "the screenshot's columns and rows: 120x36",
        },
        Arg {
            name: "--line",
            kind: Kind::Text,
            count: Count::Many,
            about: "a command line that is typed before the screenshot: 'diff core-rtr-1 -1'",
        },
    ],
    role: Role::Viewer,
    danger: Danger::None,
    needs: Needs::Terminal,
    run: |_| Box::pin(async { Err(ActError::internal("the client opens the demo")) }),
} }
