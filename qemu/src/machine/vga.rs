//! What a VGA adapter in text mode shows, as text: cells out of its memory, read by the character set of its font.
//! Bytes in, lines out; it must not know how the bytes were read.

use thiserror::Error;

/// Columns and rows of VGA's mode 3, which a PC's firmware sets and Linux's vgacon keeps.
pub const COLUMNS: usize = 80;
/// As [`COLUMNS`].
pub const ROWS: usize = 25;

/// A cell is a character and its colours.
const CELL_BYTES: usize = 2;

/// A whole screen's bytes.
pub const SCREEN_BYTES: usize = COLUMNS * ROWS * CELL_BYTES;

/// Where text memory begins, and how much there is of it: the screen is a window that moves in it as text scrolls.
pub const MEMORY_AT: usize = 0xb8000;
/// As [`MEMORY_AT`].
const MEMORY_BYTES: usize = 0x8000;

/// The registers that say what is on the screen, by the ports of their index and of their value (IBM VGA, "CRT
/// controller" and "graphics controller" registers).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Register {
    /// The index port; the value's is the next one.
    pub port: u16,
    /// The index.
    pub index: u8,
}

/// Bit 0: graphics instead of text.
pub const MISCELLANEOUS: Register = Register { port: 0x3ce, index: 0x06 };
/// The high half of the first visible cell's number.
pub const START_HIGH: Register = Register { port: 0x3d4, index: 0x0c };
/// The low half.
pub const START_LOW: Register = Register { port: 0x3d4, index: 0x0d };

/// Why a screen has no text.
#[derive(Debug, PartialEq, Eq, Error)]
pub enum VgaError {
    /// Pixels.
    #[error("the screen is in a graphics mode, where there are pixels and no text")]
    Graphics,
    /// A start beyond the memory, as before the firmware has set a mode.
    #[error("the screen begins at byte {at} of text memory, and {MEMORY_BYTES} bytes hold no screen from there")]
    Outside {
        /// The first visible byte.
        at: usize,
    },
}

/// Where the visible screen's [`SCREEN_BYTES`] are in the machine's memory, by what its registers say.
pub fn screen_address(miscellaneous: u8, start_high: u8, start_low: u8) -> Result<usize, VgaError> {
    if miscellaneous & 1 == 1 {
        return Err(VgaError::Graphics);
    }
    let at = usize::from(u16::from_be_bytes([start_high, start_low])) * CELL_BYTES;
    if at + SCREEN_BYTES > MEMORY_BYTES {
        return Err(VgaError::Outside { at });
    }
    Ok(MEMORY_AT + at)
}

/// The screen's lines, without the blanks at their ends.
pub fn lines(screen: &[u8]) -> Vec<String> {
    let cells = screen.chunks_exact(CELL_BYTES).filter_map(<[u8]>::first);
    let characters: Vec<char> = cells.map(|cell| character(*cell)).collect();
    characters.chunks(COLUMNS).map(|row| row.iter().collect::<String>().trim_end().to_owned()).collect()
}

/// The glyphs of code page 437 below the space; 0 is blank.
const LOW: [char; 32] = [
    ' ', '☺', '☻', '♥', '♦', '♣', '♠', '•', '◘', '○', '◙', '♂', '♀', '♪', '♫', '☼', '►', '◄', '↕', '‼', '¶', '§', '▬',
    '↨', '↑', '↓', '→', '←', '∟', '↔', '▲', '▼',
];

/// Those from 127 on.
const HIGH: [char; 129] = [
    '⌂', 'Ç', 'ü', 'é', 'â', 'ä', 'à', 'å', 'ç', 'ê', 'ë', 'è', 'ï', 'î', 'ì', 'Ä', 'Å', 'É', 'æ', 'Æ', 'ô', 'ö', 'ò',
    'û', 'ù', 'ÿ', 'Ö', 'Ü', '¢', '£', '¥', '₧', 'ƒ', 'á', 'í', 'ó', 'ú', 'ñ', 'Ñ', 'ª', 'º', '¿', '⌐', '¬', '½', '¼',
    '¡', '«', '»', '░', '▒', '▓', '│', '┤', '╡', '╢', '╖', '╕', '╣', '║', '╗', '╝', '╜', '╛', '┐', '└', '┴', '┬', '├',
    '─', '┼', '╞', '╟', '╚', '╔', '╩', '╦', '╠', '═', '╬', '╧', '╨', '╤', '╥', '╙', '╘', '╒', '╓', '╫', '╪', '┘', '┌',
    '█', '▄', '▌', '▐', '▀', 'α', 'ß', 'Γ', 'π', 'Σ', 'σ', 'µ', 'τ', 'Φ', 'Θ', 'Ω', 'δ', '∞', 'φ', 'ε', '∩', '≡', '±',
    '≥', '≤', '⌠', '⌡', '÷', '≈', '°', '∙', '·', '√', 'ⁿ', '²', '■', ' ',
];

fn character(cell: u8) -> char {
    let at = usize::from(cell);
    match cell {
        0..=0x1f => LOW.get(at).copied(),
        0x20..=0x7e => Some(char::from(cell)),
        0x7f..=0xff => HIGH.get(at - 0x7f).copied(),
    }
    .unwrap_or(' ')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_become_lines() {
        let mut screen = [0x20, 0x07].repeat(COLUMNS * ROWS);
        for (at, cell) in b" \xc4\xc4 Next \x1a \x00\x9c\xfe".iter().enumerate() {
            screen[(COLUMNS + at) * CELL_BYTES] = *cell;
        }
        screen[(COLUMNS * ROWS - 1) * CELL_BYTES] = b'!';
        let lines = lines(&screen);
        assert_eq!(lines.len(), ROWS);
        assert_eq!((lines[0].as_str(), lines[1].as_str()), ("", " ── Next →  £■"));
        assert_eq!(lines[ROWS - 1], format!("{:>COLUMNS$}", "!"));
    }

    #[test]
    fn the_window_moves_in_the_memory_and_never_out_of_it() {
        assert_eq!(screen_address(0x0e, 0, 0), Ok(0xb8000));
        assert_eq!(screen_address(0x0e, 0x01, 0x90), Ok(0xb8000 + 0x190 * 2));
        assert_eq!(screen_address(0x0e, 0x38, 0x30), Ok(0xb8000 + 0x8000 - SCREEN_BYTES));
        assert_eq!(screen_address(0x0e, 0x38, 0x31), Err(VgaError::Outside { at: 0x7062 }));
        assert_eq!(screen_address(0x05, 0, 0), Err(VgaError::Graphics));
    }
}
