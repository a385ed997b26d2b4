//! A file per noun; each declares its commands.

automod::dir!("src/commands/nouns");
