//! How wide texts are. The font has one width for all letters, so that no machine needs to be asked.

use unicode_width::UnicodeWidthStr;

/// Of names that are longer than this the end is cut; titles have them whole.
const MAX_COLUMNS: usize = 40;

/// The size of a font and how wide its letters are, in tenths of a pixel. The widest of the usual fonts counts.
#[derive(Clone, Copy)]
pub(super) struct Font {
    tenths: i32,
}

/// Names of stages.
pub(super) const NAME: Font = Font { tenths: 73 };
/// Names of variables, and what is said beside something.
pub(super) const SMALL: Font = Font { tenths: 67 };

/// The width of a text in pixels.
pub(super) fn width(text: &str, font: Font) -> i32 {
    let columns = i32::try_from(text.width()).unwrap_or(i32::MAX / 100);
    (columns * font.tenths + 9) / 10
}

/// The text, or as much of it as fits, with an ellipsis.
pub(super) fn cut(text: &str) -> String {
    if text.width() <= MAX_COLUMNS {
        return text.to_owned();
    }
    let mut short = String::new();
    for letter in text.chars() {
        short.push(letter);
        if short.width() >= MAX_COLUMNS {
            short.pop();
            break;
        }
    }
    short + "\u{2026}"
}
