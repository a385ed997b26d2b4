//! The panes, one a file: each registers itself, none is named anywhere else.

automod::dir!("src/console/panes");
