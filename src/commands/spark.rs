//! Round-trip times as one line of characters: what happened lately, at a glance.

/// What stands for a probe that was not answered.
pub const LOST: u32 = u32::MAX;

/// From the lowest to the highest mark, the time grows at least by this factor: a quiet line looks quiet.
const LEAST_SPAN: f64 = 4.0;

/// What one place of the line shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mark {
    /// Nothing is known.
    Nothing,
    /// A probe was not answered.
    Lost,
    /// A time, from 0, the shortest in the line, to 7.
    Level(u8),
}

/// The newest `width` samples, the oldest first: microseconds, [`LOST`], or `None` where nothing is known. The scale
/// is that of the line itself, by factors: an outlier does not press all others flat. Missing places stand in front.
pub fn marks(samples: &[Option<u32>], width: usize) -> Vec<Mark> {
    let shown = &samples[samples.len().saturating_sub(width)..];
    let times =
        || shown.iter().flatten().filter(|micros| **micros != LOST).map(|micros| f64::from(*micros).max(1.0));
    let least = times().fold(f64::INFINITY, f64::min);
    let most = times().fold(least * LEAST_SPAN, f64::max);
    let mark = |sample: &Option<u32>| match sample {
        None => Mark::Nothing,
        Some(LOST) => Mark::Lost,
        Some(micros) => {
            let height = (f64::from(*micros).max(1.0) / least).ln() / (most / least).ln();
            Mark::Level((height * 8.0).clamp(0.0, 7.0) as u8)
        }
    };
    let missing = width - shown.len();
    std::iter::repeat_n(Mark::Nothing, missing).chain(shown.iter().map(mark)).collect()
}

impl Mark {
    /// The mark as a character, of ASCII alone where the terminal has no other.
    pub fn glyph(self, unicode: bool) -> char {
        const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
        const ASCII: [char; 8] = ['_', '.', '-', '~', '=', '+', '*', '#'];
        match self {
            Self::Nothing => ' ',
            Self::Lost => {
                if unicode {
                    '✖'
                } else {
                    'x'
                }
            }
            Self::Level(level) => {
                let glyphs = if unicode { BLOCKS } else { ASCII };
                glyphs[usize::from(level).min(7)]
            }
        }
    }
}

/// The line as text.
pub fn text(samples: &[Option<u32>], width: usize, unicode: bool) -> String {
    marks(samples, width).into_iter().map(|mark| mark.glyph(unicode)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_are_shown_at_the_right() {
        assert_eq!(text(&[Some(100), Some(800), Some(LOST), None, Some(100)], 4, false), "#x _");
        assert_eq!(text(&[Some(100), Some(LOST)], 5, true), "   ▁✖");
        assert_eq!(text(&[], 3, true), "   ");
        assert_eq!(text(&[Some(5)], 0, true), "");
    }

    #[test]
    fn noise_looks_flat_and_an_outlier_presses_nothing_flat() {
        assert_eq!(text(&[Some(1000), Some(1100), Some(1050)], 3, true), "▁▁▁");
        assert_eq!(text(&[Some(1000), Some(4000), Some(64_000), Some(0)], 4, true).chars().count(), 4);
        let marks = marks(&[Some(1000), Some(8000), Some(1_000_000)], 3);
        assert!(marks[0] < marks[1] && marks[1] < marks[2], "{marks:?}");
    }
}
