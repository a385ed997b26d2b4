//! A table's columns, and which of them fit.

/// Columns between two cells.
const GAP: u16 = 2;
/// A column that grows is as wide as a multiple of this.
const STEP: u16 = 4;

/// A column.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    /// Its name, lower case: the head, `sort name`, `name:core`.
    pub name: &'static str,
    /// The columns it takes; what is over goes to those that grow.
    pub width: u16,
    /// It takes its part of what is over.
    pub grow: bool,
    /// What is dropped first where the screen is narrow: the highest. 0 is never dropped.
    pub priority: u8,
    /// Where its text stands.
    pub align: Align,
}

/// Where a cell's text stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Align {
    /// Words.
    Left,
    /// Numbers.
    Right,
}

impl Column {
    /// A column of words.
    pub const fn new(name: &'static str, width: u16, priority: u8) -> Self {
        Self { name, width, grow: false, priority, align: Align::Left }
    }

    /// The same, taking what is over.
    pub const fn grow(mut self) -> Self {
        self.grow = true;
        self
    }

    /// The same, for numbers.
    pub const fn right(mut self) -> Self {
        self.align = Align::Right;
        self
    }
}

/// Where each column that fits stands: from, width, column. The first cell of a row is the mark. `widest` is the widest
/// cell of each column that is known: where one is cut, those that grow lend it what they do not use.
pub fn layout(columns: &[Column], width: u16, widest: &[u16]) -> Vec<(u16, u16, usize)> {
    let mut kept: Vec<usize> = (0..columns.len()).collect();
    let needed = |kept: &[usize]| -> u16 {
        kept.iter().map(|&column| columns[column].width.saturating_add(GAP)).sum::<u16>()
    };
    while needed(&kept) > width + 1 {
        let dropped = kept.iter().copied().enumerate().max_by_key(|(_, c)| columns[*c].priority);
        match dropped {
            Some((at, column)) if columns[column].priority > 0 => _ = kept.remove(at),
            _ => break,
        }
    }
    let mut over = (width + 1).saturating_sub(needed(&kept));
    let mut growing = kept.iter().filter(|&&column| columns[column].grow).count() as u16;
    let mut widths: Vec<(u16, usize)> = Vec::with_capacity(kept.len());
    for column in kept {
        let mut wide = columns[column].width;
        if columns[column].grow && growing > 0 {
            let part = over / growing;
            wide += part;
            over -= part;
            growing -= 1;
        }
        widths.push((wide, column));
    }
    lend(columns, &mut widths, widest);
    gather(columns, &mut widths, widest);
    let mut layout = Vec::with_capacity(widths.len());
    let mut x = 1;
    for (wide, column) in widths {
        let wide = wide.min(width.saturating_sub(x));
        if wide > 0 {
            layout.push((x, wide, column));
        }
        x = x.saturating_add(wide + GAP);
    }
    layout
}

/// Puts columns that belong together beside each other on a wide screen: what a column has and no cell of it uses is left at
/// the right, or goes to the last column where that grows.
fn gather(columns: &[Column], widths: &mut [(u16, usize)], widest: &[u16]) {
    let Some((last, before)) = widths.split_last_mut() else { return };
    for (wide, column) in before.iter_mut().filter(|(_, column)| columns[*column].grow) {
        let Some(&used) = widest.get(*column) else { continue };
        // in steps, so that columns seldom move when a wider cell comes into sight
        let needed = used.next_multiple_of(STEP).max(columns[*column].width);
        let spare = wide.saturating_sub(needed);
        *wide -= spare;
        if columns[last.1].grow {
            last.0 += spare;
        }
    }
}

/// Gives columns whose cells are cut what others do not use.
fn lend(columns: &[Column], widths: &mut [(u16, usize)], widest: &[u16]) {
    let widest = |column: usize| widest.get(column).copied().unwrap_or(0);
    // a head keeps its room, with the arrow
    let head = |column: usize| u16::try_from(columns[column].name.len()).unwrap_or(0) + 1;
    for short in 0..widths.len() {
        for lender in 0..widths.len() {
            let ((wide, column), (lent, from)) = (widths[short], widths[lender]);
            let lacks = widest(column).saturating_sub(wide);
            if lender != short && columns[from].grow && lacks > 0 {
                let part = lent.saturating_sub(widest(from).max(head(from))).min(lacks);
                widths[short].0 += part;
                widths[lender].0 -= part;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: &[Column] =
        &[Column::new("name", 10, 0), Column::new("site", 8, 2), Column::new("why", 10, 1).grow()];

    #[test]
    fn columns_go_by_priority_and_grow_into_what_is_over() {
        let layout = |width| layout(COLUMNS, width, &[]);
        assert_eq!(layout(80).len(), 3);
        let names = |width| layout(width).iter().map(|(_, _, column)| *column).collect::<Vec<_>>();
        assert_eq!(names(30), [0, 2]);
        assert_eq!(names(12), [0]);
        let (x, width, _) = layout(80)[2];
        assert_eq!(x + width, 80);
        assert!(layout(1).is_empty());
    }

    #[test]
    fn columns_stand_together_where_the_screen_is_wider_than_what_they_hold() {
        let columns =
            [Column::new("name", 10, 0).grow(), Column::new("site", 8, 0).grow(), Column::new("age", 4, 0)];
        let places = |columns: &[Column], widest: &[u16]| -> Vec<(u16, u16)> {
            layout(columns, 100, widest).iter().map(|(x, width, _)| (*x, *width)).collect()
        };
        assert_eq!(places(&columns, &[13, 3, 4]), [(1, 16), (19, 8), (29, 4)]);
        let (name, last) = (columns[0], Column::new("why", 10, 0).grow());
        assert_eq!(places(&[name, last], &[13, 3]), [(1, 16), (19, 81)]);
    }

    #[test]
    fn a_column_that_does_not_use_its_room_lends_it() {
        let widths = |widest: &[u16]| -> Vec<u16> {
            layout(COLUMNS, 60, widest).iter().map(|(_, width, _)| *width).collect()
        };
        assert_eq!(widths(&[]), [10, 8, 37]);
        assert_eq!(widths(&[10, 8, 5]), [10, 8, 37], "nobody lacks anything");
        assert_eq!(widths(&[20, 9, 5]), [20, 9, 26]);
        assert_eq!(widths(&[90, 8, 5]), [42, 8, 5], "not more than is left");
        assert_eq!(widths(&[20, 8, 90]), [10, 8, 37], "what is cut itself lends nothing");
    }
}
