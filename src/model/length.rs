//! Lengths of time in words.

use std::time::Duration;

/// `45 s`, `4 min 12 s`, `3 h 5 min`, `2 d 4 h`; `<1 s` for what is short, `0 s` for nothing.
pub fn length(length: Duration) -> String {
    let seconds = length.as_secs();
    let two = |large: u64, one: &str, small: u64, other: &str| match small {
        0 => format!("{large} {one}"),
        _ => format!("{large} {one} {small} {other}"),
    };
    match seconds {
        0 if !length.is_zero() => "<1 s".to_owned(),
        0..60 => format!("{seconds} s"),
        60..3600 => two(seconds / 60, "min", seconds % 60, "s"),
        3600..86_400 => two(seconds / 3600, "h", seconds % 3600 / 60, "min"),
        _ => two(seconds / 86_400, "d", seconds % 86_400 / 3600, "h"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_have_two_units_at_most() {
        assert_eq!(length(Duration::from_millis(4)), "<1 s");
        for (seconds, words) in [
            (0, "0 s"),
            (59, "59 s"),
            (60, "1 min"),
            (252, "4 min 12 s"),
            (11_100, "3 h 5 min"),
            (187_200, "2 d 4 h"),
        ] {
            assert_eq!(length(Duration::from_secs(seconds)), words);
        }
    }
}
