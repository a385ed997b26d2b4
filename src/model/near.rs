//! "Did you mean …?": the word that is a slip of the finger away.

/// The nearest of `words`, if at most two letters are wrong, missing, too many or side by side the wrong way round;
/// in a word of three letters or fewer one.
pub fn nearest<'a>(asked: &str, words: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let most = if asked.chars().count() <= 3 { 1 } else { 2 };
    let near = words.into_iter().map(|word| (distance(asked, word), word));
    near.filter(|(distance, _)| *distance <= most).min().map(|(_, word)| word)
}

/// Edit distance, counted up to 3: enough to tell a slip of the finger.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) =
        (a.chars().take(80).flat_map(char::to_lowercase).collect(), b.to_lowercase().chars().collect());
    if a.len().abs_diff(b.len()) > 2 {
        return 3;
    }
    let mut before: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.iter().enumerate() {
        let mut next = vec![i + 1];
        for (j, to) in b.iter().enumerate() {
            let replaced = row[j] + usize::from(from != to);
            let mut least = replaced.min(next[j] + 1).min(row[j + 1] + 1);
            if i > 0 && j > 0 && *from == b[j - 1] && a[i - 1] == *to {
                least = least.min(before[j - 1] + 1);
            }
            next.push(least);
        }
        before = std::mem::replace(&mut row, next);
    }
    row[b.len()].min(3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_told_from_other_words() {
        let words = ["device", "driver", "doctor", "job"];
        for (asked, meant) in [
            ("devcie", Some("device")),
            ("DEVICE", Some("device")),
            ("divce", Some("device")),
            ("jbo", Some("job")),
            ("jo", Some("job")),
            ("x", None),
            ("report", None),
            ("", None),
        ] {
            assert_eq!(nearest(asked, words), meant, "{asked}");
        }
    }

    #[test]
    fn distances() {
        for (a, b, far) in
            [("ab", "ba", 1), ("abc", "abc", 0), ("abc", "axc", 1), ("abcd", "badc", 2), ("a", "bcd", 3)]
        {
            assert_eq!(distance(a, b), far, "{a} {b}");
        }
    }
}
