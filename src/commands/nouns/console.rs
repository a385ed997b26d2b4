//! `console` and `demo`: what opens the full screen. The client starts them; here stands how they are called.

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

inventory::submit! { Command {
    name: "demo",
    aliases: &[],
    about: "Open the console on a network that noctule simulates itself",
    args: &[
        THEME,
        NO_MOUSE,
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
