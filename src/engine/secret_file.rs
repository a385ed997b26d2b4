//! Files that hold a secret and nothing else: what names them need not be a secret itself.

use std::path::Path;

use crate::model::Secret;

/// The largest such file, in bytes.
const LARGEST: u64 = 4096;

/// The secret in a file of one line.
///
/// # Errors
/// A sentence that names the file and never what it holds.
pub(super) fn read(path: &Path) -> Result<Secret, String> {
    let text = text(path)?;
    if is_secret(&text) { Ok(Secret::new(text)) } else { Err(wrong(path, "it is not one line")) }
}

/// The secrets in a file that has one a line.
///
/// # Errors
/// As [`read`].
pub(super) fn read_lines(path: &Path) -> Result<Vec<Secret>, String> {
    let secret = |line: &str| match is_secret(line) {
        true => Ok(Secret::new(line)),
        false => Err(wrong(path, "it has a line that is empty or holds a control character")),
    };
    text(path)?.split('\n').map(|line| secret(line.trim_end_matches('\r'))).collect()
}

/// What a file says, without the end of its last line.
fn text(path: &Path) -> Result<String, String> {
    let io = |error: std::io::Error| wrong(path, &error.to_string());
    let metadata = std::fs::metadata(path).map_err(io)?;
    if !metadata.is_file() || metadata.len() > LARGEST {
        return Err(wrong(path, &format!("it is no regular file of at most {LARGEST} bytes")));
    }
    let bytes = std::fs::read(path).map_err(io)?;
    let text = String::from_utf8(bytes).map_err(|_| wrong(path, "it is not UTF-8"))?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}

fn is_secret(line: &str) -> bool {
    !line.is_empty() && !line.chars().any(char::is_control)
}

fn wrong(path: &Path, why: &str) -> String {
    format!("reading the secret in {}: {why}", path.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_a_secret_a_line_and_what_it_holds_stands_in_no_error() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("secret");
        let write = |text: &[u8]| std::fs::write(&file, text).unwrap();
        write(b"s3cr3t word\r\n");
        assert_eq!(read(&file).unwrap().expose(), "s3cr3t word");
        write(b"one\ntwo\n");
        let lines = read_lines(&file).unwrap();
        assert_eq!(lines.iter().map(Secret::expose).collect::<Vec<_>>(), ["one", "two"]);
        for (text, says, of_lines) in [
            (&b"s3cr3t\n\ns3cr3t"[..], "not one line", "a line that is empty"),
            (b"", "not one line", "a line that is empty"),
            (b"s3cr3t\x1b[0m", "not one line", "a control character"),
            (b"s3cr3t\xff", "UTF-8", "UTF-8"),
            (&[b'x'; 5000], "4096 bytes", "4096 bytes"),
        ] {
            write(text);
            for (error, says) in
                [(read(&file).unwrap_err(), says), (read_lines(&file).unwrap_err(), of_lines)]
            {
                assert!(error.contains(says) && error.contains("/secret:"), "{error}");
                assert!(!error.contains("s3cr3t"), "{error}");
            }
        }
        assert!(read(folder.path()).unwrap_err().contains("no regular file"));
    }
}
