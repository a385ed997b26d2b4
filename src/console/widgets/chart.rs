//! Round-trip times over time: the median in a band from the shortest to what 95 of a hundred do not exceed, losses
//! below it.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::console::text;
use crate::console::theme::{Theme, Token};

/// The columns of the labels at the left.
const LABELS: u16 = 9;

/// What is known of a piece of time.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ChartPoint {
    /// Whether anything is.
    pub known: bool,
    /// The shortest, the median and the 95th percentile, in microseconds; `None` where nothing was answered.
    pub times: Option<[u32; 3]>,
    /// Which part of the probes was lost, 0 to 1.
    pub lost: f32,
}

/// What half a cell of the plot shows.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Half {
    Empty,
    Band,
    Median,
}

/// Draws the points over the whole width, and `labels` below: each at its part of the width, 0 to 1.
pub fn draw(area: Rect, buf: &mut Buffer, theme: &Theme, points: &[ChartPoint], labels: &[(f32, String)]) {
    if area.height < 4 || area.width < LABELS + 8 {
        return;
    }
    let plot = Rect { x: area.x + LABELS, width: area.width - LABELS, height: area.height - 2, ..area };
    let columns = in_columns(points, usize::from(plot.width));
    let top = nice(columns.iter().filter_map(|point| point.times).map(|times| times[2]).max().unwrap_or(0));
    let dim = theme.style(Token::Dim);
    for (row, share) in [(0, 1.0), (plot.height / 2, 0.5), (plot.height - 1, 0.0)] {
        // each label stands at the middle of its row
        let share = if row == plot.height / 2 {
            1.0 - (f32::from(row) + 0.5) / f32::from(plot.height)
        } else {
            share
        };
        text::put_right(buf, area.x, plot.y + row, LABELS - 1, &millis(top as f32 * share), dim);
    }
    text::put_right(buf, area.x, plot.bottom(), LABELS - 1, "lost", dim);
    for (x, point) in (plot.x..).zip(&columns) {
        draw_times(buf, x, plot, theme, point, top);
        draw_loss(buf, x, plot.bottom(), theme, point);
    }
    draw_labels(buf, plot, theme, labels);
}

/// A point for each column: the median of several is that of the middle one.
fn in_columns(points: &[ChartPoint], width: usize) -> Vec<ChartPoint> {
    let of_column = |column: usize| {
        let from = column * points.len() / width;
        let until = ((column + 1) * points.len() / width).max(from + 1).min(points.len());
        together(points.get(from..until).unwrap_or_default())
    };
    (0..width).map(of_column).collect()
}

fn together(points: &[ChartPoint]) -> ChartPoint {
    let known: Vec<&ChartPoint> = points.iter().filter(|point| point.known).collect();
    let times: Vec<[u32; 3]> = known.iter().filter_map(|point| point.times).collect();
    let mut medians: Vec<u32> = times.iter().map(|times| times[1]).collect();
    medians.sort_unstable();
    ChartPoint {
        known: !known.is_empty(),
        times: medians.get(medians.len() / 2).map(|median| {
            let least = times.iter().map(|times| times[0]).min().unwrap_or(*median);
            [least, *median, times.iter().map(|times| times[2]).max().unwrap_or(*median)]
        }),
        lost: known.iter().map(|point| point.lost).sum::<f32>() / known.len().max(1) as f32,
    }
}

fn draw_times(buf: &mut Buffer, x: u16, plot: Rect, theme: &Theme, point: &ChartPoint, top: u32) {
    let halves = i64::from(plot.height) * 2;
    let place = |micros: u32| (i64::from(micros) * halves / i64::from(top.max(1))).min(halves - 1);
    for row in 0..plot.height {
        let lower = halves - 2 - i64::from(row) * 2;
        let half = |at: i64| match point.times.map(|times| times.map(place)) {
            Some([_, median, _]) if at == median => Half::Median,
            Some([least, _, most]) if (least..=most).contains(&at) => Half::Band,
            _ => Half::Empty,
        };
        let (glyph, token) = match (half(lower + 1), half(lower)) {
            (Half::Median, _) => (theme.glyph("▀", "*"), Token::Good),
            (_, Half::Median) => (theme.glyph("▄", "*"), Token::Good),
            (Half::Empty, Half::Empty) => continue,
            _ => (theme.glyph("░", ":"), Token::Dim),
        };
        text::put(buf, x, plot.y + row, 1, glyph, theme.style(token));
    }
}

fn draw_loss(buf: &mut Buffer, x: u16, y: u16, theme: &Theme, point: &ChartPoint) {
    const UNICODE: [&str; 8] = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];
    const ASCII: [&str; 8] = [".", "-", "-", "=", "=", "+", "+", "#"];
    let (glyph, token) = if !point.known {
        (theme.glyph("·", "?"), Token::Dim)
    } else if point.lost > 0.0 {
        let height = ((point.lost * 8.0).ceil() as usize).clamp(1, 8) - 1;
        (theme.glyph(UNICODE[height], ASCII[height]), Token::Bad)
    } else {
        (" ", Token::Text)
    };
    text::put(buf, x, y, 1, glyph, theme.style(token));
}

fn draw_labels(buf: &mut Buffer, plot: Rect, theme: &Theme, labels: &[(f32, String)]) {
    let mut free = plot.x;
    for (share, label) in labels {
        let x = plot.x + (f32::from(plot.width.saturating_sub(1)) * share.clamp(0.0, 1.0)) as u16;
        let wide = u16::try_from(text::width(label)).unwrap_or(u16::MAX);
        if x >= free && x.saturating_add(wide) <= plot.right() {
            text::put(buf, x, plot.bottom() + 1, wide, label, theme.style(Token::Dim));
            free = x + wide + 1;
        }
    }
}

/// The least of 1, 2, 5, 10, 20 … that is not below it.
fn nice(micros: u32) -> u32 {
    let steps = (0..9).flat_map(|power| [1, 2, 5].map(|digit| digit * 10_u32.pow(power)));
    steps.into_iter().find(|step| *step >= micros && *step >= 100).unwrap_or(u32::MAX)
}

/// `0`, `0.2 ms`, `15 ms`, `1.2 s`.
fn millis(micros: f32) -> String {
    match micros {
        0.0 => "0".to_owned(),
        few if few < 10_000.0 => format!("{:.1} ms", few / 1000.0),
        some if some < 1_000_000.0 => format!("{:.0} ms", some / 1000.0),
        many => format!("{:.1} s", many / 1e6),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(width: u16, height: u16, points: &[ChartPoint]) -> Vec<String> {
        let theme = Theme::plain(false);
        let area = Rect::new(0, 0, width, height);
        let mut buf = Buffer::empty(area);
        draw(
            area,
            &mut buf,
            &theme,
            points,
            &[(0.0, "00:00".into()), (0.1, "x".into()), (0.5, "12:00".into())],
        );
        let row = |y| (0..width).map(|x| buf[(x, y)].symbol()).collect::<String>().trim_end().to_owned();
        (0..height).map(row).collect()
    }

    #[test]
    fn a_median_stands_in_its_band_and_losses_below() {
        let calm = ChartPoint { known: true, times: Some([1000, 2000, 3000]), lost: 0.0 };
        let mut points = vec![calm; 20];
        points[4] = ChartPoint { known: true, times: None, lost: 1.0 };
        points[5] = ChartPoint::default();
        let rows = shown(29, 12, &points);
        assert!(rows[0].trim_start().starts_with("5.0 ms"), "{rows:#?}");
        assert_eq!(rows[10], "    lost     #?");
        assert!(rows[11].starts_with("         00:00    12:00"), "{rows:#?}");
        let column: String = rows[..10].iter().map(|row| row.chars().nth(10).unwrap_or(' ')).collect();
        assert_eq!(column.trim(), "::*::", "{rows:#?}");
        assert!(rows[..10].iter().all(|row| row.chars().nth(13).is_none_or(|c| c == ' ')));
    }

    #[test]
    fn any_size_and_any_number_of_points_is_drawn() {
        let point = ChartPoint { known: true, times: Some([1, 1, u32::MAX]), lost: 2.0 };
        for (width, height) in [(1, 1), (17, 4), (40, 8), (300, 100)] {
            for count in [0, 1, 7, 1000] {
                shown(width, height, &vec![point; count]);
            }
        }
        assert_eq!((nice(0), nice(101), nice(500), nice(u32::MAX)), (100, 200, 500, u32::MAX));
    }
}
